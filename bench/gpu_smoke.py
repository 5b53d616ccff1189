"""`make gpu-smoke`: SFT and DPO with LoRA on as large a model as the GPU holds, beside the bare TRL script.

The model is made from a configuration with random weights, so nothing is downloaded: what counts is speed and memory.
Without a GPU, `--size tiny` goes through the same motions on the CPU. Prints one JSON line a kind: samples a second inside
the platform and bare, and the peak of GPU memory beside the estimate (bytes).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, Qwen2Config

from bench.tuning import DEMO, demo_rows, run
from training.engine.tiny_policy import character_tokenizer, corpus_texts
from training.rules.memory import Plan, estimate, shape_of

STEPS = 12
BATCH = 4
LENGTH = 512
# (hidden, layers, feed-forward, heads, key-value heads, words): Qwen2.5's sizes, largest first.
SIZES: Mapping[str, tuple[int, int, int, int, int, int]] = {
    "32B": (5120, 64, 27648, 40, 8, 152064),
    "14B": (5120, 48, 13824, 40, 8, 152064),
    "7B": (3584, 28, 18944, 28, 4, 152064),
    "3B": (2048, 36, 11008, 16, 2, 151936),
    "1.5B": (1536, 28, 8960, 12, 2, 151936),
    "0.5B": (896, 24, 4864, 14, 2, 151936),
    "tiny": (64, 2, 128, 4, 2, 4000),
}
BARE = """
import json, sys, time, torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer
kind, base, rows, out, settings = sys.argv[1:6]
class Clock(TrainerCallback):
    times = []
    def on_step_end(self, *_args, **_more):
        self.times.append(time.time())
gpu = torch.cuda.is_available()
trainer, config = (SFTTrainer, SFTConfig) if kind == "sft" else (DPOTrainer, DPOConfig)
more = {} if kind == "sft" else {"precompute_ref_log_probs": True}
trainer(
    model=AutoModelForCausalLM.from_pretrained(base, dtype="bfloat16" if gpu else "float32"),
    args=config(output_dir=out, bf16=gpu, use_cpu=not gpu, activation_checkpointing=True, logging_steps=1,
                save_strategy="no", report_to=[], seed=1, lr_scheduler_type="cosine", **json.loads(settings), **more),
    train_dataset=Dataset.from_list([json.loads(line) for line in open(rows, encoding="utf-8")]),
    processing_class=AutoTokenizer.from_pretrained(base), callbacks=[Clock()],
    peft_config=LoraConfig(task_type="CAUSAL_LM", r=16, lora_alpha=32, target_modules="all-linear"),
).train()
print(json.dumps(Clock.times))
"""


def plan_of(kind: str) -> Plan:
    gpu = torch.cuda.is_available()
    return Plan(BATCH, LENGTH, 16, 2 if gpu else 4, checkpointing=True, dpo=kind == "dpo", cpu=not gpu)


def config_of(size: str) -> Qwen2Config:
    hidden, layers, feed_forward, heads, pairs, words = SIZES[size]
    return Qwen2Config(
        hidden_size=hidden, num_hidden_layers=layers, intermediate_size=feed_forward, num_attention_heads=heads,
        num_key_value_heads=pairs, vocab_size=words, tie_word_embeddings=hidden < 3000,
    )  # fmt: skip


def largest() -> str:
    """The largest size whose DPO run is estimated to fit; without a GPU the tiny one."""
    if not torch.cuda.is_available():
        return "tiny"
    free = torch.cuda.mem_get_info()[0]
    fits = (
        size
        for size in SIZES
        if estimate(shape_of(config_of(size).to_dict()), plan_of("dpo")).total < free * 0.9
    )
    return next(fits, "tiny")


def build(size: str, folder: Path) -> Path:
    config = config_of(size)
    tokenizer = character_tokenizer(corpus_texts([DEMO / "items.jsonl"]), min(4000, config.vocab_size))
    gpu = torch.cuda.is_available()
    with torch.device("cuda" if gpu else "cpu"):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def measure(kind: str, size: str, base: Path, folder: Path) -> dict[str, Any]:
    rows = demo_rows(kind)
    for row in rows:
        for name in {"completion", "chosen", "rejected"} & set(row):
            row[name][0]["content"] = (row[name][0]["content"] * 20)[:LENGTH]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    inside = folder / kind
    inside.mkdir()
    (inside / "train.jsonl").write_text(text, "utf-8")
    settings = {"max_steps": STEPS, "max_length": LENGTH, "learning_rate": 1e-4}
    config = {**settings, "base_model": str(base), "batch_size": BATCH, "accumulation": 1, "save_every": 0,
              "merge": False, "sample_tokens": 0}  # fmt: skip
    (inside / "config.json").write_text(json.dumps(config), "utf-8")
    run([sys.executable, "-m", f"training.engine.{kind}", str(inside)])
    said = [json.loads(line) for line in (inside / "progress.jsonl").read_bytes().splitlines()]
    steps = [line for line in said if line["phase"] == "train" and "loss" in line]
    bare_settings = json.dumps({**settings, "per_device_train_batch_size": BATCH})
    rows_and_out = [str(inside / "train.jsonl"), str(folder / "bare")]
    printed = run([sys.executable, "-c", BARE, kind, str(base), *rows_and_out, bare_settings])
    ours, bare = ([line["at"] for line in steps], json.loads(printed.strip().splitlines()[-1]))
    speeds = [(len(times) - 2) * BATCH / (times[-1] - times[1]) for times in (ours, bare)]
    return {
        "kind": kind,
        "size": size,
        "device": torch.cuda.get_device_name(0) if torch.cuda.is_available() else "cpu",
        "samples_per_second": round(speeds[0], 3),
        "bare": round(speeds[1], 3),
        "ratio": round(speeds[0] / speeds[1], 3),
        "memory": steps[-1]["gpu_memory"],
        "estimate": next(line["needed"] for line in said if line["message"] == "memory estimated"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="make gpu-smoke")
    parser.add_argument("--size", choices=list(SIZES), help="default: the largest that fits")
    size = parser.parse_args().size or largest()
    with tempfile.TemporaryDirectory(prefix="medes-smoke-") as place:
        folder = Path(place)
        # In a process of its own, whose memory on the GPU is free again when the runs begin.
        subprocess.run(
            [sys.executable, "-c", "import sys; from pathlib import Path; from bench.gpu_smoke import build; "
             "build(sys.argv[1], Path(sys.argv[2]))", size, str(folder / "base")],
            check=True,
        )  # fmt: skip
        for kind in ("sft", "dpo"):
            print(json.dumps(measure(kind, size, folder / "base", folder)))


if __name__ == "__main__":
    main()
