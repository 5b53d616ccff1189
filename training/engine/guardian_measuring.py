"""What a guardian says of the audit answers, and the report on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmark.guardians.base import CRITERIA, Guardian, Verdict, risk_probability
from benchmark.guardians.manifest import Manifest
from training.engine.guardian_judging import judge_all
from training.engine.guardian_run import AuditRow, Run
from training.rules.guardian_quality import quality_report
from training.rules.judged_rows import JudgedRow


def predictions(run: Run, guardian: Guardian, audit: Sequence[AuditRow]) -> list[dict[str, Any]]:
    """One line an audit row: what identifies it, and p, values and abstentions (or why judging failed)."""
    lines = []
    for row, outcome in zip(audit, judge_all(run, guardian, audit, "audit"), strict=True):
        line: dict[str, Any] = {
            "id": row.id,
            "item": row.item,
            "group": row.group,
            "scenario": row.scenario,
            "entry": row.entry,
            "length": len(row.response),
        }
        if isinstance(outcome, Verdict):
            line |= {
                "outcome": "judged",
                "p": {name: outcome.p[name] for name in CRITERIA},
                "risky": risk_probability(outcome.p),
                "values": dict(outcome.values),
                "abstained": list(outcome.abstained),
            }
        else:
            line |= {"outcome": "judge_failed", "reason": outcome.reason}
        lines.append(line)
    return lines


def judged_rows(audit: Sequence[AuditRow], predicted: Sequence[Mapping[str, Any]]) -> list[JudgedRow]:
    """Audit rows with what was predicted of them, in the order of the audit rows."""
    return [
        JudgedRow(
            id=row.id,
            group=row.group,
            scenario=row.scenario,
            entry=row.entry,
            length=len(row.response),
            labels=row.labels,
            p=line.get("p"),
            values=line.get("values", {}),
            abstained=line.get("abstained", ()),
        )
        for row, line in zip(audit, predicted, strict=True)
    ]


def report_on(
    audit: Sequence[AuditRow], predicted: Sequence[Mapping[str, Any]], manifest: Manifest
) -> dict[str, Any]:
    """`quality_report`, with the texts of the worst mistakes."""
    seed = int(manifest.training["seed"])
    report = quality_report(
        judged_rows(audit, predicted), manifest.thresholds, prior=manifest.prior, seed=seed
    )
    texts = {row.id: row for row in audit}
    for mistake in report["worst"]:
        row = texts[mistake["id"]]
        mistake |= {
            "item": row.item,
            "entry": row.entry,
            "norm": row.norm,
            "question": row.question,
            "response": row.response,
        }
    return report | {"guardian": {"kind": manifest.kind, "name": manifest.name, "version": manifest.version}}
