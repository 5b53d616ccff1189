"""What is counted in an answer, by hand; and any text will do."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.rules.answer_signs import (
    BEARING,
    NAMES,
    bare_title,
    law_titles,
    overlap,
    pairs_of,
    phrase_spans,
    signs_of,
)


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("依据《中华人民共和国民法典》第一千零七条", ["民法典"]),
        ("《民法典》与《中华人民共和国民法典》是一部", ["民法典"]),
        ("签署《知情同意书》", []),
        ("《医疗伦理法》里也讲了", ["医疗伦理法"]),
        ("《刑法修正案（十一）》", ["刑法修正案"]),
        ("《互联网诊疗管理办法（试行）》", ["互联网诊疗管理办法"]),
        ("民法典规定", []),
        ("《\n法》《《法》", []),
    ],
)
def test_titles_of_norms(text: str, titles: list[str]) -> None:
    assert law_titles(text) == titles


def value(name: str, response: str, norm: str = "", question: str = "") -> float:
    return signs_of(norm, question, response)[NAMES.index(name)]


@pytest.mark.parametrize(
    ("name", "response", "expected"),
    [
        ("law_titles", "《民法典》和《医师法》", math.log(3)),
        ("known_laws", "《民法典》和《病人尊严法》", math.log(2)),
        ("unknown_laws", "《民法典》和《病人尊严法》", math.log(2)),
        ("other_titles", "《告知书》", math.log(2)),
        ("articles", "第二十五条、第31条，第一次", math.log(3)),
        ("any_law", "法律规定如此", 0.0),
        ("sympathy", "我理解您的担心，这不容易", math.log(4)),  # 理解您, 担心, 不容易
        ("any_comfort", "祝您早日康复", 1.0),
        ("steps", "建议先联系医务科", math.log(3)),
        ("list_lines", "1. 一\n2、二\n- 三\n四", math.log(4)),
        ("concealment", "悄悄补签", math.log(3)),
        ("short", "短", 1.0),
    ],
)
def test_signs_by_hand(name: str, response: str, expected: float) -> None:
    assert value(name, response) == pytest.approx(expected)


def test_overlap_by_hand() -> None:
    assert overlap("患者同意", pairs_of("须经患者本人同意")) == pytest.approx(
        2 / 3
    )  # 患者, 同意 of 患者, 者同, 同意
    assert overlap("", pairs_of("任何")) == overlap("一", pairs_of("一")) == 0.0
    assert value("norm_overlap", "须经患者本人同意", norm="患者同意") == pytest.approx(2 / 3)


def test_phrases_are_found_where_they_stand() -> None:
    text = "没关系，悄悄办，悄悄地"
    assert [text[a:b] for a, b in phrase_spans("concealment", text)] == ["悄悄", "悄悄"]
    assert phrase_spans("length", text) == []


def test_every_criterion_uses_known_signs() -> None:
    assert set(BEARING) == {"r1", "r2", "q1", "q2", "q3", "q4"}
    assert all(sign in NAMES for signs in BEARING.values() for sign in signs)
    assert bare_title("中华人民共和国医师法") == "医师法"


@given(st.text(max_size=300), st.text(max_size=100), st.text(max_size=100))
def test_any_text_gives_finite_numbers(response: str, norm: str, question: str) -> None:
    found = signs_of(norm, question, response)
    assert len(found) == len(NAMES)
    assert all(math.isfinite(number) and number >= 0 for number in found)
