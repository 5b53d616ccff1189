"""/items/, one item, and the open questions as a file to answer."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from benchmark.models import BenchmarkVersion, Kind, Scenario
from benchmark.queries.items import (
    ItemFilter,
    address_query,
    choose_version,
    download_query,
    filtered_items,
    find_item,
    item_detail,
    item_facets,
    item_rows,
    listed,
    visible_versions,
)
from benchmark.queries.questions import (
    FORMATS,
    OPEN_SPLITS,
    csv_download,
    file_stem,
    jsonl_download,
    open_questions,
)
from benchmark.views.fragments import render_page

PAGE_SIZE = 30


@require_safe
def items(request: HttpRequest) -> HttpResponse:
    versions = visible_versions(request.user)
    benchmark, label = request.GET.get("benchmark", ""), request.GET.get("version", "")
    version = choose_version(versions, benchmark, label)
    if version is None:
        if benchmark or label:
            raise Http404
        return render(request, "benchmark/items/list.html", {"version": None})
    scenarios = list(Scenario.objects.all())
    chosen = ItemFilter.read(request.user, request.GET, scenarios)
    found = listed(filtered_items(request.user, version, chosen))
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "versions": versions,
        "chosen": chosen,
        "facets": item_facets(request.user, version, chosen, scenarios),
        "page": page,
        "rows": item_rows(request.user, page.object_list, chosen.q),
        **_addresses(versions, version, chosen),
    }
    return render_page(request, "benchmark/items/list.html", "benchmark/items/_found.html", context)


@require_safe
def item(request: HttpRequest, benchmark: str, code: str) -> HttpResponse:
    versions = visible_versions(request.user)
    version = choose_version(versions, benchmark, request.GET.get("version", ""))
    found = find_item(request.user, version, code) if version else None
    if version is None or found is None:
        raise Http404
    chosen = ItemFilter.read(request.user, request.GET, Scenario.objects.all())
    context = {
        "detail": item_detail(request.user, found, chosen),
        "chosen": chosen,
        **_addresses(versions, version, chosen),
    }
    return render(request, "benchmark/items/detail.html", context)


@require_safe
def questions(request: HttpRequest, benchmark: str, ending: str) -> StreamingHttpResponse:
    """The open questions, for everybody the same file: nothing in it depends on who asks."""
    kind, split = request.GET.get("kind", ""), request.GET.get("split", "")
    version = choose_version(visible_versions(None), benchmark, request.GET.get("version", ""))
    if version is None or kind not in ("", *Kind.values) or split not in ("", *OPEN_SPLITS):
        raise Http404
    rows = open_questions(version, kind=kind, split=split)
    content = csv_download(rows) if ending == "csv" else jsonl_download(rows)
    name = f"{file_stem(version, kind, split)}.{ending}"
    return StreamingHttpResponse(
        content,
        content_type=FORMATS[ending],
        headers={"Content-Disposition": content_disposition_header(True, name) or "attachment"},
    )


def _addresses(
    versions: list[BenchmarkVersion], version: BenchmarkVersion, chosen: ItemFilter
) -> dict[str, Any]:
    """What the links of a page need: the filter, encoded for the list and for one item's page."""
    newest = choose_version(versions, version.benchmark.slug, "") == version
    return {
        "version": version,
        "newest": newest,
        "list_query": address_query(version, chosen, with_benchmark=True, newest=newest),
        "download_query": download_query(version, chosen, newest=newest),
        "item_query": address_query(version, chosen, with_benchmark=False, newest=newest),
    }
