"""Entries of one board against each other, item by item, from the stored values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from django.db.models import QuerySet

from benchmark.models import Board, Scenario, Score
from benchmark.queries.board_page import Cell, board_scenarios, group_cells, value_range
from benchmark.queries.vectors import board_items, read_vectors
from benchmark.rules.ranks import PairEstimate, holm, pairwise
from medes_site.kit.charts import Domain, round_domain, symmetric_domain

FEWEST, MOST = 2, 6
OFFERED = 200
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Pair:
    """Two entries, the one with the higher mean first, so that `estimate.difference` is 0 or more.

    `p` is Holm-corrected over the pairs shown. `verdict`: better, same (cannot be told apart) or unknown (too
    few shared clusters).
    """

    first: Score
    second: Score
    estimate: PairEstimate
    p: float | None
    verdict: str


@dataclass(frozen=True, slots=True)
class ScenarioRow:
    """One scenario: a cell for each entry, in their order."""

    scenario: Scenario
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`scores` in the order given; `domain` is the range of values, `spread` that of differences."""

    scores: tuple[Score, ...]
    pairs: tuple[Pair, ...]
    scenarios: tuple[ScenarioRow, ...]
    domain: Domain
    spread: Domain


@dataclass(frozen=True, slots=True)
class Wish:
    """What a reader asks to compare: `chosen` in the order of the board, at most six; `unknown`: the names of
    no row that can be compared; `offered`: the first 200 rows of the board to choose from.
    """

    chosen: tuple[Score, ...]
    unknown: tuple[str, ...]
    too_many: bool
    offered: tuple[Score, ...]
    more_offered: bool


def read_wish(board: Board, slugs: Sequence[str]) -> Wish:
    """`slugs` of entries, as an address names them. Two queries."""
    wanted = set(slugs)
    rows = comparable_scores(board)
    known = list(rows.filter(entry__slug__in=wanted)) if wanted else []
    light = ("by_scenario", "by_dimension", "account", "remarks")
    offered = list(rows.defer(*light)[: OFFERED + 1])
    return Wish(
        chosen=tuple(known[:MOST]),
        unknown=tuple(sorted(wanted - {score.entry.slug for score in known})),
        too_many=len(known) > MOST,
        offered=tuple(offered[:OFFERED]),
        more_offered=len(offered) > OFFERED,
    )


def comparable_scores(board: Board) -> QuerySet[Score]:
    """Rows that stand on the board and were computed here: a published row has no values per item."""
    return (
        board.scores.filter(designated=True, origin=Score.Origin.COMPUTED, vector__isnull=False)
        .select_related("entry")
        .order_by("-value", "entry__name")
    )


def compare_scores(board: Board, scores: Sequence[Score]) -> Comparison:
    """Compares two to six rows of `comparable_scores`, pair by pair, on the items both have."""
    items = board_items(board.version, board.kind, board.split)
    values = read_vectors(scores, len(items.ids))
    estimates = [
        (a, b, pairwise(values[a], values[b], items.clusters)) for a, b in combinations(range(len(scores)), 2)
    ]
    # A pair that cannot be tested takes part in the correction all the same, as on the board.
    corrected = holm([1.0 if found.p is None else found.p for _a, _b, found in estimates])
    pairs = tuple(
        _pair(scores[a], scores[b], found, float(p))
        for (a, b, found), p in zip(estimates, corrected, strict=True)
    )
    shown = board_scenarios(board)
    by_entry = [group_cells(score.by_scenario, shown) for score in scores]
    differences = [pair.estimate for pair in pairs]
    ends = [end for found in differences for end in (found.difference, found.low, found.high)]
    return Comparison(
        scores=tuple(scores),
        pairs=pairs,
        scenarios=tuple(
            ScenarioRow(scenario, tuple(cells)) for scenario, *cells in zip(shown, *by_entry, strict=True)
        ),
        domain=round_domain(
            [end for score in scores for end in (score.value, score.ci_low, score.ci_high)],
            value_range(board.kind),
        ),
        spread=symmetric_domain(ends),
    )


def _pair(first: Score, second: Score, found: PairEstimate, p: float) -> Pair:
    if found.difference is not None and found.difference < 0:
        first, second, found = second, first, _turned(found)
    if found.p is None:
        return Pair(first, second, found, None, "unknown")
    return Pair(first, second, found, p, "better" if p <= ALPHA else "same")


def _turned(found: PairEstimate) -> PairEstimate:
    """The same comparison, read from the other side."""
    return PairEstimate(
        difference=None if found.difference is None else -found.difference,
        se=found.se,
        low=None if found.high is None else -found.high,
        high=None if found.low is None else -found.low,
        p=found.p,
        n=found.n,
        clusters=found.clusters,
        df=found.df,
        reliable=found.reliable,
    )
