"""Where a norm stands in the law: its articles, their versions, what waits for a decision, what the law has outrun."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Case, Count, Exists, F, IntegerField, OuterRef, QuerySet, Subquery, Value, When

from benchmark.models import Corpus, Item, Norm, Source, Trace
from benchmark.queries.items import current_versions, visible_versions
from benchmark.queries.lineage import (
    counterpart,
    line_of_source,
    renewed_wording,
    superseded_sources,
)
from benchmark.querysets import NormQuerySet
from benchmark.rules.differences import Piece, compare, without_layout
from benchmark.rules.tracing import aligned_span
from benchmark.rules.wording import bare_wording, places_in
from medes_site.kit.roles import is_researcher

_TRAIL = "。；;.！？!?”」』）)"
_ORIGIN = {
    "pk": "article",
    "article": "article__article",
    "title": "article__source__title",
    "language": "article__source__corpus__language",
}
_QUEUE = Case(
    When(level=Trace.Level.EXCERPT, then=Value(0)),
    When(level=Trace.Level.NEAR, then=Value(1)),
    default=Value(2),
    output_field=IntegerField(),
)
_ORDER = Case(
    When(level=Trace.Level.EXACT, then=Value(0)),
    When(level=Trace.Level.EXCERPT, then=Value(1)),
    default=Value(2),
    output_field=IntegerField(),
)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """An article parted at what a norm corresponds to. `quoted` is "" where nothing of it does."""

    before: str
    quoted: str
    after: str


@dataclass(frozen=True, slots=True)
class Origin:
    """An article that the norm comes from, for sure (exact) or as a person confirmed."""

    trace: Trace
    article: Norm
    excerpt: Excerpt
    superseded: bool


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version in a line of statutes. `article`: what stands there in the article's place, None if nothing does;
    `pieces`: how it differs from the version before, empty for the first one and where nothing changed."""

    source: Source
    article: Norm | None
    pieces: tuple[Piece, ...]
    same: bool
    superseded: bool


@dataclass(frozen=True, slots=True)
class NewWording:
    """What stands today in the place of an outdated norm; `text`: the part that corresponds to it; `pieces`: old
    against new."""

    article: Norm
    text: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class NormLaw:
    """All that a norm's page says of its place in the law. `quoted_by`: norms that quote this article."""

    origins: tuple[Origin, ...]
    versions: tuple[VersionRow, ...]
    wordings: tuple[NewWording, ...]
    quoted_by: tuple[Norm, ...]
    proposals: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """A trace that waits for a person. `pieces`: the norm against the part of the article that corresponds to it;
    `others`: further proposals for the same norm."""

    trace: Trace
    excerpt: Excerpt
    pieces: tuple[Piece, ...]
    others: tuple[Trace, ...]


@dataclass(frozen=True, slots=True)
class ProposalQueue:
    """The proposal to decide on now, or None; `left` counts all that wait, `decided` those decided before."""

    current: Proposal | None
    left: int
    decided: int


@dataclass(frozen=True, slots=True)
class OutdatedRow:
    """A norm whose wording stands in superseded law only; `items`: how many the reader may see."""

    norm: Norm
    origins: tuple[Origin, ...]
    wordings: tuple[NewWording, ...]
    items: int


def excerpt_of(norm: str, article: str) -> Excerpt:
    """`article` parted at what `norm` corresponds to, with the punctuation that ends it."""
    start, end = places_in(article, *aligned_span(bare_wording(norm), bare_wording(article)))
    if end and end < len(article) and article[end] in _TRAIL:
        end += 1
    return Excerpt(article[:start], article[start:end], article[end:]) if end else Excerpt(article, "", "")


def established(norms: Iterable[int]) -> dict[int, list[Trace]]:
    """norm -> its traces that count, word for word first."""
    found: dict[int, list[Trace]] = defaultdict(list)
    for row in _traces(norms).filter(state__in=Trace.COUNTS):
        found[row.norm_id].append(row)
    return found


def _traces(norms: Iterable[int]) -> QuerySet[Trace]:
    """What is known of `norms`, but for what was rejected."""
    rows = Trace.objects.filter(norm__in=list(norms)).exclude(state=Trace.State.REJECTED)
    order = (_ORDER, F("article__source__version_date").desc(nulls_last=True), "pk")
    return rows.select_related("article__source__corpus").defer("article__search_terms").order_by(*order)


def norm_law(user: Any, norm: Norm, *, today: date) -> NormLaw:
    """The law behind one norm, quotation or article, for its page. No query where nothing is known of it
    and `with_traces_known` has said so."""
    traced = getattr(norm, "traces_known", True)
    known = [row for row in _traces([norm.pk]) if row.article_id != norm.pk] if traced else []
    traces = [row for row in known if row.state in Trace.COUNTS]
    proposals = sum(row.state == Trace.State.PROPOSED for row in known)
    if not traces and not norm.is_article:
        return NormLaw((), (), (), (), proposals)
    successors = superseded_sources(today)
    origins = tuple(_origin(norm, row, successors) for row in traces)
    quoted = Norm.objects.none()
    if norm.is_article:
        quoting = Trace.objects.filter(article=norm, state__in=Trace.COUNTS).exclude(norm=norm).values("norm")
        quoted = Norm.objects.visible_to(user).filter(pk__in=quoting).select_related("source").order_by("pk")
    wordings: tuple[NewWording, ...] = ()
    if norm.standing == Norm.Standing.OUTDATED or (norm.is_article and norm.source_id in successors):
        wordings = _wordings(norm, [origin.article for origin in origins] or [norm], successors)
    return NormLaw(
        origins=origins,
        versions=_versions(norm if norm.is_article else traces[0].article, set(successors)),
        wordings=wordings,
        quoted_by=tuple(quoted),
        proposals=proposals,
    )


def _origin(norm: Norm, trace: Trace, successors: dict[int, set[int]]) -> Origin:
    article = trace.article
    return Origin(trace, article, excerpt_of(norm.text, article.text), article.source_id in successors)


def _versions(anchor: Norm, gone: set[int]) -> tuple[VersionRow, ...]:
    """The line of the anchor's source, the oldest first, with the article that stands in its place in each."""
    sources = line_of_source(anchor.source)
    if len(sources) < 2:
        return ()
    rows: list[VersionRow] = []
    before: Norm | None = None
    for source in sources:
        if source.pk == anchor.source_id:
            article: Norm | None = anchor
        else:
            found = counterpart(anchor.text, anchor.article, source.pk)
            article = found.article if found else None
        same = bool(before and article and bare_wording(before.text) == bare_wording(article.text))
        pieces = _changes(before.text, article.text) if before and article and not same else ()
        rows.append(VersionRow(source, article, pieces, same, source.pk in gone))
        before = article or before
    return tuple(rows)


def _wordings(
    norm: Norm, articles: Sequence[Norm], successors: dict[int, set[int]]
) -> tuple[NewWording, ...]:
    found: dict[int, NewWording] = {}
    for article in articles:
        for row in renewed_wording(norm.text, article, successors):
            part = excerpt_of(norm.text, row.article.text).quoted or row.article.text
            found.setdefault(row.article.pk, NewWording(row.article, part, _changes(norm.text, part)))
    return tuple(found.values())


def waiting_proposals() -> QuerySet[Trace]:
    """Proposals in the order in which they are decided: the surest first. The same words in several statutes come
    last: at most one of those is the one that was quoted."""
    rows = Trace.objects.filter(state=Trace.State.PROPOSED).annotate(rank=_QUEUE)
    return rows.order_by("rank", "-score", "norm_id", "pk")


def proposal_queue(skipped: Sequence[int] = ()) -> ProposalQueue:
    """What is to be decided next, the `skipped` ones (ids) last."""
    waiting = waiting_proposals()
    left = waiting.count()
    related = ("norm__source", "article__source__corpus")
    trace = waiting.exclude(pk__in=skipped).select_related(*related).first()
    if trace is None:
        trace = waiting.select_related(*related).first()
    decided = Trace.objects.filter(state__in=(Trace.State.CONFIRMED, Trace.State.REJECTED)).count()
    return ProposalQueue(_proposal(trace) if trace is not None else None, left, decided)


def _proposal(trace: Trace) -> Proposal:
    parted = excerpt_of(trace.norm.text, trace.article.text)
    others = (
        Trace.objects.filter(norm=trace.norm_id)
        .exclude(pk=trace.pk)
        .exclude(state=Trace.State.REJECTED)
        .select_related("article__source")
        .order_by("-score", "pk")
    )
    return Proposal(
        trace, parted, _changes(trace.norm.text, parted.quoted or trace.article.text), tuple(others)
    )


def _changes(first: str, second: str) -> tuple[Piece, ...]:
    return without_layout(compare(first, second))


def outdated_norms(user: Any) -> QuerySet[Norm]:
    """Norms of benchmarks on outdated law that the reader may see."""
    rows = Norm.objects.visible_to(user).filter(standing=Norm.Standing.OUTDATED)
    return rows.select_related("source__corpus", "renewal").defer("search_terms").order_by("source_id", "pk")


def outdated_rows(user: Any, norms: Iterable[Norm], *, today: date) -> list[OutdatedRow]:
    """Rows of the list for renewal: old wording, its article, and what stands there now."""
    norms = list(norms)
    successors = superseded_sources(today)
    traces = established(norm.pk for norm in norms)
    versions = current_versions(visible_versions(user))
    items = Item.objects.visible_to(user).filter(norm__in=norms, version__in=versions)
    counts = dict(items.order_by().values_list("norm").annotate(n=Count("pk")))
    rows = []
    for norm in norms:
        origins = tuple(_origin(norm, row, successors) for row in traces.get(norm.pk, []))
        wordings = _wordings(norm, [origin.article for origin in origins], successors)
        rows.append(OutdatedRow(norm, origins, wordings, counts.get(norm.pk, 0)))
    return rows


def outdated_items(user: Any) -> list[tuple[Any, int, int]]:
    """(version, its items on outdated law, all its items) of current versions with any, for this reader."""
    found = []
    versions = {version.pk: version for version in visible_versions(user)}
    items = Item.objects.visible_to(user).filter(version__in=current_versions(versions.values()))
    totals = dict(items.order_by().values_list("version").annotate(n=Count("pk")))
    outdated = items.filter(norm__standing=Norm.Standing.OUTDATED)
    for version, count in outdated.order_by("version").values_list("version").annotate(n=Count("pk")):
        found.append((versions[version], count, totals[version]))
    return found


def with_origin(rows: NormQuerySet) -> NormQuerySet:
    """`rows` with the article that each is surely quoted from, for `origin_of`: no query of its own."""
    traces = Trace.objects.filter(norm=OuterRef("pk"), state__in=Trace.COUNTS).exclude(article=OuterRef("pk"))
    first = traces.order_by(_ORDER, F("article__source__version_date").desc(nulls_last=True), "pk")
    return rows.annotate(
        **{f"origin_{name}": Subquery(first.values(field)[:1]) for name, field in _ORIGIN.items()}
    )


def with_traces_known(rows: NormQuerySet) -> NormQuerySet:
    """`rows` with `traces_known`: whether any trace that was not rejected speaks of them."""
    traces = Trace.objects.filter(norm=OuterRef("pk")).exclude(state=Trace.State.REJECTED)
    return rows.annotate(traces_known=Exists(traces))


def origin_of(norm: Any) -> Norm | None:
    """The article that `with_origin` found, with what a link needs: not to be saved."""
    if norm.origin_pk is None or norm.is_article:
        return None
    source = Source(title=norm.origin_title, corpus=Corpus(language=norm.origin_language))
    return Norm(pk=norm.origin_pk, article=norm.origin_article, source=source)


@dataclass(frozen=True, slots=True)
class NormTabs:
    """Counts for the pages about norms; `waiting` is None for those who do not decide."""

    outdated: int
    waiting: int | None


def norm_tabs(user: Any) -> NormTabs:
    """Two queries at most."""
    waiting = Trace.objects.filter(state=Trace.State.PROPOSED).count() if is_researcher(user) else None
    return NormTabs(outdated_norms(user).count(), waiting)
