"""What a run found out about its guardian, from the report it left to the registry and the pages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

REPORT = "report.json"


def reliability_of(folder: Path) -> dict[str, Any]:
    """The report of a run directory without its long lists (curves, worst mistakes); {} where there is none."""
    try:
        report = json.loads((folder / REPORT).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return report if isinstance(report, dict) else {}
