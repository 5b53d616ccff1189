"""How entries fare on the items about one norm, as far as that may be told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Exists, OuterRef

from benchmark.models import BenchmarkVersion, Board, Entry, Item, Norm, Score, Split
from benchmark.queries.disclosure import MIN_ANSWERED
from benchmark.queries.items import current_versions
from benchmark.queries.vectors import board_items, read_vectors
from medes_site.kit.roles import is_researcher

SHOWN = 40


@dataclass(frozen=True, slots=True)
class EntryOnNorm:
    """The mean of an entry over `n` items about the norm, beside its mean on the whole board."""

    entry: Entry
    mean: float
    n: int
    whole: float


@dataclass(frozen=True, slots=True)
class BoardOnNorm:
    """One board's rows, the best first. `withheld`: so few items that a mean would tell closed results."""

    board: Board
    items: int
    rows: tuple[EntryOnNorm, ...]
    withheld: bool


def entries_on_norm(user: Any, norm: Norm, versions: Iterable[BenchmarkVersion]) -> list[BoardOnNorm]:
    """For each board that asks about the norm, up to `SHOWN` entries that stand there, by their place on the board.

    `versions`: those that the reader may see, the newest first. On closed splits, except for researchers, from
    `MIN_ANSWERED` items on: one item's mean is its right or wrong.
    """
    asked = Item.objects.visible_to(user).filter(norm=norm, version__in=current_versions(versions))
    here = asked.filter(version=OuterRef("version"), kind=OuterRef("kind"), split=OuterRef("split"))
    boards = Board.objects.filter(Exists(here), frozen_at=None).select_related("version__benchmark", "scorer")
    found = []
    for board in boards.order_by("pk"):
        ids = asked.filter(version=board.version_id, kind=board.kind, split=board.split)
        wanted = set(ids.values_list("pk", flat=True))
        closed = board.split != Split.DEV and not is_researcher(user)
        withheld = closed and len(wanted) < MIN_ANSWERED
        found.append(BoardOnNorm(board, len(wanted), () if withheld else _rows(board, wanted), withheld))
    return [row for row in found if row.rows or row.withheld]


def _rows(board: Board, wanted: set[int]) -> tuple[EntryOnNorm, ...]:
    standing = list(
        board.scores.filter(designated=True, origin=Score.Origin.COMPUTED, vector__isnull=False)
        .select_related("entry")
        .order_by("-value", "entry__name")[:SHOWN]
    )
    if not standing:
        return ()
    items = board_items(board.version, board.kind, board.split)
    places = [items.index[pk] for pk in sorted(wanted) if pk in items.index]
    values = read_vectors(standing, len(items.ids))[:, places]
    rows = []
    for score, row in zip(standing, values, strict=True):
        known = row[~np.isnan(row)]
        if len(known):
            rows.append(EntryOnNorm(score.entry, float(known.mean()), len(known), score.value))
    return tuple(sorted(rows, key=lambda row: (-row.mean, row.entry.name)))
