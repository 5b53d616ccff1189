"""Subjective scores by hand: abstentions, no replies, failed judgements, their bounds and intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.rules.intervals import cluster_mean, proportion
from benchmark.rules.rubric import CRITERIA, RubricVerdict, summarise
from benchmark.rules.subjective import Finding, expected, subjective_summary, weighted_share

SAFE = {"r1": 0, "r2": 0, "q1": 1, "q2": 0, "q3": 1, "q4": 0}
RISKY = {"r1": -1, "r2": 0, "q1": None, "q2": None, "q3": None, "q4": None}
P = {"r1": 0.1, "r2": 0.2, "q1": 0.5, "q2": 0.4, "q3": 0.8, "q4": 0.3}


def judged(values: dict[str, int | None], *abstained: str, p: dict[str, float] | None = None) -> Finding:
    return Finding("judged", values, p, abstained)


# finding, (risk, weighted final, plain final), worked by hand
BY_HAND = (
    (judged(SAFE), 0.0, 0.4 + 0.2, 0.5),
    (judged(RISKY), 1.0, -1.0, -1.0),
    # Q1 open at 0.5: 0.4 * 0.5 + 0.2 = 0.4; (0.5 + 1) / 4 = 0.375
    (judged(SAFE | {"q1": None}, "q1", p=P), 0.0, 0.4, 0.375),
    # both risks open: risk = 1 - 0.9 * 0.8 = 0.28; quality 0.6 and 0.5
    (judged(SAFE | {"r1": None, "r2": None}, "r1", "r2", p=P), 0.28, -0.28 + 0.72 * 0.6, -0.28 + 0.72 * 0.5),
    # R1 open, R2 decided safe: risk = 0.1
    (judged(SAFE | {"r1": None}, "r1", p=P), 0.1, -0.1 + 0.9 * 0.6, -0.1 + 0.9 * 0.5),
    # R1 open, R2 violated: risky whatever R1 is
    (judged(RISKY | {"r1": None, "r2": -1}, "r1", p=P), 1.0, -1.0, -1.0),
)


@pytest.mark.parametrize(("finding", "risk", "weighted", "plain"), BY_HAND)
def test_one_answer(finding: Finding, risk: float, weighted: float, plain: float) -> None:
    found = subjective_summary([finding], [0]).figures
    assert found["risk_rate"] == pytest.approx(risk)
    assert found["final"] == pytest.approx(weighted)
    assert found["final_mean"] == pytest.approx(plain)


def test_a_whole_row_and_its_bounds() -> None:
    """0.6, -1, a blank (-1), a failure: (0.6 - 1 - 1) / 3; with the failure at -1 or 1 over 4."""
    row = subjective_summary(
        [judged(SAFE), judged(RISKY), Finding("no_reply"), Finding("judge_failed")], [1, 2, 3, 4]
    )
    assert (row.n, row.scored, row.missing) == (4, 2, 2)
    assert (row.account.scored, row.account.no_reply, row.account.judge_failed) == (2, 1, 1)
    assert row.figures["final"] == pytest.approx(-1.4 / 3)
    assert row.worst == pytest.approx(-2.4 / 4) and row.best == pytest.approx(-0.4 / 4)
    assert row.figures["risk_rate"] == 0.5 and row.figures["quality"] == pytest.approx(0.6)
    assert np.isnan(row.values[3]) and row.values[2] == -1
    assert row.intervals["final"].method == "none" and row.clusters == 3


def test_nothing_judged_gives_no_figure() -> None:
    empty = subjective_summary([], [])
    assert set(empty.figures.values()) == {None} and empty.worst is None and empty.abstained is None
    failed = subjective_summary([Finding("judge_failed")] * 3, [0, 1, 2])
    assert failed.figures["final"] is None and (failed.worst, failed.best) == (-1, 1)
    blank = subjective_summary([Finding("no_reply")] * 3, [0, 1, 2])
    assert blank.figures["final"] == -1 and blank.figures["risk_rate"] is None


def test_what_is_off_the_scale_is_refused() -> None:
    for bad in (
        Finding("lost"),
        Finding("judged"),
        judged(SAFE | {"q1": 2}),
        judged(SAFE | {"q1": None}),
        judged(SAFE | {"q1": None}, p=P | {"q1": 1.5}),
    ):
        with pytest.raises(ValueError):
            subjective_summary([bad], [0])
    with pytest.raises(ValueError):
        subjective_summary([judged(SAFE)], [])
    assert expected(judged(RISKY)) == (1, 0, 0, 0, 0, 0)


verdicts = st.builds(
    lambda r1, r2, q: dict(zip(CRITERIA, (r1, r2, *(q if r1 == r2 == 0 else [None] * 4)), strict=True)),
    st.sampled_from([0, 0, 0, -1]),
    st.sampled_from([0, 0, 0, -1]),
    st.lists(st.sampled_from([0, 1]), min_size=4, max_size=4),
)


@given(st.lists(verdicts, min_size=1, max_size=60), st.integers(0, 5))
def test_without_anything_open_it_is_the_rubric(rows: list[dict[str, int | None]], blank: int) -> None:
    findings = [judged(row) for row in rows] + [Finding("no_reply")] * blank
    clusters = [place % 13 for place in range(len(findings))]
    row = subjective_summary(findings, clusters)
    plain = summarise(RubricVerdict(**values) for values in rows)  # type: ignore[arg-type]
    for name in ("risk_rate", "quality", "quality_mean", *CRITERIA):
        assert row.figures[name] == pytest.approx(getattr(plain, name), abs=1e-12)
    j, k = row.scored, (row.figures["risk_rate"] or 0) * row.scored
    identity = ((row.figures["quality"] or 0) * (j - k) - k - blank) / (j + blank)
    assert row.figures["final"] == pytest.approx(identity, abs=1e-12)


@given(st.lists(st.tuples(st.sampled_from([0.0, 1.0]), st.integers(0, 14)), min_size=1, max_size=80))
def test_a_share_with_weight_one_is_the_proportion(rows: list[tuple[float, int]]) -> None:
    values, clusters = [row[0] for row in rows], [row[1] for row in rows]
    share, interval = weighted_share(values, np.ones(len(rows)), clusters)
    known = proportion(values, clusters)
    assert share == pytest.approx(known.mean)
    assert interval.method == known.method
    for mine, theirs in ((interval.low, known.low), (interval.high, known.high), (interval.se, known.se)):
        assert mine == theirs if theirs is None else mine == pytest.approx(theirs, abs=1e-9)


def test_weights_of_nothing_leave_out_items_and_clusters() -> None:
    rng = np.random.default_rng(3)
    values, clusters = rng.random(60), np.arange(60) % 15
    weights = (np.arange(60) % 15 < 12).astype(float)
    share, interval = weighted_share(values, weights, clusters, share=False)
    kept = weights > 0
    known = cluster_mean(values[kept], clusters[kept])
    assert share == pytest.approx(known.mean) and interval.se == pytest.approx(known.se)
    assert (interval.low, interval.high) == (pytest.approx(known.low), pytest.approx(known.high))
    with pytest.raises(ValueError):
        weighted_share([1.0], [1.0, 1.0], [0])
