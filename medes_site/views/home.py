"""The first page: what this is, the boards, and what to do next for each role."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from benchmark.queries.board_page import benchmark_cards


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "home.html", {"benchmarks": benchmark_cards(newest_only=True, user=request.user)})
