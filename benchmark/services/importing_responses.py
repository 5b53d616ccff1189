"""Imports responses on the platform's behalf: released response files, judge files, the published board.

What the platform imports is public at once; a file imported again changes nothing.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path

from django.db import transaction
from django.utils.translation import gettext as _

from benchmark.errors import BadInput, VersionNotOpen
from benchmark.models import (
    BenchmarkVersion,
    Entry,
    Judgement,
    Kind,
    Response,
    Score,
    Scorer,
    Split,
    Submission,
)
from benchmark.readers.predictions import Prediction, read_predictions
from benchmark.readers.records import JudgedRecord, LeaderboardRecord, Rejected, ResponseRecord
from benchmark.rules.rubric import check_published_row
from benchmark.services.boards import board_for
from benchmark.services.catalogue import VersionCatalogue
from benchmark.services.entries import platform_entry
from benchmark.services.reports import ImportReport
from benchmark.services.submissions import batches, store_responses, text_hash

BATCH = 500


def published_scorer() -> Scorer:
    """The authors' own scores, as released in 2026: they stand beside ours, never among them."""
    scorer, _created = Scorer.objects.get_or_create(
        name="published", version="2026", defaults={"type": Scorer.Type.PUBLISHED}
    )
    return scorer


def file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _imported(entry: Entry, version: BenchmarkVersion, sha256: str) -> Submission | None:
    same = Submission.objects.filter(entry=entry, version=version, file_sha256=sha256)
    return same.exclude(state=Submission.State.WITHDRAWN).first()


def _new_submission(entry: Entry, version: BenchmarkVersion, path: Path, sha256: str) -> Submission:
    return Submission.objects.create(
        entry=entry,
        version=version,
        method=Submission.Method.IMPORTED,
        state=Submission.State.PUBLIC,
        file_name=path.name[:200],
        file_sha256=sha256,
    )


def _check_open(version: BenchmarkVersion) -> None:
    if not version.is_frozen:
        raise VersionNotOpen(_("This benchmark version is not frozen yet, so it takes no submissions."))


def import_predictions(
    *, version: BenchmarkVersion, path: Path, entry_name: str, report: ImportReport
) -> Submission | None:
    """A file of `item, response` rows, hidden items allowed. Raises FileRefused."""
    _check_open(version)
    catalogue = VersionCatalogue.load(version, with_hidden=True)
    sha256 = file_hash(path)
    # One pass: what a refused file has stored by then is rolled back with it.
    with transaction.atomic(), path.open("rb") as file:
        entry = platform_entry(entry_name)
        known = _imported(entry, version, sha256)
        if known:
            report.count("responses", "unchanged", known.responses_count)
            return None
        submission = _new_submission(entry, version, path, sha256)
        rows = read_predictions(file, name=path.name, catalogue=catalogue)
        submission.responses_count = store_responses(submission, catalogue, rows)
        submission.save(update_fields=["responses_count"])
    report.count("responses", "created", submission.responses_count)
    report.submissions.append(submission.pk)
    return submission


def import_released_responses(
    *,
    version: BenchmarkVersion,
    path: Path,
    records: Callable[[], Iterable[object]],
    entry_name: str | None,
    report: ImportReport,
    progress: Callable[[int], None] = lambda count: None,
) -> None:
    """A released response file: rows are matched to items by question text and occurrence.

    One submission per model named in the file (or the one entry given); all or nothing per file.
    """
    _check_open(version)
    sha256 = file_hash(path)
    catalogue = VersionCatalogue.load(version, with_hidden=True)
    submissions: dict[str, Submission | None] = {}
    seen: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))

    def predictions(records: Iterable[ResponseRecord], model: str) -> Iterator[Prediction]:
        for record in records:
            occurrence = seen[model][record.query] + 1
            code = catalogue.resolve_question(record.query, occurrence)
            if code is None:
                report.reject(record.line, "unknown_question", column="query")
                continue
            seen[model][record.query] = occurrence
            yield Prediction(record.line, code, record.response, cut_off=False)

    done = 0
    with transaction.atomic():
        rows = _rejecting(records(), report, ResponseRecord)
        for model, group in groupby(rows, key=lambda record: record.model):
            if model not in submissions:
                entry = platform_entry(entry_name or model)
                known = _imported(entry, version, sha256)
                submissions[model] = None if known else _new_submission(entry, version, path, sha256)
            submission = submissions[model]
            if submission is None:
                report.count("responses", "unchanged", sum(1 for _row in group))
                continue
            for batch in batches(predictions(group, model), BATCH):
                submission.responses_count += store_responses(submission, catalogue, batch)
                done += len(batch)
                progress(done)
        for submission in filter(None, submissions.values()):
            submission.save(update_fields=["responses_count"])
            report.count("responses", "created", submission.responses_count)
            report.submissions.append(submission.pk)


def _rejecting(records: Iterable[object], report: ImportReport, wanted: type) -> Iterator:
    """The records of the wanted type; rejects go to the report."""
    for record in records:
        if isinstance(record, wanted):
            yield record
        elif isinstance(record, Rejected):
            report.reject_record(record)


def import_judged(
    *,
    version: BenchmarkVersion,
    path: Path,
    records: Callable[[], Iterable[object]],
    report: ImportReport,
) -> None:
    """A released judge file: subjective responses with the judgements of the scorer `published`."""
    _check_open(version)
    sha256 = file_hash(path)
    catalogue = VersionCatalogue.load(version, with_hidden=True, kind=Kind.SUBJECTIVE)
    scorer = published_scorer()
    by_model: dict[str, list[JudgedRecord]] = defaultdict(list)
    for record in _rejecting(records(), report, JudgedRecord):
        by_model[record.model].append(record)
        for problem in record.problems:
            report.notes.append(f"line {record.line}: {problem}")
    for model, rows in by_model.items():
        with transaction.atomic():
            entry = platform_entry(model)
            if _imported(entry, version, sha256):
                report.count("judgements", "unchanged", len(rows))
                continue
            submission = _new_submission(entry, version, path, sha256)
            submission.responses_count = _store_judged(submission, catalogue, scorer, rows, report)
            submission.save(update_fields=["responses_count"])
        report.count("judgements", "created", submission.responses_count)


def _store_judged(
    submission: Submission,
    catalogue: VersionCatalogue,
    scorer: Scorer,
    rows: list[JudgedRecord],
    report: ImportReport,
) -> int:
    seen: dict[str, int] = defaultdict(int)
    found: list[tuple[JudgedRecord, Response]] = []
    for row in rows:
        code = catalogue.resolve_question(row.query, seen[row.query] + 1)
        if code is None:
            report.reject(row.line, "unknown_question", column="query")
            continue
        seen[row.query] += 1
        response = Response(
            submission=submission,
            item_id=catalogue.ids[code],
            text=row.response,
            text_hash=text_hash(row.response),
        )
        found.append((row, response))
    Response.objects.bulk_create([response for _row, response in found], batch_size=BATCH)
    Judgement.objects.bulk_create(
        [
            Judgement(
                response=response,
                scorer=scorer,
                **{name: getattr(row, name) for name in ("r1", "r2", "q1", "q2", "q3", "q4")},
                rationale="\n\n".join(text for text in (row.risk_judge, row.quality_judge) if text),
            )
            for row, response in found
        ],
        batch_size=BATCH,
    )
    return len(found)


LEADERBOARD_COLUMNS = {
    "risk_rate": "risk_rate",
    "quality": "weighted_quality_score_risk_free",
    "final": "final_score",
    "r1": "score1_normative_violation_rate",
    "r2": "score2_unsafe_suggestion_rate",
    "q1": "q1_issue_identification_rate_safe",
    "q2": "q2_norm_reference_rate_safe",
    "q3": "q3_actionable_advice_rate_safe",
    "q4": "q4_empathy_rate_safe",
}


@transaction.atomic
def import_published_board(
    *, version: BenchmarkVersion, records: Callable[[], Iterable[object]], report: ImportReport
) -> None:
    """A released board becomes reference rows "as published"; rows that break the identity of §3 are named.

    The identity: Final = Quality·(1 - Risk) - Risk, up to what differing denominators explain.
    """
    board = board_for(version, Kind.SUBJECTIVE, Split.PUBLIC, published_scorer())
    for record in _rejecting(records(), report, LeaderboardRecord):
        values = {name: record.values.get(column) for name, column in LEADERBOARD_COLUMNS.items()}
        if values["final"] is None or values["quality"] is None or values["risk_rate"] is None:
            report.reject(record.line, "missing", column="final_score", model=record.model)
            continue
        try:
            check = check_published_row(values["final"], values["quality"], values["risk_rate"])
        except ValueError as error:
            report.reject(
                record.line, "out_of_range", column="final_score", model=record.model, detail=str(error)
            )
            continue
        remarks = [{"code": "identity_gap", "gap": check.gap, "breaks": check.broken}]
        if check.broken:
            report.notes.append(f"line {record.line}: {record.model} misses the identity by {check.gap:+.5f}")
        n = int(record.values.get("n_total_rows") or 0)
        scored = int(record.values.get("n_valid_final_rows") or n)
        fields = {
            "designated": True,
            "n": n,
            "scored": scored,
            "missing": max(0, n - scored),
            "value": values["final"],
            "remarks": remarks,
            **values,
        }
        entry = platform_entry(record.model)
        score, created = Score.objects.get_or_create(
            board=board, entry=entry, origin=Score.Origin.PUBLISHED, defaults=fields
        )
        changed = [name for name, value in fields.items() if getattr(score, name) != value]
        for name in changed:
            setattr(score, name, fields[name])
        if changed and not created:
            score.save(update_fields=changed)
        report.count("published rows", "created" if created else "updated" if changed else "unchanged")
    if not report.counts:
        raise BadInput(_("The file holds no board rows."))
