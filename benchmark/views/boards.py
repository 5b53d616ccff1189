"""The leaderboards: the list, one board, and its export."""

from __future__ import annotations

import json
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import conditional_page, require_safe

from benchmark.errors import BadInput
from benchmark.models import Board, Kind
from benchmark.names import named
from benchmark.queries.board_export import export_csv
from benchmark.queries.board_page import benchmark_cards, board_page
from benchmark.queries.boards import BoardFilter, board_document, board_title
from benchmark.queries.versions import find_board
from benchmark.views.board_links import Links, board_columns, scenario_heads, type_choices
from benchmark.views.fragments import render_page


def board_or_404(benchmark: str, slug: str, label: str, user: Any) -> Board:
    try:
        return find_board(benchmark, slug, label, user=user)
    except BadInput as error:
        raise Http404(str(error)) from error


@require_safe
def leaderboards(request: HttpRequest) -> HttpResponse:
    return render(request, "benchmark/boards/list.html", {"benchmarks": benchmark_cards(user=request.user)})


@require_safe
def board(request: HttpRequest, benchmark: str, slug: str) -> HttpResponse:
    """The page, or for htmx the part below its title."""
    label = request.GET.get("version", "")
    found = board_or_404(benchmark, slug, label, request.user)
    chosen = BoardFilter.read(found, request.GET)
    page = board_page(found, chosen, request.GET.get("page"), request.user)
    links = Links(found, chosen, label)
    heads = board_columns(page, links)
    context = {
        "board": found,
        "title": board_title(found),
        "shown": page,
        "objective": found.kind == Kind.OBJECTIVE,
        "chosen": chosen,
        "version": label,
        "path": links.path,
        "query": links.query(),
        "columns": heads,
        "span": len(heads) + 1 + page.has_scenarios,
        "types": type_choices(chosen, links),
        "names": [(scenario.slug, named(scenario)) for scenario in page.scenarios],
        "scenario_heads": scenario_heads(page, links),
        "export": {name: export_url(found, name, links) for name in ("csv", "json")},
        "newer": next((other for other in page.others if is_newer(other, found)), None),
    }
    return render_page(request, "benchmark/boards/board.html", "benchmark/boards/_board.html", context)


def is_newer(other: Board, board: Board) -> bool:
    """The board to send readers to instead: of a newer version, or of the scorer that replaced this one."""
    if other.frozen_at is not None:
        return False
    mine, theirs = board.version.frozen_at, other.version.frozen_at
    if board.version_id == other.version_id:
        return board.frozen_at is not None
    return bool(mine and theirs and theirs > mine)


def export_url(board: Board, extension: str, links: Links) -> str:
    path = reverse("benchmark:board_export", args=[board.version.benchmark.slug, board.slug, extension])
    query = links.query()
    return f"{path}?{query}" if query else path


@require_safe
@conditional_page
def board_export(request: HttpRequest, benchmark: str, slug: str, extension: str) -> HttpResponse:
    """The rows as filtered and sorted, of all pages. Twice the same is the same bytes, hence the ETag."""
    found = board_or_404(benchmark, slug, request.GET.get("version", ""), request.user)
    document = board_document(found, BoardFilter.read(found, request.GET))
    if extension == "csv":
        content = "".join(export_csv(found, document)).encode("utf-8-sig")
        kind = "text/csv; charset=utf-8"
    else:
        text = json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False)
        content, kind = f"{text}\n".encode(), "application/json"
    name = f"{benchmark}-{document['version']}-{slug}.{extension}"
    headers = {"Content-Disposition": str(content_disposition_header(True, name))}
    return HttpResponse(content, content_type=kind, headers=headers)
