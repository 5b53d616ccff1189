"""When the labels of one task agree (project rule).

A task is decided as soon as it has its first labels and more than half of all counted labels give the same
values on every criterion. Two labels must be alike; of three, two; of four, three.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Values = Mapping[str, int | None]


def majority(labels: Sequence[Values], *, first: int) -> int | None:
    """The place in `labels` of the first label that more than half of them share, else None.

    None also with fewer than `first` labels. Raises ValueError for `first` below 1.
    """
    if first < 1:
        raise ValueError(f"a task needs one label or more, not {first}")
    if len(labels) < first:
        return None
    frozen = [frozenset(values.items()) for values in labels]
    for place, values in enumerate(frozen):
        if 2 * frozen.count(values) > len(frozen):
            return place
    return None
