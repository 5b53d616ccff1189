"""Error bars against arithmetic done by hand, and what must hold for any data."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import stdtrit

from benchmark.rules.intervals import (
    MIN_CLUSTERS,
    cluster_codes,
    cluster_mean,
    proportion,
    wilson_clustered,
)

# Twelve clusters of two: four hold 1 1, two hold 0 0, six hold 1 0. Sum 14 of 24, mean 7/12.
# Sums of deviations: 2 - 7/6 = 5/6 (x4), -7/6 (x2), 1 - 7/6 = -1/6 (x6).
# Squared: 4*25/36 + 2*49/36 + 6*1/36 = 204/36 = 17/3.   se^2 = 12/11 * 17/3 / 24^2 = 17/1584.
PAIRS = [1, 1] * 4 + [0, 0] * 2 + [1, 0] * 6
PAIRS_CLUSTERS = [i // 2 for i in range(24)]


def test_mean_of_equal_clusters_by_hand() -> None:
    got = cluster_mean(PAIRS, PAIRS_CLUSTERS)
    assert got.mean == pytest.approx(7 / 12)
    assert got.se == pytest.approx(math.sqrt(17 / 1584))
    # t with 11 degrees of freedom: 2.200985; 2.200985 * 0.1035969 = 0.2280152.
    assert got.low == pytest.approx(0.583333 - 0.228015, abs=2e-6)
    assert got.high == pytest.approx(0.583333 + 0.228015, abs=2e-6)
    assert (got.n, got.clusters, got.df, got.reliable) == (24, 12, 11, True)


def test_mean_of_unequal_clusters_by_hand() -> None:
    # Nine zeros alone and one cluster of three ones: mean 1/4; sums of deviations -1/4 (x9) and 9/4;
    # squared 9/16 + 81/16 = 45/8; se^2 = 10/9 * 45/8 / 144 = 6.25/144, se = 2.5/12.  t(9) = 2.262157.
    got = cluster_mean([0.0] * 9 + [1.0] * 3, [f"c{i}" for i in range(9)] + ["big"] * 3)
    assert got.mean == pytest.approx(0.25)
    assert got.se == pytest.approx(2.5 / 12)
    assert got.high == pytest.approx(0.25 + 2.262157 * 2.5 / 12, abs=1e-6)
    assert got.low == pytest.approx(0.25 - 2.262157 * 2.5 / 12, abs=1e-6)  # below 0: no bounds were given
    clipped = cluster_mean([0.0] * 9 + [1.0] * 3, list(range(9)) + [9] * 3, bounds=(0.0, 1.0))
    assert (clipped.low, clipped.se) == (0.0, got.se)


def test_clusters_of_one_give_the_ordinary_standard_error() -> None:
    # 0..11: mean 5.5, sum of squared deviations 143, s^2 = 13, se = sqrt(13/12).
    got = cluster_mean(np.arange(12), np.arange(12))
    assert got.se == pytest.approx(math.sqrt(13 / 12))


@pytest.mark.parametrize(
    ("values", "clusters", "mean", "se", "groups", "df"),
    [
        ([], [], None, None, 0, 0),
        ([0.4], ["a"], 0.4, None, 1, 0),
        ([0.0, 1.0], ["a", "a"], 0.5, None, 1, 0),
        ([0.0, 1.0], ["a", "b"], 0.5, 0.5, 2, 1),  # 2/1 * (1/4 + 1/4) / 4 = 1/4
        ([3.0] * 9, list(range(9)), 3.0, 0.0, 9, 8),
    ],
)
def test_too_few_clusters_give_no_interval(
    values: list[float],
    clusters: list[str | int],
    mean: float | None,
    se: float | None,
    groups: int,
    df: int,
) -> None:
    got = cluster_mean(values, clusters)
    assert (got.mean, got.se, got.low, got.high) == (mean, se, None, None)
    assert (got.n, got.clusters, got.df, got.reliable) == (len(values), groups, df, False)


def test_the_tenth_cluster_brings_the_interval() -> None:
    values = [0.0, 1.0] * 5
    assert cluster_mean(values[:9], list(range(9))).low is None
    assert cluster_mean(values, list(range(10))).low is not None
    assert MIN_CLUSTERS == 10


def test_equal_values_have_no_spread_not_even_a_last_bit() -> None:
    got = cluster_mean([0.1] * 30, list(range(10)) * 3)
    assert (got.mean, got.se, got.low, got.high) == (0.1, 0.0, 0.1, 0.1)


@pytest.mark.parametrize(
    ("values", "clusters", "level", "message"),
    [
        ([math.nan, 1], [0, 1], 0.95, "finite"),
        ([math.inf, 1], [0, 1], 0.95, "finite"),
        ([0, 1], [0], 0.95, "2 values but 1 clusters"),
        ([0, 1], ["a", None], 0.95, "item 1 has no cluster"),
        ([0, 1], [0.0, math.nan], 0.95, "item 1 has no cluster"),
        ([[0, 1]], [0], 0.95, "one dimension"),
        ([0, 1], [0, 1], 1.0, "level"),
        ([0, 1], [0, 1], 0.0, "level"),
    ],
)
def test_refused(values: list[float], clusters: list[str], level: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cluster_mean(values, clusters, level=level)
    with pytest.raises(ValueError, match=message):
        proportion(values, clusters, level=level)


def test_values_out_of_bounds_are_refused() -> None:
    with pytest.raises(ValueError, match="within -1"):
        cluster_mean([0.0, 1.5], [0, 1], bounds=(-1.0, 1.0))
    for estimate in (proportion, wilson_clustered):
        with pytest.raises(ValueError, match="0 and 1"):
            estimate([0, 0.5], [0, 1])


def test_cluster_codes_take_numbers_texts_and_mixtures() -> None:
    codes, groups = cluster_codes(np.array([7, 7, -1]))
    assert (codes[0] == codes[1] != codes[2], groups) == (True, 2)
    codes, groups = cluster_codes(["乙", "甲", "乙"])
    assert (codes.tolist(), groups) == ([0, 1, 0], 2)
    assert cluster_codes(np.array(["x", None, "x"], dtype=object)[[0, 2]])[1] == 1
    assert cluster_codes([1, "1"])[1] == 2


# -- proportions ----------


def test_wilson_by_hand() -> None:
    # 1 of 20, each its own cluster: p = 0.05, se^2 = p(1-p)/19, so n_eff = 19. t(19) = 2.093024,
    # c = 4.380750/19 = 0.230566. Centre 0.05 + 0.115283 = 0.165283; root of 0.0475c + c^2/4
    # = 0.0109519 + 0.0132902 = 0.0242421 is 0.155699. Both over 1.230566: 0.007788 and 0.260842.
    got = wilson_clustered([1] + [0] * 19, list(range(20)))
    assert (got.method, got.reliable) == ("wilson", True)
    assert got.n_effective == pytest.approx(19)
    assert got.low == pytest.approx(0.007788, abs=2e-6)
    assert got.high == pytest.approx(0.260841, abs=2e-6)


def test_wilson_counts_dependent_items_less() -> None:
    # Twelve clusters of three, one of them all ones: p = 1/12, sums of deviations 11/4 and -1/4 (x11);
    # squared 121/16 + 11/16 = 33/4; se^2 = 12/11 * 33/4 / 36^2 = 1/144; n_eff = 11/144 * 144 = 11, not 36.
    got = wilson_clustered([1] * 3 + [0] * 33, [i // 3 for i in range(36)])
    assert got.se == pytest.approx(1 / 12)
    assert got.n_effective == pytest.approx(11)


@pytest.mark.parametrize("value", [0, 1])
def test_all_alike_counts_clusters(value: int) -> None:
    # c = 2.200985^2 / 12 = 0.403695; the far end is c / (1 + c) = 0.287594 away.
    got = proportion([value] * 36, [i // 3 for i in range(36)])
    assert (got.mean, got.se, got.n_effective, got.method) == (value, 0.0, 12.0, "wilson")
    assert (got.low, got.high) == pytest.approx((0.0, 0.287594) if value == 0 else (0.712406, 1.0), abs=2e-6)
    assert value in (got.low, got.high)


def test_effective_size_never_exceeds_the_items() -> None:
    # One right and one wrong in every cluster: no spread between clusters, but no certainty either.
    got = proportion([1, 0] * 15, [i // 2 for i in range(30)])
    assert (got.mean, got.se, got.method, got.n_effective) == (0.5, 0.0, "wilson", 30.0)
    assert got.low is not None and got.high is not None
    assert 0.3 < got.low < 0.4 and 0.6 < got.high < 0.7


@pytest.mark.parametrize(
    ("ones", "total", "method"),
    [
        (3, 40, "wilson"),
        (4, 40, "cluster-t"),
        (20, 40, "cluster-t"),
        (36, 40, "cluster-t"),
        (37, 40, "wilson"),
    ],
)
def test_proportion_chooses_by_the_share(ones: int, total: int, method: str) -> None:
    values, clusters = [1] * ones + [0] * (total - ones), list(range(total))
    got = proportion(values, clusters)
    assert got.method == method
    wanted = wilson_clustered(values, clusters) if method == "wilson" else cluster_mean(values, clusters)
    assert (got.low, got.high) == pytest.approx((wanted.low, wanted.high))


def test_cluster_t_is_clipped() -> None:
    # Ten clusters of ten; one of them all ones and one holding nine: share 0.19, low end below 0.
    values = [1] * 10 + [1] * 9 + [0] * 81
    got = proportion(values, [i // 10 for i in range(100)])
    assert (got.method, got.low) == ("cluster-t", 0.0)
    assert cluster_mean(values, [i // 10 for i in range(100)]).low < 0


@pytest.mark.parametrize("estimate", [proportion, wilson_clustered])
def test_proportion_of_few_clusters(estimate: object) -> None:
    got = estimate([0, 1, 1], ["a", "b", "b"])
    assert (got.method, got.low, got.high, got.reliable) == ("none", None, None, False)
    assert got.mean == pytest.approx(2 / 3)
    empty = estimate([], [])
    assert (empty.method, empty.mean, empty.n) == ("none", None, 0)


def test_results_are_plain_and_can_be_stored() -> None:
    got = proportion(np.array([True] * 11 + [False]), np.arange(12))
    assert json.loads(json.dumps(dataclasses.asdict(got)))["n"] == 12


# -- for any data ----------

samples = st.lists(
    st.tuples(st.integers(0, 14), st.integers(-4, 4).map(lambda k: k / 4)), min_size=1, max_size=80
)
binary = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 1)), min_size=1, max_size=120)


@given(samples)
def test_interval_holds_the_mean(sample: list[tuple[int, float]]) -> None:
    clusters, values = zip(*sample, strict=True)
    got = cluster_mean(values, clusters, bounds=(-1.0, 1.0))
    assert got.mean == pytest.approx(sum(values) / len(values))
    assert got.reliable == (len(set(clusters)) >= 10) == (got.low is not None)
    if got.low is not None and got.high is not None and got.mean is not None:
        assert -1 <= got.low <= got.mean <= got.high <= 1


@given(binary)
def test_share_intervals_stay_within_0_and_1(sample: list[tuple[int, int]]) -> None:
    clusters, values = zip(*sample, strict=True)
    for got in (proportion(values, clusters), wilson_clustered(values, clusters)):
        if got.low is not None and got.high is not None and got.mean is not None:
            assert 0 <= got.low <= got.mean <= got.high <= 1
            assert got.low < got.high
        if got.n_effective is not None:
            assert 0 < got.n_effective <= got.n


@given(binary)
def test_counting_wrongs_mirrors_counting_rights(sample: list[tuple[int, int]]) -> None:
    clusters, values = zip(*sample, strict=True)
    right = wilson_clustered(values, clusters)
    wrong = wilson_clustered([1 - value for value in values], clusters)
    if right.low is not None and wrong.high is not None:
        assert right.low == pytest.approx(1 - wrong.high, abs=1e-9)


@given(samples, st.integers(2, 5))
def test_repeating_every_item_in_its_cluster_gains_nothing(
    sample: list[tuple[int, float]], times: int
) -> None:
    clusters, values = zip(*sample, strict=True)
    once, often = cluster_mean(values, clusters), cluster_mean(values * times, clusters * times)
    assert often.mean == pytest.approx(once.mean)
    assert often.se == (None if once.se is None else pytest.approx(once.se, abs=1e-9))


@given(samples, st.randoms(use_true_random=False))
def test_order_and_names_do_not_matter(sample: list[tuple[int, float]], random: object) -> None:
    clusters, values = zip(*sample, strict=True)
    shuffled = list(sample)
    random.shuffle(shuffled)
    got = cluster_mean([v for _, v in shuffled], [f"norm {100 - c}" for c, _ in shuffled])
    want = cluster_mean(values, np.array(clusters))
    assert (got.n, got.clusters) == (want.n, want.clusters)
    assert got.se == (None if want.se is None else pytest.approx(want.se, abs=1e-9))


@given(binary)
def test_merging_all_clusters_but_nine_takes_the_interval_away(sample: list[tuple[int, int]]) -> None:
    clusters, values = zip(*sample, strict=True)
    assert proportion(values, [c % 9 for c in clusters]).low is None


# -- coverage ----------


def _dependent(
    rng: np.random.Generator, clusters: int, share: float, rho: float
) -> tuple[np.ndarray, np.ndarray]:
    """0/1 answers whose chance is shared within a cluster of 4 to 12 (beta-binomial, correlation rho)."""
    sizes = rng.integers(4, 13, clusters)
    chance = rng.beta(share * (1 - rho) / rho, (1 - share) * (1 - rho) / rho, clusters)
    codes = np.repeat(np.arange(clusters), sizes)
    return (rng.random(len(codes)) < chance[codes]).astype(float), codes


def _covered(clusters: int, share: float, rho: float, rounds: int = 2_000) -> tuple[float, float]:
    """How often the interval holds the true share: with the clusters known, and with each item its own."""
    rng = np.random.default_rng(20260108)
    known = naive = 0
    for _ in range(rounds):
        values, codes = _dependent(rng, clusters, share, rho)
        got, blind = proportion(values, codes), proportion(values, np.arange(len(values)))
        known += got.low <= share <= got.high
        naive += blind.low <= share <= blind.high
    return known / rounds, naive / rounds


@pytest.mark.slow
@pytest.mark.parametrize(("clusters", "share"), [(60, 0.6), (60, 0.05), (15, 0.5), (15, 0.04)])
def test_clustered_intervals_cover_and_naive_ones_do_not(clusters: int, share: float) -> None:
    # 2,000 rounds: the standard error of a coverage near 0.95 is 0.005.
    known, naive = _covered(clusters, share, rho=0.4)
    assert known >= 0.92
    assert naive <= known - 0.1


@pytest.mark.slow
def test_clustered_mean_covers_where_answers_are_independent_too() -> None:
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(2_000):
        got = cluster_mean(rng.normal(0.3, 1.0, 120), np.arange(120) % 20)
        held += got.low <= 0.3 <= got.high
    assert held / 2_000 == pytest.approx(0.95, abs=0.02)


def test_t_quantile_is_that_of_the_tables() -> None:
    assert float(stdtrit(9, 0.975)) == pytest.approx(2.262157, abs=1e-6)
