"""Background work of the benchmark app: thin shells around services, and the only places that launch them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from celery import shared_task
from django.db.models import Exists, OuterRef

from benchmark.models import Board, Guardian, Judging, Scorer, Submission
from benchmark.queries.guardians import guardians_at_work, judgeable_submissions
from benchmark.services.boards import refresh_ranks
from benchmark.services.evaluation import evaluate_submission
from benchmark.services.judging import judge_submission, open_judging, shadow_everything
from benchmark.services.renewal import refresh_renewal
from medes_site.kit.jobs.context import JobContext
from medes_site.kit.jobs.core import launch
from medes_site.kit.jobs.models import Job
from medes_site.kit.jobs.registry import job_handler

EVALUATE = "evaluate"
RANK = "rank"
RENEWAL = "renewal"
JUDGE = "judge"
SHADOW = "shadow"
SWEEP = 100


@job_handler(kind=EVALUATE, queue="evaluate")
def evaluate(context: JobContext) -> None:
    """Subject: a submission. Once it is scored, the guardians at work judge its free answers."""
    launch_ranking(evaluate_submission(context), wake=not context.in_foreground)
    submission = Submission.objects.get(pk=context.subject_id)
    for guardian in guardians_at_work():
        if not open_judging(submission, guardian.scorer).finished_at:
            launch_judging(submission, guardian.scorer, wake=not context.in_foreground)


@job_handler(kind=JUDGE, queue="evaluate")
def judge(context: JobContext) -> None:
    """Subject: a judging, which is a submission and a scorer."""
    launch_ranking(judge_submission(context), wake=not context.in_foreground)


@job_handler(kind=SHADOW, queue="evaluate")
def shadow(context: JobContext) -> None:
    """Subject: a guardian, which judges whatever it has not judged yet."""
    launch_ranking(shadow_everything(context), wake=not context.in_foreground)


@job_handler(kind=RANK, queue="default")
def rank(context: JobContext) -> None:
    """Subject: a board. Ranks again as long as somebody came or went meanwhile."""
    while Board.objects.filter(pk=context.subject_id, ranks_stale=True).exists():
        context.check()
        count = refresh_ranks(board_id=context.subject_id)
        context.log(f"ranked {count} entries")
    refresh_renewal(board_id=context.subject_id)


@job_handler(kind=RENEWAL, queue="default")
def renewal(context: JobContext) -> None:
    """Subject: a board. What it would say without its items on outdated law."""
    count = refresh_renewal(board_id=context.subject_id)
    context.log(f"{count} items on outdated law")


@shared_task(name="benchmark.sweep")
def sweep() -> None:
    """Finds work whose launch was lost: submissions nobody scored or judged, boards whose ranks are stale."""
    scored = Job.objects.filter(kind=EVALUATE, subject_type="submission", subject_id=OuterRef("pk"))
    waiting = Submission.objects.filter(~Exists(scored), evaluated_at=None).exclude(method="imported")
    waiting = waiting.exclude(method="checkpoint", responses_count=0)  # its model has not answered yet
    for submission in waiting.exclude(state="withdrawn")[:SWEEP]:
        launch_evaluation(submission)
    for guardian in guardians_at_work():
        sweep_judging(guardian)
    launch_ranking(Board.objects.filter(ranks_stale=True).values_list("pk", flat=True))


def sweep_judging(guardian: Guardian) -> None:
    """Submissions that the guardian should judge and that no job was ever about.

    One that has yet to score everything in the shadow does so in one job.
    """
    if guardian.state == Guardian.State.SHADOW and guardian.shadowed_at is None:
        shadows = Job.objects.filter(kind=SHADOW, subject_type="guardian", subject_id=guardian.pk)
        if not shadows.exists():
            launch_shadow(guardian)
        return
    known = Judging.objects.filter(submission=OuterRef("pk"), scorer=guardian.scorer_id)
    for submission in judgeable_submissions().filter(~Exists(known))[:SWEEP]:
        launch_judging(submission, guardian.scorer)
    tried = Job.objects.filter(kind=JUDGE, subject_type="judging", subject_id=OuterRef("pk"))
    lost = Judging.objects.filter(~Exists(tried), scorer=guardian.scorer_id, finished_at=None)
    for judging in lost.select_related("submission", "scorer")[:SWEEP]:
        launch_judging(judging.submission, judging.scorer)


def launch_evaluation(submission: Submission, *, actor: Any = None, wake: bool = True) -> Job:
    return launch(EVALUATE, subject_type="submission", subject_id=submission.pk, created_by=actor, wake=wake)


def launch_judging(submission: Submission, scorer: Scorer, *, actor: Any = None, wake: bool = True) -> Job:
    judging = open_judging(submission, scorer)
    return launch(JUDGE, subject_type="judging", subject_id=judging.pk, created_by=actor, wake=wake)


def launch_shadow(guardian: Guardian, *, actor: Any = None, wake: bool = True) -> Job:
    return launch(SHADOW, subject_type="guardian", subject_id=guardian.pk, created_by=actor, wake=wake)


def launch_ranking(boards: Iterable[int], *, actor: Any = None, wake: bool = True) -> list[Job]:
    return [
        launch(RANK, subject_type="board", subject_id=board, created_by=actor, wake=wake)
        for board in sorted(set(boards))
    ]


def launch_renewals(boards: Iterable[int], *, actor: Any = None, wake: bool = True) -> list[Job]:
    return [
        launch(RENEWAL, subject_type="board", subject_id=board, created_by=actor, wake=wake)
        for board in sorted(set(boards))
    ]
