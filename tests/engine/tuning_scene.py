"""Run directories with a tiny model and rows of the demo, for the tests of SFT and DPO."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from training.engine import dpo, sft
from training.engine.tuning_folder import STOP, RunFolder
from training.engine.tuning_loop import main

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "benchmark" / "demo"
BUILDERS = {"sft": sft.build, "dpo": dpo.build}
SETTINGS: dict[str, Any] = {
    "max_steps": 6,
    "batch_size": 2,
    "accumulation": 2,
    "max_length": 160,
    "lora_r": 4,
    "learning_rate": 1e-3,
    "save_every": 2,
    "gradient_checkpointing": False,
    "device": "cpu",
}


def demo_lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DEMO / name).read_text("utf-8").splitlines()]


def demo_rows(kind: str, count: int = 24) -> list[dict[str, Any]]:
    """Conversational rows from the demo's own questions and two entries' answers, cut short."""
    questions = {item["id"]: item["question"][:50] for item in demo_lines("items.jsonl")}
    good, bad = (
        {line["item"]: line["response"][:70] for line in demo_lines(f"answers/{entry}.jsonl")}
        for entry in ("qingyuan-32b", "suixin-7b")
    )
    rows = []
    for item in sorted(good)[:count]:
        prompt = [{"role": "user", "content": questions[item]}]
        chosen = [{"role": "assistant", "content": good[item]}]
        if kind == "sft":
            rows.append({"prompt": prompt, "completion": chosen})
        else:
            rejected = [{"role": "assistant", "content": bad[item]}]
            rows.append({"prompt": prompt, "chosen": chosen, "rejected": rejected})
    return rows


def make_run(
    folder: Path, kind: str, base: Path, rows: list[dict[str, Any]] | None = None, **settings: Any
) -> Path:
    folder.mkdir(parents=True)
    config = {**SETTINGS, "base_model": str(base), **settings}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    write_lines(folder / "train.jsonl", demo_rows(kind) if rows is None else rows)
    return folder


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")


def run_here(kind: str, folder: Path, *flags: str) -> int:
    """The engine in this process, which has the libraries loaded already."""
    return main(kind, BUILDERS[kind], [str(folder), *flags])


def start_engine(module: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def at_step(step: int, act: Callable[[RunFolder], None]) -> Iterator[None]:
    """While it is entered, an engine in this process calls `act` as soon as it has told of this step of training: always
    at the same moment, however busy the machine is."""
    say, done = RunFolder.say, False

    def say_and_act(
        self: RunFolder, phase: str, message: str, at: int = 0, of: int = 0, **figures: Any
    ) -> None:
        nonlocal done
        say(self, phase, message, at, of, **figures)
        if phase == "train" and at >= step and self.writes and not done:
            done = True
            act(self)

    with patch.object(RunFolder, "say", say_and_act):
        yield


def ask_to_stop(folder: RunFolder) -> None:
    (folder.path / STOP).touch()


def progress(folder: Path, phase: str = "train") -> list[dict[str, Any]]:
    path = folder / "progress.jsonl"
    if not path.exists():
        return []
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.endswith("}")]
    return [line for line in lines if line["phase"] == phase]


def curve(folder: Path, figure: str = "loss") -> dict[int, float]:
    """Step → figure; a step told twice counts as it was told last."""
    return {line["step"]: line[figure] for line in progress(folder) if figure in line}
