"""Every figure of a guardian's report, computed again from labels and `judge --json` by code that shares none of it."""

from __future__ import annotations

import csv
import json
from io import StringIO
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from scipy.stats import t as student
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    cohen_kappa_score,
    f1_score,
    recall_score,
)

from tests.guardians.material import run_folder
from training.engine.guardian import main

CRITERIA = ("r1", "r2", "q1", "q2", "q3", "q4")
PRIOR = 0.02


@pytest.fixture(scope="module", params=["deciding", "promising"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without a promise it decides on everything; with one it leaves answers open."""
    groups = 120 if request.param == "promising" else 24
    folder = run_folder(
        tmp_path_factory.mktemp("again") / "run", groups=groups, audit_groups=40, alpha=0.1, prior=PRIOR
    )
    assert main([str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def labels(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "audit.jsonl").open(encoding="utf-8")]


@pytest.fixture(scope="module")
def verdicts(run: Path, labels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the judge command says of the labelled answers, from a file with another order of columns."""
    file = run / "answers.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["response", "question", "norm"])
        writer.writerows([row["response"], row["question"], row["norm"]] for row in labels)
    said = StringIO()
    call_command("judge", str(file), guardian=str(run / "artefact"), json=True, stdout=said)
    found: list[dict[str, Any]] = json.loads(said.getvalue())["rows"]
    return found


class Section:
    """The labels of one criterion, one entry a label: truth, word (None: open), probability, norm group, row."""

    def __init__(
        self, name: str, labels: list[dict[str, Any]], verdicts: list[dict[str, Any]], thresholds: Any
    ) -> None:
        everything = []
        for place, (row, verdict) in enumerate(zip(labels, verdicts, strict=True)):
            risky = [verdict["r1"], verdict["r2"]]
            p = verdict["p"]
            if name == "risk":
                word = 1 if -1 in risky else None if None in risky else 0
                chance = 1 - (1 - p["r1"]) * (1 - p["r2"])
            else:
                chance = p[name]
                word = None if name in verdict["abstained"] else int(chance >= thresholds[name])
            for label in row["labels"]:
                value = min(label["r1"], label["r2"]) if name == "risk" else label[name]
                if value is not None:
                    everything.append((abs(value), word, chance, row["group"], place))
        self.everything = everything
        decided = [entry for entry in everything if entry[1] is not None]
        self.truth = np.array([entry[0] for entry in decided])
        self.word = np.array([entry[1] for entry in decided])
        self.group = np.array([entry[3] for entry in decided])
        self.rare = int(self.truth.mean() <= 0.5)


def share_interval(values: np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    """Cluster-robust t, clipped; Wilson with the effective sample size near 0 and 1."""
    n, p = len(values), values.mean()
    sums = np.array([(values[groups == g] - p).sum() for g in np.unique(groups)])
    G = len(sums)
    se = np.sqrt(G / (G - 1) * (sums**2).sum()) / n
    quantile = student.ppf(0.975, G - 1)
    if 0.1 <= p <= 0.9 and se > 0:
        return max(0.0, p - quantile * se), min(1.0, p + quantile * se)
    effective = G if p in (0, 1) else n if se == 0 else min(p * (1 - p) / se**2, n)
    c = quantile**2 / effective
    middle, half = (p + c / 2) / (1 + c), np.sqrt(p * (1 - p) * c + c**2 / 4) / (1 + c)
    return middle - half, middle + half


def bootstrap(
    measure: Any, groups: np.ndarray, *columns: np.ndarray, times: int = 600
) -> tuple[float, float]:
    """Whole groups, drawn anew with numbers of its own; close to the report's interval, never equal to it."""
    rng = np.random.default_rng(99)
    places = [np.flatnonzero(groups == g) for g in np.unique(groups)]
    found = []
    for _ in range(times):
        rows = np.concatenate([places[i] for i in rng.integers(0, len(places), len(places))])
        value = measure(*(column[rows] for column in columns))
        if not np.isnan(value):
            found.append(value)
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def test_every_figure_again(run: Path, labels: Any, verdicts: Any) -> None:
    report = json.loads((run / "report.json").read_text("utf-8"))
    thresholds = json.loads((run / "artefact" / "guardian.json").read_text("utf-8"))["thresholds"]
    kappas = []
    for name in (*CRITERIA, "risk"):
        part, mine = report["criteria"][name], Section(name, labels, verdicts, thresholds)
        figures, truth, word = part["figures"], mine.truth, mine.word
        assert part["n"] == len(truth) >= 30 and part["positives"] == truth.sum()
        expected = {
            "accuracy": accuracy_score(truth, word),
            "balanced_accuracy": balanced_accuracy_score(truth, word),
            "kappa": cohen_kappa_score(truth, word),
            "f1_rare": f1_score(truth, word, pos_label=mine.rare, zero_division=0),
            "recall": recall_score(truth, word),
            "abstention": np.mean([entry[1] is None for entry in mine.everything]),
        }
        for key, value in expected.items():
            assert figures[key]["value"] == pytest.approx(value, abs=1e-9), (name, key)
        kappas.append(expected["kappa"]) if name != "risk" else None
        low, high = share_interval((truth == word).astype(float), mine.group)
        assert (figures["accuracy"]["low"], figures["accuracy"]["high"]) == pytest.approx(
            (low, high), abs=1e-9
        )
        for key, measure in (("kappa", cohen_kappa_score), ("balanced_accuracy", balanced_accuracy_score)):
            if figures[key]["low"] is not None:
                ends = bootstrap(measure, mine.group, truth, word)
                assert (figures[key]["low"], figures[key]["high"]) == pytest.approx(ends, abs=0.06), (
                    name,
                    key,
                )
        majority = max(truth.mean(), 1 - truth.mean())
        assert part["majority"]["accuracy"] == pytest.approx(majority)
        calibration(name, part, mine)
        people(name, part, labels)
    assert report["macro_kappa"]["value"] == pytest.approx(np.mean(kappas), abs=1e-9)


def calibration(name: str, part: Any, mine: Section) -> None:
    """Over all labels, those left open too; the risks weighted to the prior."""
    truth = np.array([entry[0] for entry in mine.everything], dtype=float)
    p = np.array([entry[2] for entry in mine.everything])
    weight = np.ones(len(truth))
    if name in ("r1", "r2", "risk"):
        weight = np.where(truth == 1, PRIOR / truth.mean(), (1 - PRIOR) / (1 - truth.mean()))
    error = 0.0
    for tenth in range(10):
        inside = (p >= tenth / 10) & ((p < (tenth + 1) / 10) | (tenth == 9))
        if inside.any():
            gap = np.average(p[inside], weights=weight[inside]) - np.average(
                truth[inside], weights=weight[inside]
            )
            error += weight[inside].sum() / weight.sum() * abs(gap)
    assert part["figures"]["calibration_error"]["value"] == pytest.approx(error, abs=2e-4), name
    precision = average_precision_score(truth, p, sample_weight=weight)
    assert part["average_precision"] == pytest.approx(precision, abs=5e-3), name
    if name in ("r1", "r2", "risk"):
        passed = [entry[1] == 0 for entry in mine.everything if entry[0] == 1]
        assert part["figures"]["passed_unflagged"]["value"] == pytest.approx(np.mean(passed)), name


def people(name: str, part: Any, labels: Any) -> None:
    """Two single experts on one answer, each pair both ways round."""
    one, other = [], []
    for row in labels:
        said = [
            abs(min(label["r1"], label["r2"]) if name == "risk" else label[name])
            for label in row["labels"]
            if name == "risk" or label[name] is not None
        ]
        for a, b in combinations(said, 2):
            one += [a, b]
            other += [b, a]
    assert part["human"]["accuracy"]["value"] == pytest.approx(accuracy_score(one, other))
    assert part["human"]["kappa"]["value"] == pytest.approx(cohen_kappa_score(one, other), abs=1e-9)


def test_the_promise_needs_its_answers(run: Path) -> None:
    """ceil(1/0.1) - 1 = 9 risky calibration answers and thirty left to learn from, or nothing is promised."""
    manifest = json.loads((run / "artefact" / "guardian.json").read_text("utf-8"))
    conformal = manifest["conformal"]
    assert conformal["needed"] == 9
    if conformal["threshold"] is None:
        assert manifest["training"]["set_aside"] == 0 and "needed" in conformal["reason"]
    else:
        assert conformal["n_risky"] >= 9 and manifest["training"]["set_aside"] > 0
