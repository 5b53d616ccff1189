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


def judged_any(reliability: Mapping[str, Any]) -> bool:
    """Whether the guardian came to a judgement on any of the audit answers; true where there were none to judge."""
    told = reliability.get("n", {})
    return not told.get("rows") or told.get("failed", 0) < told["rows"]
