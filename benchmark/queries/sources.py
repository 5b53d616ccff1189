"""The statutes at hand, version by version, and the successions that wait for a decision."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Q

from benchmark.models import Corpus, Source, Succession
from benchmark.queries.lineage import lines_of


@dataclass(frozen=True, slots=True)
class SourceLine:
    """Versions and what they replaced, the newest first; `articles` runs along `versions`."""

    versions: tuple[Source, ...]
    articles: tuple[int, ...]

    @property
    def newest(self) -> Source:
        return self.versions[0]


def source_lines(corpus: Corpus) -> list[SourceLine]:
    """The lines of a corpus of statutes, those with several versions first, then by title."""
    sources = list(
        Source.objects.filter(corpus=corpus).annotate(
            count=Count("norms", filter=Q(norms__place__isnull=False))
        )
    )
    lines = lines_of([source.pk for source in sources])
    members: dict[int, list[Source]] = defaultdict(list)
    for source in sources:
        members[lines[source.pk]].append(source)
    found = []
    for rows in members.values():
        rows.sort(key=lambda row: (row.version_date or date.min, row.pk), reverse=True)
        found.append(SourceLine(tuple(rows), tuple(row.count for row in rows)))  # type: ignore[attr-defined]
    return sorted(found, key=lambda line: (len(line.versions) < 2, line.newest.title, line.newest.pk))


def statute_corpora() -> list[Corpus]:
    """Corpora that hold articles, in the order of their import."""
    return list(Corpus.objects.filter(sources__norms__place__isnull=False).distinct().order_by("pk"))


def retitled(corpus: Corpus) -> list[Succession]:
    """Successions under a new title: those that wait first."""
    rows = Succession.objects.filter(newer__corpus=corpus).exclude(state=Succession.State.CERTAIN)
    rank = {Succession.State.PROPOSED: 0, Succession.State.CONFIRMED: 1, Succession.State.REJECTED: 2}
    return sorted(
        rows.select_related("newer", "older"), key=lambda row: (rank[Succession.State(row.state)], row.pk)
    )
