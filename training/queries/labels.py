"""The labels on each response, over all campaigns: what datasets of guardians are drawn from."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db.models import Max, Q, QuerySet

from annotation.models import Campaign, Label, Ruling, Task
from benchmark.rules.rubric import CRITERIA
from training.models import Dataset, TrainingKind
from training.rules.guardian_rows import GivenLabel, GivenRuling

RUBRIC_KINDS = (Campaign.Kind.RESPONSES, Campaign.Kind.GUARDIAN)


@dataclass(slots=True)
class LabelledResponse:
    """A response with what was said on it. `probability`: of the drawing that put it before experts, if any did."""

    response: int
    labels: list[GivenLabel] = field(default_factory=list)
    label_ids: list[int] = field(default_factory=list)
    rulings: list[GivenRuling] = field(default_factory=list)
    ruling_ids: list[int] = field(default_factory=list)
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class NewLabels:
    """What came in since the last guardian was trained. `since`: its dataset, None before the first."""

    labels: int
    rulings: int
    since: Dataset | None

    @property
    def total(self) -> int:
        return self.labels + self.rulings


def rubric_labels(campaigns: list[str] | None = None) -> QuerySet[Label]:
    """Labels by rubric on real tasks that were not taken back, oldest first; of some campaigns or of all."""
    labels = Label.objects.filter(
        task__purpose=Task.Purpose.REAL,
        task__campaign__kind__in=RUBRIC_KINDS,
        task__response__isnull=False,
        undone_at=None,
    )
    return labels.filter(campaign__slug__in=campaigns) if campaigns else labels


def rubric_rulings(campaigns: list[str] | None = None) -> QuerySet[Ruling]:
    rulings = Ruling.objects.filter(
        task__purpose=Task.Purpose.REAL,
        task__campaign__kind__in=RUBRIC_KINDS,
        task__response__isnull=False,
    )
    return rulings.filter(task__campaign__slug__in=campaigns) if campaigns else rulings


def norm_silent(campaigns: Sequence[str], items: Container[int]) -> frozenset[int]:
    """Answers to these items whose last ruling found the norm silent: nobody's opinion of them teaches anything."""
    last: dict[int, str] = {}
    rows = rubric_rulings(list(campaigns) or None).order_by("at", "id")
    for response, item, decision in rows.values_list(
        "task__response_id", "task__response__item_id", "decision"
    ):
        if item in items and response is not None:
            last[response] = decision
    return frozenset(pk for pk, decision in last.items() if decision == Ruling.Decision.NORM_SILENT)


def labelled_responses(campaigns: list[str] | None = None) -> list[LabelledResponse]:
    """Every response with a label or a ruling, by id; labels and rulings in the order they were given."""
    return list(stream_labelled(campaigns))


def stream_labelled(campaigns: list[str] | None = None) -> Iterator[LabelledResponse]:
    """As `labelled_responses`, one after the other: memory does not grow with their number."""
    labels = _by_response(
        rubric_labels(campaigns)
        .order_by("task__response_id", "id")
        .values_list(
            "task__response_id",
            "id",
            "expert__pseudonym__code",
            *CRITERIA,
            "blind",
            "current",
            "revision",
            "extra",
            "rationale",
            "slot__ordinal",
            "campaign__first_experts",
            "task__inclusion_probability",
        )  # fmt: skip
    )
    rulings = _by_response(
        rubric_rulings(campaigns)
        .order_by("task__response_id", "at", "id")
        .values_list("task__response_id", "id", "answers", "rationale")
    )
    label, ruling = next(labels, None), next(rulings, None)
    while label is not None or ruling is not None:
        response = min(found[0] for found in (label, ruling) if found is not None)
        entry = LabelledResponse(response)
        if label is not None and label[0] == response:
            for row in label[1]:
                _take_label(entry, row)
            label = next(labels, None)
        if ruling is not None and ruling[0] == response:
            for _response, pk, answers, rationale in ruling[1]:
                entry.ruling_ids.append(pk)
                entry.rulings.append(GivenRuling(answers, rationale))
            ruling = next(rulings, None)
        yield entry


def _by_response(rows: QuerySet[Any, Any]) -> Iterator[tuple[int, list[tuple[Any, ...]]]]:
    """Rows whose first column is the response, by which they are sorted, in one list each."""
    for response, found in groupby(rows.iterator(chunk_size=5000), key=itemgetter(0)):
        yield response, list(found)


def _take_label(entry: LabelledResponse, row: tuple[Any, ...]) -> None:
    _response, pk, expert, *values = row[:9]
    blind, current, revision, extra, rationale, ordinal, first_experts, probability = row[9:]
    entry.label_ids.append(pk)
    entry.labels.append(
        GivenLabel(
            expert=expert or "",
            values=dict(zip(CRITERIA, values, strict=True)),
            blind=blind,
            current=current,
            first=revision == 0 and ordinal <= first_experts,
            extra=extra,
            rationale=rationale,
        )
    )
    entry.probability = _larger(entry.probability, probability)


def _larger(known: float | None, other: float | None) -> float | None:
    return other if known is None else known if other is None else max(known, other)


def last_ids() -> dict[str, int]:
    """The newest label and ruling there are: what a dataset drawn now has seen."""
    return {
        "last_label": rubric_labels().aggregate(last=Max("id"))["last"] or 0,
        "last_ruling": rubric_rulings().aggregate(last=Max("id"))["last"] or 0,
    }


def new_labels() -> NewLabels:
    """Labels that a retraining would see for the first time: blind, in time, the newest of their series."""
    since = (
        Dataset.objects.filter(kind=TrainingKind.GUARDIAN, runs__guardian__isnull=False)
        .order_by("-runs__guardian_id")
        .first()
    )
    lineage: dict[str, Any] = since.manifest.get("lineage", {}) if since else {}
    fresh = Q(pk__gt=lineage.get("last_label", 0), blind=True, current=True, extra=False)
    return NewLabels(
        labels=rubric_labels().filter(fresh).count(),
        rulings=rubric_rulings().filter(pk__gt=lineage.get("last_ruling", 0)).count(),
        since=since,
    )
