"""Labels as numbers: who gave which value to which unit, ready for the agreement figures.

A *unit* is one thing that several experts labelled (a task and one criterion of it), a *rater* one expert, a
*value* a number such as -1, 0 or 1. A missing label is None or NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Units = Sequence[Sequence[float | None]] | FloatArray
"""Units x raters with None or NaN for a missing label, or a ragged list of each unit's labels.

In a ragged list the place in the row stands for the rater. Only the pairwise kappas look at who gave a label.
"""

MISSING = -1
"""The code of a label that is not there."""


@dataclass(frozen=True, slots=True, eq=False)
class Ratings:
    """U units, R raters, q values.

    `codes` (U, R) holds the place of each label in `values` or `MISSING`; `values` (q,) ascend; `counts` (U,
    q) says how many raters gave each value.
    """

    codes: IntArray
    values: FloatArray
    counts: IntArray

    @property
    def labelled(self) -> IntArray:
        """(U,) how many labels each unit has."""
        return self.counts.sum(axis=1)

    def keep(self, chosen: NDArray[np.bool_] | IntArray) -> Ratings:
        """The units where `chosen` (U,) is True, or whose rows it names; all values stay, also unseen ones."""
        return Ratings(self.codes[chosen], self.values, self.counts[chosen])

    def without_unseen(self) -> Ratings:
        """The same labels, with only those values that somebody gives."""
        seen = self.counts.sum(axis=0) > 0
        places = np.append(np.cumsum(seen) - 1, MISSING)  # the last one answers for the code MISSING
        return Ratings(places[self.codes], self.values[seen], self.counts[:, seen])

    def with_value(self, value: float) -> Ratings:
        """The same labels with one more possible value, which nobody gave; itself if it is known already."""
        if value in self.values:
            return self
        place = int(np.searchsorted(self.values, value))
        codes = np.where(self.codes >= place, self.codes + 1, self.codes)
        return Ratings(codes, np.insert(self.values, place, value), np.insert(self.counts, place, 0, axis=1))


def read_ratings(units: Units, categories: Sequence[float] | None = None) -> Ratings:
    """Read labels in either form.

    `categories` names all values that could have been given; without it they are the values that occur.
    Raises ValueError for text, infinity, more than two dimensions, categories that repeat or are not finite,
    and a label that is none of the categories.
    """
    matrix = _matrix(units)
    present = ~np.isnan(matrix)
    labels = matrix[present]
    if not np.isfinite(labels).all():
        raise ValueError("labels must be finite, or None where one is missing")
    values = np.unique(labels) if categories is None else _checked_categories(categories)
    codes = np.full(matrix.shape, MISSING, dtype=np.int64)
    places = np.searchsorted(values, labels)
    known = places < len(values)
    known[known] = values[places[known]] == labels[known]
    if not known.all():
        raise ValueError(f"{labels[~known][0]:g} is none of the categories")
    codes[present] = places
    counts = np.zeros((len(matrix), len(values)), dtype=np.int64)
    for place in range(len(values)):
        counts[:, place] = (codes == place).sum(axis=1)
    return Ratings(codes, values, counts)


def read_pairable(
    units: Units, categories: Sequence[float] | None = None
) -> tuple[Ratings, NDArray[np.bool_]]:
    """The units with at least two labels, and which ones they are: (U,) True where kept.

    Without `categories` the values are those that occur in these units. Raises as `read_ratings` does.
    """
    ratings = read_ratings(units, categories)
    chosen = ratings.labelled >= 2
    kept = ratings.keep(chosen)
    return (kept.without_unseen() if categories is None else kept), chosen


def _matrix(units: Units) -> FloatArray:
    if isinstance(units, np.ndarray):
        if units.ndim != 2:
            raise ValueError(f"units x raters has two dimensions, not {units.ndim}")
        return units.astype(np.float64)
    lengths = np.array([len(unit) for unit in units], dtype=np.int64)
    flat = [np.nan if label is None else label for unit in units for label in unit]
    matrix = np.full((len(lengths), int(lengths.max(initial=0))), np.nan)
    matrix[np.arange(matrix.shape[1]) < lengths[:, None]] = np.array(flat, dtype=np.float64)
    return matrix


def _checked_categories(categories: Sequence[float]) -> FloatArray:
    values = np.unique(np.asarray(categories, dtype=np.float64))
    if len(values) != len(categories) or not np.isfinite(values).all():
        raise ValueError("categories must be finite and all different")
    return values
