"""What the pages of datasets and tuned models show: rows of a file with what differs, sample answers by step."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from benchmark.rules.differences import Piece, compare
from training.models import Dataset, Run
from training.services.dataset_files import dataset_folder
from training.services.runs import run_folder


@dataclass(frozen=True, slots=True)
class RowView:
    """A row of a dataset. SFT: `answer`. DPO: `chosen` and `rejected` as pieces, with what differs marked."""

    item: str
    origin: str
    prompt: str
    answer: str = ""
    chosen: tuple[Piece, ...] = ()
    rejected: tuple[Piece, ...] = ()
    margin: float | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """The answers of a model in training to one fixed prompt: (step, text), in order of steps."""

    item: str
    prompt: str
    answers: tuple[tuple[int, str], ...]


def dataset_rows(dataset: Dataset, start: int, count: int) -> list[RowView]:
    """Rows `start` to `start + count` of train.jsonl, from 0; none for a dataset without that file."""
    path = dataset_folder(dataset.folder) / "train.jsonl"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8") as file:
        return [_row(json.loads(line)) for line in islice(file, start, start + count)]


def _row(data: dict[str, Any]) -> RowView:
    prompt = data["prompt"][-1]["content"]
    if "completion" in data:
        return RowView(data["item"], data["origin"], prompt, answer=data["completion"][-1]["content"])
    pieces = compare(data["rejected"][-1]["content"], data["chosen"][-1]["content"])
    return RowView(
        data["item"],
        data["origin"],
        prompt,
        chosen=tuple(piece for piece in pieces if piece.change != "removed"),
        rejected=tuple(piece for piece in pieces if piece.change != "added"),
        margin=data["margin"],
    )


def samples_of(run: Run) -> list[Sample]:
    """From samples.jsonl; the same step twice, after a resume, is its last answer."""
    path: Path = run_folder(run) / "samples.jsonl"
    if not path.is_file():
        return []
    found: dict[str, tuple[str, dict[int, str]]] = {}
    for line in path.read_text("utf-8").splitlines():
        try:
            said = json.loads(line)
        except ValueError:  # the engine is writing it
            continue
        found.setdefault(said["id"], (said["prompt"], {}))[1][said["step"]] = said["answer"]
    return [Sample(item, prompt, tuple(sorted(answers.items()))) for item, (prompt, answers) in found.items()]
