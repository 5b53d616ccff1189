"""A campaign as rows: every version of every label, and every task with its drawing and its outcome.

Streamed in the order of ids, a few thousand rows in memory at a time. People appear as pseudonyms only.
Rows hold no time of export and nothing that changes by itself, so two exports of the same state are equal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
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
    "revision", "current", "undone", *CRITERIA, "answers", "rationale", "correction", "evidence", "guideline",
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


# Column -> where it stands. Plain values: with eleven models built for each row an export took several times as long.
_STORED = {
    "label": "pk",
    "task": "task_id",
    "item": "task__item__code",
    "scenario": "task__item__scenario__slug",
    "norm": "task__item__norm__code",
    "norm_text_hash": "task__item__norm__text_hash",
    "entry": "task__response__submission__entry__slug",
    "response": "task__response_id",
    "response_hash": "task__response__text_hash",
    "other_entry": "task__other__submission__entry__slug",
    "other_response": "task__other_id",
    "purpose": "task__purpose",
    "seat": "slot__ordinal",
    "guideline": "guideline__number",
    "claimed_at": "slot__claimed_at",
    **{
        name: name
        for name in (
            "blind", "extra", "revision", "current", *CRITERIA, "answers", "rationale", "correction", "evidence",
            "submitted_at", "undone_at", "duration_ms",
        )
    },
}  # fmt: skip
_ALSO = (
    "slot_id", "expert_id", "reveal__pk", "reveal__scorer__name", "reveal__scorer__version", "reveal__shown",
    "reveal__shown_at", "reveal__after_id", "reveal__holds",
)  # fmt: skip


def label_rows(campaign: Campaign) -> Iterator[dict[str, Any]]:
    """One row for each stored label, those taken back included (`undone`)."""
    people = pseudonyms(campaign)
    labels = Label.objects.filter(campaign=campaign).order_by("id").values(*_STORED.values(), *_ALSO)
    stream = labels.iterator(chunk_size=CHUNK)
    while chunk := list(islice(stream, CHUNK)):
        histories = _histories([stored["slot_id"] for stored in chunk], people)
        for stored in chunk:
            yield _label_row(stored, campaign.kind, people, histories[stored["slot_id"]])


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
    stored: Mapping[str, Any], kind: str, people: dict[int, str], history: list[dict[str, Any]]
) -> dict[str, Any]:
    row = {column: stored[field] for column, field in _STORED.items()}
    for column in ("claimed_at", "submitted_at", "undone_at"):
        row[column] = _stamp(row[column])
    return row | {
        "kind": kind,
        "expert": people.get(stored["expert_id"]),
        "undone": stored["undone_at"] is not None,
        "history": history,
        "reveal": _reveal(stored),
    }


def _histories(slots: Sequence[int], people: dict[int, str]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    events = SlotEvent.objects.filter(slot__in=set(slots)).order_by("id")
    for slot, expert, kind, fence, at in events.values_list("slot_id", "expert_id", "kind", "fence", "at"):
        who = people.get(expert) if expert else None
        found[slot].append({"event": kind, "expert": who, "fence": fence, "at": _stamp(at)})
    return found


def _reveal(stored: Mapping[str, Any]) -> dict[str, Any] | None:
    if stored["reveal__pk"] is None:
        return None
    return {
        "scorer": f"{stored['reveal__scorer__name']} {stored['reveal__scorer__version']}",
        "shown": stored["reveal__shown"],
        "shown_at": _stamp(stored["reveal__shown_at"]),
        "after": stored["reveal__after_id"],
        "holds": stored["reveal__holds"],
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
        "correction": ruling.correction,
        "at": _stamp(ruling.at),
    }


def _stamp(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat(timespec="microseconds") if at else None
