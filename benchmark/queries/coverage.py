"""Which parts of the law have items and which have none: the map for new questions, scenario by scenario."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count

from benchmark.models import Corpus, Item, Norm, Scenario, Source, Trace
from benchmark.queries.items import current_versions, visible_versions
from benchmark.queries.lineage import superseded_sources

STEPS = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89)


@dataclass(frozen=True, slots=True)
class ScenarioCoverage:
    """One scenario: items, those of them about a norm, about a traced norm, about outdated law; articles asked."""

    scenario: Scenario
    items: int
    with_norm: int
    traced: int
    outdated: int
    sources: int
    articles: int


@dataclass(frozen=True, slots=True)
class ArticleCell:
    """One article; `step`: 0 for no items, then 1 to 10, each step about one and a half times the one before."""

    pk: int
    label: str
    heading: str
    items: int
    step: int


@dataclass(frozen=True, slots=True)
class SourceCoverage:
    """One source: its articles in their order; `asked`: how many of them have items."""

    source: Source
    cells: tuple[ArticleCell, ...]
    asked: int
    items: int


@dataclass(frozen=True, slots=True)
class ScenarioMap:
    """The sources with items of a scenario, the most asked first, and those without (source, articles)."""

    asked: tuple[SourceCoverage, ...]
    silent: tuple[tuple[Source, int], ...]


class Coverage:
    """Items of current versions that the reader may see, by the articles that their norms are traced to."""

    def __init__(self, user: Any, benchmark: str = "") -> None:
        versions = [
            version for version in visible_versions(user) if benchmark in ("", version.benchmark.slug)
        ]
        self._items = Item.objects.visible_to(user).filter(version__in=current_versions(versions))
        self._articles: dict[int, list[tuple[int, int]]] = defaultdict(list)
        traces = Trace.objects.filter(state__in=Trace.COUNTS)
        for norm, article, source in traces.values_list("norm_id", "article_id", "article__source_id"):
            self._articles[norm].append((article, source))

    def scenarios(self) -> list[ScenarioCoverage]:
        """One row for each scenario that has items."""
        counts: dict[int, Counter[str]] = defaultdict(Counter)
        sources: dict[int, set[int]] = defaultdict(set)
        articles: dict[int, set[int]] = defaultdict(set)
        rows = (
            self._items.order_by().values_list("scenario", "norm", "norm__standing").annotate(n=Count("pk"))
        )
        for scenario, norm, standing, n in rows:
            count = counts[scenario]
            count["items"] += n
            if norm is None:
                continue
            count["with_norm"] += n
            count["outdated"] += n if standing == Norm.Standing.OUTDATED else 0
            places = self._articles.get(norm, [])
            count["traced"] += n if places else 0
            articles[scenario].update(article for article, _source in places)
            sources[scenario].update(source for _article, source in places)
        known = Scenario.objects.in_bulk(list(counts))
        return [
            ScenarioCoverage(
                scenario=known[pk],
                items=counts[pk]["items"],
                with_norm=counts[pk]["with_norm"],
                traced=counts[pk]["traced"],
                outdated=counts[pk]["outdated"],
                sources=len(sources[pk]),
                articles=len(articles[pk]),
            )
            for pk in sorted(counts)
        ]

    def map_of(self, scenario: Scenario, corpus: Corpus | None, *, today: date) -> ScenarioMap:
        """Every article of the sources that items of the scenario rest on. Superseded versions only if asked about."""
        by_article: Counter[int] = Counter()
        rows = self._items.filter(scenario=scenario, norm__isnull=False).order_by().values_list("norm")
        for norm, n in rows.annotate(n=Count("pk")):
            for article, _source in self._articles.get(norm, []):
                by_article[article] += n
        articles = Norm.objects.exclude(place=None)
        if corpus is not None:
            articles = articles.filter(source__corpus=corpus)
        asked = set(articles.filter(pk__in=list(by_article)).values_list("source_id", flat=True))
        cells: dict[int, list[ArticleCell]] = defaultdict(list)
        listed = articles.filter(source__in=asked).order_by("place", "pk")
        for pk, source, label, heading in listed.values_list("pk", "source_id", "article", "heading"):
            cells[source].append(ArticleCell(pk, label, heading, by_article[pk], step_of(by_article[pk])))
        sources = Source.objects.select_related("corpus").in_bulk(list(asked))
        shown = [
            SourceCoverage(
                sources[pk],
                tuple(row),
                sum(1 for cell in row if cell.items),
                sum(cell.items for cell in row),
            )
            for pk, row in cells.items()
        ]
        shown.sort(key=lambda row: (-row.items, row.source.title, row.source.pk))
        totals = dict(articles.order_by().values_list("source").annotate(n=Count("pk")))
        gone = superseded_sources(today)
        silent = (
            Source.objects.select_related("corpus")
            .filter(pk__in=set(totals) - asked - set(gone))
            .order_by("title", "pk")
        )
        return ScenarioMap(tuple(shown), tuple((source, totals[source.pk]) for source in silent))


def step_of(items: int) -> int:
    """0 for none, else 1 to 10."""
    return sum(1 for bound in STEPS if items >= bound)
