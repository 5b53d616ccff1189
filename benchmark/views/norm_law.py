"""What the law says of the norms: the list for renewal, the map of what is asked, the statutes and their versions."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from benchmark.models import Scenario
from benchmark.policies import can_decide_on_norms
from benchmark.queries.coverage import Coverage
from benchmark.queries.items import visible_versions
from benchmark.queries.sources import retitled, source_lines, statute_corpora
from benchmark.queries.tracing import (
    norm_tabs,
    outdated_items,
    outdated_norms,
    outdated_rows,
)
from benchmark.views.fragments import render_page

PAGE_SIZE = 20


@require_safe
def outdated(request: HttpRequest) -> HttpResponse:
    """Norms whose wording stands in superseded law only, old beside new."""
    return outdated_page(request)


def outdated_page(request: HttpRequest, status: int = 200, **more: Any) -> HttpResponse:
    """The list; `more`: a refused renewal (`refused`: the norm's id, `refusal`, `text`)."""
    today = timezone.localdate()
    page = Paginator(outdated_norms(request.user), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "tabs": norm_tabs(request.user),
        "page": page,
        "rows": outdated_rows(request.user, page.object_list, today=today),
        "versions": outdated_items(request.user),
        "may_decide": can_decide_on_norms(request.user),
        **more,
    }
    return render(request, "benchmark/norms/outdated.html", context, status=status)


@require_safe
def coverage(request: HttpRequest) -> HttpResponse:
    """All scenarios, or the map of one: which articles have items and which have none."""
    versions = visible_versions(request.user)
    benchmarks = list(dict.fromkeys(version.benchmark for version in versions))
    benchmark = request.GET.get("benchmark", "")
    benchmark = benchmark if benchmark in {row.slug for row in benchmarks} else ""
    found = Coverage(request.user, benchmark)
    rows = found.scenarios()
    wanted = request.GET.get("scenario", "").replace("\x00", "")
    scenario = next((row for row in rows if row.scenario.slug == wanted), None)
    if wanted and scenario is None and not Scenario.objects.filter(slug=wanted).exists():
        raise Http404
    corpora = statute_corpora()
    corpus = next((row for row in corpora if row.slug == request.GET.get("corpus", "")), None)
    context: dict[str, Any] = {
        "tabs": norm_tabs(request.user),
        "rows": rows,
        "benchmarks": benchmarks,
        "benchmark": benchmark,
        "corpora": corpora,
        "corpus": corpus,
        "scenario": scenario,
    }
    if scenario is not None:
        context["map"] = found.map_of(scenario.scenario, corpus, today=timezone.localdate())
    return render_page(request, "benchmark/norms/coverage.html", "benchmark/norms/_coverage.html", context)


@require_safe
def sources(request: HttpRequest) -> HttpResponse:
    """The statutes of one corpus, version by version."""
    return sources_page(request)


def sources_page(request: HttpRequest, status: int = 200, **more: Any) -> HttpResponse:
    corpora = statute_corpora()
    wanted = request.GET.get("corpus", "")
    corpus = next((row for row in corpora if row.slug == wanted), corpora[0] if corpora else None)
    context = {
        "tabs": norm_tabs(request.user),
        "corpora": corpora,
        "corpus": corpus,
        "lines": source_lines(corpus) if corpus else [],
        "retitled": retitled(corpus) if corpus else [],
        "may_decide": can_decide_on_norms(request.user),
        **more,
    }
    return render(request, "benchmark/norms/sources.html", context, status=status)
