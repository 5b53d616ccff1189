"""Hand-worked tables for answers to imitate, and for recipes."""

from __future__ import annotations

import json

import pytest

from tests.rules.plain_choice import Answer, choose_answers
from training.rules.recipe import RecipeError, parse_recipe

GROUPS = {1: "a", 2: "a", 3: "b"}


def test_risk_free_good_answers_with_corrections_first() -> None:
    answers = [
        Answer(1, 10, "甲", "label", risk=0, quality=1.0),
        Answer(1, 11, "乙", "correction", risk=1, quality=0),  # what an expert wrote counts as good
        Answer(1, 12, "丙", "label", risk=1, quality=0),
        Answer(2, 20, "丁", "guardian", risk=0.05, quality=0.9),
        Answer(2, 21, "戊", "label", risk=0, quality=0.7),
        Answer(2, 22, "己", "label", risk=0, quality=0.59),
        Answer(3, 30, "庚", "guardian", risk=0.2, quality=1.0),
        Answer(3, 31, "  ", "label"),
    ]
    chosen, dropped = choose_answers(answers, GROUPS, quality=0.6, risk=0.1, per_prompt=1)
    assert [(one.prompt, one.answer) for one in chosen] == [(1, 11), (2, 21)]
    assert dropped == {"risky": 2, "below the quality bound": 1, "empty": 1, "enough of this prompt": 2}


def test_the_same_text_counts_once_and_norms_take_turns() -> None:
    answers = [
        Answer(1, 10, "先 停止。", "label"),
        Answer(1, 11, "先停止", "label"),  # the same but for spaces and punctuation
        Answer(1, 12, "再报告", "label", quality=0.9),
        Answer(2, 20, "先停止", "label", quality=0.8),
        Answer(3, 30, "先停止", "label", quality=0.7),
    ]
    chosen, dropped = choose_answers(answers, GROUPS, quality=0, risk=0, per_prompt=0, limit=2)
    assert {GROUPS[one.prompt] for one in chosen} == {"a", "b"}
    assert dropped == {"the same text twice": 1, "over the limit": 2}
    chosen, dropped = choose_answers(answers, GROUPS, quality=0, risk=0, per_prompt=0, per_group=1)
    assert len(chosen) == 2
    assert dropped == {"the same text twice": 1, "enough of this norm": 2}


def test_the_choice_does_not_depend_on_the_order_but_on_the_seed() -> None:
    answers = [
        Answer(prompt, 100 * prompt + n, f"第{n}种", "label") for prompt in (1, 2, 3) for n in range(20)
    ]
    first = choose_answers(answers, GROUPS, quality=0, risk=0, per_prompt=2, seed=1)[0]
    assert first == choose_answers(answers[::-1], GROUPS, quality=0, risk=0, per_prompt=2, seed=1)[0]
    assert first != choose_answers(answers, GROUPS, quality=0, risk=0, per_prompt=2, seed=2)[0]


def test_bounds_are_shares() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        choose_answers([], {}, quality=2, risk=0)


def test_a_recipe_has_one_canonical_form() -> None:
    given = parse_recipe("dpo", {"campaigns": ["b", "a", "b"], "margin": 0, "kind": "dpo"})
    again = parse_recipe("dpo", json.loads(given.canonical()))
    assert given == again
    assert given.canonical() == again.canonical()
    assert given.campaigns == ("a", "b")
    assert given.sources == ("corrections", "guardian", "labels", "pairs")


@pytest.mark.parametrize(
    ("kind", "data", "field"),
    [
        ("sft", {"format": "csv"}, "format"),
        ("sft", {"sorces": []}, "sorces"),
        ("sft", {"sources": ["pairs"]}, "sources"),
        ("sft", {"sources": "labels"}, "sources"),
        ("sft", {"quality": 1.1}, "quality"),
        ("sft", {"quality": "high"}, "quality"),
        ("sft", {"quality": float("nan")}, "quality"),
        ("dpo", {"per_prompt": -1}, "per_prompt"),
        ("dpo", {"per_prompt": 2.5}, "per_prompt"),
        ("dpo", {"per_prompt": True}, "per_prompt"),
        ("dpo", {"length_ratio": 0.5}, "length_ratio"),
        ("dpo", {"guardian": 3}, "guardian"),
        ("dpo", {"kind": "sft"}, "kind"),
        ("guardian", {}, "kind"),
    ],
)
def test_a_wrong_recipe_is_refused_by_name(kind: str, data: dict[str, object], field: str) -> None:
    with pytest.raises(RecipeError) as refused:
        parse_recipe(kind, data)
    assert refused.value.field == field
