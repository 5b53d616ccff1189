"""What the format readers hand on: one row, before anybody asked whether its item exists."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row as the file has it. `line` is its first line, from 1.

    `key` is the item id, or the question text where `by_question`. `key_column` and `response_column` are
    the file's own names for them. `finish` is the reason why generation ended, "" where not given.
    """

    line: int
    key: str
    by_question: bool
    response: str
    finish: str
    key_column: str
    response_column: str
