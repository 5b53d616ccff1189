"""An ordinary label over the API on PostgreSQL, from the token to the next task, in one statement.

The functions of migration 0006 do it; whatever is not ordinary they leave alone, and then the services do it
step by step. So a refusal is worded, and an unusual task decided, in one place only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from django.db import DatabaseError, connection, transaction

from annotation.queries.quick_shown import document_of_row
from annotation.rules.answers import RATIONALE_MAX, AnswerProblem, plain_text
from annotation.services.quick import checked, within_range
from annotation.services.submitting import KEY_LENGTH, known_duration
from benchmark.rules.rubric import CRITERIA

_CALL = (
    "SELECT * FROM annotation_quick_label(%s::text, %s::text, %s::bigint, %s::integer, %s::smallint[], %s::text, "
    "%s::jsonb, %s::integer, %s::integer, %s::text, %s::boolean)"
)
_OF_LABEL = 8


@dataclass(frozen=True, slots=True)
class QuickAnswer:
    """`label`, `task`: as `label_document` and `slot_document` tell them; None: not asked for, or not to be had so."""

    expert: int
    label: dict[str, Any] | None
    task: dict[str, Any] | None


def claim_by_token(digest: str, *, campaign: str) -> QuickAnswer | None:
    """The next task of the token's owner, who has none in hand. None: nothing was done."""
    row = _call(digest, campaign, None, None, None, None, None, None, None, None, True)
    return None if row is None else QuickAnswer(row[0], None, document_of_row(row[_OF_LABEL:]))


def label_by_token(digest: str, *, slot_id: int, sent: Mapping[str, Any]) -> QuickAnswer | None:
    """Stores what was `sent` (as the API takes it) and claims the next task if that is asked. None: nothing was done."""
    try:
        fence, key, rationale = sent["fence"], sent["key"], sent.get("rationale", "")
        evidence, duration, wants_next = (
            sent.get("evidence", {}),
            sent.get("duration_ms"),
            sent.get("next", False),
        )
        usual = (
            type(fence) is int
            and within_range(slot_id, fence)
            and isinstance(key, str)
            and 0 < len(key) <= KEY_LENGTH
            and key.isascii()
            and isinstance(rationale, str)
            and len(rationale) <= RATIONALE_MAX
            and "\0" not in key + rationale
            and isinstance(wants_next, bool)
            and (duration is None or known_duration(duration) is not None)
            and not sent.get("correction")  # it goes the long way, which stores it
        )
        if not usual:
            return None
        said, shown, reach = checked(sent["answers"], evidence)
    except (KeyError, AnswerProblem):
        return None
    rationale = plain_text(rationale)
    values = ",".join("NULL" if said[name] is None else str(said[name]) for name in CRITERIA)
    row = _call(
        digest, None, slot_id, fence, f"{{{values}}}", rationale, json.dumps(shown), reach, duration, key, wants_next
    )  # fmt: skip
    if row is None:
        return None
    expert, label, submitted_at, slug, code, _swapped, guideline, _rounds = row[:_OF_LABEL]
    document = _label(label, slot_id, slug, code, said, rationale, shown, guideline, submitted_at)
    return QuickAnswer(expert, document, None if row[_OF_LABEL] is None else document_of_row(row[_OF_LABEL:]))


def _label(
    label: int,
    slot: int,
    slug: str,
    code: str,
    said: dict[str, Any],
    rationale: str,
    shown: dict[str, Any],
    guideline: int | None,
    submitted_at: datetime,
) -> dict[str, Any]:
    """`label_document` of a first label in time."""
    return {
        "label": label,
        "slot": slot,
        "campaign": slug,
        "item": code,
        "answers": said,
        "rationale": rationale,
        "correction": "",
        "evidence": shown,
        "blind": True,
        "extra": False,
        "revision": 0,
        "current": True,
        "undone": False,
        "guideline": guideline,
        "submitted_at": submitted_at,
    }


def _call(*values: Any) -> tuple[Any, ...] | None:
    """Numbers travel as text, so that each connection plans one statement and not one for each width.

    None too where the statement fails (the key is known already, a text that the database does not take, a lost
    connection): the long way finds out why, and the key keeps what was stored from being stored again.
    """
    parameters = [value if value is None else str(value) for value in values]
    try:
        connection.ensure_connection()
        inside = transaction.atomic() if connection.in_atomic_block else nullcontext()
        with inside, connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
            cursor.execute(_CALL, parameters, prepare=True)
            row: tuple[Any, ...] | None = cursor.fetchone()
            return row
    except (DatabaseError, UnicodeEncodeError):
        return None
