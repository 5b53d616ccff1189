"""The documents of `queries.shown` for one seat and one label in one plain statement each, on PostgreSQL.

Building these queries by the ORM took longer than running them. A test holds both ways against each other.
"""

from __future__ import annotations

import json
from typing import Any

from django.db import connection

from annotation.models import Campaign, Slot
from annotation.queries.shown import label_document, own_labels, seats_to_show, slot_document
from benchmark.models import Kind as ItemKind
from benchmark.rules.rubric import CRITERIA

_SEAT = """
    SELECT s.id, s.fence, s.state, s.lease_until, s.ahead, s.queue, c.slug, c.kind, g.number,
        i.code, i.kind, sc.slug, i.question, i.options, i.norm_text, n.id IS NOT NULL, n.text, n.article, so.title,
        so.status, r.text, o.text, t.swapped, d.version, d.content
    FROM annotation_slot s
    JOIN annotation_task t ON t.id = s.task_id
    JOIN annotation_campaign c ON c.id = s.campaign_id
    JOIN benchmark_item i ON i.id = t.item_id
    JOIN benchmark_scenario sc ON sc.id = i.scenario_id
    LEFT JOIN annotation_guidelineversion g ON g.id = c.guideline_id
    LEFT JOIN benchmark_norm n ON n.id = i.norm_id
    LEFT JOIN benchmark_source so ON so.id = n.source_id
    LEFT JOIN benchmark_response r ON r.id = t.response_id
    LEFT JOIN benchmark_response o ON o.id = t.other_id
    LEFT JOIN annotation_draft d ON d.slot_id = s.id AND d.expert_id = %s
    WHERE s.id = %s
"""
_LABEL = """
    SELECT l.id, l.slot_id, c.slug, i.code, l.r1, l.r2, l.q1, l.q2, l.q3, l.q4, l.rationale, l.evidence, l.blind,
        l.extra, l.revision, l.current, l.undone_at IS NOT NULL, g.number, l.submitted_at, l.answers IS NULL, s.queue
    FROM annotation_label l
    JOIN annotation_slot s ON s.id = l.slot_id
    JOIN annotation_campaign c ON c.id = l.campaign_id
    JOIN annotation_task t ON t.id = l.task_id
    JOIN benchmark_item i ON i.id = t.item_id
    LEFT JOIN annotation_guidelineversion g ON g.id = l.guideline_id
    WHERE l.id = %s AND l.expert_id = %s
"""
_LABEL_NAMES = (
    "rationale", "evidence", "blind", "extra", "revision", "current", "undone", "guideline", "submitted_at",
)  # fmt: skip


def seat_document(user: Any, slot_id: int) -> dict[str, Any]:
    """`slot_document` of a seat that is the user's."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_SEAT, [user.pk, slot_id])
            row = cursor.fetchone()
        # The key of an item is read the long way: it is closed to nearly every reader.
        if row is not None and not (row[7] == Campaign.Kind.ITEMS and row[10] == ItemKind.OBJECTIVE):
            return _seat(row)
    return slot_document(seats_to_show(user).get(pk=slot_id))


def _seat(row: tuple[Any, ...]) -> dict[str, Any]:
    slot, fence, state, until, ahead, queue, slug, kind, number = row[:9]
    code, item_kind, scenario, question, options, norm_text, has_norm, text, article, source, status = row[
        9:20
    ]
    response, other, swapped, version, content = row[20:]
    norm: dict[str, Any] | None = None
    if has_norm:
        norm = {"text": norm_text or text, "article": article, "source": source, "status": status}
    elif norm_text:
        norm = {"text": norm_text, "article": "", "source": "", "status": "unknown"}
    texts = [found for found in (response, other) if found is not None]
    return {
        "slot": slot,
        "fence": fence,
        "state": state,
        "lease_until": until,
        "ahead": ahead,
        "campaign": slug,
        "kind": kind,
        "qualification": queue == Slot.Queue.QUALIFICATION,
        "guideline": number,
        "item": {
            "item": code,
            "kind": item_kind,
            "scenario": scenario,
            "question": question,
            "options": _loaded(options),
            "norm": norm,
            "key": None,
        },
        "responses": texts[::-1] if swapped else texts,
        "draft": None if version is None else {"version": version, "content": _loaded(content)},
    }


def own_label_document(user: Any, label_id: int) -> tuple[dict[str, Any], bool]:
    """`label_document` of a label of the user's, and whether its seat is one of a qualification task."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_LABEL, [label_id, user.pk])
            row = cursor.fetchone()
        if row is not None and row[19]:
            document = {
                **dict(zip(("label", "slot", "campaign", "item"), row[:4], strict=True)),
                "answers": dict(zip(CRITERIA, row[4:10], strict=True)),
                **dict(zip(_LABEL_NAMES, row[10:19], strict=True)),
            }
            document["evidence"] = _loaded(document["evidence"])
            return document, row[20] == Slot.Queue.QUALIFICATION
    label = own_labels(user).select_related("slot").get(pk=label_id)
    return label_document(label), label.slot.queue == Slot.Queue.QUALIFICATION


def _loaded(given: Any) -> Any:
    return json.loads(given) if isinstance(given, str) else given
