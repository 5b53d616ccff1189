"""Answers that experts and referees wrote themselves, and the texts behind the numbers of answers.

An answer's number is its response's id, or a number below zero where an expert (even) or a referee (odd) wrote it, so
that both fit one column of numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from django.db.models import Func, IntegerField, Value
from numpy.typing import NDArray

from annotation.models import Label, Ruling
from benchmark.models import Kind, Response
from benchmark.rules.rubric import QUALITY_CRITERIA
from training.queries.labels import rubric_labels, rubric_rulings

WHITE_SPACE = "".join(chr(point) for point in range(0x3001) if chr(point).isspace())
"""What `str.strip` takes away."""

CHUNK = 500
WEIGHTS = dict(zip(QUALITY_CRITERIA, (0.4, 0.3, 0.2, 0.1), strict=True))


def label_number(pk: int) -> int:
    return -2 * pk


def ruling_number(pk: int) -> int:
    return -2 * pk - 1


def is_ruling(number: int) -> bool:
    """Whether a referee wrote the answer of this number."""
    return number < 0 and number % 2 == 1


@dataclass(frozen=True, slots=True)
class Written:
    """A correction. `response`: the answer it is to replace, with its `score` in [-1, 1] by the same expert. `said`: the
    label's or ruling's id. `length`: characters."""

    number: int
    item: int
    response: int
    score: float
    said: int
    length: int


@dataclass(frozen=True, slots=True)
class AnswerText:
    """`text` without surrounding white space. `entry`: slug of the entry whose answer it is, or was to be replaced."""

    text: str
    entry: str
    response: int


class TrimmedLength(Func):
    """Characters of a text after `str.strip`, counted by the database; PostgreSQL and SQLite agree."""

    template = "LENGTH(BTRIM(%(expressions)s))"
    arity = 2
    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="LENGTH(TRIM(%(expressions)s))", **context)


def stream_corrections(campaigns: Sequence[str], items: Container[int]) -> Iterator[Written]:
    """What was written on answers to these items: the newest version of each, none where a referee found the norm silent."""
    names = list(campaigns) or None
    rows: Any = rubric_rulings(names).exclude(correction="").exclude(answers=None).order_by("pk")
    fields = ("pk", "task__response_id", "task__response__item_id", "answers", "correction")
    for pk, response, item, answers, text in rows.values_list(*fields).iterator(chunk_size=CHUNK):
        if item in items and text.strip():
            yield Written(ruling_number(pk), item, response, score_of(answers), pk, len(text.strip()))
    silent = Ruling.objects.filter(decision=Ruling.Decision.NORM_SILENT).values("task_id")
    rows = rubric_labels(names).filter(current=True).exclude(correction="").exclude(task__in=silent)
    rows = rows.order_by("pk").values_list(
        "pk", "task__response_id", "task__response__item_id", "correction", "r1", "r2", *QUALITY_CRITERIA
    )
    for pk, response, item, text, *values in rows.iterator(chunk_size=CHUNK):
        if item in items and text.strip():
            answers = dict(zip(("r1", "r2", *QUALITY_CRITERIA), values, strict=True))
            yield Written(label_number(pk), item, response, score_of(answers), pk, len(text.strip()))


def score_of(answers: dict[str, int | None]) -> float:
    """-1 for a risky answer, else its weighted quality."""
    if answers["r1"] == -1 or answers["r2"] == -1:
        return -1.0
    return sum((weight * (answers[name] or 0) for name, weight in WEIGHTS.items()), 0.0)


def lengths_of(answers: NDArray[np.int64], benchmarks: Sequence[str]) -> NDArray[np.int64]:
    """Characters of each of these answers of entries, in their order; 0 for what no entry said."""
    lengths = np.zeros(len(answers), dtype=np.int64)
    if not len(answers):
        return lengths
    order = np.argsort(answers, kind="stable")
    ordered = answers[order]
    rows = Response.objects.filter(item__split="dev", item__kind=Kind.SUBJECTIVE)
    if benchmarks:
        rows = rows.filter(item__version__benchmark__slug__in=benchmarks)
    if len(answers) <= CHUNK:
        rows = rows.filter(pk__in=answers.tolist())
    counted = rows.order_by().values_list("pk", TrimmedLength("text", Value(WHITE_SPACE)))
    stream = counted.iterator(chunk_size=5000)
    while found := list(islice(stream, 5000)):
        numbers, counts = np.array(found, dtype=np.int64).T
        places = np.minimum(np.searchsorted(ordered, numbers), len(ordered) - 1)
        known = ordered[places] == numbers
        lengths[order[places[known]]] = counts[known]
    return lengths


def texts_of(numbers: Collection[int]) -> dict[int, AnswerText]:
    """The texts of these answers; for some hundreds at a time."""
    found: dict[int, AnswerText] = {}
    responses = [number for number in numbers if number > 0]
    for pk, text, entry in _rows(Response, responses, "text", "submission__entry__slug"):
        found[pk] = AnswerText(text.strip(), entry, pk)
    labels = {number // -2: number for number in numbers if number < 0 and number % 2 == 0}
    rulings = {(number + 1) // -2: number for number in numbers if is_ruling(number)}
    behind = ("correction", "task__response__submission__entry__slug", "task__response_id")
    for model, wanted in ((Label, labels), (Ruling, rulings)):
        for pk, text, entry, response in _rows(model, list(wanted), *behind):
            found[wanted[pk]] = AnswerText(text.strip(), entry, response)
    return found


def _rows(model: Any, wanted: list[int], *fields: str) -> Iterable[tuple[Any, ...]]:
    for first in range(0, len(wanted), CHUNK):
        yield from model.objects.filter(pk__in=wanted[first : first + CHUNK]).values_list("pk", *fields)
