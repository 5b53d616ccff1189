"""Background work of the training app: thin shells around services, and the only places that launch them."""

from __future__ import annotations

from typing import Any

from benchmark.models import Guardian, Submission
from benchmark.queries.guardians import active_guardian
from benchmark.services.judging import shadow_everything
from benchmark.tasks import launch_evaluation, launch_ranking, launch_shadow
from medes_site.kit.jobs.context import JobContext
from medes_site.kit.jobs.core import launch
from medes_site.kit.jobs.models import Job
from medes_site.kit.jobs.registry import job_handler
from training.models import Drawing, Run, TrainingKind
from training.services.artefact_store import store_artefacts
from training.services.demo_policy import build_policy
from training.services.drawings import draw_dataset
from training.services.guardian_promotion import promote_guardian
from training.services.guardian_training import train_guardian
from training.services.tuning_answers import answer_items
from training.services.tuning_runs import tune_model

TRAIN = "train"
FIRST = "first_guardian"
ANSWER = "answer"
POLICY = "tiny_policy"
DRAW = "draw_dataset"
STORE = "store_artefacts"
QUEUE = "train"


@job_handler(kind=TRAIN, queue=QUEUE, max_attempts=3)
def train(context: JobContext) -> None:
    """Subject: a run. A guardian then scores everything in the shadow."""
    run = Run.objects.select_related("dataset").get(pk=context.subject_id)
    if run.kind != TrainingKind.GUARDIAN:
        tune_model(context, run)
        if not run.stored:
            launch_storing(run, wake=not context.in_foreground)
        return
    guardian = train_guardian(context)
    run.refresh_from_db()
    if guardian.state == Guardian.State.CANDIDATE:
        return
    if run.reason_if_first and active_guardian() is None:
        launch(FIRST, subject_type="guardian", subject_id=guardian.pk, wake=not context.in_foreground)
    elif guardian.shadowed_at is None:
        launch_shadow(guardian, wake=not context.in_foreground)


@job_handler(kind=FIRST, queue=QUEUE)
def first_guardian(context: JobContext) -> None:
    """Subject: a guardian in an installation without one: its shadow, then its promotion as its run asked for."""
    launch_ranking(shadow_everything(context), wake=not context.in_foreground)
    guardian = Guardian.objects.select_related("scorer", "run__created_by").get(pk=context.subject_id)
    if active_guardian() is None:
        promote(actor=guardian.run.created_by, guardian=guardian, reason=guardian.run.reason_if_first)
        context.log("promoted as the first guardian")


@job_handler(kind=ANSWER, queue=QUEUE, max_attempts=3)
def answer(context: JobContext) -> None:
    """Subject: a submission by checkpoint. Once its model has answered, it is evaluated like any other."""
    launch_evaluation(answer_items(context), wake=not context.in_foreground)


@job_handler(kind=POLICY, queue=QUEUE)
def demo_policy(context: JobContext) -> None:
    """Subject: the installation; it has one tiny policy."""
    build_policy(context)


@job_handler(kind=DRAW, queue="default")
def draw(context: JobContext) -> None:
    """Subject: a drawing, whose dataset takes longer than a page should."""
    draw_dataset(context)


@job_handler(kind=STORE, queue=QUEUE, max_attempts=8)
def store(context: JobContext) -> None:
    """Subject: the artefacts of a finished run, which the store did not take at once."""
    store_artefacts(context, Run.objects.get(pk=context.subject_id))


def launch_storing(run: Run, *, wake: bool = True) -> Job:
    return launch(STORE, subject_type="artefacts", subject_id=run.pk, wake=wake)


def launch_dataset(drawing: Drawing, *, actor: Any = None, wake: bool = True) -> Job:
    return launch(DRAW, subject_type="drawing", subject_id=drawing.pk, created_by=actor, wake=wake)


def launch_demo_policy(*, wake: bool = True) -> Job:
    return launch(POLICY, subject_type="policy", subject_id=1, wake=wake)


def launch_answering(submission: Submission, *, actor: Any = None, wake: bool = True) -> Job:
    return launch(ANSWER, subject_type="submission", subject_id=submission.pk, created_by=actor, wake=wake)


def launch_run(run: Run, *, actor: Any = None, wake: bool = True) -> Job:
    return launch(TRAIN, subject_type="run", subject_id=run.pk, created_by=actor, wake=wake)


def promote(*, actor: Any, guardian: Guardian, reason: str = "", wake: bool = True) -> dict[str, Any]:
    """Promotes and has the boards ranked again; the gate's verdict. Raises as `promote_guardian` does."""
    gate, boards = promote_guardian(actor=actor, guardian=guardian, override_reason=reason)
    launch_ranking(boards, actor=actor, wake=wake)
    return gate
