"""A referee settles what the experts disagree on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from annotation.errors import BadAnswers, NotFound, WrongState
from annotation.models import Campaign, Label, Ruling, Slot, Task
from annotation.policies import can_rule
from annotation.rules.answers import AnswerProblem
from annotation.services.answering import MESSAGES, cleaned_answers, cleaned_correction, required
from annotation.services.consensus import lock_task, withdraw
from annotation.services.members import pseudonym_of

_Decision = Ruling.Decision


@transaction.atomic
def rule_task(
    *,
    actor: Any,
    task_id: int,
    decision: str,
    rationale: str,
    label_id: int | None = None,
    answers: Mapping[str, Any] | None = None,
    correction: str = "",
) -> Ruling:
    """Accept a label as it stands, overrule with answers of one's own, or say that the norm is silent.

    `correction`: an answer that the referee would rather have read; none where the norm is silent.

    The same decision sent twice by the same referee is one ruling. Seats still open or leased are
    withdrawn. Raises NotFound for a task the actor may not rule on, WrongState once it is ruled, BadAnswers.
    """
    task = Task.objects.filter(pk=task_id).first()
    if task is None:
        raise NotFound()
    task = lock_task(task_id)
    known = Ruling.objects.filter(task=task).first()
    if known is not None:
        if known.referee_id == actor.pk and known.decision == decision and known.label_id == label_id:
            return known
        raise WrongState(_("There is a ruling on this task already."))
    if not can_rule(actor, task):
        raise NotFound()
    text = required(rationale, _("A ruling needs its reasons."))
    campaign = Campaign.objects.get(pk=task.campaign_id)
    label, final = _outcome(task, campaign, decision, label_id, answers)
    ruling = Ruling.objects.create(
        task=task,
        referee=actor,
        referee_pseudonym=pseudonym_of(actor),
        decision=decision,
        label=label,
        answers=final,
        rationale=text,
        correction=_better(campaign, decision, correction),
        at=Now(),
    )
    Task.objects.filter(pk=task.pk).update(state=Task.State.RULED, settled_at=Now())
    withdraw(Slot.objects.filter(task=task, state__in=(Slot.State.OPEN, Slot.State.LEASED)))
    Task.objects.filter(pk=task.pk).update(
        wanted=Slot.objects.filter(task=task, state=Slot.State.LABELLED).count()
    )
    return ruling


def _better(campaign: Campaign, decision: str, correction: str) -> str:
    try:
        text = cleaned_correction(campaign, correction)
    except AnswerProblem as problem:
        raise BadAnswers(str(MESSAGES[problem.code]), field=problem.field, code=problem.code) from problem
    if text and decision == _Decision.NORM_SILENT:
        raise BadAnswers(
            _("Where the norm is silent there is no better answer; put what you wrote into the reasons."),
            field="correction",
            code="unknown",
        )
    return text


def _outcome(
    task: Task,
    campaign: Campaign,
    decision: str,
    label_id: int | None,
    answers: Mapping[str, Any] | None,
) -> tuple[Label | None, dict[str, Any] | None]:
    if decision == _Decision.ACCEPT:
        label = Label.objects.filter(
            pk=label_id or 0, task=task, current=True, blind=True, extra=False
        ).first()
        if label is None:
            raise BadAnswers(_("Choose the label to accept."), field="label", code="missing")
        return label, label.said
    if decision == _Decision.OVERRULE:
        try:
            return None, cleaned_answers(task, campaign, answers or {})
        except AnswerProblem as problem:
            raise BadAnswers(
                _("The answers are incomplete or off the scale."), field=problem.field, code=problem.code
            ) from problem
    if decision == _Decision.NORM_SILENT:
        return None, None
    raise BadAnswers(_("Choose how to rule."), field="decision", code="missing")
