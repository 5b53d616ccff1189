"""Two to six entries of one board, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from benchmark.models import Board, Score
from benchmark.queries.board_page import benchmark_cards
from benchmark.queries.boards import board_title
from benchmark.queries.compare import FEWEST, MOST, comparable_scores, compare_scores
from benchmark.views.boards import board_or_404


@dataclass(frozen=True, slots=True)
class Wish:
    """What the address asks for: `chosen` in the order of the board, `unknown` names no row to compare."""

    chosen: list[Score]
    unknown: list[str]
    too_many: bool


@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """`?board=medes/objective&entry=a&entry=b`, and `version` unless the newest is meant."""
    if not request.GET.get("board"):
        return render(request, "benchmark/compare/choose_board.html", {"benchmarks": benchmark_cards()})
    label = request.GET.get("version", "")
    board = _board(request.GET["board"], label)
    candidates = list(comparable_scores(board).defer("account", "by_dimension", "remarks"))
    wish = _wish(candidates, request.GET.getlist("entry"))
    context: dict[str, Any] = {
        "board": board,
        "title": board_title(board),
        "version": label,
        "candidates": candidates,
        "wish": wish,
        "chosen_slugs": [score.entry.slug for score in wish.chosen],
        "fewest": FEWEST,
        "most": MOST,
    }
    if len(wish.chosen) >= FEWEST:
        context["comparison"] = compare_scores(board, wish.chosen)
    return render(request, "benchmark/compare/compare.html", context)


def _board(name: str, label: str) -> Board:
    benchmark, slash, slug = name.partition("/")
    if not slash:
        raise Http404
    return board_or_404(benchmark, slug, label)


def _wish(candidates: list[Score], names: list[str]) -> Wish:
    wanted = set(names)
    chosen = [score for score in candidates if score.entry.slug in wanted]
    known = {score.entry.slug for score in chosen}
    return Wish(chosen[:MOST], sorted(wanted - known), len(chosen) > MOST)
