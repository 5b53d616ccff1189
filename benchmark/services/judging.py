"""Guardians at work: the subjective answers of a submission are judged, then summed up into board rows.

A batch is judged outside of any transaction and written in a fenced one. An answer that the scorer has judged
is not judged again: so a job that stops midway goes on where it stopped, and one that runs twice changes
nothing. The same answer to the same question about the same norm is judged once, wherever it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.db.models import Exists, OuterRef
from django.db.models.functions import Length
from django.utils import timezone
from django.utils.translation import gettext_noop

from benchmark.guardians.base import CRITERIA, Case, GuardianError, JudgeFailed, Verdict
from benchmark.guardians.base import Guardian as LoadedGuardian
from benchmark.guardians.loading import load_guardian
from benchmark.models import (
    Board,
    Guardian,
    Item,
    Judgement,
    Judging,
    Kind,
    Response,
    Score,
    Scorer,
    Submission,
)
from benchmark.queries.guardians import unjudged_submissions
from benchmark.queries.vectors import BoardItems, board_items
from benchmark.rules.account import by_group
from benchmark.rules.cases import case_key
from benchmark.rules.subjective import Finding, SubjectiveSummary, subjective_summary
from benchmark.services.boards import board_for, designate_open_scores, store_vector
from benchmark.services.guardians import artefact_folder
from medes_site.kit.jobs.context import JobContext
from medes_site.kit.jobs.errors import JobError

# Answers in one batch, so that a batch takes about a second and a cancel is soon seen.
BATCH = {Guardian.Kind.LINEAR: 200, Guardian.Kind.ENCODER: 64, Guardian.Kind.GENERATIVE: 8}
CHUNK = 2000
P_DIGITS = 6
UNUSABLE = gettext_noop("The guardian gave something that is not a verdict.")
GONE = gettext_noop("This guardian has no artefact that could judge.")

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Judged:
    """What `judge_responses` did: answers written, of them judged anew, failed."""

    written: int
    anew: int
    failed: int


@lru_cache(maxsize=2)
def _loaded(folder: Path) -> LoadedGuardian:
    """An artefact never changes, so a worker keeps the last two it used."""
    return load_guardian(folder)


def open_guardian(guardian: Guardian) -> LoadedGuardian:
    """The guardian ready to judge. Raises JobError with the artefact's own sentence."""
    try:
        return _loaded(artefact_folder(guardian))
    except GuardianError as error:
        raise JobError(str(error)) from error


def judge_submission(context: JobContext) -> list[int]:
    """Subject: a Judging. Returns the ids of the boards whose ranks must be refreshed."""
    judging = Judging.objects.select_related("submission__version", "submission__entry", "scorer").get(
        pk=context.subject_id
    )
    guardian = _guardian_of(judging.scorer)
    total = _subjective(judging.submission).count()
    done = total - _unjudged(judging.submission, judging.scorer).count()
    context.progress(done, total, "judging")
    judged = judge_answers(
        context, judging.submission, guardian, lambda count: context.progress(done + count, total)
    )
    context.log(f"{judged.written} answers, {judged.anew} judged now, {judged.failed} failed")
    return score_judged(context, judging)


def shadow_everything(context: JobContext) -> list[int]:
    """Subject: a Guardian. Judges all that was evaluated and is not judged by it yet; returns touched boards."""
    guardian = Guardian.objects.select_related("scorer").get(pk=context.subject_id)
    if guardian.state not in (Guardian.State.SHADOW, Guardian.State.ACTIVE):
        raise JobError(gettext_noop("The guardian is not in the shadow."))
    waiting = list(unjudged_submissions(guardian.scorer_id).values_list("pk", flat=True))
    total, touched = len(waiting), []
    context.progress(0, total, "judging")
    for place, pk in enumerate(waiting):
        submission = Submission.objects.select_related("version", "entry").get(pk=pk)
        judge_answers(context, submission, guardian, lambda _count: context.check())
        judging, _created = Judging.objects.get_or_create(submission=submission, scorer=guardian.scorer)
        touched += score_judged(context, judging)
        context.progress(place + 1, total)
    with context.fenced():
        Guardian.objects.filter(pk=guardian.pk, shadowed_at=None).update(shadowed_at=timezone.now())
    return touched


def judge_answers(
    context: JobContext, submission: Submission, guardian: Guardian, progress: Progress
) -> Judged:
    """Judges the submission's answers that the guardian has not judged; `progress` gets the number written."""
    written = anew = failed = 0
    for batch in _batches(submission, guardian):
        found = _known(batch, guardian.scorer_id)
        fresh: dict[int, Case] = {}
        for row in batch:
            if row.key not in found:
                fresh.setdefault(row.key, row.case)
        found |= dict(zip(fresh, judge_cases(open_guardian(guardian), list(fresh.values())), strict=True))
        rows = [
            Judgement(
                response_id=row.response, scorer_id=guardian.scorer_id, case_key=row.key, **found[row.key]
            )
            for row in batch
        ]
        with context.fenced():
            Judgement.objects.bulk_create(rows, ignore_conflicts=True)
        written += len(rows)
        anew += len(fresh)
        failed += sum(row.outcome == Judgement.Outcome.JUDGE_FAILED for row in rows)
        progress(written)
    return Judged(written, anew, failed)


def judge_cases(guardian: LoadedGuardian, cases: Sequence[Case]) -> list[dict[str, Any]]:
    """The columns of a judgement for each case; what is no verdict on the scale becomes a failed judgement."""
    if not cases:
        return []
    try:
        outcomes = guardian.judge(cases)
    except GuardianError as error:
        raise JobError(str(error)) from error
    if len(outcomes) != len(cases):
        raise JobError(UNUSABLE)
    return [_columns(outcome, case) for outcome, case in zip(outcomes, cases, strict=True)]


def _columns(outcome: Verdict | JudgeFailed, case: Case) -> dict[str, Any]:
    if isinstance(outcome, JudgeFailed):
        return failed_columns(outcome.reason)
    try:
        return _verdict_columns(outcome, len(case.response))
    except (ValueError, TypeError, KeyError):
        return failed_columns(UNUSABLE)


def _verdict_columns(verdict: Verdict, length: int) -> dict[str, Any]:
    """Raises ValueError, TypeError or KeyError for what is not on the scale of guardians.base."""
    p = {name: round(float(verdict.p[name]), P_DIGITS) for name in CRITERIA}
    abstained = [name for name in CRITERIA if name in verdict.abstained]
    values = {name: verdict.values[name] for name in CRITERIA}
    risky = -1 in (values["r1"], values["r2"])
    for name, value in values.items():
        scale = (-1, 0) if name.startswith("r") else (0, 1)
        open_ = name in abstained or (risky and name.startswith("q"))
        if not 0.0 <= p[name] <= 1.0 or (value is None) is not open_:
            raise ValueError(name)
        if value is not None and (isinstance(value, bool) or value not in scale):
            raise ValueError(name)
    evidence = {}
    for name, spans in verdict.evidence.items():
        if name not in CRITERIA or not all(0 <= start < end <= length for start, end in spans):
            raise ValueError(name)
        if spans:
            evidence[name] = [[int(start), int(end)] for start, end in spans]
    return {
        "outcome": Judgement.Outcome.JUDGED,
        **values,
        "p": p,
        "abstained": abstained,
        "evidence": evidence,
        "rationale": str(verdict.rationale).replace("\0", ""),
    }


def failed_columns(reason: str) -> dict[str, Any]:
    return {
        "outcome": Judgement.Outcome.JUDGE_FAILED,
        **dict.fromkeys(CRITERIA),
        "p": None,
        "abstained": [],
        "evidence": {},
        "rationale": reason.replace("\0", "")[:2000],
    }


def forget_failures(*, submission: Submission, scorer: Scorer) -> int:
    """Deletes the failed judgements, so that the next judging tries again; returns how many there were."""
    failed = Judgement.objects.filter(
        response__submission=submission, scorer=scorer, outcome=Judgement.Outcome.JUDGE_FAILED
    )
    deleted, _by_model = failed.delete()
    if deleted:
        Judging.objects.filter(submission=submission, scorer=scorer).update(finished_at=None)
    return deleted


# --- what is to be judged --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Row:
    response: int
    key: int
    case: Case


def _guardian_of(scorer: Scorer) -> Guardian:
    guardian = Guardian.objects.select_related("scorer").filter(scorer=scorer).first()
    if guardian is None:
        raise JobError(GONE)
    return guardian


def _subjective(submission: Submission) -> Any:
    """Answers there are; a blank one is no reply and is not judged."""
    return Response.objects.filter(submission=submission, item__kind=Kind.SUBJECTIVE).exclude(text="")


def _unjudged(submission: Submission, scorer: Scorer) -> Any:
    judged = Judgement.objects.filter(response=OuterRef("pk"), scorer=scorer)
    return _subjective(submission).filter(~Exists(judged))


def _batches(submission: Submission, guardian: Guardian) -> Iterator[list[_Row]]:
    """The longest answers first and like with like: a batch of equal lengths wastes no padding."""
    size = BATCH[Guardian.Kind(guardian.kind)]
    rows = _unjudged(submission, guardian.scorer).annotate(length=Length("text"))
    ids = list(rows.order_by("-length", "pk").values_list("pk", flat=True))
    for first in range(0, len(ids), size):
        wanted = ids[first : first + size]
        texts = {
            pk: Case(norm, question, text)
            for pk, norm, question, text in Response.objects.filter(pk__in=wanted).values_list(
                "pk", "item__norm_text", "item__question", "text"
            )
        }
        yield [
            _Row(pk, case_key(case.norm, case.question, case.response), case)
            for pk in wanted
            if (case := texts.get(pk)) is not None and case.response.strip()
        ]


def _known(batch: Sequence[_Row], scorer: int) -> dict[int, dict[str, Any]]:
    """What this scorer found on the same texts elsewhere. A failure is no finding: it is tried again."""
    names = ("outcome", *CRITERIA, "p", "abstained", "evidence", "rationale")
    rows = Judgement.objects.filter(
        case_key__in={row.key for row in batch}, scorer=scorer, outcome=Judgement.Outcome.JUDGED
    )
    return {row.pop("case_key"): row for row in rows.values("case_key", *names)}


# --- summing up ------------------------------------------------------------------------------------------


def score_judged(context: JobContext, judging: Judging) -> list[int]:
    """Writes the board rows of a judged submission; returns the ids of the boards to be ranked again."""
    submission, scorer = judging.submission, judging.scorer
    splits = Item.objects.filter(responses__submission=submission, kind=Kind.SUBJECTIVE)
    touched: list[int] = []
    for split in sorted(set(splits.values_list("split", flat=True))):
        items = board_items(submission.version, Kind.SUBJECTIVE, split)
        findings = _findings(submission, scorer, split, items)
        with context.fenced():
            board = board_for(submission.version, Kind.SUBJECTIVE, split, scorer)
            if board.frozen_at is None:
                store_subjective_score(board, submission, items, findings)
    with context.fenced():
        Judging.objects.filter(pk=judging.pk).update(finished_at=timezone.now())
        state = Submission.objects.select_for_update().values_list("state", flat=True).get(pk=submission.pk)
        if state == Submission.State.PUBLIC:
            touched = designate_open_scores(submission)
    return touched


def _findings(submission: Submission, scorer: Scorer, split: str, items: BoardItems) -> list[Finding]:
    findings = [Finding("no_reply")] * len(items.ids)
    rows = Judgement.objects.filter(
        response__submission=submission,
        response__item__split=split,
        response__item__kind=Kind.SUBJECTIVE,
        scorer=scorer,
    ).values_list("response__item_id", "outcome", *CRITERIA, "p", "abstained")
    for item, outcome, r1, r2, q1, q2, q3, q4, p, abstained in rows.iterator(chunk_size=CHUNK):
        values = dict(zip(CRITERIA, (r1, r2, q1, q2, q3, q4), strict=True))
        findings[items.index[item]] = Finding(outcome, values, p, tuple(abstained))
    return findings


def store_subjective_score(
    board: Board, submission: Submission, items: BoardItems, findings: Sequence[Finding]
) -> Score:
    """One row of the board. An item without a response, or with a blank one, counts as no reply: -1."""
    summary = subjective_summary(findings, items.clusters)
    figures, final = summary.figures, summary.intervals["final"]
    names = ("risk_rate", "quality", "final", "quality_mean", "final_mean", *CRITERIA)
    score, _created = Score.objects.update_or_create(
        board=board,
        submission=submission,
        defaults={
            "entry": submission.entry,
            "n": summary.n,
            "scored": summary.scored,
            "missing": summary.missing,
            "value": -1.0 if figures["final"] is None else figures["final"],
            "se": final.se,
            "ci_low": final.low,
            "ci_high": final.high,
            "interval_method": final.method,
            "clusters": summary.clusters,
            "account": asdict(summary.account),
            **{name: figures[name] for name in names},
            "intervals": {name: asdict(interval) for name, interval in summary.intervals.items()},
            "abstained": summary.abstained,
            "worst": summary.worst,
            "best": summary.best,
            "by_scenario": _groups(items.scenarios, summary, items, findings),
            "by_dimension": _groups(items.dimensions, summary, items, findings),
        },
    )
    store_vector(score, summary.values)
    return score


def _groups(
    labels: Sequence[str], summary: SubjectiveSummary, items: BoardItems, findings: Sequence[Finding]
) -> dict[str, dict[str, Any]]:
    """The final score of each group over the items that count; `scored`: how many of them were judged."""
    there = [place for place, value in enumerate(summary.values) if value == value]
    judged: dict[str, int] = {}
    for place in there:
        judged[labels[place]] = judged.get(labels[place], 0) + (findings[place].outcome == "judged")
    estimates = by_group(
        [labels[place] for place in there], summary.values[there], items.clusters[there], kind="mean"
    )
    return {
        label: {
            "n": estimate.n,
            "scored": judged[label],
            "mean": estimate.mean,
            "low": estimate.low,
            "high": estimate.high,
        }
        for label, estimate in estimates.items()
    }


def open_judging(submission: Submission, scorer: Scorer) -> Judging:
    """The row that a judging job is about."""
    judging, _created = Judging.objects.get_or_create(submission=submission, scorer=scorer)
    return judging
