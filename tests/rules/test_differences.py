"""What differs between two norms, by hand and by property."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.rules import differences
from benchmark.rules.differences import compare

TEXTS = st.text(alphabet="应当取得患者的同意，。", max_size=30)


def shown(first: str, second: str) -> str:
    signs = {"same": "{}", "removed": "-{}-", "added": "+{}+"}
    return "".join(signs[piece.change].format(piece.text) for piece in compare(first, second))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("应当取得患者同意。", "应当取得患者书面同意。", "应当取得患者+书面+同意。"),
        ("必须取得同意", "应当取得同意", "-必须-+应当+取得同意"),
        ("医师应当告知", "应当告知", "-医师-应当告知"),
        ("相同", "相同", "相同"),
        ("", "新的", "+新的+"),
        ("旧的", "", "-旧的-"),
        ("", "", ""),
        # 的 alone in the middle is chance: one change, not two
        ("患者的病历", "医师的处方", "-患者的病历-+医师的处方+"),
    ],
)
def test_differences_by_hand(first: str, second: str, expected: str) -> None:
    assert shown(first, second) == expected


@given(first=TEXTS, second=TEXTS)
def test_both_texts_can_be_read_back(first: str, second: str) -> None:
    pieces = compare(first, second)
    assert "".join(piece.text for piece in pieces if piece.change != "added") == first
    assert "".join(piece.text for piece in pieces if piece.change != "removed") == second
    assert all(piece.text for piece in pieces)


def test_very_long_texts_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(differences, "LONGEST_COMPARED", 7)
    assert shown("甲乙丙丁", "甲乙丙戊") == "-甲乙丙丁-+甲乙丙戊+"
