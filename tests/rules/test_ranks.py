"""Pairwise tests and rank intervals against hand arithmetic and against a plain loop over pairs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student

from benchmark.rules.ranks import Ranks, holm, pairwise, rank_intervals

NAN = math.nan

# Twelve items, each its own cluster.
#   A: all 12 right.  B: the first 4.  C: the first 3.
#   A-B: eight 1, four 0: mean 2/3, squares 8/9 + 16/9 = 8/3, se^2 = 12/11 * 8/3 / 144 = 2/99, t^2 = 22
#   A-C: nine 1, three 0: mean 3/4, squares 9/16 + 27/16 = 9/4, se^2 = 12/11 * 9/4 / 144 = 3/176, t^2 = 33
#   B-C: one 1, eleven 0: mean 1/12, squares 11/12, se^2 = 12/11 * 11/12 / 144 = 1/144, t = 1
# Two-sided p with 11 degrees of freedom: 0.00066031, 0.00012940, 0.33880070.
# Holm: 3 * 0.00012940 = 0.00038821 (A-C), 2 * 0.00066031 = 0.00132063 (A-B), 0.33880070 (B-C).
ABC = np.array([[1] * 12, [1] * 4 + [0] * 8, [1] * 3 + [0] * 9], dtype=float)


def test_three_entries_by_hand() -> None:
    got = rank_intervals(ABC, list(range(12)))
    assert got.low.tolist() == [1, 2, 2]
    assert got.high.tolist() == [1, 3, 3]
    assert got.difference[0].tolist() == pytest.approx([0, 2 / 3, 3 / 4])
    assert got.se[0].tolist() == pytest.approx([0, math.sqrt(2 / 99), math.sqrt(3 / 176)])
    assert (got.p[0, 1], got.p[0, 2], got.p[1, 2]) == pytest.approx(
        (0.00132063, 0.00038821, 0.33880070), abs=1e-8
    )
    assert np.diag(got.p).tolist() == [1, 1, 1]
    assert (got.clusters == 12).all()


def test_alpha_is_met_by_equality_and_decides_the_ranks() -> None:
    adjusted = rank_intervals(ABC, list(range(12))).p
    assert rank_intervals(ABC, list(range(12)), alpha=adjusted[0, 1]).high[0] == 1
    assert rank_intervals(ABC, list(range(12)), alpha=adjusted[0, 1] * 0.999).high[0] == 2


def test_pairwise_by_hand() -> None:
    got = pairwise(ABC[0], ABC[1], list(range(12)))
    assert got.difference == pytest.approx(2 / 3)
    assert got.se == pytest.approx(math.sqrt(2 / 99))
    assert got.p == pytest.approx(0.00066031, abs=1e-8)
    half = 2.200985 * math.sqrt(2 / 99)
    assert (got.low, got.high) == pytest.approx((2 / 3 - half, 2 / 3 + half), abs=1e-6)
    assert (got.n, got.clusters, got.df, got.reliable) == (12, 12, 11, True)


def test_pairwise_looks_at_shared_items_only() -> None:
    a = [1, 1, NAN] + [0] * 12
    b = [1, NAN, 0] + [0] * 12
    got = pairwise(a, b, ["x", "y", "z"] + list(range(12)))
    assert (got.difference, got.se, got.p, got.n, got.clusters) == (0.0, 0.0, 1.0, 13, 13)
    few = pairwise([1.0, 1.0, NAN], [0.0, 1.0, 1.0], ["x", "y", "z"])
    assert (few.difference, few.se, few.p, few.low, few.n, few.clusters) == (0.5, 0.5, None, None, 2, 2)
    assert not few.reliable
    none = pairwise([1.0, NAN], [NAN, 1.0], ["x", "y"])
    assert (none.difference, none.se, none.p, none.n, none.clusters) == (None, None, None, 0, 0)


@pytest.mark.parametrize(
    ("raw", "adjusted"),
    [
        # 4 * 0.005, 3 * 0.01, 2 * 0.03, then 1 * 0.04 is lifted to 0.06.
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.5, 0.5, 0.9], [1.0, 1.0, 1.0]),  # 3 * 0.5 = 1.5 is cut to 1, and the rest follows
        ([0.02, 0.02], [0.04, 0.04]),  # a tie: 2 * 0.02, then 0.02 is lifted
        ([0.0, 1.0], [0.0, 1.0]),
        ([0.03], [0.03]),
        ([], []),
    ],
)
def test_holm_by_hand(raw: list[float], adjusted: list[float]) -> None:
    assert holm(raw).tolist() == pytest.approx(adjusted)


@pytest.mark.parametrize("bad", [[-0.1], [1.1], [NAN]])
def test_holm_refuses_what_is_no_probability(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm(bad)


# -- edges ----------


def test_equal_entries_are_never_separated() -> None:
    row = np.random.default_rng(1).random(40)
    got = rank_intervals([row, row, row], np.arange(40) // 2)
    assert (got.p == 1).all() and (got.se == 0).all() and (got.difference == 0).all()
    assert (got.low.tolist(), got.high.tolist()) == ([1, 1, 1], [3, 3, 3])


@pytest.mark.parametrize(("groups", "p"), [(9, 1.0), (10, 0.0)])
def test_constant_difference_needs_ten_clusters(groups: int, p: float) -> None:
    row = np.random.default_rng(2).random(groups)
    got = rank_intervals([row, row + 0.1], list(range(groups)))
    assert got.p[0, 1] == got.p[1, 0] == p
    assert got.difference[1, 0] == pytest.approx(0.1)
    assert got.se[0, 1] == 0
    assert got.low.tolist() == ([1, 1] if p else [2, 1])
    assert got.high.tolist() == ([2, 2] if p else [2, 1])


@pytest.mark.parametrize("value", [0.7, 1.0, 0.4 + 0.3])
def test_perfect_entries_with_different_gaps_are_equal(value: float) -> None:
    rng = np.random.default_rng(3)
    values = np.full((6, 90), value)
    values[rng.random(values.shape) < 0.3] = NAN
    got = rank_intervals(values, np.arange(90) % 30)
    assert (got.p == 1).all() and (got.difference == 0).all() and (got.se == 0).all()


def test_shifted_entries_with_gaps_are_apart_by_exactly_that() -> None:
    rng = np.random.default_rng(4)
    row = rng.random(120)
    values = np.array([row, row + 0.2, row - 0.1])
    values[rng.random(values.shape) < 0.2] = NAN
    got = rank_intervals(values, np.arange(120) % 30)
    assert (got.se == 0).all()
    assert got.low.tolist() == got.high.tolist() == [2, 1, 3]


def test_differences_that_cancel_within_every_cluster_are_no_difference() -> None:
    # +0.3 - 0.1 - 0.2 or +0.7 - 0.4 - 0.3 in a cluster: the sum is 0 but for its last bit, which differs.
    a, b = [0.3, 0.0, 0.0, 0.7, 0.0, 0.0] * 6, [0.0, 0.1, 0.2, 0.0, 0.4, 0.3] * 6
    clusters = [i // 3 for i in range(36)]
    assert pairwise(a, b, clusters).p == 1.0
    assert rank_intervals([a, b], clusters).p[0, 1] == 1.0
    # The same where a third entry leaves a gap in every cluster, so that no Gram matrix can be used.
    third = [1.0, 0.0, NAN] * 12
    got = rank_intervals([a, b, third], clusters)
    assert (got.p[0, 1], got.difference[0, 1], got.se[0, 1]) == (1.0, 0.0, 0.0)


def test_pairs_without_shared_items_or_clusters() -> None:
    values = np.array([[1.0] * 15 + [NAN] * 15, [NAN] * 15 + [0.0] * 15, [0.0] * 30, [NAN] * 30])
    got = rank_intervals(values, list(range(30)))
    assert math.isnan(got.difference[0, 1]) and math.isnan(got.se[0, 1])
    assert (got.p[0, 1], got.clusters[0, 1]) == (1.0, 0)
    assert (got.p[0, 2], got.clusters[0, 2]) == (0.0, 15)
    assert got.low.tolist() == [1, 1, 2, 1]
    assert got.high.tolist() == [3, 4, 4, 4]


def test_one_shared_cluster_has_a_difference_but_no_error() -> None:
    got = rank_intervals([[1.0, 1.0], [0.0, 0.0]], ["x", "x"])
    assert got.difference[0, 1] == 1
    assert math.isnan(got.se[0, 1])
    assert got.p[0, 1] == 1


@pytest.mark.parametrize("shape", [(0, 5), (1, 5), (3, 0)])
def test_empty_boards(shape: tuple[int, int]) -> None:
    got = rank_intervals(np.zeros(shape), list(range(shape[1])))
    assert got.low.tolist() == [1] * shape[0]
    assert got.high.tolist() == [shape[0]] * shape[0]


@pytest.mark.parametrize(
    ("values", "clusters", "alpha", "message"),
    [
        ([[math.inf, 0]], [0, 1], 0.05, "finite"),
        ([[1, 0]], [0], 0.05, "shape"),
        ([1, 0], [0, 1], 0.05, "shape"),
        ([[1, 0]], [0, None], 0.05, "no cluster"),
        ([[1, 0]], [0, 1], 1.0, "alpha"),
    ],
)
def test_refused(values: list[list[float]], clusters: list[int], alpha: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rank_intervals(values, clusters, alpha=alpha)


# -- against a plain loop ----------


def plain_pair(a: np.ndarray, b: np.ndarray, clusters: list[int]) -> tuple[float, float, float, int]:
    """Difference, se, p and shared clusters of one pair, as one would write it down."""
    shared = [i for i in range(len(a)) if not (math.isnan(a[i]) or math.isnan(b[i]))]
    names = {clusters[i] for i in shared}
    if not shared:
        return NAN, NAN, 1.0, 0
    mean = sum(a[i] - b[i] for i in shared) / len(shared)
    if len(names) < 2:
        return mean, NAN, 1.0, len(names)
    squares = sum(sum(a[i] - b[i] - mean for i in shared if clusters[i] == name) ** 2 for name in names)
    se = math.sqrt(len(names) / (len(names) - 1) * squares) / len(shared)
    if len(names) < 10:
        return mean, se, 1.0, len(names)
    p = 2 * student.sf(abs(mean) / se, len(names) - 1) if se > 1e-12 else float(abs(mean) < 1e-12)
    return mean, se, p, len(names)


def assert_as_plain(values: np.ndarray, clusters: list[int], got: Ranks, alpha: float = 0.05) -> None:
    entries = len(values)
    pairs = [(i, j) for i in range(entries) for j in range(i + 1, entries)]
    plain = [plain_pair(values[i], values[j], clusters) for i, j in pairs]
    order = sorted(range(len(pairs)), key=lambda k: plain[k][2])
    worst, adjusted = 0.0, {}
    for position, k in enumerate(order):
        worst = max(worst, min(1.0, (len(pairs) - position) * plain[k][2]))
        adjusted[pairs[k]] = worst
    better, worse = [0] * entries, [0] * entries
    for (i, j), (mean, se, _, groups) in zip(pairs, plain, strict=True):
        assert got.difference[i, j] == pytest.approx(mean, abs=1e-9, nan_ok=True)
        assert got.se[i, j] == pytest.approx(se, abs=1e-9, rel=1e-6, nan_ok=True)
        assert got.p[i, j] == pytest.approx(adjusted[i, j], abs=1e-9, rel=1e-5)
        assert got.clusters[i, j] == groups
        if adjusted[i, j] <= alpha:
            winner, loser = (i, j) if mean > 0 else (j, i)
            worse[winner] += 1
            better[loser] += 1
    assert got.low.tolist() == [1 + count for count in better]
    assert got.high.tolist() == [entries - count for count in worse]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "gaps", ["none", "a few", "by cluster", "one entry", "half", "all but a few clusters"]
)
def test_as_a_plain_loop(gaps: str, seed: int) -> None:
    rng = np.random.default_rng([seed, len(gaps)])
    entries, items, groups = 9, 150, 25
    clusters = rng.integers(0, groups, items)
    skill = rng.uniform(0.1, 0.9, entries)
    ease = rng.uniform(-0.2, 0.2, groups)[clusters]
    values = (rng.random((entries, items)) < skill[:, None] + ease).astype(float)
    values[3:6] = np.where(values[3:6] > 0, rng.choice([0.3, 0.7, 1.0], (3, items)), -1.0)
    if gaps == "a few":
        values[rng.random(values.shape) < 0.03] = NAN
    elif gaps == "by cluster":
        values[:, np.isin(clusters, [0, 1, 2])] = np.where(rng.random((entries, 1)) < 0.5, NAN, 1.0)
        values[4, clusters > 20] = NAN
    elif gaps == "one entry":
        values[2, ::2] = NAN
    elif gaps == "half":
        values[rng.random(values.shape) < 0.5] = NAN
    elif gaps == "all but a few clusters":
        values[:4, clusters > 11] = NAN
        values[4:6, clusters > 8] = NAN
        values[8, clusters > 0] = NAN
    assert_as_plain(values, clusters.tolist(), rank_intervals(values, clusters))


def test_more_entries_than_a_block() -> None:
    rng = np.random.default_rng(9)
    clusters = rng.integers(0, 14, 40)
    values = (rng.random((70, 40)) < rng.uniform(0.2, 0.95, (70, 1))).astype(float)
    values[rng.random(values.shape) < 0.02] = NAN
    assert_as_plain(values, clusters.tolist(), rank_intervals(values, clusters))


def test_a_large_common_offset_costs_no_digits() -> None:
    rng = np.random.default_rng(10)
    values, clusters = rng.normal(size=(5, 80)), np.arange(80) % 16
    near, far = rank_intervals(values, clusters), rank_intervals(values + 1e6, clusters)
    assert far.se == pytest.approx(near.se, rel=1e-6)
    assert far.p == pytest.approx(near.p, rel=1e-5)


# -- for any board ----------


@st.composite
def boards(draw: st.DrawFn, *, gaps: bool = True) -> tuple[np.ndarray, list[int]]:
    entries, items = draw(st.integers(1, 6)), draw(st.integers(1, 40))
    cell = st.sampled_from([0.0, 1.0, 0.5, -1.0] + ([NAN] if gaps else []))
    cells = draw(st.lists(cell, min_size=entries * items, max_size=entries * items))
    shift = draw(st.lists(st.sampled_from([0.0, 0.0, 2.0]), min_size=entries, max_size=entries))
    clusters = draw(st.lists(st.integers(0, 19), min_size=items, max_size=items))
    return np.array(cells).reshape(entries, items) + np.array(shift)[:, None], clusters


@given(boards())
def test_intervals_are_intervals_and_matrices_are_symmetric(board: tuple[np.ndarray, list[int]]) -> None:
    values, clusters = board
    got = rank_intervals(values, clusters)
    entries = len(values)
    assert ((got.low >= 1) & (got.low <= got.high) & (got.high <= entries)).all()
    assert np.array_equal(got.p, got.p.T)
    assert ((got.p >= 0) & (got.p <= 1)).all()
    assert np.array_equal(got.difference, -got.difference.T, equal_nan=True)
    assert np.array_equal(got.se, got.se.T, equal_nan=True)
    assert (got.p[got.clusters < 10] == 1).all()


@given(boards(), st.randoms(use_true_random=False))
def test_moving_entries_and_items_moves_the_ranks(
    board: tuple[np.ndarray, list[int]], random: object
) -> None:
    values, clusters = board
    rows, columns = list(range(len(values))), list(range(len(clusters)))
    random.shuffle(rows)
    random.shuffle(columns)
    before = rank_intervals(values, clusters)
    after = rank_intervals(values[np.ix_(rows, columns)], [f"n{clusters[c]}" for c in columns])
    assert after.low.tolist() == before.low[rows].tolist()
    assert after.high.tolist() == before.high[rows].tolist()
    assert after.p == pytest.approx(before.p[np.ix_(rows, rows)], abs=1e-9)


@given(boards(gaps=False))
def test_the_plain_rank_lies_within(board: tuple[np.ndarray, list[int]]) -> None:
    values, clusters = board
    got = rank_intervals(values, clusters)
    totals = values.sum(axis=1)
    for i, total in enumerate(totals):
        assert got.low[i] <= 1 + (totals > total).sum()
        assert got.high[i] >= len(values) - (totals < total).sum()


@given(boards())
def test_turning_the_scale_turns_the_ranks(board: tuple[np.ndarray, list[int]]) -> None:
    values, clusters = board
    up, down = rank_intervals(values, clusters), rank_intervals(-values, clusters)
    assert down.low.tolist() == (len(values) + 1 - up.high).tolist()


@given(boards())
def test_pairwise_says_what_the_board_says(board: tuple[np.ndarray, list[int]]) -> None:
    values, clusters = board
    if len(values) < 2:
        return
    # Two entries alone are one test, so Holm changes nothing.
    got = rank_intervals(values[:2], clusters)
    pair, turned = pairwise(values[0], values[1], clusters), pairwise(values[1], values[0], clusters)
    assert (pair.p, pair.se, pair.n, pair.clusters) == (turned.p, turned.se, turned.n, turned.clusters)
    assert pair.clusters == got.clusters[0, 1]
    assert (1.0 if pair.p is None else pair.p) == pytest.approx(got.p[0, 1], abs=1e-9)
    if pair.difference is not None and turned.difference is not None:
        assert pair.difference == -turned.difference == pytest.approx(got.difference[0, 1], abs=1e-12)
    if pair.low is not None and pair.high is not None and pair.difference is not None:
        assert pair.low <= pair.difference <= pair.high


@pytest.mark.slow
def test_chance_alone_separates_at_most_alpha_of_the_boards() -> None:
    # Eight equally good entries, answers shared within clusters: the chance of any false separation is <= 5%.
    rng = np.random.default_rng(11)
    clusters = np.repeat(np.arange(40), 5)
    false = 0
    for _ in range(600):
        chance = rng.beta(1.2, 0.8, (8, 40))[:, clusters]
        got = rank_intervals((rng.random(chance.shape) < chance).astype(float), clusters)
        false += bool((got.p <= 0.05).any())
    assert false / 600 <= 0.07  # 0.05 and two standard errors
