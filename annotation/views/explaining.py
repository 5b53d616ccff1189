"""After a qualification task: one's own answers beside the gold ones, and why these are right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.models import Campaign, Label, Membership
from annotation.policies import can_see_gold
from annotation.services.undoing import as_shown
from annotation.views.answers import page
from annotation.views.questions import Option, Question, option_of, questions_of
from annotation.views.sheets import Text, texts_of


@dataclass(frozen=True, slots=True)
class Compared:
    """One question: one's own option and the gold one; None where it is not judged."""

    question: Question
    own: Option | None
    gold: Option | None

    @property
    def right(self) -> bool:
        return self.own == self.gold


@dataclass(frozen=True, slots=True)
class Explanation:
    """`text`: in the reader's language, else in the other. `left`: qualification tasks still to be answered."""

    label: Label
    rows: tuple[Compared, ...]
    text: str
    texts: tuple[Text, ...]
    member: Membership

    @property
    def right(self) -> int:
        return sum(row.right for row in self.rows)

    @property
    def answered(self) -> int:
        return int(self.member.qualification.get("tasks", 0))

    @property
    def admitted(self) -> bool:
        return self.member.state == Membership.State.ACTIVE


def explanation(user: Any, label: Label) -> Explanation | None:
    """None unless the label is the user's on a qualification task that is answered."""
    task, slot = label.task, label.slot
    if task.gold_answers is None or label.expert_id != user.pk or not can_see_gold(user, slot):
        return None
    own, gold = as_shown(label, task), _as_shown(task.gold_answers, task.swapped)
    rows = tuple(
        Compared(
            question,
            option_of(question, own.get(question.name)),
            option_of(question, gold.get(question.name)),
        )
        for question in questions_of(label.campaign, task)
    )
    chinese = (get_language() or "zh").startswith("zh")
    first, second = (task.explanation_zh, task.explanation_en)
    member = Membership.objects.get(campaign=label.campaign_id, expert=user)
    text = (first or second) if chinese else (second or first)
    return Explanation(label, rows, text, tuple(texts_of(task)), member)


def _as_shown(answers: dict[str, Any], swapped: bool) -> dict[str, Any]:
    if answers.get("better") in ("a", "b"):
        first = (answers["better"] == "a") != swapped
        return {**answers, "better": "first" if first else "second"}
    return answers


def explained_html(request: HttpRequest, label: Label) -> str:
    context = {"explained": explanation(request.user, label), "campaign": label.campaign}
    return render_to_string("annotation/annotate/_explained.html", context, request)


@never_cache
@login_required
@require_safe
def explain(request: HttpRequest, slug: str, label: int) -> HttpResponse:
    campaign = get_object_or_404(
        Campaign.objects.visible_to(request.user).select_related("guideline"), slug=slug
    )
    found = get_object_or_404(
        Label.objects.select_related("task__item", "task__response", "task__other", "slot", "campaign"),
        pk=label,
        campaign=campaign,
        expert=request.user,
    )
    explained = explanation(request.user, found)
    if explained is None:
        raise Http404
    return page(request, campaign, "annotation/annotate/_explained.html", {"explained": explained})
