"""What SFT and DPO datasets are drawn from: answers to open free questions, with what was said about each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from annotation.models import Campaign, Label, Task
from benchmark.models import Guardian, Item, Judgement, Kind, Response
from benchmark.rules.rubric import QUALITY_CRITERIA
from training.queries.labels import labelled_responses
from training.rules.guardian_rows import target_of
from training.rules.pairs import Comparison
from training.rules.recipe import Recipe

CHUNK = 500
WEIGHTS = dict(zip(QUALITY_CRITERIA, (0.4, 0.3, 0.2, 0.1), strict=True))


@dataclass(frozen=True, slots=True)
class OpenItem:
    """A free question of the split dev. `group`: key of its norm group, or its cluster where it has no norm."""

    pk: int
    code: str
    benchmark: str
    group: str
    question: str


@dataclass(frozen=True, slots=True)
class Said:
    """What one source says of an answer: `risk` and `quality` in [0, 1], `score` in [-1, 1] as DESIGN defines it."""

    item: int
    response: int
    risk: float
    quality: float
    origin: str
    lineage: tuple[int, ...] = ()

    @property
    def score(self) -> float:
        return -self.risk + (1 - self.risk) * self.quality


def open_items(recipe: Recipe) -> dict[int, OpenItem]:
    """Free questions of `dev`, by id."""
    rows = Item.objects.filter(kind=Kind.SUBJECTIVE, split="dev").order_by("pk")
    if recipe.benchmarks:
        rows = rows.filter(version__benchmark__slug__in=recipe.benchmarks)
    fields = ("pk", "code", "version__benchmark__slug", "norm__group__key", "cluster", "question")
    return {
        pk: OpenItem(pk, code, benchmark, key or cluster, question)
        for pk, code, benchmark, key, cluster, question in rows.values_list(*fields).iterator(chunk_size=2000)
    }


def closed_questions() -> Iterator[str]:
    """Questions of every split but dev, of all benchmarks."""
    return (
        Item.objects.exclude(split="dev")
        .values_list("question", flat=True)
        .order_by("pk")
        .iterator(chunk_size=2000)
    )


def said_by_experts(recipe: Recipe, items: dict[int, OpenItem]) -> Iterator[Said]:
    """Rulings first, then what the labels share; where experts disagree, their mean."""
    found = {row.response: row for row in labelled_responses(list(recipe.campaigns) or None)}
    for item, response in _responses_of(list(found), items):
        row = found[response]
        target = target_of(row.labels, row.rulings)
        if target is None:
            continue
        p = target.probabilities
        risk = max(p["r1"] or 0.0, p["r2"] or 0.0)
        quality = sum(weight * (p[name] or 0.0) for name, weight in WEIGHTS.items())
        origin = "ruling" if target.origin == "ruling" else "label"
        yield Said(item, response, risk, quality, origin, (*row.label_ids, *row.ruling_ids))


def said_by_guardian(guardian: Guardian, items: dict[int, OpenItem]) -> Iterator[Said]:
    """A guardian's opinion of every answer to the items, from its probabilities, streamed."""
    rows = (
        Judgement.objects.filter(
            scorer=guardian.scorer_id, outcome="judged", p__isnull=False, response__item__split="dev"
        )
        .order_by("pk")
        .values_list("pk", "response_id", "response__item_id", "p")
    )
    for pk, response, item, p in rows.iterator(chunk_size=5000):
        if p and item in items:
            risk = 1 - (1 - p["r1"]) * (1 - p["r2"])
            quality = sum(weight * p[name] for name, weight in WEIGHTS.items())
            yield Said(item, response, risk, quality, "guardian", (pk,))


def comparisons(recipe: Recipe, items: dict[int, OpenItem]) -> Iterator[tuple[Comparison, int]]:
    """Experts' pair labels on answers to the items, with the label's id. Late and undone ones are left out."""
    rows = Label.objects.filter(
        campaign__kind=Campaign.Kind.PAIRS,
        task__purpose=Task.Purpose.REAL,
        task__other__isnull=False,
        current=True,
        extra=False,
        undone_at=None,
    ).order_by("pk")
    if recipe.campaigns:
        rows = rows.filter(campaign__slug__in=recipe.campaigns)
    fields = ("pk", "task__item_id", "task__response_id", "task__other_id", "answers")
    for pk, item, a, b, answers in rows.values_list(*fields).iterator(chunk_size=5000):
        if item in items and answers:
            yield Comparison(item, a, b, answers["better"], answers["by"]), pk


def _responses_of(responses: list[int], items: dict[int, OpenItem]) -> Iterator[tuple[int, int]]:
    for first in range(0, len(responses), CHUNK):
        rows = Response.objects.filter(pk__in=responses[first : first + CHUNK]).order_by("pk")
        for pk, item in rows.values_list("pk", "item_id"):
            if item in items:
                yield item, pk


def texts_of(responses: list[int]) -> dict[int, tuple[str, str]]:
    """Response id → (its text, its entry's slug)."""
    found = {}
    for first in range(0, len(responses), CHUNK):
        rows = Response.objects.filter(pk__in=responses[first : first + CHUNK])
        for pk, text, entry in rows.values_list("pk", "text", "submission__entry__slug"):
            found[pk] = (text, entry)
    return found
