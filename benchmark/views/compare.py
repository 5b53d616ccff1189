"""Two to six entries of one board, side by side."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from benchmark.models import Board
from benchmark.queries.board_page import benchmark_cards
from benchmark.queries.boards import board_title
from benchmark.queries.compare import FEWEST, MOST, compare_scores, read_wish
from benchmark.views.boards import board_or_404

MOST_NAMES = 50  # an address may hold any number


@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """`?board=medes/objective&entry=a&entry=b`, and `version` unless the newest is meant."""
    if not request.GET.get("board"):
        return render(
            request, "benchmark/compare/choose_board.html", {"benchmarks": benchmark_cards(user=request.user)}
        )
    label = request.GET.get("version", "")
    board = _board(request.GET["board"], label, request.user)
    names = [name.replace("\x00", "") for name in request.GET.getlist("entry")[:MOST_NAMES]]
    wish = read_wish(board, names)
    context: dict[str, Any] = {
        "board": board,
        "title": board_title(board),
        "version": label,
        "wish": wish,
        "chosen_slugs": [score.entry.slug for score in wish.chosen],
        "fewest": FEWEST,
        "most": MOST,
    }
    if len(wish.chosen) >= FEWEST:
        context["comparison"] = compare_scores(board, wish.chosen)
    return render(request, "benchmark/compare/compare.html", context)


def _board(name: str, label: str, user: Any) -> Board:
    benchmark, slash, slug = name.replace("\x00", "").partition("/")
    if not slash:
        raise Http404
    return board_or_404(benchmark, slug, label, user)
