"""Mark questions that stand in a file more than once.

Definition. Two objective questions are one when their full text agrees: stem and options, cleaned, without
white space (`QuestionKeys.full`); neither the scenario nor the key counts, nor the prompt template. The
first row is the original; each later row is a duplicate of it, and contradicts it when its answer set
differs from the original's. (The release: 63 duplicates, 9 of them contradicting.)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DuplicateMark:
    """`duplicate_of`: position (from 0) of the first row with this text, None for the first row itself."""

    duplicate_of: int | None
    contradicts: bool


def mark_duplicates(rows: Iterable[tuple[str, str]]) -> list[DuplicateMark]:
    """Mark each (full key of the question, answer key) pair, in the order given.

    Answer keys are compared as sets of letters: "BA" is "AB".
    """
    first: dict[str, tuple[int, frozenset[str]]] = {}
    marks: list[DuplicateMark] = []
    for position, (text, key) in enumerate(rows):
        letters = frozenset(key)
        original = first.setdefault(text, (position, letters))
        if original[0] == position:
            marks.append(DuplicateMark(None, False))
        else:
            marks.append(DuplicateMark(original[0], letters != original[1]))
    return marks
