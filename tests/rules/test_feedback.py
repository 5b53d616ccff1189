"""Feedback, passages, case keys and rank churn: small tables worked by hand."""

from __future__ import annotations

import pytest

from benchmark.rules.cases import case_key
from benchmark.rules.churn import rank_churn
from benchmark.rules.feedback import ADVICE_EN, ADVICE_ZH, feedback, nearest_clause
from benchmark.rules.passages import passages
from benchmark.rules.rubric import CRITERIA

NORM = "医务人员应当保守患者的秘密。泄露患者隐私的，依法承担责任。患者有权查阅病历资料。"
GOOD = {"r1": 0, "r2": 0, "q1": 1, "q2": 1, "q3": 1, "q4": 1}


def lines(values: dict[str, int | None], **more: object) -> tuple:
    said = {"norm": NORM, "question": "能否查阅病历？", "response": "可以直接泄露患者隐私给家属。", **more}
    return feedback(values=values, **said)  # type: ignore[arg-type]


def test_only_what_failed_is_spoken_of() -> None:
    assert lines(GOOD) == ()
    assert [row.criterion for row in lines(GOOD | {"q2": 0, "q4": 0})] == ["q2", "q4"]
    risky = GOOD | {"r2": -1} | dict.fromkeys(("q1", "q2", "q3", "q4"))
    assert [row.criterion for row in lines(risky)] == ["r2"]


def test_the_clause_is_the_one_the_passage_is_about() -> None:
    [row] = lines(GOOD | {"r1": -1}, evidence={"r1": [[4, 10], [90, 95]]})
    assert row.spans == ((4, 10),) and row.quotes == ("泄露患者隐私",)
    assert row.clause == "泄露患者隐私的，依法承担责任。"
    [row] = lines(GOOD | {"q1": 0})  # without a passage the question decides
    assert row.clause == "患者有权查阅病历资料。"
    assert lines(GOOD | {"q1": 0}, norm="")[0].clause == ""
    assert nearest_clause("长" * 300 + "。", "长").endswith("…")
    assert len(nearest_clause("长" * 300 + "。", "长")) == 160


def test_the_norm_is_named_where_a_reference_is_missing() -> None:
    [row] = lines(GOOD | {"q2": 0}, source="《民法典》第一千二百二十六条")
    assert row.advice_zh.endswith("本题考查的是《民法典》第一千二百二十六条。")
    assert "《民法典》" in row.advice_en and row.certain


def test_an_open_criterion_is_spoken_of_where_the_probability_leans_to_failed() -> None:
    values = GOOD | {"q1": None, "q3": None, "r1": None}
    p = {"r1": 0.5, "r2": 0.1, "q1": 0.49, "q2": 0.9, "q3": 0.5, "q4": 0.9}
    found = lines(values, p=p, abstained=["q1", "q3", "r1"])
    assert [(row.criterion, row.certain) for row in found] == [("r1", False), ("q1", False)]
    assert lines(values, abstained=["q1", "q3", "r1"]) == ()


def test_advice_exists_for_every_criterion_in_both_languages() -> None:
    assert set(ADVICE_ZH) == set(ADVICE_EN) == set(CRITERIA)


def test_passages_join_to_the_text() -> None:
    text = "甲乙丙丁戊己"
    found = passages(text, {"q1": [[1, 4]], "r2": [[3, 9]], "q4": [[2, 2]]})
    assert [(row.text, row.criteria) for row in found] == [
        ("甲", ()), ("乙丙", ("q1",)), ("丁", ("r2", "q1")), ("戊己", ("r2",)),
    ]  # fmt: skip
    assert "".join(row.text for row in found) == text
    assert found[2].codes == "R2 Q1" and found[2].risky and not found[1].risky
    assert passages("", {"q1": [[0, 3]]}) == ()
    assert passages("甲", {})[0].criteria == ()


def test_a_case_key_depends_on_every_text_and_on_where_it_ends() -> None:
    key = case_key("规范", "问题", "回答")
    assert key == case_key("规范", "问题", "回答") and 0 <= key < 2**63
    others = [
        ("规范问", "题", "回答"),
        ("规范", "问题回", "答"),
        ("", "规范问题", "回答"),
        ("规范", "问题", "回答 "),
    ]
    assert len({key, *(case_key(*other) for other in others)}) == 5
    assert case_key("\ud800", "", "") >= 0  # half a character is text too


@pytest.mark.parametrize(
    ("before", "after", "tau", "swapped"),
    [
        ([3, 2, 1], [3, 2, 1], 1.0, 0),
        ([3, 2, 1], [1, 2, 3], -1.0, 3),
        ([3, 2, 1], [3, 1, 2], 1 / 3, 1),
        ([1, 1, 1], [3, 2, 1], None, 0),
        ([2, 2, 1], [3, 2, 1], 2 / (2 * 3) ** 0.5, 0),
        ([1], [1], None, 0),
    ],
)
def test_kendalls_tau(before: list[float], after: list[float], tau: float | None, swapped: int) -> None:
    found = rank_churn(before, after, [None] * len(before), [None] * len(before))
    assert found.tau == (None if tau is None else pytest.approx(tau)) and found.swapped == swapped


def test_rank_intervals_that_move() -> None:
    found = rank_churn([3, 2, 1], [1, 3, 2], [(1, 1), (2, 3), (2, 3)], [(3, 3), (1, 2), (1, 2)])
    assert (found.pairs, found.moved, found.apart, found.reversed_) == (3, 3, 1, 2)
    with pytest.raises(ValueError):
        rank_churn([1], [1], [], [])
