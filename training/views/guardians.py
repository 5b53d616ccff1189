"""The registry of guardians, and the report of one."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from benchmark.models import Guardian
from benchmark.queries.churn import churn
from benchmark.queries.guardians import active_guardian, former_guardian, unjudged_submissions
from benchmark.services.seeing import note_seen
from medes_site.kit.jobs.queries import latest_job
from training.forms import PromoteForm, SuggestForm
from training.guardian_forms import TrainForm
from training.queries.labels import new_labels
from training.queries.models_page import policy_job
from training.queries.report_page import notes_by_text, report_page
from training.queries.reports import audited_rows, gate_of, guardian_run, read_report
from training.queries.runs import active_runs
from training.views.access import researchers_only

ENOUGH_NEW = 10  # labels that make a retraining worth while: a few of them move nothing


@never_cache
@require_safe
@researchers_only
def guardians(request: HttpRequest) -> HttpResponse:
    return guardians_page(request)


def guardians_page(request: HttpRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    """Also what a refused act answers with (a bound `form`, a sentence in `act_error`)."""
    fresh = new_labels()
    context = {
        "guardians": Guardian.objects.select_related("scorer", "run", "promoted_by"),
        "active": active_guardian(),
        "runs": active_runs(),
        "fresh": fresh,
        "suggested": fresh.total >= ENOUGH_NEW,
        "policy": policy_job(),
        "form": TrainForm(),
        **more,
    }
    if request.method == "POST":
        context["here"] = reverse("training:guardians")
    template = "_registry.html" if request.htmx else "guardians.html"  # type: ignore[attr-defined]
    return render(request, f"training/guardians/{template}", context, status=status)


def guardian_or_404(pk: int) -> Guardian:
    found: Guardian = get_object_or_404(Guardian.objects.select_related("scorer", "promoted_by"), pk=pk)
    return found


@never_cache
@require_safe
@researchers_only
def guardian(request: HttpRequest, pk: int) -> HttpResponse:
    return guardian_page(request, guardian_or_404(pk))


def guardian_page(request: HttpRequest, found: Guardian, *, status: int = 200, **more: Any) -> HttpResponse:
    """The report, what would change if it were promoted, and the acts."""
    run = guardian_run(found)
    report = read_report(run)
    note_seen(request.user, [row["id"] for row in (report or {}).get("worst", ())])
    active, former = active_guardian(), former_guardian(found)
    beside = active if active is not None and active.pk != found.pk and active.reliability else None
    waiting = unjudged_submissions(found.scorer_id).count() if found.state == Guardian.State.SHADOW else 0
    own = found.manifest.get("settings") or {}
    context = {
        "guardian": found,
        "run": run,
        "page": report_page(report, request.GET.get("criterion", ""), beside.reliability if beside else None)
        if report
        else None,
        "beside": beside,
        "gate": _gate(found),
        "active": active,
        "former": former,
        "churn": churn(found, former) if found.state != Guardian.State.CANDIDATE and former else None,
        "shadow_job": latest_job("guardian", found.pk),
        "waiting": waiting,
        "promote_form": PromoteForm(),
        "suggest_form": SuggestForm(),
        "conformal": found.manifest.get("conformal") or {},
        "training": found.manifest.get("training") or {},
        "own": own,
        "notes": notes_by_text(own.get("notes") or {}),
        "trail": [(_("Guardians"), reverse("training:guardians"))],
        **more,
    }
    if request.method == "POST":
        context["here"] = reverse("training:guardian", args=[found.pk])
    if request.htmx and request.htmx.target == "shadow":  # type: ignore[attr-defined]
        return render(request, "training/guardians/_shadow.html", context, status=status)
    return render(request, "training/guardians/report.html", context, status=status)


def _gate(found: Guardian) -> dict[str, Any] | None:
    """Of a promoted guardian the verdict it was promoted with; else the verdict of now."""
    known: dict[str, Any] | None = found.reliability.get("gate")
    if found.promoted_at is not None:
        return known
    return gate_of(found) if found.state in (Guardian.State.CANDIDATE, Guardian.State.SHADOW) else None


@never_cache
@require_safe
@researchers_only
def report_json(request: HttpRequest, pk: int) -> HttpResponse:
    """The report as the engine wrote it, the gate's verdict, and the rows from which anybody can compute it again."""
    found = guardian_or_404(pk)
    run = guardian_run(found)
    report = read_report(run)
    if report is None:
        raise Http404
    rows = audited_rows(run)
    note_seen(request.user, [row["id"] for row in rows])
    document = {
        **report,
        "state": found.state,
        "manifest": found.manifest,
        "gate": _gate(found),
        "rows": rows,
    }
    return JsonResponse(document, json_dumps_params={"ensure_ascii": False})
