"""/campaigns/<id>/gold/: tasks with a known answer, from rulings of other campaigns or written on picked items."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from annotation.campaign_forms import GoldForm
from annotation.errors import BenchmarkError
from annotation.models import Campaign, Ruling, Task
from annotation.queries.adjudication import shown_answers
from annotation.queries.dashboard import RULINGS_SHOWN, gold_candidates, gold_items, replies_to
from annotation.queries.figures import kind_of
from annotation.queries.sources import chosen_submissions
from annotation.services.campaigns import GoldTask, add_gold_tasks
from annotation.views.campaigns import managed_campaign
from benchmark.models import Item
from benchmark.services.seeing import note_seen

PAGE_SIZE = 12
GOLD_SHOWN = 100


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def gold(request: HttpRequest, pk: int) -> HttpResponse:
    """What is gold already, rulings that can become gold (POST), and items to write an answer for."""
    campaign = managed_campaign(request, pk)
    if request.method != "POST":
        return _page(request, campaign)
    numbers = [int(text) for text in request.POST.getlist("rulings") if text.isdecimal() and len(text) < 16]
    chosen = list(gold_candidates(campaign).filter(pk__in=numbers))
    if not chosen:
        return _page(request, campaign, status=422, error=_("Choose at least one ruling."))
    qualification = bool(request.POST.get("qualification"))
    try:
        add_gold_tasks(
            actor=request.user, campaign=campaign, tasks=[_from_ruling(row, qualification) for row in chosen]
        )
    except BenchmarkError as error:
        return _page(request, campaign, status=error.status, error=str(error))
    return _done(request, campaign, len(chosen))


def _from_ruling(ruling: Ruling, qualification: bool) -> GoldTask:
    """A pair's answers are given as it would be shown unswapped, which is how gold tasks are shown."""
    task = ruling.task
    answers = dict(ruling.answers or {})
    if answers.get("better") in ("a", "b"):
        answers["better"] = "first" if answers["better"] == "a" else "second"
    subject: Any = task.item if task.response is None else task.response
    if task.response is not None and task.other is not None:
        subject = (task.response, task.other)
    return GoldTask(
        subject=subject, answers=answers, explanation_zh=ruling.rationale, qualification=qualification
    )


def _page(request: HttpRequest, campaign: Campaign, *, status: int = 200, error: str = "") -> HttpResponse:
    words = request.GET.get("q", "")[:200]
    tasks = Task.objects.filter(campaign=campaign).exclude(purpose=Task.Purpose.REAL)
    known = list(tasks.select_related("item").order_by("-pk")[:GOLD_SHOWN])
    candidates = list(gold_candidates(campaign)[:RULINGS_SHOWN])
    read = [*known, *(row.task for row in candidates)]
    note_seen(request.user, [pk for task in read for pk in task.answers_shown], verdict=False)
    page = Paginator(gold_items(campaign, words), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "campaign": campaign,
        "error": error,
        "tasks": [(task, shown_answers(task.gold_answers or {}, task)) for task in known],
        "candidates": [(row, shown_answers(row.answers or {}, row.task)) for row in candidates],
        "page": page,
        "q": words,
        "query": urlencode({"q": words}) if words else "",
    }
    return render(request, "annotation/campaigns/gold.html", context, status=status)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def gold_item(request: HttpRequest, pk: int, code: str) -> HttpResponse:
    """A gold task on one item: which answer of a model, what is right, and why."""
    campaign = managed_campaign(request, pk)
    if campaign.state == Campaign.State.CLOSED:
        raise Http404
    item = get_object_or_404(gold_items(campaign, ""), code=code)
    replies = None if campaign.kind == Campaign.Kind.ITEMS else replies_to(item, chosen_submissions(campaign))
    form = GoldForm(
        request.POST if request.method == "POST" else None, kind=kind_of(campaign), replies=replies
    )
    if request.method == "POST" and form.is_valid():
        try:
            add_gold_tasks(actor=request.user, campaign=campaign, tasks=[_written(form, item)])
            return _done(request, campaign, 1)
        except BenchmarkError as error:
            name = error.details.get("field")
            form.add_error(name if name in form.fields else None, str(error))
    context = {"campaign": campaign, "item": item, "replies": list(replies or ()), "form": form}
    status = 422 if form.is_bound else 200
    return render(request, "annotation/campaigns/gold_item.html", context, status=status)


def _written(form: GoldForm, item: Item) -> GoldTask:
    data = form.cleaned_data
    subject: Any = data.get("response") or item
    if data.get("other"):
        subject = (data["response"], data["other"])
    return GoldTask(
        subject=subject,
        answers=form.answers,
        explanation_zh=data["explanation_zh"],
        explanation_en=data["explanation_en"],
        qualification=data["qualification"],
    )


def _done(request: HttpRequest, campaign: Campaign, number: int) -> HttpResponse:
    text = ngettext(
        "%(n)s task with a known answer was added.", "%(n)s tasks with a known answer were added.", number
    )
    messages.success(request, text % {"n": number})
    return redirect("annotation:campaign_gold", pk=campaign.pk)
