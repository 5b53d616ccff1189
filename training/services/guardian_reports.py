"""What a run found out about its guardian, from the files it left."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.rules.reliability import short_form
from training.services.supervising import read_json

REPORT = "report.json"


def reliability_of(folder: Path) -> dict[str, Any]:
    """The short form of a run directory's report. Raises JobError where there is none."""
    return short_form(read_json(folder / REPORT))


def judged_any(reliability: Mapping[str, Any], settings: Mapping[str, Any]) -> bool:
    """Whether the guardian came to a judgement on any of the audit answers, by its report; where there were none, on any
    that it was calibrated on, by its own `settings` (kinds that cannot fail to judge count nothing there)."""
    told = reliability.get("n", {})
    if told.get("rows"):
        return bool(told.get("failed", 0) < told["rows"])
    return bool(settings.get("held_out_judged", 1) > 0)
