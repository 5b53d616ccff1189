"""A guardian's verdicts on one submission, answer by answer, and how the judging goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet

from benchmark.models import Guardian, Judgement, Judging, Scorer, Split, Submission
from benchmark.policies import can_see_judgements
from benchmark.rules.rubric import CRITERIA, QUALITY_CRITERIA
from medes_site.kit.jobs.models import Job
from medes_site.kit.jobs.queries import latest_job, latest_jobs
from medes_site.kit.roles import is_researcher

PAGE_SIZE = 20
FAILED, OPEN = "judge_failed", "abstained"
SHOWN = ("", *CRITERIA, OPEN, FAILED)


@dataclass(frozen=True, slots=True)
class GuardianVerdicts:
    """`scorers`: guardians whose verdicts the reader may choose between; `page` is empty before any judged.

    `show`: what is filtered for: a criterion that failed, `abstained`, `judge_failed`, or "" for all.
    """

    scorers: tuple[Scorer, ...]
    scorer: Scorer
    job: Job | None
    show: str
    page: Page

    @property
    def active(self) -> bool:
        return self.job is not None and self.job.is_active


def guardian_verdicts(submission: Submission, user: Any, params: Any) -> GuardianVerdicts | None:
    """None where the reader sees no verdicts, or no guardian has begun. `params`: by, show, page."""
    scorer = chosen_scorer(submission, user, params.get("by", ""))
    if scorer is None:
        return None
    show = params.get("show", "")
    show = show if show in SHOWN else ""
    judging = Judging.objects.get(submission=submission, scorer=scorer)
    found = _filtered(judgements_of(submission, scorer, user), show)
    return GuardianVerdicts(
        tuple(_scorers(submission, user)),
        scorer,
        latest_job("judging", judging.pk),
        show,
        Paginator(found, PAGE_SIZE).get_page(params.get("verdicts")),
    )


def chosen_scorer(submission: Submission, user: Any, asked: str) -> Scorer | None:
    """The guardian's scorer with the id `asked`, else the active one's, else the newest that has begun.

    None where the reader sees no verdicts, or no guardian has begun.
    """
    if not can_see_judgements(user, submission):
        return None
    scorers = _scorers(submission, user)
    return next((row for row in scorers if str(row.pk) == asked), scorers[0] if scorers else None)


def judging_jobs(submission: Submission) -> list[Job]:
    """The newest job of each judging of the submission."""
    return list(latest_jobs("judging", list(submission.judgings.values_list("pk", flat=True))).values())


def judgements_of(submission: Submission, scorer: Scorer, user: Any) -> QuerySet[Judgement]:
    """In the order of the items; hidden items are for researchers. The caller has asked the policy."""
    judgements = Judgement.objects.filter(response__submission=submission, scorer=scorer)
    if not is_researcher(user):
        judgements = judgements.exclude(response__item__split=Split.HIDDEN)
    related = ("response__item__scenario", "scorer")
    return judgements.select_related(*related).order_by("response__item__number", "pk")


def _scorers(submission: Submission, user: Any) -> list[Scorer]:
    """The active guardian first, then those that follow it, the newest first."""
    guardians = Guardian.objects.filter(scorer__judgings__submission=submission).select_related("scorer")
    if not is_researcher(user):
        guardians = guardians.filter(promoted_at__isnull=False)
    order = sorted(guardians, key=lambda row: (row.state != Guardian.State.ACTIVE, -row.pk))
    return [row.scorer for row in order]


def _filtered(judgements: QuerySet[Judgement], show: str) -> QuerySet[Judgement]:
    if show == FAILED:
        return judgements.filter(outcome=Judgement.Outcome.JUDGE_FAILED)
    if show == OPEN:
        return judgements.filter(outcome=Judgement.Outcome.JUDGED).exclude(abstained=[])
    if show:
        return judgements.filter(Q(**{show: 0 if show in QUALITY_CRITERIA else -1}))
    return judgements
