"""The pairs of one prompt, found in columns, are those that the rules find one by one."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules import plain_choice
from training.rules import best_pairs as columns
from training.rules import pairs as rules

MARK = st.sampled_from([-1.0, -0.4, 0.0, 0.3, 0.6, 0.7, 1.0])
ANSWERS = st.lists(
    st.tuples(MARK | st.floats(-1, 1), st.booleans(), st.booleans(), st.integers(0, 40)), max_size=9
)
SAID = st.lists(
    st.tuples(st.integers(1, 8), st.integers(1, 8), st.sampled_from(["a", "b", "tie"]), st.integers(1, 3)),
    max_size=4,
)


def one_by_one(answers, compared, corrected, lengths, *, margin, ratio, most, seed):
    """As the rules stand: every pair an object, all bounds in turn."""
    left = Counter()
    scored = [
        plain_choice.Scored(7, n, score, risky, "rubric" if people else "guardian")
        for n, (score, risky, people, _) in answers.items()
    ]
    risky = frozenset(n for n, (_, is_risky, _, _) in answers.items() if is_risky)
    by_scores, dropped = plain_choice.pairs_from_scores(scored, margin)
    left.update(dropped)
    merged, dropped = plain_choice.merge_sources([corrected, compared, by_scores], risky)
    left.update(dropped)
    fit, dropped = rules.bound_lengths(merged, lengths, ratio=ratio, mean_log_ratio=math.inf)
    left.update(dropped)
    taken, dropped = rules.at_most(fit, {7: "g"}, per_prompt=most, per_group=0, limit=0, seed=seed)
    left.update(dropped)
    return taken, left, rules.length_report(merged, lengths)


@given(
    ANSWERS,
    SAID,
    st.integers(0, 4),
    st.sampled_from([0.0, 0.1, 0.5]),
    st.sampled_from([1.0, 2.0, 100.0]),
    st.integers(1, 3),
)
def test_columns_and_objects_agree(answers, said, most, margin, ratio, block) -> None:  # fmt: skip
    known = {n: answer for n, answer in enumerate(answers, 1)}
    comparisons = [
        rules.Comparison(7, a, b, better, by if better != "tie" else 0)
        for a, b, better, by in said
        if a != b and a in known and b in known
    ]
    compared, _ = rules.pairs_from_comparisons(comparisons, margin)
    corrected, _ = rules.pairs_from_corrections(
        [rules.Correction(7, -n, n, known[n][0]) for n in list(known)[:2]], margin
    )
    lengths = {n: answer[3] for n, answer in known.items()} | {-n: 11 for n in known}
    bounds = {"margin": margin, "ratio": ratio, "most": most, "seed": 5}
    expected, left, report = one_by_one(known, compared, corrected, lengths, **bounds)
    rows = list(known.values())
    scores = columns.Scores(
        np.array(list(known), dtype=np.int64),
        np.array([row[0] for row in rows], dtype=np.float64),
        np.array([row[1] for row in rows], dtype=bool),
        np.array([row[2] for row in rows], dtype=bool),
        np.array([row[3] for row in rows], dtype=np.int64),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "BLOCK", block * max(1, len(rows)))  # a few rows of the matrix at once
        found, told = columns.best_pairs(7, scores, [*corrected, *compared], lengths, **bounds)
    assert sorted(found, key=lambda pair: (pair.chosen, pair.rejected)) == expected
    assert +told.left == +left
    assert told.report().pairs == report.pairs
    if report.pairs:
        assert told.report().mean_chosen == report.mean_chosen
        assert told.report().longer_chosen == report.longer_chosen
        assert told.report().mean_log_ratio == pytest.approx(report.mean_log_ratio, abs=1e-12)


def test_a_correction_lacks_nothing() -> None:
    given_ = [
        rules.Correction(1, -2, 1, -1.0),
        rules.Correction(1, -4, 2, 0.6),
        rules.Correction(1, -6, 3, 1.0),
    ]
    pairs, left = rules.pairs_from_corrections(given_, 0.1)
    assert [(pair.chosen, pair.rejected, round(pair.margin, 9)) for pair in pairs] == [
        (-2, 1, 1.0),
        (-4, 2, 0.2),
    ]
    assert left == {"tie": 1}
