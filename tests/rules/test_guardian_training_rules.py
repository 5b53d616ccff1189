"""Folds, targets, calibration, thresholds and the conformal promise, against tables worked by hand."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from training.rules.calibration import Calibration, logit, platt, prior_shift, sigmoid
from training.rules.conformal import control, risky_needed
from training.rules.guardian_folds import group_folds
from training.rules.guardian_targets import risk_of, stated_priors, taught
from training.rules.guardian_thresholds import SHRINK, agreement_threshold, cost_threshold


def test_a_group_stays_whole_and_rare_labels_are_spread() -> None:
    groups = [f"g{i // 3}" for i in range(90)]
    strata = ["risky" if i % 18 == 0 else "safe" for i in range(90)]  # five risky rows in five groups
    folds = group_folds(groups, strata, 5, seed=1)
    assert all(
        len({f for f, g in zip(folds, groups, strict=True) if g == group}) == 1 for group in set(groups)
    )
    risky = [f for f, s in zip(folds, strata, strict=True) if s == "risky"]
    assert sorted(risky) == [0, 1, 2, 3, 4]
    assert max(map(folds.count, range(5))) - min(map(folds.count, range(5))) <= 3
    assert folds == group_folds(groups, strata, 5, seed=1) != group_folds(groups, strata, 5, seed=2)


def test_fewer_groups_than_folds() -> None:
    assert sorted(set(group_folds(["a", "b", "a"], ["x", "x", "y"], 5, seed=0))) == [0, 1]
    assert group_folds([], [], 5, seed=0) == []
    with pytest.raises(ValueError, match="at least two"):
        group_folds(["a"], ["x"], 1, seed=0)


@pytest.mark.parametrize(
    ("target", "criterion", "expected"),
    [
        ({"r1": 0.5, "r2": 0.0, "q2": 1.0}, "r1", (0.5, 2.0)),
        ({"r1": 0.5, "r2": 0.0, "q2": 1.0}, "q2", (1.0, 1.0)),  # half the experts found it risk-free
        ({"r1": 1.0, "r2": 0.0, "q2": None}, "q2", (0.0, 0.0)),
        ({"r1": 0.0, "r2": 1.0, "q2": 0.0}, "q2", (0.0, 0.0)),
        ({"r1": 0.0, "r2": 0.0, "q2": 0.25}, "q2", (0.25, 2.0)),
    ],
)
def test_what_a_row_teaches(target: dict, criterion: str, expected: tuple[float, float]) -> None:
    assert taught(target, 2.0, criterion) == expected


def test_priors_of_the_two_risks() -> None:
    rows = [{"r1": 1.0, "r2": 0.0}, {"r1": 1.0, "r2": 1.0}, {"r1": 0.0, "r2": 0.0}]
    assert [risk_of(row) for row in rows] == [1.0, 1.0, 0.0]
    # Two risky rows: r1 in both, r2 in one. (2 + .5)/(2 + .5) and (1 + .5)/(2 + .5), times 2%.
    assert stated_priors(rows, [1, 1, 1], 0.02) == {"r1": 0.02, "r2": pytest.approx(0.012)}
    assert stated_priors(rows[2:], [1], 0.02) == {"r1": 0.02, "r2": 0.02}


def test_change_of_prior_by_hand() -> None:
    # Seen half and half, stated 2%: p = 0.5 becomes 0.02; p = 0.9 (odds 9) becomes odds 9 * 2/98.
    shift = prior_shift(0.5, 0.02)
    assert sigmoid([logit(0.5) + shift])[0] == pytest.approx(0.02)
    assert sigmoid([logit(0.9) + shift])[0] == pytest.approx((9 * 2 / 98) / (1 + 9 * 2 / 98))
    assert prior_shift(0.25, 0.02) == pytest.approx(-2.793, abs=5e-4)


def test_platt_finds_the_slope_that_made_the_data_and_agrees_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=4_000)
    y = (rng.random(4_000) < sigmoid(1.7 * x - 1.0)).astype(float)
    got = platt(x, y, np.ones(4_000))
    assert (got.slope, got.offset) == (pytest.approx(1.7, abs=0.15), pytest.approx(-1.0, abs=0.12))
    reference = LogisticRegression(C=1e6, tol=1e-8).fit(x[:, None], y)
    assert got.slope == pytest.approx(reference.coef_[0, 0], abs=0.02)
    assert got.offset == pytest.approx(reference.intercept_[0], abs=0.02)
    assert got.apply(x).mean() == pytest.approx(y.mean(), abs=2e-3)


def test_platt_on_little_or_nothing() -> None:
    assert platt([], [], []) == Calibration(0.0, 0.0)
    one_class = platt([1.0, 2.0, 3.0], [0, 0, 0], [1, 1, 1])
    assert (one_class.slope, one_class.apply([5.0])[0]) == (0.0, pytest.approx(1 / 5))
    flat = platt([1.0, 1.0], [0, 1], [1, 1])
    assert flat.apply([1.0])[0] == pytest.approx(0.5)
    wrong_way = platt(np.linspace(-3, 3, 50), (np.linspace(-3, 3, 50) < 0).astype(float), np.ones(50))
    assert wrong_way.slope == 0.0  # margins that order the wrong way round say nothing
    with pytest.raises(ValueError, match="within 0 and 1"):
        platt([1.0], [2.0], [1.0])


@given(st.lists(st.tuples(st.floats(-50, 50), st.booleans()), min_size=1, max_size=40))
def test_platt_always_gives_probabilities(rows: list[tuple[float, bool]]) -> None:
    found = platt([x for x, _ in rows], [float(y) for _, y in rows], [1.0] * len(rows))
    assert math.isfinite(found.slope) and math.isfinite(found.offset)
    p = found.apply([-100.0, 0.0, 100.0])
    assert ((p >= 0) & (p <= 1)).all() and (np.diff(p) >= 0).all()


def test_cost_threshold_by_hand() -> None:
    # p:      .01  .02  .03  .10  .20   (prior 2%, a miss costs 10 false alarms; 1 / 11 = 0.0909)
    # truth:   0    0    0    1    1    Cutting in (.03, .10] costs nothing; its middle in log odds:
    p, y = [0.01, 0.02, 0.03, 0.10, 0.20], [0, 0, 0, 1, 1]
    middle = (logit(0.03) + logit(0.10)) / 2
    aim, share = logit(1 / 11), 2 / (2 + SHRINK)
    expected = 1 / (1 + math.exp(-(share * middle + (1 - share) * aim)))
    assert cost_threshold(p, y, [1] * 5, prior=0.02, miss_cost=10) == pytest.approx(expected)
    assert cost_threshold(p, [0] * 5, [1] * 5, prior=0.02, miss_cost=10) == pytest.approx(1 / 11)
    many = cost_threshold(np.tile(p, 5_000), np.tile(y, 5_000), [1] * 25_000, prior=0.02, miss_cost=10)
    assert 0.03 < many < 0.10
    with pytest.raises(ValueError, match="positive cost"):
        cost_threshold(p, y, [1] * 5, prior=0.02, miss_cost=0)


def test_a_dearer_miss_lowers_the_threshold() -> None:
    rng = np.random.default_rng(1)
    y = (rng.random(5_000) < 0.1).astype(float)
    p = sigmoid(rng.normal(size=5_000) + 2 * y - 4)
    cuts = [cost_threshold(p, y, np.ones(5_000), prior=0.1, miss_cost=cost) for cost in (1, 5, 25, 125)]
    assert cuts == sorted(cuts, reverse=True) and cuts[0] > 2 * cuts[-1]


def test_agreement_threshold_by_hand() -> None:
    # Kappa is 1 between .4 and .8; the middle in log odds of the two is sqrt(odds .4 * odds .8), odds 1.63: 0.62.
    got = agreement_threshold([0.1, 0.4, 0.8, 0.9], [0, 0, 1, 1], [1] * 4)
    assert got == 0.5  # also within the gap, and the nearest to one half
    assert agreement_threshold([0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1], [1] * 4) == pytest.approx(0.2466, abs=1e-3)
    assert agreement_threshold([0.1, 0.9], [1, 1], [1, 1]) == 0.5


@pytest.mark.parametrize(
    ("alpha", "needed"), [(0.5, 1), (0.25, 3), (0.2, 4), (0.1, 9), (0.05, 19), (0.01, 99)]
)
def test_how_many_risky_answers_a_promise_needs(alpha: float, needed: int) -> None:
    assert risky_needed(alpha) == needed
    assert control([0.5] * (needed - 1), alpha).threshold is None if needed > 1 else True
    assert control([0.5] * needed, alpha).threshold == 0.5


def test_the_promise_by_hand() -> None:
    scores = [0.9, 0.3, 0.5, 0.7, 0.2, 0.8, 0.4, 0.6, 0.1]
    assert control(scores, 0.1).threshold == 0.1  # k = floor(0.1 * 10) = 1: the smallest
    assert control([*scores, *[0.95] * 10], 0.1).threshold == 0.2  # k = floor(0.1 * 20) = 2
    nothing = control(scores[:8], 0.1)
    assert nothing.threshold is None and nothing.reason.startswith("8 risky")


@pytest.mark.parametrize("n", [9, 14, 40])
def test_of_risky_answers_at_most_alpha_pass(n: int) -> None:
    """The promise itself, over 4,000 draws: the share that passes is k / (n + 1) for continuous scores."""
    rng = random.Random(n)
    passed = 0
    for _ in range(4_000):
        scores = [rng.gauss(0, 1) for _ in range(n + 1)]
        threshold = control(scores[:n], 0.1).threshold
        assert threshold is not None
        passed += scores[n] < threshold
    exact = math.floor(0.1 * (n + 1)) / (n + 1)
    assert passed / 4_000 == pytest.approx(exact, abs=3 * math.sqrt(exact * (1 - exact) / 4_000))
    assert exact <= 0.1
