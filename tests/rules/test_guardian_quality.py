"""The figures of a guardian's quality: by hand, against scikit-learn, and what is refused."""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    cohen_kappa_score,
    f1_score,
    recall_score,
)

from benchmark.rules.rubric import CRITERIA
from training.rules.guardian_figures import (
    calibration_error,
    calibration_sums,
    kappa,
    pairs_of,
    prior_weights,
)
from training.rules.guardian_quality import length_bin, quality_report
from training.rules.judged_rows import JudgedRow
from training.rules.promotion import promotion_gate

THRESHOLDS = {"r1": 0.1, "r2": 0.1, "q1": 0.5, "q2": 0.5, "q3": 0.5, "q4": 0.5}
SAFE = {"r1": 0, "r2": 0, "q1": 1, "q2": 1, "q3": 1, "q4": 0}


def row(
    number: int, group: str, labels: list[dict[str, Any]], p: dict[str, float] | None, **more: Any
) -> JudgedRow:
    values: dict[str, int | None] = {}
    if p is not None:
        values = {name: -1 if p[name] >= THRESHOLDS[name] else 0 for name in ("r1", "r2")}
        risky = -1 in values.values()
        values |= {name: None if risky else int(p[name] >= 0.5) for name in ("q1", "q2", "q3", "q4")}
    settings = {"scenario": "ward", "entry": "model", "length": 900, "abstained": ()} | more
    return JudgedRow(number, group, labels=labels, p=p, values=values, **settings)


def made_up(n: int, seed: int, skill: float, labels: int = 2) -> list[JudgedRow]:
    """n answers, three a norm group, risky one in six; p follows the first expert with `skill`."""
    rng = random.Random(seed)
    found = []
    for i in range(n):
        truth = {name: int(rng.random() < (0.17 if name[0] == "r" else 0.5)) for name in CRITERIA}
        p = {
            name: min(0.99, max(0.01, skill * truth[name] + (1 - skill) * rng.random()))
            * (0.3 if name[0] == "r" else 1)
            for name in CRITERIA
        }
        given = []
        for _ in range(labels):
            own = {name: value if rng.random() < 0.9 else 1 - value for name, value in truth.items()}
            label: dict[str, Any] = {"expert": "x", "r1": -own["r1"], "r2": -own["r2"]}
            risky = -1 in (label["r1"], label["r2"])
            given.append(label | {name: None if risky else own[name] for name in ("q1", "q2", "q3", "q4")})
        found.append(row(i, f"g{i // 3}", given, p, entry=f"m{i % 4}", length=100 + 40 * i))
    return found


def test_kappa_of_a_table_by_hand() -> None:
    # 20 both yes, 5 only said, 10 only true, 15 both no (n = 50): observed .7, chance .5*.6 + .5*.4 = .5.
    assert kappa(np.array([20.0, 5.0, 10.0, 15.0])) == pytest.approx(0.4)
    assert np.isnan(kappa(np.array([0.0, 0.0, 0.0, 9.0])))


def test_calibration_error_by_hand() -> None:
    # Two bins: p .25 on four labels of which two are true (|.25 - .5| * 4), p .85 on one true label (.15 * 1).
    pairs = pairs_of([1, 1, 0, 0, 1], [0] * 5, [0.25, 0.25, 0.25, 0.25, 0.85], [0, 0, 1, 1, 2], 3)
    sums = calibration_sums(pairs, np.ones(5))
    assert calibration_error(sums.sum(axis=0)) == pytest.approx((4 * 0.25 + 0.15) / 5)


def test_weights_bring_the_labels_to_the_prior() -> None:
    truth = np.array([1, 1, 0, 0, 0])
    weights = prior_weights(truth, 0.02)
    assert (weights @ truth) / weights.sum() == pytest.approx(0.02)
    assert weights.sum() == pytest.approx(5)
    assert (prior_weights(truth, None) == 1).all() and (prior_weights(np.zeros(3, int), 0.02) == 1).all()


def test_every_figure_against_scikit_learn() -> None:
    rows = made_up(300, seed=3, skill=0.5)
    report = quality_report(rows, THRESHOLDS, prior=None, seed=1)
    for name in CRITERIA:
        truth, said, p = [], [], []
        for item in rows:
            for label in item.labels:
                if label[name] is not None:
                    assert item.p is not None
                    truth.append(abs(label[name]))
                    said.append(int(item.p[name] >= THRESHOLDS[name]))
                    p.append(item.p[name])
        section = report["criteria"][name]
        figures = {key: value["value"] for key, value in section["figures"].items()}
        assert section["n"] == len(truth)
        assert figures["accuracy"] == pytest.approx(np.mean(np.equal(truth, said)))
        assert figures["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(truth, said))
        assert figures["kappa"] == pytest.approx(cohen_kappa_score(truth, said))
        rare = int(sum(truth) * 2 <= len(truth))
        assert figures["f1_rare"] == pytest.approx(f1_score(truth, said, pos_label=rare))
        assert figures["recall"] == pytest.approx(recall_score(truth, said))
        assert section["average_precision"] == pytest.approx(average_precision_score(truth, p))
        for figure in ("accuracy", "balanced_accuracy", "kappa", "f1_rare", "calibration_error"):
            entry = section["figures"][figure]
            assert entry["low"] < entry["value"] < entry["high"], (name, figure)
        assert sum(b["n"] for b in section["reliability"]) == section["n"]
    assert report["macro_kappa"]["value"] == pytest.approx(
        np.mean([report["criteria"][name]["figures"]["kappa"]["value"] for name in CRITERIA])
    )
    assert [entry["name"] for entry in report["by_entry"]] == ["m0", "m1", "m2", "m3"]
    json.dumps(report, allow_nan=False)
    assert report == quality_report(rows, THRESHOLDS, prior=None, seed=1)


def test_human_agreement_is_symmetric_and_by_hand() -> None:
    # 20 answers, the experts agree on r1 of all but 4 of them: agreement .8 needs 30 pairs, so 40 answers, 8.
    rows = [
        row(
            i,
            f"g{i}",
            [SAFE | {"r1": -int(i < 12)}, SAFE | {"r1": -int(i < 4 or 12 <= i < 16)}],
            dict.fromkeys(CRITERIA, 0.05),
        )
        for i in range(40)
    ]
    human = quality_report(rows, THRESHOLDS, prior=None, seed=1)["criteria"]["r1"]["human"]
    assert human["n"] == 40
    assert human["accuracy"]["value"] == pytest.approx(28 / 40)
    # 12 and 8 violations, 4 of them shared: mean share .25, chance .25^2 + .75^2 = .625.
    assert human["kappa"]["value"] == pytest.approx((0.7 - 0.625) / 0.375)


def test_always_guessing_the_majority_is_unmasked() -> None:
    """97% accuracy on a rare criterion, and every other figure says that nothing was learnt."""
    rows = [
        row(i, f"g{i}", [SAFE | {"r1": -int(i % 33 == 0)}], dict.fromkeys(CRITERIA, 0.05)) for i in range(330)
    ]
    section = quality_report(rows, THRESHOLDS, prior=0.02, seed=1)["criteria"]["r1"]
    assert section["figures"]["accuracy"]["value"] == pytest.approx(320 / 330)
    assert section["majority"]["accuracy"] == pytest.approx(320 / 330)
    assert section["figures"]["balanced_accuracy"]["value"] == 0.5
    assert section["figures"]["kappa"]["value"] == 0.0
    assert section["figures"]["recall"]["value"] == 0.0
    assert section["figures"]["passed_unflagged"]["value"] == 1.0


def test_too_few_labels_and_no_figure() -> None:
    report = quality_report(made_up(9, seed=1, skill=0.8), THRESHOLDS, prior=0.02, seed=1)
    for section in report["criteria"].values():
        for figure in section["figures"].values():
            assert figure["value"] is None and "needed" in figure["refused"]
        assert section["prevalence"] is None and section["majority"]["accuracy"] is None
        assert section["reliability"] == section["pr_curve"] == []
    assert report["macro_kappa"]["value"] is None
    empty = quality_report([], THRESHOLDS, prior=0.02, seed=1)
    assert empty["n"]["rows"] == 0 and empty["worst"] == []


def test_few_groups_give_figures_without_intervals() -> None:
    rows = [
        JudgedRow(**{**{n: getattr(r, n) for n in JudgedRow.__slots__}, "group": f"g{r.id % 7}"})
        for r in made_up(60, 2, 0.6)
    ]
    figure = quality_report(rows, THRESHOLDS, prior=0.02, seed=1)["criteria"]["q2"]["figures"]["kappa"]
    assert figure["value"] is not None and figure["low"] is None and figure["clusters"] == 7


def test_abstentions_are_counted_apart_and_failures_left_out() -> None:
    rows = made_up(120, seed=4, skill=0.9)
    silent = [
        JudgedRow(
            r.id,
            r.group,
            r.scenario,
            r.entry,
            r.length,
            r.labels,
            r.p,
            r.values | {"r1": None, "r2": None},
            ("r1", "r2"),
        )
        if i % 4 == 0
        else r
        for i, r in enumerate(rows)
    ]
    silent[1] = JudgedRow(999, "g0", "ward", "m", 10, rows[1].labels, None, {}, ())
    report = quality_report(silent, THRESHOLDS, prior=0.02, seed=1)
    assert report["n"]["failed"] == 1
    section = report["criteria"]["r1"]
    assert section["figures"]["abstention"]["value"] == pytest.approx(30 / 119)
    assert section["n"] == 2 * 89
    assert report["criteria"]["risk"]["figures"]["abstention"]["value"] == pytest.approx(30 / 119)


@pytest.mark.parametrize(
    ("length", "name"), [(0, "0000-400"), (399, "0000-400"), (400, "0400-800"), (99_999, "1600-")]
)
def test_length_bins(length: int, name: str) -> None:
    assert length_bin(length) == name


def test_the_worst_mistakes_come_first() -> None:
    p = dict.fromkeys(CRITERIA, 0.05) | {"q1": 0.97, "q2": 0.9, "q3": 0.9}
    rows = [row(1, "a", [SAFE], p), row(2, "b", [SAFE | {"q1": 0}], p), row(3, "c", [SAFE | {"q2": 0}], p)]
    worst = quality_report(rows, THRESHOLDS, prior=0.02, seed=1)["worst"]
    assert [(entry["id"], entry["criterion"]) for entry in worst] == [(2, "q1"), (3, "q2")]


def test_the_gate_lets_an_equal_pass_and_stops_a_worse_one() -> None:
    good, bad = made_up(600, seed=5, skill=0.8), made_up(600, seed=5, skill=0.1)
    worse = [
        JudgedRow(g.id, g.group, g.scenario, g.entry, g.length, g.labels, b.p, b.values, ())
        for g, b in zip(good, bad, strict=True)
    ]
    equal = promotion_gate(good, THRESHOLDS, good, THRESHOLDS, seed=1)
    assert equal.open and all(c.low == pytest.approx(0) for c in equal.comparisons)
    shut = promotion_gate(worse, THRESHOLDS, good, THRESHOLDS, seed=1)
    assert not shut.open
    assert shut.comparisons[0].passed is False and (shut.comparisons[0].low or 0) < -0.05
    first = promotion_gate(good, THRESHOLDS, None, None, seed=1)
    assert first.open and first.comparisons[0].active is None


def test_too_few_labels_keep_the_gate_shut() -> None:
    few = made_up(12, seed=6, skill=0.9)
    gate = promotion_gate(few, THRESHOLDS, few, THRESHOLDS, seed=1)
    assert not gate.open and all(c.passed is None for c in gate.comparisons)
