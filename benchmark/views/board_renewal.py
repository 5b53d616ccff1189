"""What a board would say without its items on outdated law."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from benchmark.models import BoardRenewal
from benchmark.queries.boards import board_title
from benchmark.views.boards import board_or_404


@require_safe
def board_without(request: HttpRequest, benchmark: str, slug: str) -> HttpResponse:
    """Which ranks change if the next version drops those items; computed with the ranks, only read here."""
    label = request.GET.get("version", "")
    board = board_or_404(benchmark, slug, label, request.user)
    renewal = BoardRenewal.objects.filter(board=board).first()
    if renewal is None:
        raise Http404
    changed = [
        row for row in renewal.rows if (row["low"], row["high"]) != (row["low_without"], row["high_without"])
    ]
    context = {
        "board": board,
        "title": board_title(board),
        "renewal": renewal,
        "changed": changed,
        "version": label,
    }
    return render(request, "benchmark/boards/without.html", context)
