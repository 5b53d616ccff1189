"""The short way of a label on PostgreSQL: what nearly every submit is, in three or four statements.

It does what `submitting._submit` and `consensus.settle` do where nothing is unusual: the lease is the actor's
and the newest, the campaign asks for the rubric, and the task has either too few labels still, or just enough
that agree. Everything else returns None before anything is written, or goes through `settle`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from annotation.database import SeatToLabel, StoredLabel, store_label
from annotation.models import Campaign, GuidelineVersion, Label, Task
from annotation.rules.answers import AnswerProblem, clean_answers, clean_evidence
from annotation.rules.consensus import majority
from annotation.services.consensus import settle
from benchmark.models import Item
from benchmark.rules.rubric import CRITERIA

LONGEST = 2**31 - 1


def submit_quickly(
    *,
    actor: Any,
    slot_id: int,
    fence: int,
    answers: Any,
    rationale: str,
    evidence: Any,
    duration_ms: int | None,
    key: str,
) -> Label | None:
    """Stores the label, in the caller's transaction; None: not one of the usual cases, nothing was written."""
    if connection.vendor != "postgresql" or not within_range(slot_id, fence):
        return None
    try:
        said, shown, reach = checked(answers, evidence)
    except AnswerProblem:
        return None  # the long way words the refusal
    found = store_label(
        {
            **said,
            "slot": slot_id,
            "expert": actor.pk,
            "fence": fence,
            "reach": reach,
            "rationale": rationale,
            "evidence": json.dumps(shown),
            "duration_ms": duration_ms,
            "key": key,
        }
    )
    if found is None:
        return None
    seat, stored = found
    if seat.purpose == Task.Purpose.REAL:
        _decide(seat, stored, said)
    label = Label(
        id=stored.id, slot_id=slot_id, expert=actor, **said, rationale=rationale, evidence=shown,
        duration_ms=duration_ms, key=key, submitted_at=stored.submitted_at,
    )  # fmt: skip
    label._state.adding, label._state.db = False, connection.alias
    _relate(label, seat)
    return label


def _relate(label: Label, seat: SeatToLabel) -> None:
    """What an answer names of the label's relations, without asking for it again; the rest is deferred, as by `only`."""
    db = connection.alias
    label.campaign = Campaign.from_db(
        db, ("id", "slug", "qualification_tasks"), (seat.campaign, seat.slug, seat.qualification_tasks)
    )
    label.task = Task.from_db(
        db, ("id", "campaign_id", "item_id", "swapped"), (seat.task, seat.campaign, seat.item, seat.swapped)
    )
    label.task.item = Item.from_db(db, ("id", "code"), (seat.item, seat.code))
    label.guideline = (
        None
        if seat.guideline is None
        else GuidelineVersion.from_db(db, ("id", "number"), (seat.guideline, seat.guideline_number))
    )


def within_range(slot_id: int, fence: int) -> bool:
    return 0 < slot_id < 2**63 and 0 <= fence < 2**31


def checked(answers: Any, evidence: Any) -> tuple[dict[str, Any], dict[str, Any], int]:
    """Answers and evidence as they are stored, and the end of the last passage, which the statement checks."""
    if not isinstance(answers, Mapping) or not isinstance(evidence, Mapping):
        raise AnswerProblem("unknown")
    said = clean_answers("rubric", answers)
    shown = clean_evidence(evidence, said, length=LONGEST)
    return said, shown, max((span[1] for row in shown.values() for span in row["spans"]), default=0)


def _decide(seat: SeatToLabel, stored: StoredLabel, said: Mapping[str, int | None]) -> None:
    """As `settle`, which is asked wherever the task needs or loses a seat."""
    labels = [dict(zip(CRITERIA, values, strict=True)) for values in stored.others]
    labels.append(dict(said))
    live = len(labels) + stored.waiting
    if len(labels) < seat.first_experts:
        if (seat.state, seat.wanted) == (Task.State.OPEN, live) and live >= seat.first_experts:
            return
    elif not stored.waiting and seat.state == Task.State.OPEN:
        place = majority(labels, first=seat.first_experts)
        if place is not None:
            Task.objects.filter(pk=seat.task).update(
                state=Task.State.AGREED, wanted=len(labels), consensus=labels[place], settled_at=Now()
            )
            return
    settle(Task.objects.get(pk=seat.task), Campaign.objects.get(pk=seat.campaign))
