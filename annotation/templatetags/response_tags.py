"""Words of the page of a response."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django import template
from django.utils.functional import Promise
from django.utils.translation import get_language

from annotation.queries.responses import CriterionVerdict
from benchmark.rules.feedback import FeedbackLine
from benchmark.templatetags.submission_tags import CRITERIA, Verdict, verdict_of

register = template.Library()


@register.filter
def criterion_name(name: str) -> Promise:
    return CRITERIA[name]


@register.filter
def criterion_names(names: Iterable[str]) -> str:
    """For the title of a marked passage."""
    return ", ".join(str(CRITERIA[name]) for name in names)


@register.filter
def cell_verdict(cell: CriterionVerdict) -> Verdict:
    """As a chip; an abstention is not the same as a criterion that is not judged on a risky answer."""
    return verdict_of(cell.criterion, cell.value, left_open=cell.abstained)


@register.filter
def answer_verdicts(answers: Mapping[str, int | None]) -> list[Verdict]:
    """Rubric answers as chips."""
    return [verdict_of(name, answers.get(name)) for name in CRITERIA]


@register.filter
def advice(line: FeedbackLine) -> str:
    """In the reader's language."""
    return line.advice_zh if (get_language() or "zh").startswith("zh") else line.advice_en
