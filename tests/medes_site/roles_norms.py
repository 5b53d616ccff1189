"""Rows of the table of roles: the pages about where norms come from. All may read, researchers decide."""

from __future__ import annotations

from typing import Any

from benchmark.models import BoardRenewal, Norm, Source, Succession, Trace
from tests.benchmark.cast import Cast

DECIDES = "302 403 403 403 403 {0} {0}"
READS = "302 405 405 405 405 405 405"


def nothing(cast: Cast) -> list[Any]:
    return []


def trace_of(cast: Cast) -> list[Any]:
    norm = Norm.objects.get(article="第一条")
    article = Norm.objects.get(article="第二条")
    trace, _created = Trace.objects.get_or_create(
        norm=norm, article=article, defaults={"level": "near", "score": 0.8, "state": "proposed"}
    )
    return [trace.pk]


def succession(cast: Cast) -> list[Any]:
    newer = Source.objects.get()
    older, _created = Source.objects.get_or_create(
        corpus=newer.corpus, key="older", defaults={"title": "旧规定", "kind": "rule"}
    )
    row, _created = Succession.objects.get_or_create(
        newer=newer, older=older, defaults={"reason": "repeal_clause", "state": "proposed"}
    )
    return [row.pk]


def board_without(cast: Cast) -> list[Any]:
    board = cast.version.boards.get(slug="objective")
    BoardRenewal.objects.get_or_create(board=board, defaults={"items": 12, "outdated": 0})
    return ["tiny", "objective"]


# View, its arguments, and what `roles_table.page` gets besides.
ROWS: list[tuple[str, Any, dict[str, Any]]] = [
    ("coverage", nothing, {}),
    ("coverage", nothing, {"note": "of a scenario", "query": "?scenario=assisted-reproduction"}),
    ("outdated", nothing, {}),
    ("sources", nothing, {}),
    ("board_without", board_without, {}),
    ("board_without", lambda cast: ["tiny", "nothing"], {"note": "unknown", "get": " ".join(["404"] * 7)}),
    ("traces", nothing, {"get": DECIDES.format(200), "post": READS}),
    ("trace", trace_of, {"data": lambda cast: {"act": "confirm"}, "get": READS, "post": DECIDES.format(302)}),
    (
        "succession",
        succession,
        {"data": lambda cast: {"act": "confirm"}, "get": READS, "post": DECIDES.format(302)},
    ),
    (
        "norm_renew",
        lambda cast: [Norm.objects.get(article="第一条").pk],
        {"data": lambda cast: {"text": "新的表述。"}, "get": READS, "post": DECIDES.format(302)},
    ),
]
