"""What the pages of submissions show: lists, one submission with its results, and its scoring as it goes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from benchmark.models import Board, Judgement, Kind, Scenario, Score, Scorer, Split, Submission
from benchmark.policies import can_manage_submission, can_review_submission, can_see_verdicts
from benchmark.queries.disclosure import shown_groups
from benchmark.rules.account import OUTCOMES
from medes_site.kit.jobs.models import Job
from medes_site.kit.jobs.queries import LogLine, latest_job, latest_jobs, read_log
from medes_site.kit.roles import is_researcher

EVALUATION = "evaluate"  # the kind of job that benchmark.tasks registers for submissions
ANSWERING = "answer"  # of a model that was tuned here; registered above
SUBJECT = "submission"
PATIENCE = timedelta(seconds=20)
LOG_LINES = 100
SPLIT_ORDER = {Split.PUBLIC: 0, Split.DEV: 1, Split.HIDDEN: 2}
_State = Submission.State


@dataclass(frozen=True, slots=True)
class SubmissionRow:
    """One line of a list: `scores` in the order public, dev, hidden."""

    submission: Submission
    job: Job | None
    scores: tuple[Score, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way; `mark` is done, now, todo or stopped."""

    name: str
    mark: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a denominator account: `share` of all items, in [0, 1]."""

    outcome: str
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class Group:
    """The items of one scenario; mean and bounds in [0, 1], bounds None below 10 clusters."""

    scenario: Scenario
    n: int
    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Result:
    """One board's row for a submission, with what is missing."""

    score: Score
    account: tuple[Line, ...]
    scenarios: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Scoring:
    """How the scoring of a submission goes. `log`: the last lines; tracebacks are for researchers only."""

    job: Job | None
    waits_long: bool
    log: tuple[LogLine, ...]

    @property
    def active(self) -> bool:
        return self.job is not None and self.job.is_active

    @property
    def stopping(self) -> bool:
        return self.job is not None and self.job.is_active and self.job.cancel_requested_at is not None


@dataclass(frozen=True, slots=True)
class Answering:
    """The job in which a model on this platform's disk answers; None where there is nothing to wait for."""

    job: Job | None = None

    @property
    def active(self) -> bool:
        return self.job is not None and self.job.is_active

    @property
    def stopping(self) -> bool:
        return self.job is not None and self.job.is_active and self.job.cancel_requested_at is not None

    @property
    def waits_long(self) -> bool:
        job = self.job
        return (
            job is not None
            and job.state == Job.State.QUEUED
            and not job.attempt
            and timezone.now() - job.created_at > PATIENCE
        )


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the reader may do with the submission now."""

    manage: bool
    review: bool
    request_review: bool
    withdraw: bool
    designate: bool
    evaluate: bool
    cancel: bool


def own_submissions(user: Any) -> QuerySet[Submission]:
    return _for_lists(Submission.objects.filter(submitted_by=user), user)


def waiting_submissions(user: Any) -> QuerySet[Submission]:
    """Those in review, the longest waiting first."""
    return _for_lists(Submission.objects.filter(state=_State.IN_REVIEW), user).order_by("pk")


def visible_submissions(user: Any) -> QuerySet[Submission]:
    return _for_lists(Submission.objects.visible_to(user), user)


def _for_lists(submissions: QuerySet[Submission], user: Any) -> QuerySet[Submission]:
    scores = Score.objects.filter(board__in=Board.objects.visible_to(user)).select_related("board")
    return (
        submissions.select_related("entry", "version__benchmark", "submitted_by")
        .prefetch_related(Prefetch("scores", queryset=scores))
        .order_by("-pk")
    )


def submission_rows(submissions: Iterable[Submission]) -> list[SubmissionRow]:
    """The rows of one page: one query for the jobs of all of them."""
    found = list(submissions)
    jobs = latest_jobs(SUBJECT, [submission.pk for submission in found])
    return [
        SubmissionRow(submission, jobs.get(submission.pk), _in_order(submission.scores.all()))
        for submission in found
    ]


def _in_order(scores: Iterable[Score]) -> tuple[Score, ...]:
    return tuple(sorted(scores, key=lambda row: (SPLIT_ORDER[Split(row.board.split)], row.board_id)))


def submission_results(submission: Submission, user: Any) -> list[Result]:
    """One result per board, public first, with the scenarios that `user` may see; two queries."""
    shown = submission.scores.filter(board__in=Board.objects.visible_to(user))
    scores = _in_order(shown.select_related("board__scorer__guardian", "submission"))
    slugs = {slug for score in scores for slug in score.by_scenario}
    scenarios = {row.slug: row for row in Scenario.objects.filter(slug__in=slugs)}
    return [Result(score, _account(score), _groups(score, scenarios, user)) for score in scores]


def _account(score: Score) -> tuple[Line, ...]:
    """Objective answers end in five ways; a free answer is judged as it stands, whatever became of it."""
    if not score.account:
        return ()
    counts = {name: score.account.get(name, 0) for name in OUTCOMES}
    rare: tuple[str, ...] = ("judge_failed", "abstained")
    if score.board.kind == Kind.SUBJECTIVE:
        rare += ("truncated", "unparseable", "refused")
    return tuple(Line(name, n, n / score.n) for name, n in counts.items() if n or name not in rare)


def _groups(score: Score, scenarios: dict[str, Scenario], user: Any) -> tuple[Group, ...]:
    shown = shown_groups(user, score, score.by_scenario)
    known = [(scenarios[slug], row) for slug, row in shown.items() if slug in scenarios]
    return tuple(
        Group(scenario, row["n"], row["mean"], row["low"], row["high"])
        for scenario, row in sorted(known, key=lambda pair: -pair[1]["mean"])
    )


def submission_scoring(submission: Submission, user: Any) -> Scoring:
    """The latest evaluation of the submission and the end of its log."""
    job = latest_job(SUBJECT, submission.pk, kind=EVALUATION)
    if job is None:
        return Scoring(None, False, ())
    waits = job.state == Job.State.QUEUED and job.attempt == 0 and timezone.now() - job.created_at > PATIENCE
    lines = read_log(job.pk, limit=2000)[-LOG_LINES:]
    if not is_researcher(user):
        lines = [_without_traceback(line) for line in lines]
    return Scoring(job, waits, tuple(lines))


def submission_answering(submission: Submission) -> Answering:
    """Of a submission by checkpoint that has no answers yet: the newest job on it that is none of scoring."""
    if submission.method != Submission.Method.CHECKPOINT or submission.responses_count:
        return Answering()
    return Answering(latest_job(SUBJECT, submission.pk, kind=ANSWERING))


def _without_traceback(line: LogLine) -> LogLine:
    """A traceback may quote rows of the database, and with them closed answers."""
    if "Traceback (most recent call last)" not in line.text:
        return line
    text = _("An unexpected error. Researchers see the details here.")
    return LogLine(line.number, line.at, line.attempt, text)


def submission_steps(submission: Submission, scoring: Scoring) -> list[Step]:
    """Uploaded → scored → review → public, each done, now, todo or stopped."""
    state, scored = submission.state, submission.evaluated_at is not None
    gone = state == _State.WITHDRAWN
    broken = scoring.job is not None and scoring.job.state in (Job.State.FAILED, Job.State.CANCELLED)
    if scored:
        scoring_mark = "done"
    elif broken or gone:
        scoring_mark = "stopped"
    else:
        scoring_mark = "now"
    if state == _State.PUBLIC:
        review = "done"
    elif state == _State.REJECTED:
        review = "stopped"
    elif state == _State.IN_REVIEW or (scored and not gone):
        review = "now"
    else:
        review = "todo"
    public = "done" if state == _State.PUBLIC else "stopped" if gone else "todo"
    names = ("uploaded", "scored", "review", "public")
    return [Step(*step) for step in zip(names, ("done", scoring_mark, review, public), strict=True)]


def allowed_acts(user: Any, submission: Submission, scoring: Scoring, results: list[Result]) -> Allowed:
    """Which buttons make sense; the services decide again when one is pressed."""
    manage = can_manage_submission(user, submission)
    gone = submission.state == _State.WITHDRAWN
    # A frozen board stays as it was, so nobody comes to stand there.
    standing = all(result.score.designated or result.score.board.frozen_at for result in results)
    unfinished = submission.evaluated_at is None or (
        scoring.job is not None and scoring.job.state in (Job.State.FAILED, Job.State.CANCELLED)
    )
    return Allowed(
        manage=manage,
        review=can_review_submission(user, submission) and submission.state == _State.IN_REVIEW,
        request_review=manage
        and submission.state in (_State.PRIVATE, _State.REJECTED)
        and submission.evaluated_at is not None,
        withdraw=manage and not gone,
        designate=manage and submission.state == _State.PUBLIC and bool(results) and not standing,
        evaluate=manage
        and not gone
        and not scoring.active
        and (is_researcher(user) or unfinished)
        and submission.responses.exists(),
        cancel=manage and scoring.active and not scoring.stopping,
    )


def published_judgements(submission: Submission, user: Any) -> QuerySet[Judgement]:
    """Judgements that came with the data, of items the reader may see, in the order of the items.

    None for those who label such replies blind.
    """
    if not can_see_verdicts(user):
        return Judgement.objects.none()
    judgements = Judgement.objects.filter(
        response__submission=submission, scorer__type=Scorer.Type.PUBLISHED
    ).select_related("response__item__scenario", "response__item__norm", "scorer")
    if not is_researcher(user):
        judgements = judgements.exclude(response__item__split=Split.HIDDEN)
    return judgements.order_by("response__item__number", "pk")
