"""The board's page and the lists of boards: a handful of queries, however many scores are stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.core.paginator import Page, Paginator
from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, Window
from django.db.models.functions import Coalesce, RowNumber

from benchmark.models import (
    Benchmark,
    BenchmarkVersion,
    Board,
    Entry,
    Item,
    Kind,
    Scenario,
    Score,
)
from benchmark.queries.boards import BoardFilter, own_scores, public_first, standing_scores
from benchmark.queries.disclosure import shown_groups
from benchmark.queries.reliability import BoardGuardian, board_guardian
from benchmark.rules.account import OUTCOMES
from medes_site.kit.charts import UNIT, Domain, round_domain

PAGE_SIZE = 50
WHOLE = Domain(-1.0, 1.0)
LEADERS = 3
DAY = 86_400
IDENTITY = "identity_gap"  # the remark of services.importing_responses


@dataclass(frozen=True, slots=True)
class ItemCount:
    """How many items a board asks, and in how many clusters they hang together."""

    items: int
    clusters: int


@dataclass(frozen=True, slots=True)
class Cell:
    """One scenario of one row: `mean` over `n` items, or None; the bounds are None below 10 clusters."""

    scenario: Scenario
    n: int
    mean: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `account`: (outcome, count) pairs that occurred; `chosen`: the cell of the scenario asked for;
    `breaks_identity`: by how much a published row's final score misses what its quality and risk make;
    `stands_apart`: a baseline, or a published row among computed ones.
    """

    score: Score
    type_name: str
    account: tuple[tuple[str, int], ...]
    chosen: Cell | None
    breaks_identity: float | None
    stands_apart: bool

    @property
    def published(self) -> bool:
        return self.score.origin == Score.Origin.PUBLISHED

    @property
    def ranked(self) -> bool:
        return self.score.rank_low is not None

    @property
    def too_few(self) -> bool:
        """Computed, but of too few clusters for an interval."""
        return self.score.ci_low is None and not self.published


@dataclass(frozen=True, slots=True)
class BoardPage:
    """What the page of one board shows. `standing` counts rows before filters; `domain`: the bars' range."""

    board: Board
    count: ItemCount
    scenarios: tuple[Scenario, ...]
    scenario: Scenario | None
    others: tuple[Board, ...]
    standing: int
    any_published: bool
    comparable: bool
    any_too_few: bool
    any_anchored: bool
    any_failed: bool
    guardian: BoardGuardian | None
    domain: Domain
    page: Page
    rows: tuple[Row, ...]
    own: tuple[Row, ...]

    @property
    def has_scenarios(self) -> bool:
        return any(row.score.by_scenario for row in (*self.rows, *self.own))


@dataclass(frozen=True, slots=True)
class BoardCard:
    """A board in a list: `leaders` may be first as far as the data tell, or lead rows that have no ranks."""

    board: Board
    standing: int
    count: ItemCount
    leaders: tuple[Score, ...]
    more_leaders: int


@dataclass(frozen=True, slots=True)
class VersionCards:
    version: BenchmarkVersion
    boards: tuple[BoardCard, ...]


@dataclass(frozen=True, slots=True)
class BenchmarkCards:
    """A benchmark with its versions, the newest first."""

    benchmark: Benchmark
    versions: tuple[VersionCards, ...]


def item_count(board: Board) -> ItemCount:
    """Counted once: the version is frozen, so its content hash says that nothing has changed."""
    version = board.version
    key = f"item-count:{version.pk}:{version.content_hash}:{board.kind}:{board.split}"
    found = cache.get(key)
    if found is None:
        items = Item.objects.filter(version=version, kind=board.kind, split=board.split)
        counts = items.aggregate(items=Count("pk"), clusters=Count("cluster", distinct=True))
        found = (counts["items"], counts["clusters"])
        cache.set(key, found, DAY)
    return ItemCount(*found)


def board_scenarios(board: Board) -> tuple[Scenario, ...]:
    """The scenarios that the board's items have, in one order everywhere."""
    items = Item.objects.filter(
        version=board.version_id, scenario=OuterRef("pk"), kind=board.kind, split=board.split
    )
    return tuple(Scenario.objects.filter(Exists(items)).order_by("pk"))


def board_page(board: Board, chosen: BoardFilter, number: str | None, user: Any) -> BoardPage:
    """The page `number` (anything else than a known page: the nearest) as `user` may see it."""
    scenarios = board_scenarios(board)
    scenario = next((row for row in scenarios if row.slug == chosen.scenario), None)
    standing = standing_scores(board, chosen).defer("by_dimension")
    page = Paginator(standing, PAGE_SIZE).get_page(number)
    own = list(own_scores(board, user))
    for score in own:
        score.board = board
        score.by_scenario = shown_groups(user, score, score.by_scenario)
    sums = _sums(board, own)
    return BoardPage(
        board=board,
        count=item_count(board),
        scenarios=scenarios,
        scenario=scenario,
        others=_others(board, user),
        standing=sums["standing"],
        any_published=bool(sums["published"]),
        comparable=sums["standing"] - sums["published"] >= 2,
        any_too_few=bool(sums["too_few"]) or any(score.ci_low is None for score in own),
        any_anchored=bool(sums["anchored"]),
        any_failed=any(score.account.get("judge_failed") for score in (*page, *own)),
        guardian=board_guardian(board) if board.kind == Kind.SUBJECTIVE else None,
        domain=sums["domain"],
        page=page,
        rows=board_rows(page, scenario, mixed=0 < sums["published"] < sums["standing"]),
        own=board_rows(own, scenario),
    )


def _sums(board: Board, own: Sequence[Score]) -> dict[str, Any]:
    """Over the whole board, so that neither a filter nor a page moves the bars."""
    computed = Q(origin=Score.Origin.COMPUTED)
    sums: dict[str, Any] = board.scores.filter(designated=True).aggregate(
        standing=Count("pk"),
        published=Count("pk", filter=~computed),
        too_few=Count("pk", filter=computed & Q(ci_low=None)),
        anchored=Count("pk", filter=Q(anchored__isnull=False)),
        lowest=Min(Coalesce("ci_low", "value")),
        highest=Max(Coalesce("ci_high", "value")),
    )
    ends = [sums["lowest"], sums["highest"]]
    for score in own:
        ends += [score.value, score.ci_low, score.ci_high]
    sums["domain"] = round_domain(ends, value_range(board.kind))
    return sums


def value_range(kind: str) -> Domain:
    """Accuracy lies in 0…1, the final score in -1…1."""
    return UNIT if kind == Kind.OBJECTIVE else WHOLE


def _others(board: Board, user: Any) -> tuple[Board, ...]:
    """The same questions elsewhere: other versions of the benchmark, other scorers; the newest first."""
    others = (
        Board.objects.visible_to(user)
        .filter(
            version__benchmark=board.version.benchmark_id,
            version__state=BenchmarkVersion.State.FROZEN,
            kind=board.kind,
            split=board.split,
        )
        .exclude(pk=board.pk)
    )
    found = others.select_related("version__benchmark", "scorer").order_by("-version__frozen_at", "-pk")
    return tuple(found)


def board_rows(
    scores: Iterable[Score], scenario: Scenario | None = None, *, mixed: bool = False
) -> tuple[Row, ...]:
    """The rows of one page. `mixed`: published and computed rows stand on the same board."""
    types = {kind.value: str(kind.label) for kind in Entry.Type}
    return tuple(_row(score, scenario, mixed, types) for score in scores)


def _row(score: Score, scenario: Scenario | None, mixed: bool, types: Mapping[str, str]) -> Row:
    apart = mixed and score.origin == Score.Origin.PUBLISHED
    gaps = (remark["gap"] for remark in score.remarks if remark.get("code") == IDENTITY and remark["breaks"])
    asked = scenario is not None and scenario.slug in score.by_scenario
    return Row(
        score=score,
        type_name=types[score.entry.type],
        account=account_lines(score.account),
        chosen=group_cells(score.by_scenario, [scenario])[0] if asked and scenario else None,
        breaks_identity=next(gaps, None),
        stands_apart=apart or score.entry.type == Entry.Type.BASELINE,
    )


def group_cells(found: Mapping[str, Mapping[str, Any]], scenarios: Sequence[Scenario]) -> tuple[Cell, ...]:
    """Stored `by_scenario` as cells, one for each scenario."""
    cells = []
    for scenario in scenarios:
        part = found.get(scenario.slug, {})
        cells.append(Cell(scenario, part.get("n", 0), part.get("mean"), part.get("low"), part.get("high")))
    return tuple(cells)


def account_lines(account: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """(outcome, count) in the order of the account; what never occurred is left out."""
    return tuple((name, account[name]) for name in OUTCOMES if account.get(name))


def benchmark_cards(newest_only: bool = False, *, user: Any = None) -> tuple[BenchmarkCards, ...]:
    """All boards of all frozen versions, newest versions first; or only each benchmark's newest version.

    Two queries, and one for each board whose items were not counted yet.
    """
    boards = (
        Board.objects.visible_to(user)
        .filter(version__state=BenchmarkVersion.State.FROZEN)
        .select_related("version__benchmark", "scorer")
        .annotate(
            standing=Count("scores", filter=Q(scores__designated=True)),
            leading=Count("scores", filter=Q(scores__designated=True, scores__rank_low=1)),
        )
        .order_by("-version__frozen_at", "-version_id", "frozen_at", "kind", public_first(), "pk")
    )
    found: dict[Benchmark, dict[BenchmarkVersion, list[Board]]] = defaultdict(dict)
    for board in boards:
        versions = found[board.version.benchmark]
        if newest_only and versions and board.version not in versions:
            continue
        versions.setdefault(board.version, []).append(board)
    shown = [board for versions in found.values() for group in versions.values() for board in group]
    leaders = _leaders(shown)
    return tuple(
        BenchmarkCards(
            benchmark,
            tuple(
                VersionCards(version, tuple(_card(board, leaders.get(board.pk, [])) for board in group))
                for version, group in versions.items()
            ),
        )
        for benchmark, versions in found.items()
    )


def _card(board: Any, leaders: list[Score]) -> BoardCard:
    return BoardCard(
        board=board,
        standing=board.standing,
        count=item_count(board),
        leaders=tuple(leaders),
        more_leaders=max(0, board.leading - len(leaders)) if leaders and leaders[0].rank_low else 0,
    )


def _leaders(boards: Sequence[Board]) -> dict[int, list[Score]]:
    """Up to three of those that nobody is better than; of published rows the one with the highest figure."""
    published = Q(origin=Score.Origin.PUBLISHED)
    place = Window(RowNumber(), partition_by=["board", "origin"], order_by=[F("value").desc(), "entry__name"])
    scores = (
        Score.objects.filter(board__in=boards, designated=True)
        .filter(published | Q(rank_low=1, board__ranks_stale=False))
        .annotate(place=place)
        .filter(Q(place=1) | (Q(place__lte=LEADERS) & ~published))
        .select_related("entry")
        .defer("by_scenario", "by_dimension", "account", "remarks")
        .order_by("origin", "place")
    )
    leaders: dict[int, list[Score]] = defaultdict(list)
    for score in scores:
        if score.origin == Score.Origin.COMPUTED or not leaders[score.board_id]:
            leaders[score.board_id].append(score)
    return leaders
