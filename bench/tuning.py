"""SFT and DPO inside the platform beside the same bare TRL script, in turns on one machine.

Run by itself: `python -m bench.tuning`. Each side is a process of its own; only the time from the first step to the last
counts, so neither pays for the other's imports.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "benchmark" / "demo"
Row = dict[str, Any]
STEPS = 30
TURNS = 3
SETTINGS: dict[str, Any] = {
    "max_steps": STEPS,
    "batch_size": 4,
    "accumulation": 1,
    "max_length": 256,
    "lora_r": 0,
    "learning_rate": 1e-3,
    "save_every": 0,
    "gradient_checkpointing": False,
    "device": "cpu",
}
BARE = """
import json, sys, time
from pathlib import Path
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer
kind, base, rows, out, steps = sys.argv[1:6]
class Clock(TrainerCallback):
    times = []
    def on_step_end(self, *_args, **_more):
        self.times.append(time.time())
trainer, config = (SFTTrainer, SFTConfig) if kind == "sft" else (DPOTrainer, DPOConfig)
more = {} if kind == "sft" else {"precompute_ref_log_probs": True}
trainer(
    model=AutoModelForCausalLM.from_pretrained(base, dtype="float32"),
    args=config(output_dir=out, max_steps=int(steps), per_device_train_batch_size=4, learning_rate=1e-3,
                lr_scheduler_type="cosine", max_length=256, seed=1, bf16=False, activation_checkpointing=False,
                use_cpu=True, dataloader_pin_memory=False, logging_steps=1, save_strategy="no", report_to=[], **more),
    train_dataset=Dataset.from_list([json.loads(line) for line in Path(rows).read_bytes().splitlines()]),
    processing_class=AutoTokenizer.from_pretrained(base), callbacks=[Clock()],
).train()
print(json.dumps(Clock.times))
"""


def measure_tuning() -> Iterable[Row]:
    """Samples a second of both kinds, the median of three turns each."""
    with tempfile.TemporaryDirectory(prefix="medes-bench-") as place:
        folder = Path(place)
        base = folder / "tiny"
        run(
            [
                sys.executable,
                "-m",
                "training.engine.tiny_policy",
                str(base),
                "--corpus",
                str(DEMO / "items.jsonl"),
                "--steps",
                "2",
            ]
        )
        for kind in ("sft", "dpo"):
            rows = folder / f"{kind}.jsonl"
            rows.write_text(
                "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in demo_rows(kind)), "utf-8"
            )
            inside, bare = [], []
            for turn in range(TURNS):
                inside.append(engine_speed(kind, folder / f"{kind}-{turn}", base, rows))
                bare.append(bare_speed(kind, base, rows, folder / f"bare-{kind}-{turn}"))
            figure, floor = statistics.median(inside), statistics.median(bare)
            yield {
                "what": f"{kind.upper()} run inside the platform",
                "figure": figure,
                "floor": floor,
                "ratio": figure / floor,
                "unit": "samples/s",
                "target": ">= 0.97 of the bare TRL script",
            }


def engine_speed(kind: str, folder: Path, base: Path, rows: Path) -> float:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({**SETTINGS, "base_model": str(base)}), "utf-8")
    (folder / "train.jsonl").write_bytes(rows.read_bytes())
    run([sys.executable, "-m", f"training.engine.{kind}", str(folder)])
    lines = [json.loads(line) for line in (folder / "progress.jsonl").read_bytes().splitlines()]
    return speed([line["at"] for line in lines if line["phase"] == "train" and "loss" in line])


def bare_speed(kind: str, base: Path, rows: Path, out: Path) -> float:
    printed = run([sys.executable, "-c", BARE, kind, str(base), str(rows), str(out), str(STEPS)])
    return speed(json.loads(printed.strip().splitlines()[-1]))


def speed(times: list[float]) -> float:
    """Rows a second between the first step's end and the last's."""
    return (len(times) - 1) * SETTINGS["batch_size"] / (times[-1] - times[0])


def demo_answers(entry: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DEMO / "answers" / f"{entry}.jsonl").read_bytes().splitlines()]


def demo_rows(kind: str) -> list[dict[str, Any]]:
    items = {item["id"]: item for item in map(json.loads, (DEMO / "items.jsonl").read_bytes().splitlines())}
    bad = {line["item"]: line["response"][:120] for line in demo_answers("suixin-7b")}
    rows = []
    for line in demo_answers("qingyuan-32b"):
        prompt = [{"role": "user", "content": items[line["item"]]["question"][:80]}]
        good = [{"role": "assistant", "content": line["response"][:120]}]
        worse = [{"role": "assistant", "content": bad[line["item"]]}]
        rows.append(
            {
                "prompt": prompt,
                **({"completion": good} if kind == "sft" else {"chosen": good, "rejected": worse}),
            }
        )
    return rows


def run(command: list[str]) -> str:
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:4])} failed: {done.stderr[-500:]}")
    return done.stdout


if __name__ == "__main__":
    for row in measure_tuning():
        print(json.dumps(row, ensure_ascii=False))
