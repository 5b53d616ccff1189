"""Cleaning: a hand-made table of dirt, and two properties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.rules.cleaning import REPAIRS, clean_norm, clean_text, norm_identity, text_hash

CASES = [
    ("干净的一句话。", "干净的一句话。", ()),
    ("第一款。_x000D_\n第二款。", "第一款。\n第二款。", ("x000d",)),
    ("第一款。_x000d_\n第二款。", "第一款。\n第二款。", ("x000d",)),
    ("_x00_x000D_0D_", "", ("x000d",)),
    ("第一款。\r\n第二款。", "第一款。\n第二款。", ("carriage_return",)),
    ("第一款。\r第二款。", "第一款。\n第二款。", ("carriage_return",)),
    ("止\u200b痛", "止痛", ("zero_width",)),
    ("\ufeff止痛", "止痛", ("zero_width",)),
    ("止\x00痛\x1b", "止痛", ("control",)),
    ("e\u0301", "é", ("nfc",)),
    ("止痛  \n\u3000\n换药\u3000 ", "止痛\n\n换药", ("whitespace",)),
    ("止痛\u2028换药", "止痛\n换药", ("whitespace",)),
    ("甲  乙", "甲  乙", ()),
    ("甲\n\n　　乙", "甲\n\n　　乙", ()),
    ("\u200b甲_x000D_\r\n", "甲", ("zero_width", "x000d", "carriage_return", "whitespace")),
    ("", "", ()),
]


@pytest.mark.parametrize(("raw", "text", "repairs"), CASES)
def test_clean_text(raw: str, text: str, repairs: tuple[str, ...]) -> None:
    cleaned = clean_text(raw)
    assert (cleaned.text, cleaned.repairs) == (text, repairs)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("护士应当：_x000D_\n　　（一）核对；", "护士应当：\n（一）核对；", True),
        (" 护士应当核对。", "护士应当核对。 ", True),
        ("护士应当 \u3000 核对。", "护士应当 核对。", True),
        ("护士应当\n\n核对。", "护士应当\n核对。", True),
        ("护士应当。\n核对。", "护士应当。 核对。", True),
        ("护士应当核对。", "护士应当 核对。", False),
        ("护士应当核对。", "护士应当核对", False),
        ("　\u00a0\n", "", True),
    ],
)
def test_identity_of_norms(one: str, other: str, same: bool) -> None:
    assert (norm_identity(one) == norm_identity(other)) is same


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("　　应当：_x000D_\n　　（一）核对；\n\n　　（二）签名。 ", "应当：\n（一）核对；\n（二）签名。"),
        ("应当 \u3000 核对。", "应当 核对。"),
        ("　\u00a0\n", ""),
    ],
)
def test_text_of_norms(raw: str, text: str) -> None:
    assert clean_norm(raw).text == text
    assert norm_identity(text) == norm_identity(raw)


def test_norm_reports_whitespace_once() -> None:
    assert clean_norm("甲\n　　乙 \n").repairs == ("whitespace",)
    assert clean_norm("甲\n　　乙").repairs == ("whitespace",)
    assert clean_norm("甲\n乙").repairs == ()


DIRTY = st.text(st.sampled_from("甲乙 \n\r\t\u3000\u200b\ufeff\x00\u0301e_x0D\u2028")) | st.text()


@given(DIRTY)
def test_cleaning_twice_changes_nothing(raw: str) -> None:
    for clean in (clean_text, clean_norm):
        once = clean(raw)
        again = clean(once.text)
        assert (again.text, again.repairs) == (once.text, ())


@given(DIRTY)
def test_a_change_is_always_reported_and_only_then(raw: str) -> None:
    for clean in (clean_text, clean_norm):
        cleaned = clean(raw)
        assert (cleaned.text != raw) == bool(cleaned.repairs)
        assert list(cleaned.repairs) == [code for code in REPAIRS if code in cleaned.repairs]
        assert "_x000D_" not in cleaned.text
        assert "\r" not in cleaned.text


def test_text_hash() -> None:
    # printf '' | sha256sum
    assert text_hash("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
