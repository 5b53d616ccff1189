"""Versions of the law: which sources were superseded, and what stands in an article's place in another version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from benchmark.models import Norm, Source, Succession
from benchmark.rules.lineage import effective_date, heads, lines, superseded
from benchmark.rules.tracing import coverage
from benchmark.rules.wording import bare_wording

LEAST_ALIKE = 0.3
"""An article that shares less with another than this share of the letters is not its counterpart."""


@dataclass(frozen=True, slots=True)
class Counterpart:
    """An article of another version; `score`: the share of the older wording that it keeps, 0 to 1."""

    article: Norm
    score: float


def superseded_sources(today: date) -> dict[int, set[int]]:
    """source -> those that took its place by `today`, of certain and confirmed successions."""
    pairs = list(Succession.objects.filter(state__in=Succession.COUNTS).values_list("newer_id", "older_id"))
    dates = Source.objects.filter(pk__in={newer for newer, _older in pairs}).values_list(
        "pk", "in_force", "version_date"
    )
    return superseded(pairs, {pk: effective_date(*days) for pk, *days in dates}, today)


def lines_of(sources: Iterable[int]) -> dict[int, int]:
    """source -> its line: versions and what they replaced, proposed successions included, rejected ones not; and what
    bears the same title, in whatever corpus."""
    pairs = list(
        Succession.objects.exclude(state=Succession.State.REJECTED).values_list("newer_id", "older_id")
    )
    families: dict[str, int] = {}
    for pk, family in Source.objects.exclude(family="").order_by("pk").values_list("pk", "family"):
        first = families.setdefault(family, pk)
        if first != pk:
            pairs.append((pk, first))
    return lines(sources, pairs)


def line_of_source(source: Source) -> list[Source]:
    """All versions of the line of `source` in its corpus, the oldest first; itself alone where nothing else is known."""
    found = lines_of([source.pk])
    members = [pk for pk, line in found.items() if line == found[source.pk]]
    rows = Source.objects.filter(pk__in=members, corpus=source.corpus_id)
    return sorted(rows, key=lambda row: (row.version_date or date.min, row.pk))


def counterpart(text: str, label: str, source: int) -> Counterpart | None:
    """The article of `source` that says what `text` says: of its number, unless another is clearly closer.

    None where no article shares `LEAST_ALIKE` of its words.
    """
    bare = bare_wording(text)
    best: Counterpart | None = None
    articles = Norm.objects.filter(source=source).exclude(place=None).defer("search_terms")
    for article in articles.select_related("source").order_by("place", "pk"):
        score = coverage(bare, bare_wording(article.text))
        # The number alone proves nothing, but tips the scale between two that are alike.
        weighed = score + (0.05 if article.article == label else 0.0)
        if best is None or weighed > best.score + (0.05 if best.article.article == label else 0.0):
            best = Counterpart(article, score)
    return best if best is not None and best.score >= LEAST_ALIKE else None


def renewed_wording(text: str, article: Norm, successors: Mapping[int, set[int]]) -> list[Counterpart]:
    """What stands today in the place of an article of a superseded source: one for each source that holds now and
    has a counterpart, the closest first."""
    found = [
        counterpart(text, article.article, source)
        for source in sorted(heads(article.source_id, successors) - {article.source_id})
    ]
    return sorted((row for row in found if row is not None), key=lambda row: -row.score)
