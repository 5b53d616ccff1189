"""What researchers decide about norms: proposals one by one, successions, and what renews an outdated norm."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from benchmark.errors import BenchmarkError
from benchmark.forms import RenewalForm
from benchmark.models import Norm, Succession, Trace
from benchmark.policies import can_decide_on_norms
from benchmark.queries.items import read_id
from benchmark.queries.tracing import norm_tabs, proposal_queue
from benchmark.services.renewal import renew_norm
from benchmark.services.successions import decide_succession
from benchmark.services.tracing import (
    boards_on_outdated_law,
    decide_trace,
    refresh_standing,
    undo_decision,
)
from benchmark.tasks import launch_renewals
from benchmark.views.norm_law import outdated_page, sources_page

CONFIRM, REJECT, SKIP, UNDO = "confirm", "reject", "skip", "undo"
MOST_SKIPPED = 300


def _researchers_only(request: HttpRequest) -> None:
    if not can_decide_on_norms(request.user):
        raise PermissionDenied(_("Only researchers decide where a norm comes from."))


def _skipped(text: str) -> list[int]:
    found = [pk for part in text.split(",") if (pk := read_id(part)) is not None]
    return list(dict.fromkeys(found))[-MOST_SKIPPED:]


def _context(request: HttpRequest, skipped: list[int], last: Trace | None) -> dict[str, Any]:
    return {
        "tabs": norm_tabs(request.user),
        "queue": proposal_queue(skipped),
        "skipped": ",".join(map(str, skipped)),
        "last": last,
    }


@login_required
@require_safe
def traces(request: HttpRequest) -> HttpResponse:
    """The next proposal. `skip` and `last` in the address keep one's place without JavaScript."""
    _researchers_only(request)
    last = read_id(request.GET.get("last", ""))
    before = Trace.objects.select_related("norm", "article__source").filter(pk=last).first() if last else None
    context = _context(request, _skipped(request.GET.get("skip", "")), before)
    return render(request, "benchmark/norms/traces.html", context)


@login_required
@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirms, rejects, skips or takes back; htmx gets the next proposal, others are sent to it."""
    _researchers_only(request)
    trace = get_object_or_404(Trace.objects.select_related("norm", "article__source"), pk=pk)
    act = request.POST.get("act", "")
    skipped = _skipped(request.POST.get("skip", ""))
    today = timezone.localdate()
    refusal = ""
    try:
        if act in (CONFIRM, REJECT):
            before = trace.norm.standing
            decide_trace(actor=request.user, trace=trace, confirm=act == CONFIRM, today=today)
            _follow(request, before, trace)
        elif act == UNDO:
            before = trace.norm.standing
            undo_decision(actor=request.user, trace=trace, today=today)
            _follow(request, before, trace)
            skipped = [row for row in skipped if row != pk]
        elif act == SKIP:
            skipped = _skipped(",".join(map(str, [*(row for row in skipped if row != pk), pk])))
        else:
            raise Http404
    except BenchmarkError as error:
        refusal = str(error)
    trace.refresh_from_db()
    last = trace if act in (CONFIRM, REJECT) and not refusal else None
    if getattr(request, "htmx", None):
        context = {**_context(request, skipped, last), "refusal": refusal}
        return render(request, "benchmark/norms/_trace.html", context, status=422 if refusal else 200)
    if refusal:
        messages.error(request, refusal)
    query = urlencode({name: value for name, value in _place(skipped, last).items() if value})
    return redirect(f"{reverse('benchmark:traces')}{'?' if query else ''}{query}")


def _place(skipped: list[int], last: Trace | None) -> dict[str, str]:
    return {"skip": ",".join(map(str, skipped)), "last": str(last.pk) if last else ""}


def _follow(request: HttpRequest, before: str, trace: Trace) -> None:
    """Boards say how much of them is outdated: where that changed, a worker counts anew."""
    after = Norm.objects.values_list("standing", flat=True).get(pk=trace.norm_id)
    if Norm.Standing.OUTDATED in (before, after) and before != after:
        launch_renewals(boards_on_outdated_law(), actor=request.user)


@login_required
@require_POST
def decide_on_succession(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirms or rejects that one statute took the place of another."""
    _researchers_only(request)
    found = get_object_or_404(Succession.objects.select_related("newer__corpus"), pk=pk)
    today = timezone.localdate()
    try:
        confirm = request.POST.get("act") == CONFIRM
        row = decide_succession(actor=request.user, succession=found, confirm=confirm, today=today)
    except BenchmarkError as error:
        return sources_page(request, status=error.status, refusal=str(error))
    totals = refresh_standing(today=today)
    launch_renewals(boards_on_outdated_law(), actor=request.user)
    if row.state == Succession.State.CONFIRMED:
        said = _("Confirmed. Norms that stand in superseded law only: %(n)s.") % {"n": totals["outdated"]}
    else:
        said = _("Rejected. Both statutes stand side by side.")
    messages.success(request, said)
    return redirect(f"{reverse('benchmark:sources')}?corpus={row.newer.corpus.slug}")


@login_required
@require_POST
def renew(request: HttpRequest, pk: int) -> HttpResponse:
    """Decides what an outdated norm says in the next version of a benchmark, or takes that back."""
    _researchers_only(request)
    norm = get_object_or_404(Norm.objects.visible_to(request.user), pk=pk)
    form = RenewalForm(request.POST)
    if not form.is_valid():
        refusal = " ".join(str(error) for errors in form.errors.values() for error in errors)
        return outdated_page(
            request, status=422, refused=pk, refusal=refusal, text=request.POST.get("text", "")
        )
    article = Norm.objects.filter(pk=form.cleaned_data["article"] or 0).exclude(place=None).first()
    try:
        renew_norm(actor=request.user, norm=norm, text=form.cleaned_data["text"], article=article)
    except BenchmarkError as error:
        return outdated_page(
            request, status=422, refused=pk, refusal=str(error), text=form.cleaned_data["text"]
        )
    if form.cleaned_data["text"].strip():
        messages.success(request, _("The next version of the benchmark takes the new wording."))
    else:
        messages.success(request, _("Taken back: the next version of the benchmark drops the items."))
    return redirect("benchmark:outdated")
