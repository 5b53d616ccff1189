"""The model card of a tuned model, in Markdown: what it is, what it was made of, and what it is not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def card(facts: Mapping[str, Any]) -> str:
    """From what the manifest says (see `training.engine.tuning_artefact.description`)."""
    method = {"sft": "supervised fine-tuning (SFT)", "dpo": "direct preference optimisation (DPO)"}[
        facts["kind"]
    ]
    config, rows = facts["config"], facts["dataset"]
    how = f"LoRA, r = {config['lora_r']}" if config["lora_r"] else "all weights"
    lines = [
        f"# {facts['name']} {facts['version']}",
        "",
        f"{facts['base']['name']}, tuned by {method}; {how}.",
        "",
        "Not a medical or legal adviser. Its answers need the judgement of somebody who is responsible for them.",
        "",
        "## Training data",
        "",
        f"- {rows['used']} of {rows['given']} rows; {rows['prompt_too_long']} left out because the prompt alone filled "
        f"{config['max_length']} tokens; {rows['cut']} answers cut",
        f"- SHA-256 of the rows: `{rows['sha256']}`",
        *[f"- {note}" for note in facts["notes"]],
        "",
        "## Training",
        "",
        f"- {facts['steps']} steps of {config['batch_size']} × {config['accumulation']} rows, seed {config['seed']}",
        f"- learning rate {config['learning_rate']:g}, {config['scheduler']}",
        *([f"- loss {config['loss_type']}, β = {config['beta']:g}"] if facts["kind"] == "dpo" else []),
        *[
            f"- {_word(name)} at the last step: {value:.4f}"
            for name, value in facts["final"].items()
            if value is not None
        ],
        *[
            f"- {_word(name)} on the rows kept aside: {value:.4f}"
            for name, value in facts["evaluation"].items()
        ],
        f"- {', '.join(f'{name} {number}' for name, number in facts['libraries'].items())}",
        "",
    ]
    if facts["lineage"]:
        lineage = json.dumps(facts["lineage"], ensure_ascii=False, indent=1, sort_keys=True)
        lines += ["## Lineage", "", "```json", lineage, "```", ""]
    return "\n".join(lines)


def _word(name: str) -> str:
    return {"margin": "rewards margin", "accuracy": "rewards accuracy"}.get(name, name.replace("_", " "))
