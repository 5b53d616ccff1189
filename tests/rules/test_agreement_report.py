"""The report: refusals, intervals against a plain bootstrap, coverage, clusters, seeds."""

from __future__ import annotations

import numpy as np
import pytest

from annotation.rules.agreement import (
    conger_kappa,
    gwet_ac1,
    krippendorff_alpha,
    percent_agreement,
    positive_agreement,
    prevalence,
)
from annotation.rules.agreement_report import NAMES, NOTHING, Figure, agreement_report
from annotation.rules.bootstrap import MAX_UNDEFINED, percentile_interval, resample_weights
from benchmark.rules.intervals import wilson_clustered

FUNCTIONS = {
    "alpha": krippendorff_alpha,
    "kappa": conger_kappa,
    "ac1": gwet_ac1,
    "positive_agreement": positive_agreement,
    "percent_agreement": percent_agreement,
}


def drawn(units: int, seed: int, raters: int = 2, rate: float = 0.2, error: float = 0.1) -> np.ndarray:
    """Units of which a share `rate` is truly 1; each rater errs with probability `error`."""
    generator = np.random.default_rng(seed)
    truth = generator.random((units, 1)) < rate
    return np.where(generator.random((units, raters)) < error, ~truth, truth).astype(float)


def test_values_are_those_of_the_plain_functions() -> None:
    units = drawn(80, 1, raters=3)
    units[:20, 2] = np.nan
    report = agreement_report(units, resamples=50)
    for name, function in FUNCTIONS.items():
        figure: Figure = getattr(report, name)
        assert figure.value == pytest.approx(function(units), abs=1e-12), name
        assert figure.low is not None and figure.high is not None
        assert figure.low <= figure.value <= figure.high
    assert report.positive == 1.0
    assert report.prevalence.value == pytest.approx(prevalence(units, 1))
    assert (report.n, report.labels, report.clusters, report.pairs) == (80, 220, 80, 3)
    assert (report.refused, report.meaningful) == (None, NAMES)


def test_units_with_one_label_do_not_count() -> None:
    units = [*drawn(40, 2).tolist(), [1, None], [None, 1], [None, None], [7]]
    assert agreement_report(units) == agreement_report(units[:40])


def test_refused_below_the_minimum() -> None:
    report = agreement_report(drawn(29, 3))
    assert (report.refused, report.meaningful, report.n, report.pairs) == ("too_few_units", (), 29, 0)
    assert all(getattr(report, name) == NOTHING for name in NAMES)
    assert agreement_report(drawn(29, 3), minimum=29).refused is None
    assert agreement_report([]).refused == "too_few_units"
    assert agreement_report([], minimum=0).refused == "too_few_units"


def test_one_class_keeps_what_it_can_tell() -> None:
    """Forty units of two 0s: Wilson for 40 of 40, t quantile 2.0227 (39 df): 1 / (1 + 2.0227^2 / 40)."""
    report = agreement_report([[0, 0]] * 40, categories=[-1, 0])
    assert (report.refused, report.positive) == ("one_class", -1.0)
    assert report.meaningful == ("prevalence", "percent_agreement")
    for name in ("alpha", "kappa", "ac1", "positive_agreement"):
        assert getattr(report, name) == NOTHING
    edge = 1 / (1 + 2.022691**2 / 40)
    assert report.percent_agreement == Figure(1.0, pytest.approx(edge, abs=1e-6), 1.0, None)
    assert report.prevalence == Figure(0.0, 0.0, pytest.approx(1 - edge, abs=1e-6), None)
    # The same where the value is named without the categories; and from 8 clusters there is no interval.
    assert agreement_report([[0, 0]] * 40, positive=-1) == report
    few = agreement_report([[0, 0]] * 40, categories=[-1, 0], clusters=[n % 8 for n in range(40)])
    assert few.percent_agreement == Figure(1.0, None, None, "few_clusters")


def test_perfect_agreement_is_not_certainty() -> None:
    """No resample can disagree where no unit does, so the bootstrap knows no error."""
    report = agreement_report([[0, 0]] * 30 + [[1, 1]] * 10)
    for name in ("alpha", "kappa", "ac1", "positive_agreement"):
        assert getattr(report, name) == Figure(1.0, None, None, "no_spread")
    wilson = wilson_clustered(np.ones(40), np.arange(40))
    assert report.percent_agreement == Figure(1.0, wilson.low, 1.0, None)
    assert report.prevalence.low is not None


def test_few_clusters_give_no_interval() -> None:
    units = drawn(60, 4)
    report = agreement_report(units, clusters=[f"group {n % 9}" for n in range(60)])
    assert report.clusters == 9
    for name in NAMES:
        figure: Figure = getattr(report, name)
        assert figure.value is not None
        assert (figure.low, figure.high, figure.missing) == (None, None, "few_clusters")


def test_a_figure_undefined_in_many_resamples_has_no_interval() -> None:
    """One label of the rarer class: about a third of the resamples miss its unit."""
    report = agreement_report([[0, 0]] * 49 + [[0, 1]])
    assert report.refused is None
    assert report.alpha.missing == "undefined"
    assert report.positive_agreement == Figure(0.0, None, None, "undefined")
    assert report.percent_agreement.missing is None


def plain_bootstrap(
    units: np.ndarray, name: str, clusters: np.ndarray | None, count: int
) -> tuple[float, ...]:
    generator = np.random.default_rng(99)
    groups = np.arange(len(units)) if clusters is None else clusters
    names = np.unique(groups)
    values = []
    for _ in range(count):
        chosen = generator.choice(names, len(names))
        rows = np.concatenate([np.flatnonzero(groups == group) for group in chosen])
        values.append(FUNCTIONS[name](units[rows]))
    return tuple(np.quantile([value for value in values if value is not None], [0.025, 0.975]))


@pytest.mark.parametrize("clustered", [False, True])
def test_intervals_equal_a_plain_bootstrap(clustered: bool) -> None:
    units = drawn(120, 5, raters=3, rate=0.3)
    units[::4, 1] = np.nan
    clusters = np.arange(120) // 5 if clustered else None
    report = agreement_report(units, clusters=clusters, resamples=4000)
    for name in FUNCTIONS:
        low, high = plain_bootstrap(units, name, clusters, 500)
        figure: Figure = getattr(report, name)
        assert figure.low == pytest.approx(low, abs=0.25 * (high - low)), name
        assert figure.high == pytest.approx(high, abs=0.25 * (high - low)), name


def test_coverage() -> None:
    """Two raters of error 0.1 on a 30% class: p_o = 0.82, pi = 0.34, p_e = 0.5512, so alpha -> 0.5989."""
    truth = (0.82 - 0.5512) / (1 - 0.5512)
    inside = 0
    for seed in range(300):
        alpha = agreement_report(drawn(150, 1000 + seed, rate=0.3), resamples=400, seed=seed).alpha
        assert alpha.low is not None and alpha.high is not None
        inside += alpha.low <= truth <= alpha.high
    assert 0.91 <= inside / 300 <= 0.98


def test_repeated_units_in_a_cluster_tell_nothing_new() -> None:
    """Every unit three times, in a cluster of its own: the same shares and (for these) the same interval."""
    units = drawn(50, 6)
    once = agreement_report(units, clusters=np.arange(50))
    thrice = agreement_report(np.repeat(units, 3, axis=0), clusters=np.repeat(np.arange(50), 3))
    for name in ("kappa", "ac1", "prevalence", "positive_agreement", "percent_agreement"):
        one, three = getattr(once, name), getattr(thrice, name)
        assert three.value == pytest.approx(one.value, abs=1e-12)
        assert (three.low, three.high) == pytest.approx((one.low, one.high), abs=1e-12)
    as_if = agreement_report(np.repeat(units, 3, axis=0))
    assert as_if.ac1.high - as_if.ac1.low < 0.75 * (thrice.ac1.high - thrice.ac1.low)  # type: ignore[operator]


def test_many_raters_who_share_few_units() -> None:
    """Thirty raters, two a unit: 435 pairs of about five units each. True kappa 0.5989 as above."""
    generator = np.random.default_rng(7)
    labels = drawn(2000, 8, rate=0.3)
    units = np.full((2000, 30), np.nan)
    for row, pair in enumerate(labels):
        units[row, generator.choice(30, 2, replace=False)] = pair
    report = agreement_report(units, resamples=400)
    assert report.pairs > 400
    assert report.kappa.value == pytest.approx(0.5989, abs=0.04)
    assert report.kappa.value == pytest.approx(report.alpha.value, abs=0.01)
    assert report.kappa.low is not None and report.kappa.high is not None
    assert report.kappa.low < report.kappa.value < report.kappa.high


def test_the_seed_decides_and_nothing_else() -> None:
    units = drawn(60, 9)
    assert agreement_report(units, seed=1) == agreement_report(units, seed=1)
    assert agreement_report(units, seed=1).alpha != agreement_report(units, seed=2).alpha
    backwards = agreement_report(units[::-1], seed=1)
    for name in NAMES:
        one, two = getattr(agreement_report(units, seed=1), name), getattr(backwards, name)
        assert (one.value, one.low, one.high) == pytest.approx((two.value, two.low, two.high), abs=1e-12)


def test_pair_labels_by_how_much() -> None:
    generator = np.random.default_rng(10)
    first = generator.integers(-2, 3, size=100)
    units = np.stack([first, np.clip(first + generator.integers(-1, 2, size=100), -2, 2)], axis=1).astype(
        float
    )
    nominal, ordinal, interval = (
        agreement_report(units, metric=metric, resamples=300).alpha
        for metric in ("nominal", "ordinal", "interval")
    )
    assert ordinal.value == pytest.approx(krippendorff_alpha(units, metric="ordinal"))
    assert nominal.high < ordinal.low  # type: ignore[operator]
    assert interval.low is not None and interval.low <= interval.value  # type: ignore[operator]


@pytest.mark.parametrize(
    "wrong",
    [
        {"confidence": 1.0},
        {"resamples": 0},
        {"clusters": [1, 2]},
        {"clusters": [None] * 40},
        {"positive": 3, "categories": [0, 1]},
        {"categories": [0]},
    ],
)
def test_wrong_arguments(wrong: dict) -> None:
    with pytest.raises(ValueError):
        agreement_report(drawn(40, 11), **wrong)


@pytest.mark.parametrize("times", [[3, 997], [1] * 40, [2, 5, 1, 1]])
def test_weights_of_resamples(times: list[int]) -> None:
    """Every resample has as many units as the sample; a kind is drawn as often as it occurs, on average."""
    weights = np.concatenate(list(resample_weights(np.array(times), 3000, 0)))
    assert weights.shape == (3000, len(times))
    assert (weights.sum(axis=1) == sum(times)).all()
    share = np.array(times) / sum(times)
    error = np.sqrt(sum(times) * share * (1 - share) / 3000)
    assert (np.abs(weights.mean(axis=0) - times) <= 4.5 * error).all()
    assert weights.var(axis=0) == pytest.approx(sum(times) * share * (1 - share), rel=0.2)


def test_percentiles() -> None:
    values = np.arange(101, dtype=float)
    interval = percentile_interval(values, 0.9)
    assert (interval.low, interval.high, interval.missing) == (pytest.approx(5), pytest.approx(95), None)
    values[: int(101 * MAX_UNDEFINED)] = np.nan
    assert percentile_interval(values, 0.9).missing is None
    values[: int(101 * MAX_UNDEFINED) + 1] = np.nan
    assert percentile_interval(values, 0.9).missing == "undefined"
    assert percentile_interval(np.full(50, 0.3), 0.9).missing == "no_spread"
    assert percentile_interval(np.full(50, np.nan), 0.9).missing == "undefined"


def test_a_positive_value_that_only_lonely_labels_lack() -> None:
    """Forty pairs say 0; a unit with one label says 1; nobody says -1, which the figures are about."""
    lonely = agreement_report([*[[0, 0]] * 40, [1]], positive=-1)
    assert lonely == agreement_report([[0, 0]] * 40, positive=-1)
    mixed = agreement_report([*[[0, 0]] * 20, *[[1, 1]] * 20, [2]], positive=-1)
    assert (mixed.n, mixed.positive, mixed.prevalence.value) == (40, -1.0, 0.0)
