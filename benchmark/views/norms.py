"""/norms/ and /norms/<id>/: what the law says, and which items ask about it."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from benchmark.queries.items import item_rows, items_about, visible_versions
from benchmark.queries.norm_entries import entries_on_norm
from benchmark.queries.norms import (
    NormFilter,
    find_norm,
    listed_norms,
    norm_catalogue,
    norm_detail,
    norm_facets,
    norm_rows,
)
from benchmark.queries.tracing import norm_law
from benchmark.views.fragments import render_page

PAGE_SIZE = 30


@require_safe
def norms(request: HttpRequest) -> HttpResponse:
    known = norm_catalogue()
    chosen = NormFilter.read(request.GET, known)
    page = Paginator(listed_norms(request.user, chosen), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "chosen": chosen,
        "facets": norm_facets(request.user, chosen, known),
        "page": page,
        "rows": norm_rows(request.user, page.object_list, chosen.q),
        "query": chosen.query(),
    }
    return render_page(request, "benchmark/norms/list.html", "benchmark/norms/_found.html", context)


@require_safe
def norm(request: HttpRequest, pk: int) -> HttpResponse:
    found = find_norm(request.user, pk)
    if found is None:
        raise Http404
    versions = visible_versions(request.user)
    page = Paginator(items_about(request.user, found, versions), PAGE_SIZE).get_page(request.GET.get("page"))
    rows = item_rows(request.user, page.object_list, "")
    by_version = {version.pk: version for version in versions}
    context = {
        "detail": norm_detail(request.user, found),
        "law": norm_law(request.user, found, today=timezone.localdate()),
        "boards": entries_on_norm(request.user, found, versions),
        "page": page,
        "items": [(row, by_version[row.item.version_id]) for row in rows],
    }
    return render(request, "benchmark/norms/detail.html", context)
