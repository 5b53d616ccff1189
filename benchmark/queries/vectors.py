"""Per-item values of scores: what ranks and comparisons are computed from, without rereading a response."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchmark.models import BenchmarkVersion, Item, Score, ScoreVector

VECTOR_TYPE = np.dtype("<f4")


@dataclass(frozen=True)
class BoardItems:
    """The items of one board in the order of their numbers; arrays run along the items."""

    ids: tuple[int, ...]
    clusters: np.ndarray
    scenarios: tuple[str, ...]
    dimensions: tuple[str, ...]

    @cached_property
    def index(self) -> dict[int, int]:
        return {item: place for place, item in enumerate(self.ids)}


def board_items(version: BenchmarkVersion, kind: str, split: str) -> BoardItems:
    """One query, (n) rows; `clusters` are integer codes of the items' cluster names."""
    rows = list(
        Item.objects.filter(version=version, kind=kind, split=split)
        .order_by("number")
        .values_list("pk", "cluster", "scenario__slug", "dimension")
    )
    names = [row[1] for row in rows]
    codes = (
        np.unique(np.array(names, dtype=object), return_inverse=True)[1] if names else np.zeros(0, dtype=int)
    )
    return BoardItems(
        ids=tuple(row[0] for row in rows),
        clusters=codes,
        scenarios=tuple(row[2] for row in rows),
        dimensions=tuple(row[3] for row in rows),
    )


def read_vectors(scores: Sequence[Score], items: int) -> np.ndarray:
    """(scores, items) float64. A score whose vector has another length raises ValueError: never compare."""
    found = dict(ScoreVector.objects.filter(score__in=scores).values_list("score_id", "values"))
    matrix = np.empty((len(scores), items))
    for row, score in enumerate(scores):
        values = np.frombuffer(bytes(found[score.pk]), dtype=VECTOR_TYPE)
        if values.shape != (items,):
            raise ValueError(f"score {score.pk} has {values.shape[0]} values for {items} items")
        matrix[row] = values
    return matrix
