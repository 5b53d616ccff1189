"""How figures of a dataset are spread: counts in classes of one round width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

MOST_CLASSES = 20


@dataclass(frozen=True, slots=True)
class Histogram:
    """`counts[i]` figures lie in [edges[i], edges[i + 1]), of the last class also on its upper edge."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]

    def as_json(self) -> dict[str, Any]:
        return {"edges": list(self.edges), "counts": list(self.counts)}


def whole_numbers(values: Sequence[int] | np.ndarray) -> Histogram:
    """Classes from 0 of width 1, 2 or 5 times a power of ten, at most twenty of them. Raises ValueError below 0."""
    found = np.asarray(values, dtype=np.int64)
    if not len(found):
        return Histogram((), ())
    if found.min() < 0:
        raise ValueError("lengths are not negative")
    width = next(
        step * 10**power
        for power in range(19)
        for step in (1, 2, 5)
        if found.max() // (step * 10**power) < MOST_CLASSES
    )
    counts = np.bincount(found // width)
    return Histogram(tuple(float(n * width) for n in range(len(counts) + 1)), tuple(counts.tolist()))


def shares(values: Sequence[float] | np.ndarray) -> Histogram:
    """Ten classes of figures between 0 and 1."""
    found = np.asarray(values, dtype=np.float64)
    if not len(found):
        return Histogram((), ())
    # 0.29 · 100 is 28.999…: a hair below an edge lies on it.
    places = np.minimum(np.floor(found * 10 + 1e-9), 9).astype(np.int64)
    return Histogram(tuple(n / 10 for n in range(11)), tuple(np.bincount(places, minlength=10).tolist()))
