"""Names and addresses of boards."""

from __future__ import annotations

from urllib.parse import urlencode

from django import template
from django.urls import reverse

from benchmark.models import Board, Score
from benchmark.queries.boards import board_title
from benchmark.queries.reliability import Measure, Reliability
from benchmark.templatetags.benchmark_tags import percent
from benchmark.templatetags.chart_tags import figure

register = template.Library()


@register.filter
def measures(row: Reliability) -> tuple[Measure, ...]:
    """The figures of one criterion in the order of the table's columns."""
    return row.kappa, row.human, row.balanced, row.accuracy, row.majority


@register.filter
def bounds(score: Score, name: str) -> str:
    """The 95% interval of a figure of a subjective row, "" where there is none: "0.4%–2.1%" or "0.61–0.68"."""
    interval = score.intervals.get(name) or {}
    low, high = interval.get("low"), interval.get("high")
    if low is None or high is None:
        return ""
    if name in ("quality", "quality_mean", "final_mean"):
        return f"{figure(low)}–{figure(high)}"
    return f"{percent(low)}–{percent(high)}"


@register.filter
def board_name(board: Board) -> str:
    return board_title(board)


@register.filter
def board_address(board: Board) -> str:
    """The board's page, with its version named: the plain address means the newest."""
    path = reverse("benchmark:board", args=[board.version.benchmark.slug, board.slug])
    return f"{path}?{urlencode({'version': board.version.label})}"
