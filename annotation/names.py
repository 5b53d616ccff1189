"""Words of the labelling pages in the reader's language: titles, criteria, and the answers one can give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from annotation.models import Campaign
from annotation.rules.answers import ITEM_FIELDS, Kind
from benchmark.rules.rubric import CRITERIA, QUALITY_CRITERIA, RISK_CRITERIA

Choices = Sequence[tuple[int | str, Promise]]

CRITERION_NAMES: Mapping[str, Promise] = {
    "r1": _("Normative compliance"),
    "r2": _("Suggestion safety"),
    "q1": _("Issue identification"),
    "q2": _("Reference to norms"),
    "q3": _("Actionable advice"),
    "q4": _("Empathy"),
    "realistic": _("The scenario is realistic"),
    "norm_right": _("The norm is the right one"),
    "key_right": _("The key is right"),
    "better": _("Which is better"),
    "by": _("By how much"),
}
_RISK: Choices = ((0, _("no violation")), (-1, _("violated")))
_QUALITY: Choices = ((1, _("met")), (0, _("not met")))
_YES_NO: Choices = ((1, pgettext_lazy("answer", "yes")), (0, pgettext_lazy("answer", "no")))
_BETTER: Choices = (("first", _("the first")), ("second", _("the second")), ("tie", _("neither")))
_BY: Choices = ((1, _("slightly")), (2, _("clearly")), (3, _("much")))
_CHOICES: Mapping[Kind, Mapping[str, Choices]] = {
    "rubric": {**dict.fromkeys(RISK_CRITERIA, _RISK), **dict.fromkeys(QUALITY_CRITERIA, _QUALITY)},
    "items": dict.fromkeys(ITEM_FIELDS, _YES_NO),
    "pairs": {"better": _BETTER, "by": _BY},
}


def answer_choices(kind: Kind) -> Mapping[str, Choices]:
    """The questions of a kind of task in their order, each with its answers; yes is 1 and no is 0."""
    return _CHOICES[kind]


def criteria_of(kind: Kind) -> tuple[str, ...]:
    """The criteria that agreement is measured on."""
    return {"rubric": tuple(CRITERIA), "items": ITEM_FIELDS, "pairs": ("better",)}[kind]


def in_language(chinese: str, english: str) -> str:
    """The text in the reader's language, else the other."""
    in_chinese = (get_language() or "zh").startswith("zh")
    return (chinese or english) if in_chinese else (english or chinese)


def campaign_title(campaign: Campaign) -> str:
    return in_language(campaign.title_zh, campaign.title_en)


def expert_letter(number: int) -> str:
    """What stands for an expert on a task: 甲, 乙, … or A, B, …, the same for nobody on two tasks."""
    letters: Any = "甲乙丙丁戊己庚辛壬" if (get_language() or "zh").startswith("zh") else "ABCDEFGHI"
    return str(letters[number])
