"""Between the pure rules of answers and the tables: which kind a campaign asks for, and checked columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotation.errors import BadAnswers
from annotation.models import Campaign, Task
from annotation.rules.answers import (
    CORRECTION_MAX,
    RATIONALE_MAX,
    AnswerProblem,
    Kind,
    clean_answers,
    clean_evidence,
    plain_text,
)
from benchmark.models import Item
from benchmark.models import Kind as ItemKind

MESSAGES = {
    "missing": gettext_lazy("This answer is missing."),
    "unknown": gettext_lazy("This is not one of the questions."),
    "off_scale": gettext_lazy("This answer is not one of those offered."),
    "risky_has_quality": gettext_lazy("A risky answer is not judged for quality."),
    "bad_span": gettext_lazy("The marked passage does not lie within the answer."),
    "not_failed": gettext_lazy("Evidence belongs to a criterion that failed."),
    "too_long": gettext_lazy("This text is too long."),
}


def answer_kind(campaign: Campaign) -> Kind:
    if campaign.uses_rubric:
        return "rubric"
    return "items" if campaign.kind == Campaign.Kind.ITEMS else "pairs"


def has_answer_key(item: Item) -> bool:
    return item.kind == ItemKind.OBJECTIVE


def label_columns(
    task: Task,
    campaign: Campaign,
    *,
    answers: Mapping[str, Any],
    rationale: str,
    evidence: Mapping[str, Any],
    correction: str = "",
) -> dict[str, Any]:
    """The columns of a label, checked. Raises BadAnswers with `field` and `code` in its details."""
    try:
        if not isinstance(answers, Mapping) or not isinstance(evidence, Mapping):
            raise AnswerProblem("unknown")
        cleaned = cleaned_answers(task, campaign, answers)
        rationale = plain_text(rationale)
        if len(rationale) > RATIONALE_MAX:
            raise AnswerProblem("too_long", "rationale")
        better = cleaned_correction(campaign, correction)
        if not campaign.uses_rubric:
            if evidence:
                raise AnswerProblem("unknown", "evidence")
            return {"answers": cleaned, "rationale": rationale}
        length = len(task.response.text) if evidence and task.response is not None else 0
        shown = clean_evidence(evidence, cleaned, length=length)
    except AnswerProblem as problem:
        raise BadAnswers(str(MESSAGES[problem.code]), field=problem.field, code=problem.code) from problem
    return {**cleaned, "rationale": rationale, "evidence": shown, "correction": better}


def cleaned_correction(campaign: Campaign, correction: str) -> str:
    """The better answer as it is kept (`plain_text`); only to the answer of a model. Raises AnswerProblem."""
    text = plain_text(correction)
    if len(text) > CORRECTION_MAX:
        raise AnswerProblem("too_long", "correction")
    if text and not campaign.uses_rubric:
        raise AnswerProblem("unknown", "correction")
    return text


def cleaned_answers(task: Task, campaign: Campaign, answers: Mapping[str, Any]) -> dict[str, Any]:
    """Raises AnswerProblem."""
    kind = answer_kind(campaign)
    has_key = has_answer_key(task.item) if kind == "items" else True
    return clean_answers(kind, answers, has_key=has_key, swapped=task.swapped)


def required(text: str, message: str = "") -> str:
    """The text as it is kept (`plain_text`). Raises BadAnswers if nothing is left."""
    text = plain_text(text)
    if not text:
        raise BadAnswers(message or _("Say why."), field="rationale", code="missing")
    return text[:RATIONALE_MAX]
