"""What a run found out about its guardian, from the files it left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from training.rules.reliability import short_form
from training.services.supervising import read_json

REPORT = "report.json"


def reliability_of(folder: Path) -> dict[str, Any]:
    """The short form of a run directory's report. Raises JobError where there is none."""
    return short_form(read_json(folder / REPORT))
