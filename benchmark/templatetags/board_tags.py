"""Names and addresses of boards."""

from __future__ import annotations

from urllib.parse import urlencode

from django import template
from django.urls import reverse

from benchmark.models import Board
from benchmark.queries.boards import board_title

register = template.Library()


@register.filter
def board_name(board: Board) -> str:
    return board_title(board)


@register.filter
def board_address(board: Board) -> str:
    """The board's page, with its version named: the plain address means the newest."""
    path = reverse("benchmark:board", args=[board.version.benchmark.slug, board.slug])
    return f"{path}?{urlencode({'version': board.version.label})}"
