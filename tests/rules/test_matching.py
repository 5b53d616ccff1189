from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.rules.matching import (
    Match,
    OccurrenceMatcher,
    QuestionKeys,
    keys_of_item,
    keys_of_text,
    normal_form,
)

AB = (("A", "洗手"), ("B", "戴帽"))
ITEMS = [
    keys_of_item("术前应当？", AB),
    keys_of_item("术后应当？", AB),
    keys_of_item("术前应当？", AB),
    keys_of_item("术前应当？", (("A", "换鞋"), ("B", "穿衣"))),
    keys_of_item("病人问能否出院。"),
]
FULL = "术前应当？\nA.洗手\nB.戴帽"
WRAPPED = f"请作答。\n\n题目：{FULL}\n【思考过程】："


@pytest.mark.parametrize(
    "text",
    [
        FULL,
        FULL + "\n\n",
        "术前应当？\r\nA. 洗手_x000D_\r\nB. 戴帽",
        "术前应当？\nA.洗手，B.戴帽",
        "\ufeff术前应当？ A.洗手；B.戴帽",
        WRAPPED,
        WRAPPED + "\n",
    ],
)
def test_renderings_of_one_question(text: str) -> None:
    assert keys_of_text(text) == ITEMS[0]


def test_the_kth_row_gets_the_kth_item() -> None:
    matcher = OccurrenceMatcher(ITEMS)
    assert [matcher.match(FULL + "\n").index, matcher.match(WRAPPED).index] == [0, 2]
    assert matcher.match(FULL) == Match(None, "exhausted")


def test_a_stem_alone_takes_the_items_in_order() -> None:
    matcher = OccurrenceMatcher(ITEMS)
    assert [matcher.match("术前应当？").index for _ in range(4)] == [0, 2, 3, None]
    assert matcher.match("病人问能否出院。 ").index == 4


def test_stem_and_full_text_in_one_file_never_share_an_item() -> None:
    matcher = OccurrenceMatcher(ITEMS)
    assert matcher.match("术前应当？").index == 0
    assert matcher.match(FULL).index == 2
    assert matcher.match(FULL).reason == "exhausted"
    assert matcher.match("术前应当？").index == 3


def test_other_options_are_another_question() -> None:
    matcher = OccurrenceMatcher(ITEMS)
    assert matcher.match("术前应当？\nA.换鞋\nB.穿衣").index == 3
    assert matcher.match("术前应当？\nA.换鞋\nB.跑步") == Match(None, "unknown")


@pytest.mark.parametrize("text", ["", "没有这道题。"])
def test_unknown(text: str) -> None:
    assert OccurrenceMatcher(ITEMS).match(text) == Match(None, "unknown")


def test_normal_form() -> None:
    assert normal_form(" 术\u200b前 \n应当？_x000D_\n") == "术前应当？"


@given(st.lists(st.sampled_from("甲乙丙丁"), max_size=20), st.randoms(use_true_random=False))
def test_rows_with_one_text_keep_their_order(stems: list[str], random: object) -> None:
    rows = list(range(len(stems)))
    random.shuffle(rows)  # type: ignore[attr-defined]
    matcher = OccurrenceMatcher([QuestionKeys(stem, stem) for stem in stems])
    given_items = [matcher.match(stems[row]).index for row in rows]
    assert sorted(given_items) == list(range(len(stems)))
    for stem in set(stems):
        same = [item for row, item in zip(rows, given_items, strict=True) if stems[row] == stem]
        assert same == sorted(same)
