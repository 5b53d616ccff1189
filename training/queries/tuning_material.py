"""What SFT and DPO datasets are drawn from: open free questions, and what was said about the answers to them.

A million judgements pass through here one by one and stay as columns of numbers (`Opinions`), forty bytes each. Texts
are fetched for the rows that may be written, and for no others (`texts_of`, `lengths_of`).
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from annotation.models import Campaign, Label, Task
from benchmark.models import Guardian, Item, Judgement, Kind, Response
from training.queries.corrections import WEIGHTS, Written, is_ruling, stream_corrections
from training.queries.labels import LabelledResponse, norm_silent, stream_labelled
from training.rules.guardian_rows import target_of
from training.rules.pairs import Comparison
from training.rules.recipe import Recipe
from training.rules.sft_rows import ORIGINS, Origin

CHUNK = 500
EVERY = 5000
READING = "reading judgements"
Progress = Callable[[int, int, str], None]
"""Done, of, and what is being done; may raise to stop the work."""


@dataclass(frozen=True, slots=True)
class OpenItem:
    """A free question of the split dev. `group`: key of its norm group, or its cluster where it has no norm."""

    pk: int
    code: str
    benchmark: str
    group: str
    scenario: str


@dataclass(frozen=True, slots=True)
class Spoken:
    """Ids of the labels and rulings behind the opinion on an answer."""

    labels: tuple[int, ...] = ()
    rulings: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Opinions:
    """One opinion on each answer, in columns sorted by item and answer: the experts' where there is one, else the
    guardian's.

    `risk` and `quality` in [0, 1]. `origin`: place in `sft_rows.ORIGINS`. `said`: the judgement's id, 0 where experts
    spoke; what they said stands in `lineage` by answer. What experts wrote themselves is an answer too (`written`).
    `silent`: answers on which there is no opinion, since a referee found the norm silent.
    """

    item: NDArray[np.int64]
    answer: NDArray[np.int64]
    origin: NDArray[np.int8]
    risk: NDArray[np.float64]
    quality: NDArray[np.float64]
    said: NDArray[np.int64]
    lineage: dict[int, Spoken]
    written: dict[int, Written]
    silent: int

    def __len__(self) -> int:
        return len(self.item)

    def score(self, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """Of the opinions at these places, in [-1, 1], as the design defines it."""
        risk = self.risk[places]
        return -risk + (1 - risk) * self.quality[places]

    def behind(self, place: int) -> dict[str, list[int]]:
        """Ids of what stands behind the opinion at this place: `labels` and `rulings`, or `judgements`; none empty."""
        found = self.lineage.get(int(self.answer[place]))
        if found is None:
            return {"judgements": [int(self.said[place])]}
        ids = {"labels": list(found.labels), "rulings": list(found.rulings)}
        return {name: of for name, of in ids.items() if of}

    def behind_number(self, item: int, answer: int) -> dict[str, list[int]]:
        """As `behind`, of an answer to this item."""
        first, end = np.searchsorted(self.item, item), np.searchsorted(self.item, item, side="right")
        return self.behind(int(first + np.searchsorted(self.answer[first:end], answer)))


@dataclass(slots=True)
class _Columns:
    numbers: dict[str, array[Any]] = field(
        default_factory=lambda: {
            "item": array("q"),
            "answer": array("q"),
            "origin": array("b"),
            "risk": array("d"),
            "quality": array("d"),
            "said": array("q"),
        }
    )

    def add(self, item: int, answer: int, origin: Origin, risk: float, quality: float, said: int) -> None:
        values = (item, answer, ORIGINS.index(origin), risk, quality, said)
        for column, value in zip(self.numbers.values(), values, strict=True):
            column.append(value)

    def sorted(self, lineage: dict[int, Spoken], written: dict[int, Written], silent: int) -> Opinions:
        found = {name: np.asarray(column) for name, column in self.numbers.items()}
        order = np.lexsort((found["answer"], found["item"]))
        return Opinions(
            **{name: column[order] for name, column in found.items()},
            lineage=lineage,
            written=written,
            silent=silent,
        )


def open_items(recipe: Recipe) -> dict[int, OpenItem]:
    """Free questions of `dev`, by id, without their texts."""
    rows = _dev_items(recipe)
    fields = ("pk", "code", "version__benchmark__slug", "norm__group__key", "cluster", "scenario__slug")
    shared: dict[str, str] = {}
    return {
        pk: OpenItem(pk, code, shared.setdefault(benchmark, benchmark), key or cluster, scenario or "")
        for pk, code, benchmark, key, cluster, scenario in rows.values_list(*fields).iterator(chunk_size=2000)
    }


def open_questions(recipe: Recipe) -> Iterator[tuple[int, str]]:
    """(id, question) of the same items, streamed."""
    return _dev_items(recipe).values_list("pk", "question").iterator(chunk_size=2000)


def _dev_items(recipe: Recipe) -> QuerySet[Item]:
    rows = Item.objects.filter(kind=Kind.SUBJECTIVE, split="dev").order_by("pk")
    return rows.filter(version__benchmark__slug__in=recipe.benchmarks) if recipe.benchmarks else rows


def closed_questions() -> Iterator[str]:
    """Questions of every split but dev, of all benchmarks."""
    return (
        Item.objects.exclude(split="dev")
        .values_list("question", flat=True)
        .order_by("pk")
        .iterator(chunk_size=2000)
    )


def collect_opinions(
    recipe: Recipe, guardian: Guardian | None, items: dict[int, OpenItem], progress: Progress
) -> Opinions:
    """Corrections, then experts' rulings and labels, then a guardian's opinion of the answers nobody labelled."""
    columns = _Columns()
    lineage: dict[int, Spoken] = {}
    written: dict[int, Written] = {}
    if "corrections" in recipe.sources:
        for one in stream_corrections(recipe.campaigns, items):
            written[one.number] = one
            ids = (one.said,)
            lineage[one.number] = Spoken(rulings=ids) if is_ruling(one.number) else Spoken(labels=ids)
            columns.add(one.item, one.number, "correction", 0.0, 1.0, 0)
    judged = "labels" in recipe.sources or guardian is not None
    silent = norm_silent(recipe.campaigns, items) if judged else frozenset[int]()
    if "labels" in recipe.sources:
        for item, row in _with_items(stream_labelled(list(recipe.campaigns) or None), items):
            _take_experts(columns, lineage, item, row)
    if guardian is not None:
        _take_guardian(columns, lineage.keys() | silent, guardian, items, progress)
    return columns.sorted(lineage, written, len(silent))


def _take_experts(columns: _Columns, lineage: dict[int, Spoken], item: int, row: LabelledResponse) -> None:
    """The last ruling, else what the labels share; where experts disagree, their mean."""
    target = target_of(row.labels, row.rulings)
    if target is None:
        return
    p = target.probabilities
    risk = max(p["r1"] or 0.0, p["r2"] or 0.0)
    quality = sum(weight * (p[name] or 0.0) for name, weight in WEIGHTS.items())
    columns.add(item, row.response, "ruling" if target.origin == "ruling" else "label", risk, quality, 0)
    lineage[row.response] = Spoken(tuple(row.label_ids), tuple(row.ruling_ids))


def _take_guardian(
    columns: _Columns,
    spoken: Set[int],
    guardian: Guardian,
    items: dict[int, OpenItem],
    progress: Progress,
) -> None:
    """`spoken`: answers on which people have spoken."""
    rows = Judgement.objects.filter(
        scorer=guardian.scorer_id, outcome="judged", p__isnull=False, response__item__split="dev"
    ).order_by()
    total = rows.count()
    found = rows.values_list("pk", "response_id", "response__item_id", "p").iterator(chunk_size=EVERY)
    for number, (pk, response, item, p) in enumerate(found):
        if number % EVERY == 0:
            progress(number, total, READING)
        if p and item in items and response not in spoken:
            risk = 1 - (1 - p["r1"]) * (1 - p["r2"])
            quality = sum(weight * p[name] for name, weight in WEIGHTS.items())
            columns.add(item, response, "guardian", risk, quality, pk)


def _with_items(
    rows: Iterator[LabelledResponse], items: dict[int, OpenItem]
) -> Iterator[tuple[int, LabelledResponse]]:
    """The rows on answers to these items, with the item."""
    chunk: list[LabelledResponse] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield from _items_of(chunk, items)
            chunk = []
    yield from _items_of(chunk, items)


def _items_of(
    chunk: list[LabelledResponse], items: dict[int, OpenItem]
) -> Iterator[tuple[int, LabelledResponse]]:
    found = dict(Response.objects.filter(pk__in=[row.response for row in chunk]).values_list("pk", "item_id"))
    for row in chunk:
        if found[row.response] in items:
            yield found[row.response], row


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


def how_many_opinions() -> int:
    """Roughly how much there is to read: labels, and judgements of open answers."""
    judged = Judgement.objects.filter(response__item__split="dev", outcome="judged").count()
    return judged + Label.objects.filter(current=True).count()


def questions_of(items: Iterable[int]) -> dict[int, str]:
    """Item id → question; for a page of rows at a time."""
    return dict(Item.objects.filter(pk__in=list(items)).values_list("pk", "question"))
