"""What a finished run leaves: adapter and merged weights (or all weights), card, manifest, report."""

from __future__ import annotations

import gc
import os
import platform
import shutil
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch
from transformers import Trainer

from training.engine import policy
from training.engine.conversation import Speech
from training.engine.tuning_card import card
from training.engine.tuning_folder import RunFolder, file_hash, file_list
from training.engine.tuning_rows import Prepared
from training.engine.tuning_watch import Watch, figures_of
from training.readers.base_models import Base
from training.readers.dataset_rows import row_file
from training.rules.tuning_config import Config

LIBRARIES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "tokenizers", "safetensors")
MERGE_TOLERANCE = 0.05


def finish(
    run: RunFolder,
    config: Config,
    base: Base,
    trainer: Trainer,
    watch: Watch,
    speech: Speech,
    prepared: Prepared,
    *,
    seconds: float,
) -> None:
    """Writes artefact/ anew and report.json. Files: adapter/ (LoRA), model/ (merged or whole), README.md, manifest.json."""
    if run.writes:
        shutil.rmtree(run.artefact, ignore_errors=True)
    run.say("save", "saving")
    target = run.artefact / ("adapter" if config.lora_r else "model")
    if not config.lora_r:
        policy.end_answers(trainer.accelerator.unwrap_model(trainer.model), speech.tokenizer)
    trainer.save_model(str(target))  # by all processes: weights may be spread over them
    if not run.writes:
        return
    speech.tokenizer.save_pretrained(target)
    difference = merged_difference(run, config, base, trainer, speech)
    for stray in ("training_args.bin", "README.md"):  # a pickle, and the library's card
        (target / stray).unlink(missing_ok=True)
    report = {
        "kind": config.kind,
        "steps": trainer.state.global_step,
        "of": trainer.state.max_steps,
        "rows": prepared.counts(),
        "final": last_figures(trainer, watch),
        "evaluation": watch.evaluated,
        "merge_difference": difference,
        "batch_size": trainer.args.per_device_train_batch_size,
        "accumulation": trainer.args.gradient_accumulation_steps,
        "seconds": round(seconds, 1),
        "environment": environment(),
    }
    run.write_json("report.json", report)
    described = description(run, config, base, report, speech)
    (run.artefact / "README.md").write_text(card(described), "utf-8")
    files = file_list(run.artefact)
    run.write_json("artefact/manifest.json", {"format": 1, **described, "files": files})


def last_figures(trainer: Trainer, watch: Watch) -> dict[str, Any]:
    """Of the last step; a run that was resumed after its last step has them from its checkpoint."""
    logged = next((logs for logs in reversed(trainer.state.log_history) if "loss" in logs), {})
    return {**figures_of(logged), **watch.last}


def merged_difference(
    run: RunFolder, config: Config, base: Base, trainer: Trainer, speech: Speech
) -> float | None:
    """Merges the adapter where asked for, loads the merged model again and compares; None where nothing is merged.

    The trainer's model is patched for its loss, so base and adapter are read anew from disk.
    """
    if not config.lora_r or not config.merge:
        return None
    run.say("save", "merging the adapter")
    adapted: Any = trainer.accelerator.unwrap_model(trainer.model)
    dtype = next(adapted.get_base_model().parameters()).dtype
    del adapted
    let_go(trainer)
    below = policy.ground(base, run, speech.tokenizer)
    difference = policy.merge(
        below, run.artefact / "adapter", run.artefact / "model", dtype, speech.tokenizer
    )
    message = "the merged model loads and answers like base and adapter"
    if difference > MERGE_TOLERANCE and dtype == torch.float32:
        message = "the merged model differs from base and adapter"
    run.say("save", message, merge_difference=difference)
    return difference


def let_go(trainer: Trainer) -> None:
    """Frees model and optimizer, so that merging needs no more memory than training did. The state stays."""
    for holder in (trainer, trainer.callback_handler):
        for name in ("model", "model_wrapped", "optimizer", "lr_scheduler", "ref_model"):
            if getattr(holder, name, None) is not None:
                setattr(holder, name, None)
    trainer.accelerator.free_memory()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def description(
    run: RunFolder, config: Config, base: Base, report: dict[str, Any], speech: Speech
) -> dict[str, Any]:
    """What card and manifest say."""
    settings = {
        name: value
        for name, value in config.as_json().items()
        if name not in ("lineage", "model_roots", "hubs")
    }
    return {
        "kind": config.kind,
        "name": config.name,
        "version": config.version,
        "base": {
            "name": config.base_model,
            "architecture": (base.config.get("architectures") or [base.config.get("model_type", "")])[0],
            "config_sha256": file_hash(base.folder / "config.json"),
            "adapter_sha256": file_hash(base.adapter / "adapter_model.safetensors") if base.adapter else None,
        },
        "dataset": {"sha256": file_hash(row_file(run.path, "train")), **report["rows"]},
        "notes": list(speech.notes),
        "config": {**settings, "learning_rate": config.rate},
        "steps": report["steps"],
        "final": {
            name: report["final"].get(name) for name in ("loss", "margin", "accuracy", "token_accuracy")
        },
        "evaluation": report["evaluation"],
        "libraries": report["environment"]["libraries"],
        "code_version": config.lineage.get("code_version", ""),
        "lineage": config.lineage,
    }


def environment() -> dict[str, Any]:
    """Machine and libraries, for the record."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "device": torch.cuda.get_device_name(0) if torch.cuda.is_available() else "cpu",
        "libraries": found,
    }
