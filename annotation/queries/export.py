"""A campaign as rows: every version of every label, and every task with its drawing and its outcome.

Streamed in the order of ids, a few thousand rows in memory at a time. People appear as pseudonyms only.
Rows hold no time of export and nothing that changes by itself, so two exports of the same state are equal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from django.db.models import Count

from annotation.models import Campaign, Label, Ruling, Skip, SlotEvent, Task
from annotation.queries.facts import pseudonyms
from benchmark.rules.rubric import CRITERIA

CHUNK = 2000
LABEL_COLUMNS = (
    "label", "task", "kind", "item", "scenario", "norm", "norm_text_hash", "entry", "response",
    "response_hash", "other_entry", "other_response", "purpose", "expert", "seat", "blind", "extra",
    "revision", "current", "undone", *CRITERIA, "answers", "rationale", "evidence", "guideline",
    "claimed_at", "submitted_at", "undone_at", "duration_ms", "history", "reveal",
)  # fmt: skip
TASK_COLUMNS = (
    "task", "kind", "position", "item", "response", "other_response", "swapped", "purpose", "stratum",
    "inclusion_probability", "priority", "state", "consensus", "gold_answers", "skips", "ruling",
)  # fmt: skip
# Columns that are objects or lists: JSON text where the format has only plain cells.
NESTED = frozenset(
    {"answers", "evidence", "history", "reveal", "consensus", "gold_answers", "skips", "ruling"}
)


def label_rows(campaign: Campaign) -> Iterator[dict[str, Any]]:
    """One row for each stored label, those taken back included (`undone`)."""
    people = pseudonyms(campaign)
    labels = (
        Label.objects.filter(campaign=campaign)
        .select_related(
            "slot",
            "guideline",
            "reveal__scorer",
            "task__item__norm",
            "task__item__scenario",
            "task__response__submission__entry",
            "task__other__submission__entry",
        )
        .defer(
            "task__item__question", "task__response__text", "task__other__text", "task__item__search_terms"
        )
        .order_by("id")
    )
    stream = labels.iterator(chunk_size=CHUNK)
    while chunk := list(islice(stream, CHUNK)):
        histories = _histories([label.slot_id for label in chunk], people)
        for label in chunk:
            yield _label_row(label, campaign, people, histories[label.slot_id])


def task_rows(campaign: Campaign) -> Iterator[dict[str, Any]]:
    """One row for each task, also those without a label: non-response is part of the data."""
    tasks = Task.objects.filter(campaign=campaign).select_related("item").order_by("id")
    stream = tasks.defer("item__question", "item__search_terms").iterator(chunk_size=CHUNK)
    while chunk := list(islice(stream, CHUNK)):
        ids = [task.pk for task in chunk]
        skips: dict[int, dict[str, int]] = defaultdict(dict)
        found = Skip.objects.filter(task__in=ids).order_by("task", "reason").values_list("task", "reason")
        for task_id, reason, count in found.annotate(n=Count("pk")):
            skips[task_id][reason] = count
        rulings = {ruling.task_id: ruling for ruling in Ruling.objects.filter(task__in=ids)}
        for task in chunk:
            yield {
                "task": task.pk,
                "kind": campaign.kind,
                "position": task.position,
                "item": task.item.code,
                "response": task.response_id,
                "other_response": task.other_id,
                "swapped": task.swapped,
                "purpose": task.purpose,
                "stratum": task.stratum,
                "inclusion_probability": task.inclusion_probability,
                "priority": task.priority,
                "state": task.state,
                "consensus": task.consensus,
                "gold_answers": task.gold_answers,
                "skips": skips.get(task.pk, {}),
                "ruling": _ruling(rulings.get(task.pk)),
            }


def campaign_head(campaign: Campaign) -> dict[str, Any]:
    """What the manifest says of the campaign: its settings and the text of its guidelines."""
    return {
        "campaign": campaign.slug,
        "title": {"zh": campaign.title_zh, "en": campaign.title_en},
        "kind": campaign.kind,
        "benchmark": campaign.version.benchmark.slug,
        "version": campaign.version.label,
        "content_hash": campaign.version.content_hash,
        "scorer": str(campaign.scorer) if campaign.scorer else None,
        "first_experts": campaign.first_experts,
        "cap": campaign.cap,
        "order": campaign.order,
        "seed": campaign.seed,
        "random_share": campaign.random_share,
        "gold_share": campaign.gold_share,
        "guidelines": [
            {"number": row.number, "zh": row.text_zh, "en": row.text_en} for row in campaign.guidelines.all()
        ],
    }


def _label_row(
    label: Label, campaign: Campaign, people: dict[int, str], history: list[dict[str, Any]]
) -> dict[str, Any]:
    task, reveal = label.task, getattr(label, "reveal", None)
    response, other, norm = task.response, task.other, task.item.norm
    return {
        "label": label.pk,
        "task": task.pk,
        "kind": campaign.kind,
        "item": task.item.code,
        "scenario": task.item.scenario.slug,
        "norm": norm.code if norm else None,
        "norm_text_hash": norm.text_hash if norm else None,
        "entry": response.submission.entry.slug if response else None,
        "response": task.response_id,
        "response_hash": response.text_hash if response else None,
        "other_entry": other.submission.entry.slug if other else None,
        "other_response": task.other_id,
        "purpose": task.purpose,
        "expert": people.get(label.expert_id),
        "seat": label.slot.ordinal,
        "blind": label.blind,
        "extra": label.extra,
        "revision": label.revision,
        "current": label.current,
        "undone": label.undone_at is not None,
        **{name: getattr(label, name) for name in CRITERIA},
        "answers": label.answers,
        "rationale": label.rationale,
        "evidence": label.evidence,
        "guideline": label.guideline.number if label.guideline else None,
        "claimed_at": _stamp(label.slot.claimed_at),
        "submitted_at": _stamp(label.submitted_at),
        "undone_at": _stamp(label.undone_at),
        "duration_ms": label.duration_ms,
        "history": history,
        "reveal": _reveal(reveal),
    }


def _histories(slots: Sequence[int], people: dict[int, str]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for event in SlotEvent.objects.filter(slot__in=set(slots)).order_by("id"):
        who = people.get(event.expert_id) if event.expert_id else None
        found[event.slot_id].append(
            {"event": event.kind, "expert": who, "fence": event.fence, "at": _stamp(event.at)}
        )
    return found


def _reveal(reveal: Any) -> dict[str, Any] | None:
    if reveal is None:
        return None
    return {
        "scorer": str(reveal.scorer),
        "shown": reveal.shown,
        "shown_at": _stamp(reveal.shown_at),
        "after": reveal.after_id,
        "holds": reveal.holds,
    }


def _ruling(ruling: Ruling | None) -> dict[str, Any] | None:
    if ruling is None:
        return None
    return {
        "decision": ruling.decision,
        "referee": ruling.referee_pseudonym,
        "label": ruling.label_id,
        "answers": ruling.answers,
        "rationale": ruling.rationale,
        "at": _stamp(ruling.at),
    }


def _stamp(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat(timespec="microseconds") if at else None
