"""Passages that experts marked in one text, cut so that they can be shown in one line of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Passage:
    """Characters `start` to `end` (exclusive) and who marked all of them: (number of the label, criterion)."""

    start: int
    end: int
    by: tuple[tuple[int, str], ...]


def passages_of(evidence: Sequence[Mapping[str, Any]]) -> list[Passage]:
    """The marks of several labels as passages that do not overlap, in order; where marks cross they are cut.

    `evidence`: of each label {criterion: {"spans": [[start, end], …]}}, as annotation.rules.answers cleans it.
    """
    marks = [
        (int(start), int(end), (number, str(name)))
        for number, given in enumerate(evidence)
        for name, found in given.items()
        for start, end in found.get("spans", ())
        if start < end
    ]
    ends = sorted({place for start, end, _by in marks for place in (start, end)})
    cut = []
    for start, end in zip(ends, ends[1:], strict=False):
        by = tuple(sorted(who for first, last, who in marks if first <= start and end <= last))
        if by:
            cut.append(Passage(start, end, by))
    return cut
