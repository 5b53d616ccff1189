"""What the pages of datasets and tuned models show: rows of a file with what differs, sample answers by step."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.rules.differences import Piece, compare
from training.models import Dataset, Run
from training.queries.model_folders import dataset_folder, run_folder
from training.queries.runs import MetricCurve
from training.readers.dataset_rows import row_file, rows_between
from training.readers.json_lines import objects_of

CURVES = ("loss", "margin", "accuracy", "token_accuracy", "learning_rate", "grad_norm", "samples_per_second")
LEAST_SHARED = 0.3
LONG = 3000


@dataclass(frozen=True, slots=True)
class RowView:
    """A row of a dataset. SFT: `answer`. DPO: `chosen` and `rejected` as pieces; what differs is marked where they
    are `alike`."""

    item: str
    origin: str
    prompt: str
    answer: str = ""
    alike: bool = False
    chosen: tuple[Piece, ...] = ()
    rejected: tuple[Piece, ...] = ()
    margin: float | None = None
    entry: str = ""

    @property
    def long(self) -> bool:
        """So long that its texts get a place of their own to be scrolled in."""
        parts = (
            self.answer,
            *(piece.text for piece in self.chosen),
            *(piece.text for piece in self.rejected),
        )
        return len(self.prompt) + sum(map(len, parts)) > LONG


@dataclass(frozen=True, slots=True)
class Sample:
    """The answers of a model in training to one fixed prompt: (step, text), in order of steps."""

    item: str
    prompt: str
    answers: tuple[tuple[int, str], ...]


def dataset_rows(dataset: Dataset, start: int, count: int) -> list[dict[str, Any]]:
    """Rows `start` to `start + count` of what is to be learnt, from 0; none for a dataset without such a file.

    Raises UnreadableRows.
    """
    path = row_file(dataset_folder(dataset), "train")
    return rows_between(path, start, count) if path.is_file() else []


def row_view(data: dict[str, Any]) -> RowView:
    prompt = data["prompt"][-1]["content"]
    if "completion" in data:
        return RowView(
            data["item"],
            data["origin"],
            prompt,
            answer=data["completion"][-1]["content"],
            entry=data.get("lineage", {}).get("entry", ""),
        )
    pieces = marked(data["rejected"][-1]["content"], data["chosen"][-1]["content"])
    return RowView(
        data["item"],
        data["origin"],
        prompt,
        alike=any(piece.change == "same" for piece in pieces),
        chosen=tuple(piece for piece in pieces if piece.change != "removed"),
        rejected=tuple(piece for piece in pieces if piece.change != "added"),
        margin=data["margin"],
    )


def marked(first: str, second: str) -> tuple[Piece, ...]:
    """As `compare`; where the texts share too little, one of them is no version of the other, and each piece is marked
    on its own side alone: ("removed", "added") without any piece in common."""
    pieces = compare(first, second)
    shared = sum(len(piece.text) for piece in pieces if piece.change == "same")
    if shared >= LEAST_SHARED * min(len(first), len(second)):
        return pieces
    return (Piece(first, "removed"), Piece(second, "added"))


def curves_of(curves: list[MetricCurve]) -> list[MetricCurve]:
    """The figures worth a curve, in the order in which one looks at them; learning rates in millionths."""
    kept = []
    for name in CURVES:
        for phase in ("train", "eval"):
            for curve in curves:
                if (curve.phase, curve.name) != (phase, name):
                    continue
                if name == "learning_rate":
                    points = tuple((step, value * 1e6) for step, value in curve.points)
                    curve = MetricCurve(phase, "learning_rate_millionths", points)
                kept.append(curve)
    return kept


def samples_of(run: Run) -> list[Sample]:
    """From samples.jsonl; the same step twice, after a resume, is its last answer."""
    path: Path = run_folder(run) / "samples.jsonl"
    if not path.is_file():
        return []
    found: dict[str, tuple[str, dict[int, str]]] = {}
    for said in objects_of(path.read_bytes()):
        if not said.keys() >= {"id", "prompt", "step", "answer"}:
            continue
        found.setdefault(said["id"], (said["prompt"], {}))[1][said["step"]] = said["answer"]
    return [Sample(item, prompt, tuple(sorted(answers.items()))) for item, (prompt, answers) in found.items()]
