"""The denominator account and objective scores, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.rules.account import Account, account_of, by_group, objective_summary
from benchmark.rules.intervals import ProportionEstimate, cluster_mean, proportion


def test_account_by_hand() -> None:
    got = account_of(
        iter(["scored", "scored", "absent", None, "no_reply", "truncated", "refused", "abstained"])
    )
    assert got == Account(scored=2, no_reply=3, truncated=1, refused=1, abstained=1)
    assert got.total == 8
    assert account_of([]) == Account() and Account().total == 0


def test_an_unknown_outcome_cannot_vanish() -> None:
    with pytest.raises(ValueError, match="'timeout'"):
        account_of(["scored", "timeout"])


def test_objective_summary_by_hand() -> None:
    # Twelve questions, each its own cluster: 8 scored (6 right), 2 truncated, 1 refused, 1 absent.
    outcomes = ["scored"] * 8 + ["truncated"] * 2 + ["refused", "absent"]
    got = objective_summary(outcomes, [True] * 6 + [False] * 6, [f"q{i}" for i in range(12)])
    assert (got.n, got.scored, got.missing, got.right) == (12, 8, 4, 6)
    assert (got.accuracy, got.answered_accuracy) == (0.5, 0.75)
    assert got.missing_share == pytest.approx(1 / 3)
    assert got.account == Account(scored=8, no_reply=1, truncated=2, refused=1)
    # p = 1/2, se^2 = 12/11 * 3 / 144 = 1/44; t(11) = 2.200985; half = 2.200985 / 6.633250 = 0.331811.
    assert got.interval.mean == 0.5
    assert got.interval.method == "cluster-t"
    assert (got.interval.low, got.interval.high) == pytest.approx((0.168189, 0.831811), abs=1e-6)


def test_dropping_failures_does_not_raise_the_accuracy() -> None:
    right = [1] * 6 + [0] * 6
    honest = objective_summary(["scored"] * 12, right, list(range(12)))
    silent = objective_summary(["scored"] * 6 + [None] * 6, right, list(range(12)))
    assert honest.accuracy == silent.accuracy == 0.5
    assert honest.interval == silent.interval
    assert (silent.answered_accuracy, silent.missing_share) == (1.0, 0.5)


def test_nothing_asked_and_nothing_answered() -> None:
    empty = objective_summary([], [], [])
    assert (empty.n, empty.accuracy, empty.answered_accuracy, empty.missing_share) == (0, None, None, None)
    mute = objective_summary(["no_reply"] * 12, [0] * 12, list(range(12)))
    assert (mute.accuracy, mute.answered_accuracy, mute.missing_share) == (0.0, None, 1.0)
    assert mute.interval.low == 0.0


def test_duplicate_questions_share_a_cluster() -> None:
    outcomes, right = ["scored"] * 24, [1, 1, 0, 0] * 6
    apart = objective_summary(outcomes, right, list(range(24)))
    together = objective_summary(outcomes, right, [i // 2 for i in range(24)])
    assert together.interval.clusters == 12
    # Half of 24 right. Apart: 24/23 * 24/4 / 24^2 = 1/92. In pairs of one kind each cluster is off by 1:
    # 12/11 * 12 / 24^2 = 1/44.
    assert apart.interval.se == pytest.approx(math.sqrt(1 / 92))
    assert together.interval.se == pytest.approx(math.sqrt(1 / 44))


@pytest.mark.parametrize(
    ("outcomes", "right", "clusters", "message"),
    [
        (["truncated"], [1], ["a"], "item 0 has no answer"),
        ([None], [1], ["a"], "absent"),
        (["scored", "judge_failed"], [1, 0], ["a", "b"], "item 1: 'judge_failed'"),
        (["scored", "abstained"], [1, 0], ["a", "b"], "item 1: 'abstained'"),
        (["scored"], [1, 0], ["a"], "1 outcomes"),
        (["scored"], [1], ["a", "b"], "clusters"),
        (["scored"], [0.5], ["a"], "0 and 1"),
        (["scored"], [math.nan], ["a"], "finite"),
        (["scored"], [1], [None], "no cluster"),
    ],
)
def test_refused(outcomes: list[str], right: list[float], clusters: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        objective_summary(outcomes, right, clusters)


outcome_rows = st.lists(
    st.tuples(
        st.sampled_from(
            ["scored", "scored", "no_reply", "truncated", "unparseable", "refused", "absent", None]
        ),
        st.booleans(),
        st.integers(0, 15),
    ),
    max_size=80,
)


@given(outcome_rows)
def test_every_item_stands_in_one_line(rows: list[tuple[str | None, bool, int]]) -> None:
    outcomes = [outcome for outcome, _, _ in rows]
    right = [good and outcome == "scored" for outcome, good, _ in rows]
    got = objective_summary(outcomes, right, [cluster for _, _, cluster in rows])
    assert got.account.total == got.n == got.scored + got.missing == len(rows)
    assert got.right == sum(right) <= got.scored
    assert got.accuracy == got.interval.mean
    if got.answered_accuracy is not None and got.accuracy is not None:
        assert got.answered_accuracy >= got.accuracy


def test_by_group_by_hand() -> None:
    labels = ["乙", "甲", "乙", "甲", "乙"]
    got = by_group(labels, [1, 0, 1, 1, 0], ["n1", "n1", "n2", "n3", "n2"])
    assert list(got) == ["乙", "甲"]
    assert (got["乙"].n, got["乙"].clusters, got["甲"].clusters) == (3, 2, 2)
    assert (got["乙"].mean, got["甲"].mean) == pytest.approx((2 / 3, 1 / 2))
    assert got["乙"].low is None


def test_by_group_of_nothing() -> None:
    assert by_group([], [], []) == {}


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 1), st.integers(0, 30)), min_size=1, max_size=150
    )
)
def test_by_group_is_each_group_by_itself(rows: list[tuple[str, int, int]]) -> None:
    labels, values, clusters = (list(column) for column in zip(*rows, strict=True))
    shares = by_group(labels, values, np.array(clusters))
    means = by_group(labels, values, [f"n{c}" for c in clusters], kind="mean", level=0.9)
    assert list(shares) == list(dict.fromkeys(labels))
    for label in set(labels):
        own = [i for i, other in enumerate(labels) if other == label]
        picked, theirs = [values[i] for i in own], [clusters[i] for i in own]
        assert isinstance(shares[label], ProportionEstimate)
        assert shares[label] == proportion(picked, np.array(theirs))
        assert means[label].se == pytest.approx(cluster_mean(picked, theirs, level=0.9).se)
        assert means[label].low == pytest.approx(cluster_mean(picked, theirs, level=0.9).low)


@pytest.mark.parametrize(
    ("labels", "values", "clusters", "kind", "message"),
    [
        (["a"], [1, 0], ["x", "y"], "proportion", "1 labels"),
        (["a", "b"], [1, 0], ["x"], "proportion", "1 clusters"),
        (["a", None], [1, 0], ["x", "y"], "proportion", "item 1 has no label"),
        (["a"], [0.5], ["x"], "proportion", "0 and 1"),
        (["a"], [0.5], ["x"], "median", "median"),
    ],
)
def test_by_group_refused(
    labels: list[str], values: list[float], clusters: list[str], kind: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        by_group(labels, values, clusters, kind=kind)
