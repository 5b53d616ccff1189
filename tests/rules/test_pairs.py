"""Hand-worked tables for preference pairs, their bounds and their order of belief."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.plain_choice import Scored, merge_sources, pairs_from_scores
from training.rules.pairs import (
    Comparison,
    Pair,
    at_most,
    bound_lengths,
    length_report,
    pairs_from_comparisons,
)


def test_comparisons_lean_by_their_mean_strength() -> None:
    said = [
        Comparison(1, 10, 11, "a", 3),  # two experts on 10 and 11: (3 + 0) / 2 / 3 = 0.5
        Comparison(1, 10, 11, "tie", 0),
        Comparison(1, 12, 11, "b", 1),  # 11 over 12 by a third
        Comparison(2, 20, 21, "a", 2),  # they contradict each other exactly
        Comparison(2, 21, 20, "a", 2),
        Comparison(3, 30, 31, "a", 1),  # (1 + 0 + 0) / 3 / 3 = 0.111, under the margin
        Comparison(3, 30, 31, "tie", 0),
        Comparison(3, 30, 31, "tie", 0),
    ]
    pairs, dropped = pairs_from_comparisons(said, margin=0.2)
    assert pairs == [Pair(1, 10, 11, 0.5, "pair"), Pair(1, 11, 12, pytest.approx(1 / 3), "pair")]
    assert dropped == {"tie": 1, "margin": 1}


def test_a_comparison_off_the_scale_is_refused() -> None:
    with pytest.raises(ValueError, match="by 0 to 3"):
        pairs_from_comparisons([Comparison(1, 1, 2, "a", 4)], 0.1)


def test_scores_make_pairs_with_half_their_difference() -> None:
    answers = [
        Scored(1, 10, 1.0, False, "rubric"),
        Scored(1, 11, 0.6, False, "rubric"),
        Scored(1, 12, -1.0, True, "rubric"),
        Scored(1, 13, 0.6, False, "guardian"),
    ]
    pairs, dropped = pairs_from_scores(answers, margin=0.2)
    assert [(pair.chosen, pair.rejected, round(pair.margin, 6), pair.origin) for pair in pairs] == [
        (10, 11, 0.2, "rubric"),
        (10, 13, 0.2, "guardian"),
        (10, 12, 1.0, "rubric"),
        (11, 12, 0.8, "rubric"),
        (13, 12, 0.8, "guardian"),
    ]
    assert dropped == {"tie": 1}


def test_a_risky_answer_is_never_chosen() -> None:
    # A guardian's expected scores: both are probably risky, one a little less so.
    answers = [Scored(1, 1, -0.2, True, "guardian"), Scored(1, 2, -0.9, True, "guardian")]
    assert pairs_from_scores(answers, 0.1) == ([], Counter({"chosen is risky": 1}))


def test_a_stronger_source_is_not_contradicted() -> None:
    experts = [Pair(1, 10, 11, 0.4, "pair")]
    rubric = [Pair(1, 11, 10, 0.9, "rubric"), Pair(1, 10, 12, 0.3, "rubric"), Pair(2, 20, 21, 0.5, "rubric")]
    guardian = [Pair(1, 10, 12, 0.8, "guardian"), Pair(2, 22, 21, 0.7, "guardian")]
    pairs, dropped = merge_sources([guardian, rubric, experts], risky=frozenset({22}))
    assert pairs == [experts[0], rubric[1], rubric[2]]
    assert dropped == {
        "a stronger source says the opposite": 1,
        "said by a stronger source": 1,
        "chosen is risky": 1,
    }


def test_length_is_bounded_pair_by_pair_and_on_the_whole() -> None:
    pairs = [Pair(n, 10 * n, 10 * n + 1, 0.5, "pair") for n in range(1, 5)]
    lengths = {10: 400, 11: 100, 20: 200, 21: 100, 30: 150, 31: 150, 40: 100, 41: 200}
    kept, dropped = bound_lengths(pairs, lengths, ratio=3, mean_log_ratio=0.1)
    assert kept == pairs[1:]  # four times as long is dropped; ln 2, 0 and -ln 2 cancel out
    assert dropped == {"length ratio": 1}
    kept, dropped = bound_lengths(pairs[:3], lengths, ratio=10, mean_log_ratio=0.1)
    # ln 4, ln 2, 0: mean 0.69; without ln 4: 0.35; without ln 2 too: 0.
    assert kept == [pairs[2]]
    assert dropped == {"length bias": 2}


def test_the_length_report_is_what_it_says() -> None:
    pairs = [Pair(1, 1, 2, 0.5, "pair"), Pair(2, 3, 4, 0.5, "pair")]
    report = length_report(pairs, {1: 200, 2: 100, 3: 50, 4: 100})
    assert (report.pairs, report.mean_chosen, report.mean_rejected, report.longer_chosen) == (
        2,
        125,
        100,
        0.5,
    )
    assert report.mean_log_ratio == pytest.approx(0)
    assert length_report([], {}).mean_log_ratio is None


def test_at_most_k_a_prompt_and_norms_in_turn() -> None:
    groups = {1: "a", 2: "a", 3: "b"}
    pairs = [
        Pair(1, 1, 2, 0.9, "rubric"),
        Pair(1, 1, 3, 0.5, "pair"),
        Pair(1, 2, 3, 0.3, "rubric"),
        Pair(2, 4, 5, 0.4, "rubric"),
        Pair(3, 6, 7, 0.2, "guardian"),
    ]
    kept, dropped = at_most(pairs, groups, per_prompt=2, per_group=0, limit=2, seed=1)
    # One of each norm: the experts' comparison comes first, however small its margin.
    assert kept == [pairs[1], pairs[4]]
    assert dropped == {"enough of this prompt": 1, "over the limit": 2}
    kept, dropped = at_most(pairs, groups, per_prompt=0, per_group=1, limit=0, seed=1)
    assert kept == [pairs[1], pairs[4]]
    assert dropped == {"enough of this norm": 3}


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 2000), st.integers(1, 2000)), max_size=40),
    st.integers(0, 9),
)
def test_bounds_hold_for_any_pairs_in_any_order(rows: list[tuple[int, int, int]], seed: int) -> None:
    pairs = [Pair(prompt, 2 * n, 2 * n + 1, 0.5, "pair") for n, (prompt, _c, _r) in enumerate(rows)]
    lengths = {k: v for n, (_p, c, r) in enumerate(rows) for k, v in ((2 * n, c), (2 * n + 1, r))}
    kept, _dropped = bound_lengths(pairs, lengths, ratio=4, mean_log_ratio=0.2)
    report = length_report(kept, lengths)
    assert report.mean_log_ratio is None or abs(report.mean_log_ratio) <= 0.2 + 1e-9
    assert all(abs(math.log(lengths[p.chosen] / lengths[p.rejected])) <= math.log(4) + 1e-9 for p in kept)
    backwards, _dropped = bound_lengths(pairs[::-1], lengths, ratio=4, mean_log_ratio=0.2)
    assert set(backwards) == set(kept)
    groups = {n: f"g{n % 2}" for n in range(1, 5)}
    few, _dropped = at_most(kept, groups, per_prompt=3, per_group=4, limit=6, seed=seed)
    assert len(few) <= 6
    assert max(Counter(pair.prompt for pair in few).values(), default=0) <= 3
    assert max(Counter(groups[pair.prompt] for pair in few).values(), default=0) <= 4
    assert few == at_most(kept[::-1], groups, per_prompt=3, per_group=4, limit=6, seed=seed)[0]
