"""The short form of a guardian's report, which boards print beside its scores (project rule).

A figure is {"value", "low", "high"}; one that the report refuses has the value None, so a board prints a dash.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmark.rules.rubric import CRITERIA

NOTHING: Mapping[str, Any] = {"value": None, "low": None, "high": None}
FIGURES = ("accuracy", "balanced_accuracy", "kappa", "f1_rare", "recall", "calibration_error", "abstention")


def short_form(report: Mapping[str, Any]) -> dict[str, Any]:
    """From `guardian_quality.quality_report`: n, macro kappa, and per criterion its figures and both yardsticks."""
    parts = report.get("criteria", {})
    return {
        "format": 1,
        "n": dict(report.get("n", {})),
        "prior": report.get("prior"),
        "macro_kappa": _figure(report.get("macro_kappa")),
        "criteria": {name: _criterion(parts[name]) for name in (*CRITERIA, "risk") if name in parts},
    }


def _criterion(part: Mapping[str, Any]) -> dict[str, Any]:
    figures = part.get("figures", {})
    human = part.get("human", {})
    return {
        "n": part.get("n", 0),
        "positives": part.get("positives", 0),
        **{name: _figure(figures.get(name)) for name in FIGURES},
        "majority_accuracy": part.get("majority", {}).get("accuracy"),
        "human_accuracy": _figure(human.get("accuracy")),
        "human_kappa": _figure(human.get("kappa")),
    }


def _figure(found: Any) -> dict[str, Any]:
    return {name: found.get(name) for name in NOTHING} if isinstance(found, Mapping) else dict(NOTHING)
