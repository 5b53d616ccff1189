"""A guardian's report, and whether it passes the promotion gate, from files and stored judgements."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.cache import cache

from benchmark.models import Guardian, Judgement
from benchmark.queries.guardians import active_guardian
from benchmark.rules.rubric import CRITERIA
from training.models import Run
from training.rules.judged_rows import JudgedRow
from training.rules.promotion import promotion_gate

HOUR = 3600
CHUNK = 500


def guardian_run(guardian: Guardian) -> Run | None:
    """The run that made it; None for a guardian that came from elsewhere."""
    return Run.objects.select_related("dataset", "created_by").filter(guardian=guardian).first()


def read_report(run: Run | None) -> dict[str, Any] | None:
    """The whole report as the engine wrote it; None where there is none."""
    if run is None or not run.folder:
        return None
    try:
        found = json.loads((_folder(run) / "report.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def read_manifest_of(run: Run | None) -> dict[str, Any]:
    return dict(run.guardian.manifest) if run is not None and run.guardian is not None else {}


def gate_of(candidate: Guardian) -> dict[str, Any]:
    """The gate as plain data: {"open", "against", "comparisons"}, against the guardian that is active now.

    Compared on the audit labels of the candidate's own dataset: what the candidate said when it was trained, what
    the active one said in its stored judgements. A guardian without such labels does not pass.
    """
    active = active_guardian()
    if active is not None and active.pk == candidate.pk:
        active = None
    shadowed = candidate.shadowed_at.timestamp() if candidate.shadowed_at else 0
    key = f"gate:{candidate.pk}:{shadowed:.0f}:{active.pk if active else 0}"
    known: dict[str, Any] | None = cache.get(key)
    if known is None:
        known = _gate(candidate, active)
        cache.set(key, known, HOUR)
    return known


def _gate(candidate: Guardian, active: Guardian | None) -> dict[str, Any]:
    run = guardian_run(candidate)
    audit = list(_lines(_folder(run) / "audit.jsonl")) if run and run.folder else []
    ours = _judged(audit, _predicted(_folder(run))) if run and run.folder else []
    theirs = _judged(audit, _stored(active, [row["id"] for row in audit])) if active else None
    gate = promotion_gate(
        ours, _thresholds(candidate), theirs, _thresholds(active) if active else None, seed=_seed(candidate)
    )
    return {
        "open": gate.open,
        "against": str(active) if active else None,
        "rows": len(ours),
        "comparisons": [asdict(part) for part in gate.comparisons],
    }


def audited_rows(run: Run | None) -> list[dict[str, Any]]:
    """What the report was computed from, a row an audited answer: blind labels, p, values, abstentions, group."""
    if run is None or not run.folder:
        return []
    audit = list(_lines(_folder(run) / "audit.jsonl"))
    return [asdict(row) for row in _judged(audit, _predicted(_folder(run)))]


def _judged(audit: Sequence[Mapping[str, Any]], said: Mapping[int, Mapping[str, Any]]) -> list[JudgedRow]:
    """The audited answers that were judged; an answer nobody judged says nothing about the judge."""
    return [
        JudgedRow(
            id=row["id"],
            group=row["group"],
            scenario=row["scenario"],
            entry=row["entry"],
            length=len(row["response"]),
            labels=row["labels"],
            p=said[row["id"]].get("p"),
            values=said[row["id"]].get("values") or {},
            abstained=said[row["id"]].get("abstained") or (),
        )
        for row in audit
        if row["id"] in said
    ]


def _predicted(folder: Path) -> dict[int, Mapping[str, Any]]:
    return {row["id"]: row for row in _lines(folder / "predictions.jsonl")}


def _stored(guardian: Guardian, responses: list[int]) -> dict[int, Mapping[str, Any]]:
    found: dict[int, Mapping[str, Any]] = {}
    for first in range(0, len(responses), CHUNK):
        rows = Judgement.objects.filter(
            scorer=guardian.scorer_id, response__in=responses[first : first + CHUNK], p__isnull=False
        )
        for pk, p, abstained, *values in rows.values_list("response_id", "p", "abstained", *CRITERIA):
            found[pk] = {"p": p, "abstained": abstained, "values": dict(zip(CRITERIA, values, strict=True))}
    return found


def _thresholds(guardian: Guardian) -> dict[str, float]:
    return dict(guardian.manifest.get("thresholds", {}))


def _seed(guardian: Guardian) -> int:
    return int(guardian.manifest.get("training", {}).get("seed", 1))


def _folder(run: Run) -> Path:
    return Path(settings.MEDES_ARTEFACTS) / run.folder


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8") as file:
            for line in file:
                if line.strip():
                    yield json.loads(line)
    except FileNotFoundError:
        return
