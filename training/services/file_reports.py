"""How a guardian does on a file of answers that somebody else has judged: what the file can show, and what it cannot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from benchmark.guardians.base import CRITERIA, RISK_CRITERIA, Case
from benchmark.guardians.base import Guardian as LoadedGuardian
from benchmark.readers.records import JudgedRecord, Rejected
from benchmark.readers.released import read_released
from benchmark.rules.norm_groups import group_norms
from benchmark.services.judging import judge_cases
from training.errors import BadInput
from training.rules.guardian_figures import MIN_CLASS, MIN_PAIRS
from training.rules.guardian_quality import quality_report
from training.rules.judged_rows import JudgedRow

BATCH = 64
MOST_REJECTED = 20
Bar = Callable[[int], None]


def report_on_file(
    path: Path,
    guardian: LoadedGuardian,
    thresholds: Mapping[str, float],
    *,
    prior: float | None,
    seed: int = 1,
    progress: Bar = lambda count: None,
) -> dict[str, Any]:
    """`quality_report` of the guardian against the file's verdicts, with `can` and `cannot` in sentences.

    The file is a released judge file (its 18 columns). Its verdicts are one judge's, so there is no agreement
    between two experts, and rows are judged here and now; nothing is stored. Raises BadInput.
    """
    records, rejected = _records(path)
    judged = _judge(records, guardian, progress)
    rows = [row for row, record in zip(judged, records, strict=True) if record.r1 is not None]
    if not rows:
        raise BadInput(_("The file holds no judged answers."))
    report = quality_report(rows, thresholds, prior=prior, seed=seed)
    for mistake in report["worst"]:
        record = records[mistake["id"]]
        mistake |= {"norm": record.norm_text, "question": record.query, "response": record.response}
    alarms, safe = false_alarms(rows)
    report["false_alarms"] = {"called_risky": alarms, "safe_answers": safe}
    return {
        **report,
        "file": {
            "name": path.name,
            "rows": len(records) + len(rejected),
            "used": len(rows),
            "without_verdict": len(records) - len(rows),
            "rejected": [{"line": row.line, "code": row.code} for row in rejected[:MOST_REJECTED]],
            "judges": sorted(
                {name for record in records for name in (record.risk_judge, record.quality_judge) if name}
            ),
            "models": dict(sorted(Counter(record.model for record in records).items())),
        },
        **dict(zip(("can", "cannot"), sentences(report), strict=True)),
    }


def _records(path: Path) -> tuple[list[JudgedRecord], list[Rejected]]:
    records: list[JudgedRecord] = []
    rejected: list[Rejected] = []
    with path.open("rb") as file:
        for row in read_released(file):
            if isinstance(row, JudgedRecord):
                records.append(row)
            elif isinstance(row, Rejected):
                rejected.append(row)
            else:
                raise BadInput(_("This is no file of judged answers."))
    if not records:
        reason = f" ({rejected[0].code}, line {rejected[0].line})" if rejected else ""
        raise BadInput(_("This is no file of judged answers.") + reason)
    return records, rejected


def _judge(records: Sequence[JudgedRecord], guardian: LoadedGuardian, progress: Bar) -> list[JudgedRow]:
    """Longest first; `id` is the place in `records`. Norms that say nearly the same are one group."""
    texts = sorted({record.norm_text for record in records})
    group = dict(zip(texts, group_norms(texts), strict=True))
    order = sorted(range(len(records)), key=lambda place: -len(records[place].response))
    found: dict[int, dict[str, Any]] = {}
    for first in range(0, len(order), BATCH):
        places = order[first : first + BATCH]
        cases = [Case(records[p].norm_text, records[p].query, records[p].response) for p in places]
        found |= dict(zip(places, judge_cases(guardian, cases), strict=True))
        progress(len(places))
    return [
        JudgedRow(
            id=place,
            group=f"g{group[record.norm_text]:05d}",
            scenario=record.scenario,
            entry=record.model,
            length=len(record.response),
            labels=[{"expert": "file", **{name: getattr(record, name) for name in CRITERIA}}],
            p=found[place]["p"],
            values={name: found[place][name] for name in CRITERIA},
            abstained=found[place]["abstained"],
        )
        for place, record in enumerate(records)
    ]


def sentences(report: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """(what the rows show, what they cannot show), one sentence each, in English as reports are."""
    can: list[str] = []
    cannot: list[str] = []
    for name in (*CRITERIA, "risk"):
        part = report["criteria"][name]
        title = "either risk" if name == "risk" else name.upper()
        for figure, found in part["figures"].items():
            label = f"{figure.replace('_', ' ')} of {title}"
            if found["refused"]:
                cannot.append(f"{label}: {found['refused']}.")
            elif found["low"] is None:
                can.append(f"{label} is {found['value']:.3f} (n={found['n']}; no interval).")
            else:
                can.append(
                    f"{label} is {found['value']:.3f} (95% interval {found['low']:.3f} to {found['high']:.3f}, "
                    f"n={found['n']})."
                )
        if part["majority"]["accuracy"] is not None:
            can.append(
                f"Always guessing the majority has an accuracy of {part['majority']['accuracy']:.3f} on {title}."
            )
    alarms = report["false_alarms"]
    can.append(f"Of {alarms['safe_answers']} risk-free answers {alarms['called_risky']} are called risky.")
    risky = report["criteria"]["risk"]["positives"]
    if risky < MIN_CLASS:
        cannot.append(
            f"Whether risks are found: {risky} risky rows in the file, {MIN_CLASS} are needed, and {MIN_PAIRS} to speak "
            "of any share; a rate of false alarms is all that such rows can show."
        )
    cannot.append("Agreement between two experts: the file holds one verdict a row.")
    cannot.append("Anything about risk at its true rate: the rows were not drawn at random from all answers.")
    return can, cannot


def false_alarms(rows: Sequence[JudgedRow]) -> tuple[int, int]:
    """(risk-free answers that the guardian calls risky, risk-free answers)."""
    safe = [row for row in rows if all(label[name] == 0 for label in row.labels for name in RISK_CRITERIA)]
    return sum(any(row.values.get(name) == -1 for name in RISK_CRITERIA) for row in safe), len(safe)
