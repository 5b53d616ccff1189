"""Norms as their pages show them: by corpus, scenario and source, and what says nearly the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.db.models import BooleanField, Count, ExpressionWrapper, Q

from benchmark.models import Corpus, Item, Norm, Scenario, Source, Trace
from benchmark.queries.items import LONGEST_QUERY, Choice, current_versions, visible_versions
from benchmark.queries.tracing import origin_of, with_origin, with_traces_known
from benchmark.querysets import NormQuerySet
from benchmark.rules.differences import Piece, compare
from benchmark.rules.highlight import Segment, excerpt, segments
from benchmark.rules.norm_groups import THRESHOLD, shared_grams
from medes_site.kit.roles import is_researcher

EXCERPT = 320


@dataclass(frozen=True, slots=True)
class NormFilter:
    """What is listed; "" chooses nothing. `corpus` and `scenario` are slugs, `source` is a source's id."""

    corpus: str = ""
    scenario: str = ""
    source: str = ""
    standing: str = ""
    q: str = ""

    @classmethod
    def read(cls, params: Mapping[str, str], known: NormCatalogue) -> NormFilter:
        """From an address; what is not known is left out, a source of another corpus too."""
        corpus = params.get("corpus", "")
        corpus = corpus if corpus in {row.slug for row in known.corpora} else ""
        scenario = params.get("scenario", "")
        source = params.get("source", "")
        sources = {str(row.pk) for row in known.sources if corpus in ("", row.corpus.slug)}
        return cls(
            corpus=corpus,
            scenario=scenario if scenario in {row.slug for row in known.scenarios} else "",
            source=source if source in sources else "",
            standing=params.get("standing", "") if params.get("standing", "") in Norm.Standing.values else "",
            q=params.get("q", "").strip()[:LONGEST_QUERY],
        )

    def parameters(self) -> dict[str, str]:
        """The chosen values by the names they have in an address."""
        values = {
            "q": self.q,
            "corpus": self.corpus,
            "scenario": self.scenario,
            "source": self.source,
            "standing": self.standing,
        }
        return {name: value for name, value in values.items() if value}

    def query(self) -> str:
        """The filter encoded for a link."""
        return urlencode(self.parameters())


@dataclass(frozen=True, slots=True)
class NormCatalogue:
    """All corpora, scenarios and sources there are: a few hundred rows at most."""

    corpora: Sequence[Corpus]
    scenarios: Sequence[Scenario]
    sources: Sequence[Source]


@dataclass(frozen=True, slots=True)
class NormFacets:
    """The values of each filter with their counts; `corpora` is empty where there is only one."""

    corpora: tuple[Choice, ...]
    scenarios: tuple[Choice, ...]
    sources: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class NormRow:
    """A norm in a list, a long one shortened; `items`: how many the reader may see; `origin`: the article that it
    is quoted from, None where that is not known or the norm is one itself."""

    norm: Norm
    text: tuple[Segment, ...]
    items: int
    origin: Norm | None


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A norm of the same group, with what differs from the one whose page it is on.

    `pieces` is empty where the two are in one group only through a third norm (a long one that quotes both):
    then nearly everything differs, and marking it would say nothing. `identical`: the same words.
    """

    norm: Norm
    pieces: tuple[Piece, ...]
    identical: bool


@dataclass(frozen=True, slots=True)
class NormDetail:
    """`audit` is False for everybody but researchers: which groups test the guardians is not told."""

    norm: Norm
    scenarios: tuple[Scenario, ...]
    neighbours: tuple[Neighbour, ...]
    audit: bool


def norm_catalogue() -> NormCatalogue:
    return NormCatalogue(
        corpora=list(Corpus.objects.order_by("pk")),
        scenarios=list(Scenario.objects.all()),
        sources=list(Source.objects.select_related("corpus").order_by("pk")),
    )


def filtered_norms(user: Any, chosen: NormFilter) -> NormQuerySet:
    """The norms asked for that the reader may see: those of benchmarks, then articles; source by source."""
    norms = Norm.objects.visible_to(user).search(chosen.q)
    if chosen.corpus:
        norms = norms.filter(source__corpus__slug=chosen.corpus)
    if chosen.source:
        traced = Trace.objects.filter(article__source=int(chosen.source), state__in=Trace.COUNTS).values(
            "norm"
        )
        norms = norms.filter(Q(source=int(chosen.source)) | Q(pk__in=traced))
    if chosen.standing:
        norms = norms.filter(standing=chosen.standing, place=None)
    if chosen.scenario:
        norms = norms.filter(scenarios__slug=chosen.scenario)
    is_article = ExpressionWrapper(Q(place__isnull=False), output_field=BooleanField())
    return norms.order_by(is_article, "source_id", "place", "pk")


def listed_norms(user: Any, chosen: NormFilter) -> NormQuerySet:
    """`filtered_norms` with just what a list shows, in three queries."""
    norms = filtered_norms(user, chosen).select_related("source__corpus").prefetch_related("scenarios")
    return with_origin(norms).defer("search_terms")


def norm_rows(user: Any, norms: Iterable[Norm], q: str) -> list[NormRow]:
    """Rows of a list, with what was searched for marked and the visible items counted."""
    norms = list(norms)
    counts = _items_by_norm(user, [norm.pk for norm in norms])
    return [
        NormRow(
            norm,
            excerpt(segments(norm.text, q), EXCERPT),
            counts.get(norm.pk, 0),
            origin_of(norm),
        )
        for norm in norms
    ]


def norm_facets(user: Any, chosen: NormFilter, known: NormCatalogue) -> NormFacets:
    """Counts for every filter under the others: three queries. Values nobody would find anything under are
    left out."""
    by_scenario = _count(user, replace(chosen, scenario=""), "scenarios")
    by_source = _count(user, replace(chosen, source=""), "source")
    # A source belongs to one corpus: another corpus is chosen without it.
    by_corpus = _count(user, replace(chosen, corpus="", source=""), "source__corpus")
    several = len(known.corpora) > 1
    return NormFacets(
        corpora=_choices([(c.slug, c) for c in known.corpora], by_corpus, chosen.corpus) if several else (),
        scenarios=_choices([(s.slug, s) for s in known.scenarios], by_scenario, chosen.scenario),
        sources=_choices([(str(s.pk), s) for s in known.sources], by_source, chosen.source),
    )


def find_norm(user: Any, pk: int) -> Norm | None:
    """The norm, or None if there is none that this reader may see."""
    norms = Norm.objects.visible_to(user).select_related("source__corpus", "group")
    return with_traces_known(norms).filter(pk=pk).first()


def norm_detail(user: Any, norm: Norm) -> NormDetail:
    """What the page of `norm` shows to this reader, but for its items: see `queries.items.items_about`."""
    others = Norm.objects.visible_to(user).filter(group=norm.group_id).exclude(pk=norm.pk)
    neighbours = []
    for other in others.select_related("source__corpus").defer("search_terms").order_by("pk"):
        alike = shared_grams(norm.text, other.text) >= THRESHOLD
        pieces = compare(norm.text, other.text) if alike else ()
        neighbours.append(Neighbour(other, pieces, norm.text == other.text))
    return NormDetail(
        norm=norm,
        scenarios=tuple(norm.scenarios.all()),
        neighbours=tuple(neighbours),
        audit=norm.group.audit and is_researcher(user),
    )


def _count(user: Any, chosen: NormFilter, field: str) -> dict[Any, int]:
    rows = filtered_norms(user, chosen).order_by().values_list(field)
    return dict(rows.annotate(n=Count("pk", distinct=True)))


def _choices(rows: Iterable[tuple[str, Any]], counts: Mapping[Any, int], chosen: str) -> tuple[Choice, ...]:
    return tuple(
        Choice(value, row, counts.get(row.pk, 0), value == chosen)
        for value, row in rows
        if counts.get(row.pk) or value == chosen
    )


def _items_by_norm(user: Any, norms: Sequence[int]) -> dict[int, int]:
    versions = current_versions(visible_versions(user))
    items = Item.objects.visible_to(user).filter(norm__in=norms, version__in=versions)
    return dict(items.order_by().values_list("norm").annotate(n=Count("pk")))
