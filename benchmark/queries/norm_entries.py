"""How entries fare on the items about one norm, as far as that may be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.models import Board, Entry, Item, Norm, Score, Split
from benchmark.queries.disclosure import MIN_ANSWERED
from benchmark.queries.items import current_versions, visible_versions
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


def entries_on_norm(user: Any, norm: Norm) -> list[BoardOnNorm]:
    """For each board that asks about the norm, up to `SHOWN` entries that stand there, by their place on the board.

    On closed splits, except for researchers, from `MIN_ANSWERED` items on: one item's mean is its right or wrong.
    """
    versions = current_versions(visible_versions(user))
    asked = Item.objects.visible_to(user).filter(norm=norm, version__in=versions)
    places = sorted(set(asked.values_list("version", "kind", "split")))
    found = []
    for version, kind, split in places:
        ids = set(asked.filter(version=version, kind=kind, split=split).values_list("pk", flat=True))
        boards = Board.objects.filter(version=version, kind=kind, split=split, frozen_at=None)
        for board in boards.select_related("version__benchmark", "scorer").order_by("pk"):
            if split != Split.DEV and not is_researcher(user) and len(ids) < MIN_ANSWERED:
                found.append(BoardOnNorm(board, len(ids), (), withheld=True))
            else:
                found.append(BoardOnNorm(board, len(ids), _rows(board, ids), withheld=False))
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
