"""Agreement figures: published and hand-worked tables, plain re-computations, and two other programs."""

from __future__ import annotations

import itertools
import math
import warnings
from collections import Counter

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from annotation.rules.agreement import (
    Metric,
    cohen_kappa,
    conger_kappa,
    gwet_ac1,
    krippendorff_alpha,
    mean_pairwise_kappa,
    percent_agreement,
    positive_agreement,
    prevalence,
)

N = None
Table = list[list[float | None]]


def units_of(*raters: list[float | None]) -> Table:
    """Raters' rows, as the sources print them, turned into units."""
    return [list(unit) for unit in zip(*raters, strict=True)]


def cross_table(a: int, b: int, c: int, d: int) -> Table:
    """Two raters: `a` units 1 and 1, `b` 1 and 0, `c` 0 and 1, `d` 0 and 0."""
    return [[1, 1]] * a + [[1, 0]] * b + [[0, 1]] * c + [[0, 0]] * d


# A much used example with missing data: three coders, 15 units, values 1 to 4. Units 2 and 14 have no label
# and unit 1 has one, so 12 units are pairable, with 26 labels. A pair of m labels counts 1/(m - 1), both ways:
#   1-1: units 4, 10, 11 -> 6            3-3: units 5, 12, 13 -> 6, and unit 6 (3, 3, 4) -> 2/2 = 1, so 7
#   2-2: units 3, 9 -> 4                 4-4: unit 7 (4, 4, 4) -> 6/2 = 3
#   1-3 and 3-1: unit 8 -> 1 each        3-4 and 4-3: unit 6 -> 2/2 = 1 each, unit 15 -> 1 each, so 2
# n = (7, 4, 10, 5). Nominal: 1 - 25 * (1+1+2+2) / (26^2 - 49 - 16 - 100 - 25) = 1 - 150/486 = 0.691.
# Interval: 1 - 25 * (2*1*4 + 2*2*1) / (2 * (28*1 + 70*4 + 35*9 + 40*1 + 20*4 + 50*1)) = 1 - 300/1586 = 0.811.
THREE_CODERS = units_of(
    [N, N, N, N, N, 3, 4, 1, 2, 1, 1, 3, 3, N, 3],
    [1, N, 2, 1, 3, 3, 4, 3, N, N, N, N, N, N, N],
    [N, N, 2, 1, 3, 4, 4, N, 2, 1, 1, 3, 3, N, 4],
)

# Krippendorff (2011), section C: four observers, 12 units, values 1 to 5, missing data. 40 labels in 11
# pairable units, n = (9, 13, 10, 5, 3). Three units disagree: 2,2,3,2 and 1,1,2,1 (6 of 12 ordered pairs, by
# 1/3: 2 each) and 1,2,3,4 (12 pairs by 1/3: 4), together 8. Nominal: 1 - 39*8 / (1600-81-169-100-25-9) =
# 1 - 312/1216 = 0.743; printed there too: ordinal 0.815, interval 0.849.
# Gwet's AC1 (his handbook prints 0.77544): p_a = (8 + 1/2 + 1/2 + 0) / 11 = 9/11; over all 12 units
# pi = (3, 3.25, 3.5, 1.25, 1) / 12, p_e = (1 - 34.375/144) / 4 = 0.190321; (0.818182 - 0.190321) / 0.809679.
FOUR_OBSERVERS = units_of(
    [1, 2, 3, 3, 2, 1, 4, 1, 2, N, N, N],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, N, 3],
    [N, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, N],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, N],
)


@pytest.mark.parametrize(
    ("units", "metric", "expected"),
    [
        (THREE_CODERS, "nominal", 1 - 150 / 486),
        (THREE_CODERS, "interval", 1 - 300 / 1586),
        (FOUR_OBSERVERS, "nominal", 1 - 312 / 1216),
    ],
)
def test_alpha_by_hand(units: Table, metric: Metric, expected: float) -> None:
    assert krippendorff_alpha(units, metric=metric) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("units", "metric", "printed"),
    [
        (THREE_CODERS, "nominal", 0.691),
        (THREE_CODERS, "interval", 0.811),
        (FOUR_OBSERVERS, "nominal", 0.743),
        (FOUR_OBSERVERS, "ordinal", 0.815),
        (FOUR_OBSERVERS, "interval", 0.849),
        # Sections A and B of the same paper: two observers, ten binary and twelve nominal units.
        (units_of([0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]), "nominal", 0.095),
        (
            units_of([1, 1, 2, 2, 4, 3, 3, 3, 5, 4, 4, 1], [2, 1, 2, 2, 2, 3, 3, 3, 5, 4, 4, 4]),
            "nominal",
            0.692,
        ),
    ],
)
def test_alpha_as_printed(units: Table, metric: Metric, printed: float) -> None:
    alpha = krippendorff_alpha(units, metric=metric)
    assert alpha is not None
    assert round(alpha, 3) == printed


def test_kappa_by_hand() -> None:
    """20 and 15 of 50 agree: p_o = 0.7. Margins 25/25 and 30/20: p_e = 0.5*0.6 + 0.5*0.4 = 0.5."""
    first, second = units_of(*cross_table(20, 5, 10, 15))
    assert cohen_kappa(first, second) == pytest.approx(0.4, abs=1e-12)
    assert cohen_kappa([*first, 1, None], [*second, None, 0]) == pytest.approx(0.4, abs=1e-12)
    assert conger_kappa(cross_table(20, 5, 10, 15)) == pytest.approx(0.4, abs=1e-12)


def test_ac1_by_hand() -> None:
    """Gwet's example of 125 units, where kappa is negative at 94% agreement.

    Table 118, 5, 2, 0: p_a = 118/125 = 0.944. pi = (123 + 120) / 250 = 0.972, p_e = 2 * 0.972 * 0.028 =
    0.054432, AC1 = 0.889568 / 0.945568. Kappa: p_e = (123*120 + 2*5) / 125^2 = 0.94528.
    """
    units = cross_table(118, 5, 2, 0)
    assert gwet_ac1(units) == pytest.approx(0.889568 / 0.945568, abs=1e-12)
    assert cohen_kappa(*units_of(*units)) == pytest.approx((0.944 - 0.94528) / (1 - 0.94528), abs=1e-12)
    assert gwet_ac1(FOUR_OBSERVERS) == pytest.approx(0.77544, abs=5e-6)


def test_shares_by_hand() -> None:
    """Two raters: positive agreement 2a / (2a + b + c)."""
    units = cross_table(3, 2, 1, 94)
    assert positive_agreement(units) == pytest.approx(6 / 9)
    assert positive_agreement(units, 0) == pytest.approx(188 / 191)
    assert percent_agreement(units) == pytest.approx(0.97)
    assert prevalence(units, 1) == pytest.approx(9 / 200)
    # Three raters on one unit, two on another, one on a third (which has no pair):
    # 1,1,0 -> 2 of 3 have a 1; its 1s meet 2*1 further 1s among 2*2 others. 1,0 -> none among 1.
    ragged: Table = [[1, 1, 0], [1, 0], [0]]
    assert positive_agreement(ragged, 1) == pytest.approx(2 / 5)
    assert positive_agreement(ragged, 0) == pytest.approx(0 / 3)
    assert percent_agreement(ragged) == pytest.approx((1 / 3 + 0) / 2)
    assert prevalence(ragged, 1) == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)


def test_rarest_value() -> None:
    """-1 is rarer below; a tie goes to the lower value; a value without a partner is not looked at."""
    assert positive_agreement([[-1, -1], [0, 0], [0, 0]]) == 1.0
    assert positive_agreement([[-1, 0], [0, 0]]) == 0.0
    assert positive_agreement([[0, 0], [1, 1], [1, 0]], 1) == positive_agreement([[0, 0], [1, 1], [1, 0]])
    assert positive_agreement([[-1, 0], [0, 0], [0, 0], [-1], [-1], [-1], [-1], [-1], [5]]) == 0.0


@pytest.mark.parametrize("nothing", [[], [[]], [[1], [0]], [[1, None], [None, 0]], np.empty((0, 2))])
def test_without_pairs(nothing: Table) -> None:
    assert krippendorff_alpha(nothing) is None
    assert mean_pairwise_kappa(nothing) is None
    assert conger_kappa(nothing) is None
    assert gwet_ac1(nothing) is None
    assert percent_agreement(nothing) is None
    assert positive_agreement(nothing) is None
    assert positive_agreement(nothing, 1) is None


def test_prevalence_of_nothing_and_of_an_absent_value() -> None:
    assert prevalence([], 1) is None
    assert prevalence([[None, None]], 1) is None
    assert prevalence([[0, 0]], -1) == 0.0
    assert prevalence([[1], [0, 0]], 1) == 0.5


def test_one_value_only() -> None:
    units: Table = [[0, 0]] * 40
    assert krippendorff_alpha(units) is None
    assert cohen_kappa(*units_of(*units)) is None
    assert conger_kappa(units) is None
    assert gwet_ac1(units) == 1.0
    assert gwet_ac1(units, categories=[-1, 0]) == 1.0
    assert percent_agreement(units) == 1.0
    # One constant rater, one who varies: agreement is what chance gives.
    assert cohen_kappa([0, 0, 0, 0], [0, 0, 1, 0]) == 0.0


def test_categories_matter_to_ac1() -> None:
    """1,1 1,2 2,2: p_a = 2/3; sum pi (1 - pi) = 1/2, divided by q - 1 = 1, or 2 with a third value."""
    units: Table = [[1, 1], [1, 2], [2, 2]]
    assert gwet_ac1(units) == pytest.approx((2 / 3 - 1 / 2) / (1 / 2))
    assert gwet_ac1(units, categories=[1, 2, 3]) == pytest.approx((2 / 3 - 1 / 4) / (3 / 4))


@pytest.mark.parametrize(
    "bad",
    [[["a", "b"]], [[math.inf, 1]], np.zeros(3), np.zeros((2, 2, 2))],
)
def test_refused(bad: Table) -> None:
    with pytest.raises(ValueError):
        krippendorff_alpha(bad)


def test_refused_arguments() -> None:
    with pytest.raises(ValueError, match="none of the categories"):
        gwet_ac1([[1, 2]], categories=[0, 1])
    with pytest.raises(ValueError, match="different"):
        gwet_ac1([[1, 1]], categories=[1, 1])
    with pytest.raises(ValueError, match="metric"):
        krippendorff_alpha([[1, 2]], metric="ratio")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="beside"):
        cohen_kappa([1], [1, 0])


def random_tables() -> list[np.ndarray]:
    """1,000 tables: 2 to 6 raters, 2 to 40 units, 2 to 5 values, none to half missing, some very skewed."""
    generator = np.random.default_rng(20260101)
    tables = []
    for _ in range(1000):
        raters, units, values = generator.integers((2, 2, 2), (7, 41, 6))
        truth = np.minimum(generator.geometric(generator.uniform(0.2, 0.9), size=(units, 1)), values)
        noise = generator.integers(1, values + 1, size=(units, raters))
        table = np.where(generator.random((units, raters)) < generator.random(), noise, truth).astype(float)
        table[generator.random((units, raters)) < generator.choice([0.0, 0.1, 0.5])] = np.nan
        tables.append(table - 1 - generator.integers(2))
    return tables


TABLES = random_tables()


@pytest.mark.parametrize("metric", ["nominal", "ordinal", "interval"])
def test_alpha_equals_the_krippendorff_package(metric: Metric) -> None:
    defined = 0
    for table in TABLES:
        ours = krippendorff_alpha(table, metric=metric)
        paired = table[(~np.isnan(table)).sum(axis=1) >= 2]
        if len(np.unique(paired[~np.isnan(paired)])) < 2:
            assert ours is None
            continue
        defined += 1
        theirs = krippendorff.alpha(reliability_data=paired.T, level_of_measurement=metric)
        assert ours == pytest.approx(theirs, abs=1e-9)
    assert defined > 900


def sklearn_kappa(a: np.ndarray, b: np.ndarray) -> float | None:
    shared = ~(np.isnan(a) | np.isnan(b))
    if not shared.any():
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kappa = float(cohen_kappa_score(a[shared].astype(int), b[shared].astype(int)))
    return None if math.isnan(kappa) else kappa


def test_kappa_equals_scikit_learn() -> None:
    defined = 0
    for table in TABLES:
        a, b = table[:, 0], table[:, 1]
        theirs = sklearn_kappa(a, b)
        ours = cohen_kappa(a.tolist(), b.tolist())
        assert (ours is None) == (theirs is None)
        if theirs is not None:
            defined += 1
            assert ours == pytest.approx(theirs, abs=1e-9)
            assert conger_kappa(table[:, :2]) == pytest.approx(theirs, abs=1e-9)
    assert defined > 900


def test_mean_kappa_equals_scikit_learn_pair_by_pair() -> None:
    for table in TABLES[:200]:
        total = weight = 0.0
        for a, b in itertools.combinations(table.T, 2):
            shared = int((~np.isnan(a) & ~np.isnan(b)).sum())
            kappa = sklearn_kappa(a, b) if shared >= 5 else None
            if kappa is not None:
                total, weight = total + shared * kappa, weight + shared
        ours = mean_pairwise_kappa(table, minimum_shared=5)
        if not weight:
            assert ours is None
        else:
            assert ours == pytest.approx(total / weight, abs=1e-9)


def plain_figures(table: np.ndarray) -> tuple[float | None, float | None, float | None]:
    """AC1, percent agreement and agreement on the lowest value, by counting label pairs one at a time."""
    units = [[x for x in unit if not math.isnan(x)] for unit in table.tolist()]
    rated = [unit for unit in units if unit]
    paired = [unit for unit in units if len(unit) > 1]
    values = sorted({x for unit in rated for x in unit})
    if not paired:
        return None, None, None
    agree = sum(
        sum(x == y for x, y in itertools.combinations(unit, 2)) / math.comb(len(unit), 2) for unit in paired
    ) / len(paired)
    share = {v: sum(Counter(unit)[v] / len(unit) for unit in rated) / len(rated) for v in values}
    chance = sum(p * (1 - p) for p in share.values()) / max(len(values) - 1, 1)
    both = [(x, y) for unit in paired for x, y in itertools.permutations(unit, 2) if x == values[0]]
    specific = sum(y == values[0] for _, y in both) / len(both) if both else None
    return (agree - chance) / (1 - chance), agree, specific


def test_the_others_equal_plain_counting() -> None:
    for table in TABLES:
        ac1, agree, specific = plain_figures(table)
        lowest = float(np.nanmin(table)) if not np.isnan(table).all() else 0.0
        for ours, plain in (
            (gwet_ac1(table), ac1),
            (percent_agreement(table), agree),
            (positive_agreement(table, lowest), specific),
        ):
            assert ours == (plain if plain is None else pytest.approx(plain, abs=1e-12))


def conger_by_hand(table: np.ndarray) -> float | None:
    """Rater pair by rater pair, chance from each rater's own labels on units with two labels or more."""
    table = table[(~np.isnan(table)).sum(axis=1) >= 2]
    hits = chance = units = 0.0
    for a, b in itertools.combinations(table.T, 2):
        shared = ~np.isnan(a) & ~np.isnan(b)
        if not shared.any():
            continue
        hits += float((a[shared] == b[shared]).sum())
        units += float(shared.sum())
        for value in np.unique(table[~np.isnan(table)]):
            share_a = float((a == value).sum() / (~np.isnan(a)).sum())
            share_b = float((b == value).sum() / (~np.isnan(b)).sum())
            chance += float(shared.sum()) * share_a * share_b
    return None if units - chance < 1e-9 else (hits - chance) / (units - chance)


def test_kappa_of_many_raters_equals_plain_counting() -> None:
    for table in TABLES[:300]:
        plain = conger_by_hand(table)
        assert conger_kappa(table) == (plain if plain is None else pytest.approx(plain, abs=1e-9))


labels = st.sampled_from([-1, 0, None])
tables = st.lists(st.lists(labels, min_size=3, max_size=3), min_size=1, max_size=25)


@given(tables, st.randoms(use_true_random=False))
def test_neither_order_of_units_nor_of_raters_matters(units: Table, shuffle: object) -> None:
    mixed = [list(unit) for unit in units]
    shuffle.shuffle(mixed)  # type: ignore[attr-defined]
    turned = [unit[::-1] for unit in mixed]
    for statistic in (krippendorff_alpha, gwet_ac1, percent_agreement, positive_agreement, conger_kappa):
        before, after = statistic(units), statistic(turned)
        assert after == (before if before is None else pytest.approx(before, abs=1e-12))


@given(tables)
def test_missing_labels_may_be_left_out(units: Table) -> None:
    ragged = [[label for label in unit if label is not None] for unit in units]
    for statistic in (krippendorff_alpha, gwet_ac1, percent_agreement, positive_agreement):
        assert statistic(ragged) == statistic(units)


@given(tables)
def test_figures_stay_in_range(units: Table) -> None:
    for statistic in (percent_agreement, positive_agreement):
        share = statistic(units)
        assert share is None or 0 <= share <= 1
    for corrected in (krippendorff_alpha, gwet_ac1, conger_kappa, mean_pairwise_kappa):
        value = corrected(units)
        assert value is None or value <= 1 + 1e-12
    if percent_agreement(units) == 1:
        assert gwet_ac1(units) == 1
        assert krippendorff_alpha(units) in (None, 1)
