from __future__ import annotations

from benchmark.rules.duplicates import DuplicateMark, mark_duplicates

FIRST = DuplicateMark(None, False)


def test_marks() -> None:
    rows = [("甲", "A"), ("乙", "AB"), ("甲", "A"), ("乙", "BA"), ("甲", "C"), ("甲", "A"), ("丙", "A")]
    assert mark_duplicates(rows) == [
        FIRST,
        FIRST,
        DuplicateMark(0, False),
        DuplicateMark(1, False),
        DuplicateMark(0, True),
        DuplicateMark(0, False),
        FIRST,
    ]


def test_nothing() -> None:
    assert mark_duplicates([]) == []
