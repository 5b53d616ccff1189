"""Which checkpoint a run may go on from: only one that is whole.

The trainer takes the highest-numbered folder unchecked, and a missing optimizer.pt silently resets optimizer and
learning rate. A process killed while it saves leaves such folders behind.
"""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from pathlib import Path

from training.readers.base_models import whole_safetensors

_NAME = re.compile(r"^checkpoint-(\d+)$")


def numbered(folder: Path) -> list[tuple[int, Path]]:
    """(step, folder) of everything called checkpoint-N, lowest first."""
    if not folder.is_dir():
        return []
    found = [
        (int(match[1]), path)
        for path in folder.iterdir()
        if (match := _NAME.match(path.name)) and path.is_dir()
    ]
    return sorted(found)


def newest_whole(folder: Path, *, remove_broken: bool = False) -> tuple[Path | None, list[str]]:
    """The highest-numbered whole checkpoint (None if there is none), and what is wrong with those above it."""
    complaints: list[str] = []
    for _step, path in reversed(numbered(folder)):
        wrong = what_is_wrong(path)
        if wrong is None:
            return path, complaints
        complaints.append(f"{path.name}: {wrong}")
        if remove_broken:
            shutil.rmtree(path)
    return None, complaints


def what_is_wrong(path: Path) -> str | None:
    """Why nothing can go on from this checkpoint; None if it is whole."""
    try:
        state = json.loads((path / "trainer_state.json").read_text("utf-8"))
        step = int(state["global_step"])
    except (OSError, ValueError, KeyError, TypeError):
        return "trainer_state.json is missing or cut off"
    if f"checkpoint-{step}" != path.name:
        return f"it says step {step}"
    weights = _weight_files(path)
    if not weights:
        return "the weights are missing"
    for file in weights:
        if not whole_safetensors(file):
            return f"{file.name} is missing or cut off"
    for name in ("optimizer.pt", "scheduler.pt"):
        if not zipfile.is_zipfile(path / name):
            return f"{name} is missing or cut off"
    random_states = list(path.glob("rng_state*.pth"))
    if not random_states or not all(zipfile.is_zipfile(file) for file in random_states):
        return "rng_state.pth is missing or cut off"
    return None


def _weight_files(path: Path) -> list[Path]:
    for name in ("model.safetensors", "adapter_model.safetensors"):
        if (path / name).exists():
            return [path / name]
    index = path / "model.safetensors.index.json"
    try:
        names = set(json.loads(index.read_text("utf-8"))["weight_map"].values())
    except (OSError, ValueError, KeyError, AttributeError):
        return []
    return [path / name for name in sorted(names)]
