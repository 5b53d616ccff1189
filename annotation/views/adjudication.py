"""/adjudicate/: referees settle what experts disagree on. Nobody's name, no model's, and no guardian's verdict."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from annotation.campaign_forms import RulingForm
from annotation.errors import BadAnswers, NotFound, WrongState
from annotation.models import Campaign, Task
from annotation.policies import can_manage_campaigns
from annotation.queries.adjudication import (
    DisputedTask,
    adjudication_list,
    disputed_counts,
    disputed_task,
    next_disputed,
    shown_answers,
    silent_norms,
)
from annotation.queries.figures import kind_of
from annotation.rules.evidence import Passage, passages_of
from annotation.services.ruling import rule_task
from benchmark.services.seeing import note_seen
from medes_site.kit.roles import Role, has_role

PAGE_SIZE = 30


@never_cache
@login_required
@require_safe
def adjudicate(request: HttpRequest) -> HttpResponse:
    """All disputed tasks that this referee may rule on, by campaign if one is chosen (`?campaign=`)."""
    if not has_role(request.user, Role.REFEREE):
        raise PermissionDenied
    counts = disputed_counts(request.user)
    chosen = _chosen(request, [campaign for campaign, _count in counts])
    page = Paginator(adjudication_list(user=request.user, campaign=chosen), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    context = {
        "counts": counts,
        "chosen": chosen,
        "page": page,
        "query": urlencode({"campaign": chosen.slug}) if chosen else "",
    }
    return render(request, "annotation/adjudicate/list.html", context)


def _chosen(request: HttpRequest, campaigns: list[Campaign]) -> Campaign | None:
    slug = request.GET.get("campaign", "")
    return next((campaign for campaign in campaigns if campaign.slug == slug), None)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def adjudicate_task(request: HttpRequest, pk: int) -> HttpResponse:
    if not has_role(request.user, Role.REFEREE):
        raise Http404
    if request.method == "POST":
        return _rule(request, pk)
    try:
        found = disputed_task(user=request.user, task_id=pk)
    except NotFound:
        return _gone(request, pk)
    return _task_page(request, found, RulingForm(kind=kind_of(found.task.campaign), initial=_agreed(found)))


def _rule(request: HttpRequest, pk: int) -> HttpResponse:
    task = Task.objects.select_related("campaign").filter(pk=pk).first()
    if task is None:
        raise Http404
    form = RulingForm(request.POST, kind=kind_of(task.campaign))
    refusal: BadAnswers | None = None
    if form.is_valid():
        decision, label = form.decision
        try:
            rule_task(
                actor=request.user,
                task_id=pk,
                decision=decision,
                rationale=form.cleaned_data["rationale"],
                correction=form.cleaned_data["correction"],
                label_id=label,
                answers=form.answers if decision == "overrule" else None,
            )
            messages.success(request, _("The ruling is kept."))
            return _onwards(request, task)
        except WrongState:
            messages.warning(request, _("Another referee has ruled on this task already."))
            return _onwards(request, task)
        except NotFound as error:
            raise Http404 from error
        except BadAnswers as error:
            refusal = error
    try:
        found = disputed_task(user=request.user, task_id=pk)
    except NotFound as error:
        raise Http404 from error
    if refusal is not None:
        name = {"label": "choice", "decision": "choice"}.get(
            refusal.details["field"], refusal.details["field"]
        )
        form.add_error(name if name in form.fields else None, str(refusal))
    return _task_page(request, found, form, status=422)


def _onwards(request: HttpRequest, task: Task) -> HttpResponse:
    """The next disputed task of the campaign, else the list."""
    following = next_disputed(user=request.user, campaign=task.campaign, after=task.pk)
    if following is None:
        return redirect("annotation:adjudicate")
    return redirect("annotation:adjudicate_task", pk=following)


def _gone(request: HttpRequest, pk: int) -> HttpResponse:
    """A task one may not rule on does not exist; one's own ruling may have been the last word on it."""
    referee: Any = request.user
    task = Task.objects.select_related("campaign").filter(pk=pk, ruling__referee=referee).first()
    if task is None:
        raise Http404
    messages.info(request, _("You have ruled on this task."))
    return _onwards(request, task)


def _agreed(found: DisputedTask) -> dict[str, Any]:
    """Where all experts say the same, a ruling of one's own begins with that."""
    if not found.labels:
        return {}
    answers = shown_answers(found.labels[0].answers, found.task)
    return {
        name: int(value) if isinstance(value, bool) else value
        for name, value in answers.items()
        if name not in found.differing and not ("better" in found.differing and name == "by")
    }


def _task_page(
    request: HttpRequest, found: DisputedTask, form: RulingForm, *, status: int = 200
) -> HttpResponse:
    task = found.task
    note_seen(request.user, task.answers_shown, verdict=False)
    left = Task.objects.to_adjudicate(request.user).filter(campaign=task.campaign).count()
    context = {
        "task": task,
        "item": task.item,
        "campaign": task.campaign,
        "found": found,
        "labels": [
            (label, shown_answers(label.answers, task), f"accept:{label.label_id}") for label in found.labels
        ],
        "texts": _texts(task, found),
        "form": form,
        "left": left,
        "following": next_disputed(user=request.user, campaign=task.campaign, after=task.pk)
        if left > 1
        else None,
    }
    return render(request, "annotation/adjudicate/task.html", context, status=status)


def _texts(task: Task, found: DisputedTask) -> list[tuple[str, list[Passage]]]:
    """The answers in the order they were shown in, each with what the experts marked in it."""
    shown = [reply for reply in (task.response, task.other) if reply is not None]
    if task.swapped:
        shown.reverse()
    marked = [] if len(shown) > 1 else passages_of([label.evidence for label in found.labels])
    return [(reply.text, marked) for reply in shown]


@never_cache
@login_required
@require_safe
def silent(request: HttpRequest) -> HttpResponse:
    """Norms that referees found silent, for whoever keeps the guidelines."""
    if not can_manage_campaigns(request.user):
        raise PermissionDenied
    slug = request.GET.get("campaign", "").replace("\0", "")
    chosen = Campaign.objects.filter(slug=slug).first() if slug else None
    page = Paginator(silent_norms(chosen), PAGE_SIZE).get_page(request.GET.get("page"))
    tasks = [ruling.task for norm in page for ruling in norm.rulings]
    note_seen(request.user, [pk for task in tasks for pk in task.answers_shown], verdict=False)
    context = {"page": page, "chosen": chosen, "query": urlencode({"campaign": slug}) if chosen else ""}
    return render(request, "annotation/adjudicate/silent.html", context)
