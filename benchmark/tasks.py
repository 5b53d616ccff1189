"""Background work of the benchmark app: thin shells around services, and the only places that launch them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from celery import shared_task
from django.db.models import Exists, OuterRef

from benchmark.models import Board, Submission
from benchmark.services.boards import refresh_ranks
from benchmark.services.evaluation import evaluate_submission
from benchmark.services.renewal import refresh_renewal
from medes_site.kit.jobs.context import JobContext
from medes_site.kit.jobs.core import launch
from medes_site.kit.jobs.models import Job
from medes_site.kit.jobs.registry import job_handler

EVALUATE = "evaluate"
RANK = "rank"
RENEWAL = "renewal"


@job_handler(kind=EVALUATE, queue="evaluate")
def evaluate(context: JobContext) -> None:
    """Subject: a submission."""
    launch_ranking(evaluate_submission(context), wake=not context.in_foreground)


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
    """Finds work whose launch was lost: submissions nobody scored, boards whose ranks are stale."""
    scored = Job.objects.filter(kind=EVALUATE, subject_type="submission", subject_id=OuterRef("pk"))
    waiting = Submission.objects.filter(~Exists(scored), evaluated_at=None).exclude(method="imported")
    for submission in waiting.exclude(state="withdrawn")[:100]:
        launch_evaluation(submission)
    launch_ranking(Board.objects.filter(ranks_stale=True).values_list("pk", flat=True))


def launch_evaluation(submission: Submission, *, actor: Any = None, wake: bool = True) -> Job:
    return launch(EVALUATE, subject_type="submission", subject_id=submission.pk, created_by=actor, wake=wake)


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
