"""The demo's labels: two experts' files and a referee's, given through the services like anybody's.

They were written for the demo, answer by answer, and are no human expert's judgement; the names of the two accounts
and the guidelines say so. Their dates are spread over the weeks before, their durations follow the length of the
texts: both are made up. `Label.key` of every one begins with "demo:".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from annotation.errors import BadInput
from annotation.models import Campaign, Label, Ruling, Slot, SlotEvent, Task
from annotation.services.claiming import claim_task
from annotation.services.demo import FOLDER
from annotation.services.members import join_campaign
from annotation.services.ruling import rule_task
from annotation.services.submitting import Submission, submit_label
from benchmark.rules.rubric import CRITERIA

CAMPAIGNS = ("demo-clinic", "demo-research")
LEFT_OVER = 12
"""At least so many tasks of each campaign are left for the demo's own expert accounts, so that their labels teach
something new: those the files say nothing about, and where they are fewer, the last of the others."""
FILES = ("a", "b")
DAYS = 21
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class DemoLabels:
    """What was given now: labels and rulings; zero where all of it was there."""

    labels: int
    rulings: int


def load_demo_labels(*, experts: Sequence[Any], referee: Any) -> DemoLabels:
    """Labels what both files know of the two demo campaigns, in the order of their queues, and rules on disputes.

    Tasks the files say nothing about stay open, and LEFT_OVER of each campaign do in any case. Safe to repeat: what
    is labelled or ruled stays. `experts`: one account for each file. Raises BadInput for a file that quotes what the
    answer does not say.
    """
    given = 0
    for mark, expert in zip(FILES, experts, strict=True):
        wanted = _labels(mark)
        for slug in CAMPAIGNS if wanted else ():
            campaign = Campaign.objects.get(slug=slug)
            given += _give(expert, campaign, mark, wanted)
    ruled = _rule(referee, dict(zip(FILES, experts, strict=True)))
    if given or ruled:
        _backdate()
    return DemoLabels(given, ruled)


def _give(expert: Any, campaign: Campaign, mark: str, wanted: Mapping[Key, Mapping[str, Any]]) -> int:
    join_campaign(actor=expert, campaign=campaign)
    mine = Label.objects.filter(campaign=campaign, expert=expert, revision=0, undone_at=None)
    done = set(mine.values_list("task_id", flat=True))
    left = campaign.tasks.real().count() - LEFT_OVER - len(done)
    tasks = campaign.tasks.real().exclude(pk__in=done).exclude(response=None).order_by("position")
    given = 0
    for task, *key in tasks.values_list("pk", "item__code", "response__submission__entry__slug"):
        said = wanted.get((key[0], key[1]))
        if said is None:
            continue
        if given >= left:
            break
        given += _give_one(expert, campaign, mark, task, said)
    return given


def _give_one(expert: Any, campaign: Campaign, mark: str, task: int, said: Mapping[str, Any]) -> bool:
    """False where others have all the seats of the task."""
    slot = claim_task(actor=expert, campaign=campaign, task_id=task)
    if slot is None or slot.task.response is None:
        return False
    sent = _sent(said, mark, (said["item"], said["entry"]), slot.task.response.text)
    submit_label(actor=expert, slot_id=slot.pk, fence=slot.fence, sent=sent)
    return True


def _sent(said: Mapping[str, Any], mark: str, key: Key, text: str) -> Submission:
    rationale = str(said.get("rationale", ""))
    return Submission(
        answers={name: said.get(name) for name in CRITERIA},
        key=f"demo:{mark}:{key[0]}:{key[1]}"[:64],
        rationale=rationale,
        correction=str(said.get("correction", "")),
        evidence=_offsets(said.get("evidence") or {}, text),
        duration_ms=_duration(f"{mark}:{key}", len(text), len(rationale) + len(said.get("correction", ""))),
    )


def _offsets(evidence: Mapping[str, Any], text: str) -> dict[str, Any]:
    """The files quote passages; labels hold where they stand. Overlapping quotes of a criterion become one."""
    found = {}
    for name, part in evidence.items():
        spans: list[list[int]] = []
        for quote in (words[0] for words in part.get("spans", [])):
            start = text.find(quote)
            if start < 0:
                raise BadInput(f"the demo's labels quote what the answer does not say: {quote[:40]}")
            spans.append([start, start + len(quote)])
        merged: list[list[int]] = []
        for span in sorted(spans):
            if merged and span[0] < merged[-1][1]:
                merged[-1][1] = max(merged[-1][1], span[1])
            else:
                merged.append(span)
        found[name] = {"clause": part.get("clause", ""), "spans": merged}
    return found


def _duration(key: str, length: int, written: int) -> int:
    """Milliseconds: reading at nine characters a second, writing at two, and some thought."""
    thought = 15_000 + _share(key) * 60_000
    return round(length / 9 * 1000 + written / 2 * 1000 + thought)


def _share(key: str) -> float:
    """A number in [0, 1) that stays the same for a key."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:6], "big") / 2**48


def _rule(referee: Any, experts: Mapping[str, Any]) -> int:
    """Rulings: {"item", "entry", "outcome", "rationale"} with "accept": "a" or "b", or "answers" (overrule)."""
    ruled = 0
    for row in _lines("rulings.jsonl"):
        task = Task.objects.filter(
            campaign__slug__in=CAMPAIGNS,
            item__code=row["item"],
            response__submission__entry__slug=row["entry"],
        ).first()
        if task is None or task.state != Task.State.DISPUTED:
            continue
        outcome, label = row["outcome"], None
        if outcome == Ruling.Decision.ACCEPT:
            said = Label.objects.filter(task=task, expert=experts[row["accept"]], current=True, blind=True)
            label = said.values_list("pk", flat=True).first()
        rule_task(
            actor=referee,
            task_id=task.pk,
            decision=outcome,
            rationale=row["rationale"],
            label_id=label,
            answers=row.get("answers") if outcome == Ruling.Decision.OVERRULE else None,
        )
        ruled += 1
    return ruled


@transaction.atomic
def _backdate() -> None:
    """Spreads the labels over the weeks before, each expert at a pace of their own; rulings follow at the end."""
    end = timezone.now() - timedelta(days=1)
    for slug in CAMPAIGNS:
        campaign = Campaign.objects.get(slug=slug)
        begin = end - timedelta(days=DAYS)
        Campaign.objects.filter(pk=campaign.pk).update(opened_at=begin - timedelta(hours=2))
        labels = Label.objects.filter(campaign=campaign, key__startswith="demo:").order_by("expert_id", "id")
        by_expert: dict[int, list[Label]] = {}
        for label in labels.select_related("slot"):
            by_expert.setdefault(label.expert_id, []).append(label)
        for given in by_expert.values():
            _spread(given, begin, end)
        settled = Task.objects.filter(campaign=campaign).exclude(settled_at=None)
        for task in settled.prefetch_related("labels"):
            last = max((row.submitted_at for row in task.labels.all()), default=None)
            if last is not None:
                Task.objects.filter(pk=task.pk).update(settled_at=last)


def _spread(labels: Sequence[Label], begin: datetime, end: datetime) -> None:
    """Working days of about an hour: the labels of a day follow each other after the time each of them took."""
    per_day = -(-len(labels) // DAYS)
    for place, label in enumerate(labels):
        day, number = divmod(place, max(per_day, 1))
        start = begin + timedelta(days=day, minutes=40 * _share(f"{label.expert_id}:{day}"))
        took = timedelta(milliseconds=label.duration_ms or 60_000)
        claimed = min(start + timedelta(minutes=6 * number), end)
        Label.objects.filter(pk=label.pk).update(submitted_at=claimed + took)
        Slot.objects.filter(pk=label.slot_id).update(claimed_at=claimed, finished_at=claimed + took)
        SlotEvent.objects.filter(slot=label.slot_id, kind=SlotEvent.Kind.CLAIMED).update(at=claimed)
        SlotEvent.objects.filter(slot=label.slot_id, kind=SlotEvent.Kind.SUBMITTED).update(at=claimed + took)


def _labels(mark: str) -> dict[Key, dict[str, Any]]:
    return {(row["item"], row["entry"]): row for row in _lines(f"labels.expert-{mark}.jsonl")}


def _lines(name: str) -> Iterator[dict[str, Any]]:
    path = Path(FOLDER) / name
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)
