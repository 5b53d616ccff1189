"""The short form of a guardian's report, which is kept with it and which boards print beside its scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LONG = frozenset({"by_scenario", "by_entry", "by_length", "worst", "learning_curve"})
CURVES = frozenset({"reliability", "pr_curve"})


def short_form(report: Mapping[str, Any]) -> dict[str, Any]:
    """`guardian_quality.quality_report` without its slices, mistakes and curves: every figure and both yardsticks."""
    kept = {name: value for name, value in report.items() if name not in LONG}
    criteria = {
        name: {key: value for key, value in part.items() if key not in CURVES}
        for name, part in report.get("criteria", {}).items()
    }
    return {**kept, "criteria": criteria}
