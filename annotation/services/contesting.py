"""An expert contests a verdict: others label the answer, in a standing campaign for contested verdicts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.db.models.functions import Now
from django.utils.text import slugify
from django.utils.translation import gettext as _

from annotation.errors import BadAnswers, NotAllowed, NotFound, WrongState
from annotation.models import Campaign, Contest, GuidelineVersion, Membership, Slot, Task
from annotation.policies import can_contest
from annotation.services.answering import required
from annotation.services.barring import bar, informed_experts
from benchmark.models import BenchmarkVersion, Judgement, Response, Scorer
from benchmark.rules.rubric import CRITERIA
from benchmark.services.seeing import note_seen

TEXT_ZH = (
    "这些回答的自动评判受到专家质疑。请像平时一样独立判断：先看规范和问题，再看回答，逐条给出结论与理由。"
)
TEXT_EN = (
    "An expert doubts the automatic verdict on each of these answers. Judge them as always, by yourself: the norm "
    "and the question first, then the answer, each criterion with a reason."
)


def contest_verdict(
    *, actor: Any, response: Response, scorer: Scorer, criteria: Iterable[str], reason: str
) -> Contest:
    """Writes the objection down and makes a task of it, or joins the task that another objection made.

    Whoever contests never gets the task, nor who could read the verdict before. A second objection of the same
    expert to the same verdict is the first one. Raises NotAllowed, NotFound (no verdict), BadAnswers, WrongState
    (judging failed there).
    """
    if not can_contest(actor, response):
        raise NotAllowed()
    judgement = Judgement.objects.filter(response=response, scorer=scorer).first()
    if judgement is None:
        raise NotFound()
    if judgement.outcome != Judgement.Outcome.JUDGED:
        raise WrongState(_("There is no verdict to contest: judging failed."))
    chosen = [name for name in CRITERIA if name in set(criteria)]
    if not chosen:
        raise BadAnswers(_("Choose at least one criterion."), field="criteria", code="missing")
    text = required(reason, _("Say what is wrong with the verdict."))
    known = Contest.objects.filter(response=response, scorer=scorer, expert=actor).first()
    if known is not None:
        return known
    try:
        with transaction.atomic():
            note_seen(actor, [response.pk])
            informed = informed_experts(response)  # before the task is there, for which they stay blind
            task = _task_for(response)
            for expert in (actor, *informed):
                bar(expert, task)
            return Contest.objects.create(
                response=response,
                scorer=scorer,
                expert=actor,
                criteria=chosen,
                reason=text,
                shown={name: getattr(judgement, name) for name in CRITERIA},
                task=task,
            )
    except IntegrityError:  # the same button twice at once
        return Contest.objects.get(response=response, scorer=scorer, expert=actor)


def standing_campaign(version: BenchmarkVersion) -> Campaign:
    """The campaign for contested verdicts on a benchmark version: made with the first, and open from then on."""
    slug = slugify(f"contested-{version.benchmark.slug}-{version.label}")[:70] + f"-{version.pk}"
    campaign, created = Campaign.objects.get_or_create(
        slug=slug,
        defaults={
            "title_zh": "受质疑的评判",
            "title_en": "Contested verdicts",
            "kind": Campaign.Kind.RESPONSES,
            "state": Campaign.State.OPEN,
            "version": version,
            "order": Campaign.Order.OLDEST,
            "opened_at": Now(),
        },
    )
    if created:
        campaign.guideline = GuidelineVersion.objects.create(
            campaign=campaign, number=1, text_zh=TEXT_ZH, text_en=TEXT_EN
        )
        campaign.save(update_fields=["guideline"])
    return campaign


def _task_for(response: Response) -> Task:
    """The task of an earlier objection that is still open, else a new one with its seats at the end of the queue.

    It was chosen, not drawn: it has no inclusion probability and enters no estimate that needs one.
    """
    campaign = standing_campaign(response.submission.version)
    # Locked, so that two objections at once make one task and take one position.
    campaign = Campaign.objects.select_for_update().get(pk=campaign.pk)
    open_ = Task.objects.filter(campaign=campaign, response=response, state=Task.State.OPEN).first()
    if open_ is not None:
        return open_
    last = Task.objects.filter(campaign=campaign).aggregate(last=Max("position"))["last"] or 0
    task = Task.objects.create(
        campaign=campaign,
        item_id=response.item_id,
        response=response,
        position=last + 1,
        stratum=Task.Stratum.PRIORITY,
        wanted=campaign.first_experts,
    )
    Slot.objects.bulk_create(
        Slot(task=task, campaign=campaign, ordinal=number, queue=Slot.Queue.FRESH, position=task.position)
        for number in range(1, campaign.first_experts + 1)
    )
    Membership.objects.filter(campaign=campaign).update(wrap_after=None)
    return task
