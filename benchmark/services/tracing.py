"""Finds the article of each norm, takes a researcher's decision on what is not certain, and keeps each norm's standing.

What a run looked with (the rules' version, the threshold, the articles) makes a key that each norm keeps: a second run
over the same law does nothing. Nothing below the exact level is ever linked without a person, and an exact wording that
stands in several statutes is proposed as well, since nobody but a person can say which one was quoted.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from benchmark.errors import BadInput, NotAllowed
from benchmark.models import Board, Corpus, Item, Norm, Source, Trace
from benchmark.policies import can_decide_on_norms
from benchmark.queries.lineage import lines_of, superseded_sources
from benchmark.rules.lineage import is_outdated
from benchmark.rules.tracing import THRESHOLD, VERSION, ArticleIndex, Found, Level
from benchmark.rules.wording import bare_letters

BATCH = 500
_State = Trace.State


@dataclass(frozen=True)
class TracePlan:
    """`corpus`: slug of the norms' corpus, `against`: of the articles' ("" for all of the same language).

    `again`: trace also what was traced with the same law before.
    """

    today: date
    corpus: str = ""
    against: str = ""
    threshold: float = THRESHOLD
    again: bool = False
    progress: Callable[[int], None] = lambda count: None


@dataclass
class TraceReport:
    """Counts of norms by the best that was found for them, and what stands elsewhere than its source says."""

    norms: int = 0
    articles: int = 0
    unchanged: int = 0
    found: Counter[str] = field(default_factory=Counter)
    ambiguous: int = 0
    proposals: int = 0
    disagreements: list[dict[str, Any]] = field(default_factory=list)
    standing: dict[str, int] = field(default_factory=dict)
    boards: list[int] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        levels = ("exact", "excerpt", "near", "none")
        return {
            "norms": self.norms,
            "articles": self.articles,
            "traced": self.norms - self.unchanged,
            "unchanged": self.unchanged,
            **{level: self.found[level] for level in levels},
            "ambiguous": self.ambiguous,
            "proposed": self.proposals,
            "disagreements": self.disagreements,
            "standing": self.standing,
            "boards": self.boards,
        }


@dataclass(frozen=True, slots=True)
class _Article:
    pk: int
    source: int
    label: str


def trace_norms(plan: TracePlan) -> TraceReport:
    """Traces every norm of a benchmark's corpus, then brings all standings up to date.

    Raises BadInput for a corpus that does not exist or holds no articles.
    """
    _check(plan)
    report = TraceReport()
    for language in sorted(set(_articles(plan).values_list("source__corpus__language", flat=True))):
        _trace_language(plan, language, report)
    report.standing = refresh_standing(today=plan.today)
    report.boards = boards_on_outdated_law()
    return report


def _check(plan: TracePlan) -> None:
    for slug in filter(None, (plan.corpus, plan.against)):
        if not Corpus.objects.filter(slug=slug).exists():
            raise BadInput(_("There is no corpus “%(slug)s”.") % {"slug": slug})
    if not 0 < plan.threshold <= 1:
        raise BadInput(_("The threshold is a share above 0 and up to 1."))
    if plan.against and not _articles(plan).exists():
        raise BadInput(_("The corpus “%(slug)s” holds no articles.") % {"slug": plan.against})


def _articles(plan: TracePlan) -> QuerySet[Norm]:
    rows = Norm.objects.exclude(place=None)
    return rows.filter(source__corpus__slug=plan.against) if plan.against else rows


def _trace_language(plan: TracePlan, language: str, report: TraceReport) -> None:
    rows = _articles(plan).filter(source__corpus__language=language).order_by("pk")
    norms = _quotations(plan, language)
    key = _key(plan, rows)
    report.norms += norms.count()
    waiting = norms if plan.again else norms.exclude(trace_key=key)
    report.unchanged += report.norms - waiting.count()
    if not waiting.exists():
        report.articles += rows.count()
        return
    run = _Run(plan, key, rows, report)
    report.articles += len(run)
    done = 0
    ids = list(waiting.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        with transaction.atomic():
            run.trace(batch)
        done += len(batch)
        plan.progress(done)


def _quotations(plan: TracePlan, language: str) -> QuerySet[Norm]:
    """Norms that items may be about: what came with benchmarks, and articles that items ask about directly."""
    asked = Exists(Item.objects.filter(norm=OuterRef("pk")))
    norms = Norm.objects.filter(source__corpus__language=language).filter(Q(place=None) | asked)
    return norms.filter(source__corpus__slug=plan.corpus) if plan.corpus else norms


def _key(plan: TracePlan, rows: QuerySet[Norm]) -> str:
    digest = hashlib.sha256(f"{VERSION} {plan.threshold} {plan.against}".encode())
    for pk, text_hash in rows.values_list("pk", "text_hash").iterator(2000):
        digest.update(f"{pk} {text_hash}\n".encode())
    # A succession that was confirmed or rejected changes what is ambiguous.
    sources = set(rows.values_list("source_id", flat=True))
    for source, line in sorted(lines_of(sources).items()):
        if source in sources:
            digest.update(f"{source}>{line}\n".encode())
    return digest.hexdigest()


class _Run:
    """The index over the articles of one language, and what happens to each norm."""

    def __init__(self, plan: TracePlan, key: str, rows: QuerySet[Norm], report: TraceReport) -> None:
        self._plan, self._key, self._report = plan, key, report
        self._articles: list[_Article] = []
        texts: list[str] = []
        for pk, source, label, text in rows.values_list("pk", "source_id", "article", "text").iterator(2000):
            self._articles.append(_Article(pk, source, label))
            texts.append(text)
        self._index = ArticleIndex(texts)
        sources = Source.objects.filter(pk__in={article.source for article in self._articles})
        self._families = {source.pk: bare_letters(source.family or source.title) for source in sources}
        self._lines = lines_of(self._families)

    def __len__(self) -> int:
        return len(self._articles)

    def trace(self, ids: Sequence[int]) -> None:
        """One batch, inside a transaction."""
        norms = list(
            Norm.objects.filter(pk__in=ids).select_related("source").defer("search_terms").order_by("pk")
        )
        known: dict[tuple[int, int], Trace] = {}
        for row in Trace.objects.filter(norm__in=ids):
            known[(row.norm_id, row.article_id)] = row
        new: list[Trace] = []
        changed: list[Trace] = []
        for norm in norms:
            for trace in self._traces(norm):
                before = known.pop((norm.pk, trace.article_id), None)
                if before is None:
                    new.append(trace)
                elif before.state in (_State.CERTAIN, _State.PROPOSED):
                    before.state, before.level, before.score = trace.state, trace.level, trace.score
                    changed.append(before)
        stale = [row.pk for row in known.values() if row.state in (_State.CERTAIN, _State.PROPOSED)]
        Trace.objects.filter(pk__in=stale).delete()
        Trace.objects.bulk_create(new, batch_size=BATCH)
        Trace.objects.bulk_update(changed, ["state", "level", "score"], batch_size=BATCH)
        Norm.objects.filter(pk__in=ids).update(trace_key=self._key)

    def _traces(self, norm: Norm) -> list[Trace]:
        found = self._index.trace(norm.text, threshold=self._plan.threshold)
        best = found[0].level.value if found else "none"
        self._report.found[best] += 1
        stated = self._stated(norm)
        if stated:
            self._compare(norm, stated, found)
        if best != Level.EXACT:
            self._report.proposals += len(found)
            return [self._trace(norm, row, _State.PROPOSED) for row in found]
        chosen = self._chosen(norm, stated, found)
        certain = self._is_one_place(chosen)
        if not certain:
            self._report.ambiguous += 1
            self._report.proposals += len(chosen)
        return [self._trace(norm, row, _State.CERTAIN if certain else _State.PROPOSED) for row in chosen]

    def _chosen(self, norm: Norm, stated: set[int], found: list[Found]) -> list[Found]:
        """Of exact places those that the norm itself names: its source, and there its article."""
        there = [row for row in found if self._articles[row.article].source in stated]
        label = bare_letters(norm.article)
        named = [row for row in there if label and bare_letters(self._articles[row.article].label) == label]
        return named or there or found

    def _trace(self, norm: Norm, row: Found, state: str) -> Trace:
        article = self._articles[row.article].pk
        return Trace(
            norm=norm, article_id=article, level=row.level.value, score=round(row.score, 4), state=state
        )

    def _is_one_place(self, found: Sequence[Found]) -> bool:
        """One line of versions, and in each version one article."""
        articles = [self._articles[row.article] for row in found]
        sources = Counter(article.source for article in articles)
        return len({self._lines[source] for source in sources}) == 1 and max(sources.values()) == 1

    def _stated(self, norm: Norm) -> set[int]:
        """The sources that bear the title of the norm's own, all versions; empty where it states none at hand."""
        if norm.source.kind == Source.Kind.UNSTATED and not norm.is_article:
            return set()
        title = bare_letters(norm.source.title)
        fitting = [family for family in set(self._families.values()) if title.endswith(family)]
        family = max(fitting, key=len, default=None)
        return {source for source, name in self._families.items() if name == family}

    def _compare(self, norm: Norm, stated: set[int], found: Sequence[Found]) -> None:
        """Notes a quotation that its stated source does not hold word for word, or holds under another article."""
        exact = [self._articles[row.article] for row in found if row.level == Level.EXACT]
        there = [article for article in exact if article.source in stated]
        labels = {bare_letters(article.label) for article in there}
        if there and (not norm.article or bare_letters(norm.article) in labels):
            return
        place = {"norm": norm.pk, "code": norm.code, "source": norm.source.title, "article": norm.article}
        self._report.disagreements.append(
            {
                **place,
                "reason": "other_article" if there else "not_word_for_word",
                "found": [article.label for article in there],
            }
        )


@transaction.atomic
def refresh_standing(*, today: date, norms: Iterable[int] | None = None) -> dict[str, int]:
    """Sets `standing` of all norms (or of `norms`) from their traces; returns how many there are of each."""
    gone = set(superseded_sources(today))
    wanted = Norm.objects.all() if norms is None else Norm.objects.filter(pk__in=list(norms))
    links = Trace.objects.filter(state__in=Trace.COUNTS)
    if norms is not None:
        links = links.filter(norm__in=wanted)
    exact: dict[int, list[int]] = defaultdict(list)
    others: dict[int, list[int]] = defaultdict(list)
    for norm, source, level in links.values_list("norm_id", "article__source_id", "level").iterator(2000):
        (exact if level == Level.EXACT else others)[norm].append(source)
    after: dict[str, list[int]] = {value: [] for value in Norm.Standing.values}
    for norm in {*exact, *others}:
        outdated = is_outdated(exact.get(norm, []), others.get(norm, []), gone)
        after[Norm.Standing.OUTDATED if outdated else Norm.Standing.CURRENT].append(norm)
    traced = {*exact, *others}
    before = dict(wanted.exclude(standing=Norm.Standing.UNTRACED).values_list("pk", "standing"))
    after[Norm.Standing.UNTRACED] = [norm for norm in before if norm not in traced]
    for standing, rows in after.items():
        changed = [norm for norm in rows if before.get(norm, Norm.Standing.UNTRACED) != standing]
        for start in range(0, len(changed), BATCH):
            Norm.objects.filter(pk__in=changed[start : start + BATCH]).update(standing=standing)
    # Articles that nobody quotes are no norms of a benchmark and would drown the figures.
    counted = Norm.objects.filter(Q(place=None) | Exists(Item.objects.filter(norm=OuterRef("pk"))))
    totals = Counter(counted.values_list("standing", flat=True))
    return {value: totals[value] for value in Norm.Standing.values}


def boards_on_outdated_law() -> list[int]:
    """Boards of frozen versions that ask items on outdated law, or did when they were last looked at."""
    outdated = Exists(
        Item.objects.filter(
            version=OuterRef("version"),
            kind=OuterRef("kind"),
            split=OuterRef("split"),
            norm__standing="outdated",
        )
    )
    boards = Board.objects.filter(version__state="frozen").filter(outdated | Q(renewal__outdated__gt=0))
    return list(boards.order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def decide_trace(*, actor: Any, trace: Trace, confirm: bool, today: date) -> Trace:
    """Confirms or rejects a proposal, or the other way round; sets the norm's standing. Raises NotAllowed, BadInput."""
    if not can_decide_on_norms(actor):
        raise NotAllowed()
    row = Trace.objects.select_for_update().get(pk=trace.pk)
    if row.state == _State.CERTAIN:
        raise BadInput(_("This wording stands in one article only; there is nothing to decide."))
    row.state = _State.CONFIRMED if confirm else _State.REJECTED
    row.decided_by, row.decided_at = actor, timezone.now()
    row.save(update_fields=["state", "decided_by", "decided_at"])
    refresh_standing(today=today, norms=[row.norm_id])
    return row


@transaction.atomic
def undo_decision(*, actor: Any, trace: Trace, today: date) -> Trace:
    """Makes a decided trace a proposal again. Raises NotAllowed, BadInput."""
    if not can_decide_on_norms(actor):
        raise NotAllowed()
    row = Trace.objects.select_for_update().get(pk=trace.pk)
    if row.state not in (_State.CONFIRMED, _State.REJECTED):
        raise BadInput(_("Nobody has decided on this yet."))
    row.state, row.decided_by, row.decided_at = _State.PROPOSED, None, None
    row.save(update_fields=["state", "decided_by", "decided_at"])
    refresh_standing(today=today, norms=[row.norm_id])
    return row
