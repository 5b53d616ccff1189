"""Audited answers: what the experts said of one and what the guardian said, paired criterion by criterion.

The union of the two risks is a criterion of its own, `RISK`. What was abstained on is in no pair of verdicts; pairs
of probabilities exist all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.rules.rubric import RISK_CRITERIA
from training.rules.guardian_figures import Pairs, pairs_of

RISK = "risk"
"""The union of r1 and r2, beside the six criteria."""


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """An audited answer. `labels`: blind first labels, each a mapping with the six criteria (r1, r2 in {-1, 0},
    q1..q4 in {0, 1, None}). `p`, `values`, `abstained` as in a verdict; `p` None where judging failed."""

    id: int
    group: str
    scenario: str
    entry: str
    length: int
    labels: Sequence[Mapping[str, Any]]
    p: Mapping[str, float] | None
    values: Mapping[str, int | None]
    abstained: Sequence[str]


def truth_of(label: Mapping[str, Any], name: str) -> int | None:
    """What an expert said of a criterion as 1 (violated; met) or 0; None where there is no finding."""
    if name == RISK:
        return int(-1 in (label["r1"], label["r2"]))
    value = label[name]
    return None if value is None else abs(int(value))


def said_of(row: JudgedRow, name: str, thresholds: Mapping[str, float]) -> int | None:
    """The guardian's word as 1 or 0; None where it abstains."""
    if row.p is None:
        return None
    if name == RISK:
        if -1 in (row.values["r1"], row.values["r2"]):
            return 1
        return None if None in (row.values["r1"], row.values["r2"]) else 0
    if name in row.abstained:
        return None
    if name in RISK_CRITERIA:
        value = row.values[name]
        return None if value is None else abs(value)
    return int(row.p[name] >= thresholds[name])


def chance_of(row: JudgedRow, name: str) -> float:
    """The probability behind the word; for the union 1 - (1 - r1)(1 - r2)."""
    if row.p is None:
        return 0.0
    return 1 - (1 - row.p["r1"]) * (1 - row.p["r2"]) if name == RISK else row.p[name]


def collect(
    rows: Sequence[JudgedRow], name: str, thresholds: Mapping[str, float], number: Mapping[str, int]
) -> Pairs:
    """The pairs of one criterion on which the guardian did not abstain."""
    found: list[tuple[int, int, float, int]] = []
    for row in rows:
        said = said_of(row, name, thresholds)
        for label in row.labels:
            truth = truth_of(label, name)
            if truth is not None and said is not None:
                found.append((truth, said, chance_of(row, name), number[row.group]))
    truths, words, chances, clusters = (
        (list(part) for part in zip(*found, strict=True)) if found else ([], [], [], [])
    )
    return pairs_of(truths, words, chances, clusters, len(number))


def findings(rows: Sequence[JudgedRow], name: str) -> list[tuple[JudgedRow, int]]:
    """Each label that says something of the criterion, with its row; 1 (violated; met) or 0."""
    return [
        (row, truth) for row in rows for label in row.labels if (truth := truth_of(label, name)) is not None
    ]


def every_pair(everyone: Sequence[tuple[JudgedRow, int]], name: str, number: Mapping[str, int]) -> Pairs:
    """Pairs for calibration and curves: probabilities exist also where the guardian abstains."""
    return pairs_of(
        [truth for _row, truth in everyone],
        [0] * len(everyone),
        [chance_of(row, name) for row, _truth in everyone],
        [number[row.group] for row, _truth in everyone],
        len(number),
    )
