"""What the pages of entries show: the list, and one entry with its standing on every board."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Exists, OuterRef, Prefetch, Q

from benchmark.models import BenchmarkVersion, Board, Dimension, Entry, Scenario, Score, Submission
from benchmark.queries.board_page import Row, board_rows, value_range
from benchmark.queries.boards import board_title, public_first
from medes_site.kit.charts import Domain, round_domain

PAGE_SIZE = 50
HEAVY = ("by_scenario", "by_dimension", "account", "remarks")


@dataclass(frozen=True, slots=True)
class Part:
    """A scenario or a dimension of one row; the bounds are None below 10 clusters."""

    name: Any
    n: int
    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How an entry stands on one board. `scenarios`: the weakest first; `domain`: the bars' range."""

    board: Board
    title: str
    row: Row
    scenarios: tuple[Part, ...]
    dimensions: tuple[Part, ...]
    domain: Domain


@dataclass(frozen=True, slots=True)
class EntryPage:
    """`submissions` are those the reader may see, the newest first."""

    entry: Entry
    standings: tuple[Standing, ...]
    submissions: tuple[Submission, ...]


def _standing_scores(user: Any) -> Any:
    boards = Board.objects.visible_to(user).filter(version__state=BenchmarkVersion.State.FROZEN)
    scores = Score.objects.filter(designated=True, board__in=boards)
    related = ("board__version__benchmark", "board__scorer", "entry")
    order = ("-board__version__frozen_at", "board__kind", public_first("board__split"), "board__pk")
    return scores.select_related(*related).order_by(*order)


def entries_page(user: Any, words: str, type_: str, number: str | None) -> Page:
    """A page of entries that `user` may see, in the order of names.

    `words` are looked for in names and organisations. Each entry has `standing` (its scores on boards) and
    `in_public` (False: only its owner and researchers see it).
    """
    public = Submission.objects.filter(entry=OuterRef("pk"), state=Submission.State.PUBLIC)
    published = Score.objects.filter(entry=OuterRef("pk"), origin=Score.Origin.PUBLISHED)
    entries = Entry.objects.visible_to(user).annotate(in_public=Exists(public) | Exists(published))
    for word in words.split():
        entries = entries.filter(Q(name__icontains=word) | Q(organisation__icontains=word))
    if type_:
        entries = entries.filter(type=type_)
    standing = Prefetch("scores", _standing_scores(user).defer(*HEAVY), to_attr="standing")
    return Paginator(entries.prefetch_related(standing).order_by("name"), PAGE_SIZE).get_page(number)


def entry_page(entry: Entry, user: Any) -> EntryPage:
    """Five queries, however many boards there are."""
    scores = list(_standing_scores(user).filter(entry=entry))
    slugs = {slug for score in scores for slug in score.by_scenario}
    scenarios = {scenario.slug: scenario for scenario in Scenario.objects.filter(slug__in=slugs)}
    stored = (
        Score.objects.filter(board__in=Board.objects.visible_to(user))
        .select_related("board")
        .defer(*HEAVY)
        .order_by("board__kind", public_first("board__split"))
    )
    submissions = (
        Submission.objects.visible_to(user)
        .filter(entry=entry)
        .select_related("version__benchmark")
        .prefetch_related(Prefetch("scores", stored))
        .order_by("-pk")
    )
    return EntryPage(entry, tuple(_standing(score, scenarios) for score in scores), tuple(submissions))


def _standing(score: Score, names: dict[str, Scenario]) -> Standing:
    scenarios = [
        Part(names[slug], part["n"], part["mean"], part["low"], part["high"])
        for slug, part in score.by_scenario.items()
        if slug in names
    ]
    dimensions = [
        Part(Dimension(key).label, part["n"], part["mean"], part["low"], part["high"])
        for key, part in sorted(score.by_dimension.items())
    ]
    parts = [*scenarios, *dimensions]
    ends = [score.value, score.ci_low, score.ci_high]
    ends += [end for part in parts for end in (part.mean, part.low, part.high)]
    return Standing(
        board=score.board,
        title=board_title(score.board),
        row=board_rows([score])[0],
        scenarios=tuple(sorted(scenarios, key=lambda part: (part.mean, part.name.pk))),
        dimensions=tuple(dimensions),
        domain=round_domain(ends, value_range(score.board.kind)),
    )
