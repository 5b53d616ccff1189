"""The document of `queries.shown` for one seat in one plain statement, on PostgreSQL.

Building that query by the ORM took longer than running it. A test holds both ways against each other.
"""

from __future__ import annotations

import json
from typing import Any

from django.db import connection

from annotation.database import prepared_row
from annotation.models import Campaign, Slot
from annotation.queries.shown import seats_to_show, slot_document
from benchmark.models import Kind as ItemKind

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


def seat_document(user: Any, slot_id: int) -> dict[str, Any]:
    """`slot_document` of a seat that is the user's."""
    if connection.vendor == "postgresql":
        row = prepared_row(_SEAT, [user.pk, slot_id])
        # The key of an item is read the long way: it is closed to nearly every reader.
        if row is not None and not (row[7] == Campaign.Kind.ITEMS and row[10] == ItemKind.OBJECTIVE):
            return document_of_row(row)
    return slot_document(seats_to_show(user).get(pk=slot_id))


def document_of_row(row: tuple[Any, ...]) -> dict[str, Any]:
    """`slot_document` from the columns that `_SEAT` selects, in their order."""
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


def _loaded(given: Any) -> Any:
    return json.loads(given) if isinstance(given, str) else given
