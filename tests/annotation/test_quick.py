"""On PostgreSQL the short way of a label leaves the same rows as the long one, and a document the same words."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from annotation.database import take_slot
from annotation.errors import BadAnswers
from annotation.models import Campaign, Draft, Label, Slot, SlotEvent, Task
from annotation.queries.quick_shown import seat_document
from annotation.queries.shown import label_document, own_labels, seats_to_show, slot_document
from annotation.services import submitting
from annotation.services.campaigns import GoldTask, add_gold_tasks
from annotation.services.claiming import claim_next
from annotation.services.drafts import save_draft
from annotation.services.submitting import submit_label
from benchmark.models import Response
from tests.annotation.scene import COLD, RISKY, SAFE, Scene, join, make_campaign, make_experts, sent

pytestmark = pytest.mark.django_db
SHOWN = {"q4": {"clause": "第三条", "spans": [[0, 4]]}}
# What each expert says on one task after another: agreement, a tie that a third breaks, three different ones.
SAID = (
    (SAFE, SAFE, SAFE),
    (SAFE, COLD, COLD),
    (RISKY, COLD, SAFE),
    (RISKY, RISKY, RISKY),
    (COLD, COLD, SAFE),
    (SAFE, RISKY, RISKY),
)


@pytest.fixture(autouse=True)
def _postgresql(db: None) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite goes the long way always")


def label_all(campaign: Campaign, experts: list[Any]) -> None:
    """Everybody labels what they are given until there is nothing more; what is said depends on the task alone."""
    order = list(campaign.tasks.real().order_by("position").values_list("pk", flat=True))
    for number, expert in enumerate(experts):
        while slot := claim_next(actor=expert, campaign=campaign):
            place = order.index(slot.task_id) if slot.task_id in order else 0
            said = SAID[place % len(SAID)][number]
            save_draft(
                actor=expert, slot_id=slot.pk, fence=slot.fence, content={"rationale": "写"}, version=0
            )
            more = {"evidence": SHOWN} if said == COLD else {}
            submit_label(
                actor=expert,
                slot_id=slot.pk,
                fence=slot.fence,
                sent=sent(said, rationale=" 理由\0 ", duration_ms=5, **more),
            )


def rows(campaign: Campaign) -> list[Any]:
    """All that is stored of a campaign, without ids and times."""
    numbers = {pk: n for n, pk in enumerate(campaign.tasks.order_by("id").values_list("pk", flat=True))}
    tasks = [
        (numbers[task.pk], task.state, task.wanted, task.consensus, task.settled_at is not None)
        for task in campaign.tasks.order_by("id")
    ]
    slots = [
        (numbers[slot.task_id], slot.ordinal, slot.queue, slot.state, slot.expert_id, slot.fence, slot.ahead,
         slot.lease_until, slot.finished_at is not None)
        for slot in Slot.objects.filter(campaign=campaign).order_by("task_id", "ordinal", "id")
    ]  # fmt: skip
    labels = [
        (numbers[label.task_id], label.expert_id, label.said, label.answers, label.rationale, label.evidence, label.blind,
         label.extra, label.revision, label.current, label.guideline_id is not None, label.duration_ms)
        for label in Label.objects.filter(campaign=campaign).order_by("task_id", "id")
    ]  # fmt: skip
    events = [
        (numbers[event.slot.task_id], event.slot.ordinal, event.kind, event.expert_id, event.fence)
        for event in SlotEvent.objects.filter(slot__campaign=campaign)
        .select_related("slot")
        .order_by("slot", "id")
    ]
    return [
        tasks,
        slots,
        labels,
        sorted(events, key=str),
        Draft.objects.filter(slot__campaign=campaign).count(),
    ]


def test_both_ways_leave_the_same_rows(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    experts = make_experts(3)
    campaigns = [make_campaign(scene, order="oldest", gold_share=1.0) for _way in range(2)]
    gold = [GoldTask(response, COLD) for response in Response.objects.order_by("id")[:2]]
    ways = []
    quickly = submitting.submit_quickly

    def counted(**options: Any) -> Any:
        label = quickly(**options)
        ways.append(label is not None)
        return label

    for campaign, way in zip(campaigns, (counted, lambda **_options: None), strict=True):
        add_gold_tasks(actor=scene.researcher, campaign=campaign, tasks=gold)
        join(campaign, experts)
        monkeypatch.setattr(submitting, "submit_quickly", way)
        label_all(campaign, experts)
    assert len(ways) > 25 and all(ways), "every one of these went the short way"
    short, long = (rows(campaign) for campaign in campaigns)
    assert short == long
    states = set(Task.objects.filter(campaign=campaigns[0]).values_list("state", flat=True))
    assert {"agreed", "disputed"} <= states


def test_the_unusual_goes_the_long_way(scene: Scene) -> None:
    campaign = make_campaign(scene)
    one, two = make_experts(2)
    join(campaign, [one, two])
    slot = claim_next(actor=one, campaign=campaign)
    assert slot is not None
    for wrong in ({**SAFE, "q1": 9}, {"r1": 0}):
        with pytest.raises(BadAnswers):
            submit_label(actor=one, slot_id=slot.pk, fence=slot.fence, sent=sent(wrong))
    with pytest.raises(BadAnswers):
        far = {"q4": {"clause": "", "spans": [[0, 10_000]]}}
        submit_label(actor=one, slot_id=slot.pk, fence=slot.fence, sent=sent(COLD, evidence=far))
    with pytest.raises(BadAnswers):
        submit_label(actor=one, slot_id=slot.pk, fence=slot.fence, sent=sent(SAFE, rationale="长" * 10_001))
    assert not Label.objects.exists() and Slot.objects.get(pk=slot.pk).state == "leased"
    stored = submit_label(actor=one, slot_id=slot.pk, fence=slot.fence, sent=sent(SAFE, key="k"))
    again = submit_label(actor=one, slot_id=slot.pk, fence=slot.fence, sent=sent(COLD, key="k"))
    assert stored == again and Label.objects.get().said == SAFE
    assert label_document(stored) == label_document(own_labels(one).get(pk=stored.pk))


@pytest.mark.parametrize("kind", ["responses", "pairs", "items", "guardian"])
def test_a_seat_is_told_in_the_same_words(scene: Scene, kind: str) -> None:
    campaign = make_campaign(scene, kind=kind, order="oldest")
    (expert,) = make_experts(1)
    join(campaign, [expert])
    slot = claim_next(actor=expert, campaign=campaign)
    assert slot is not None
    for version in range(2):
        assert seat_document(expert, slot.pk) == slot_document(seats_to_show(expert).get(pk=slot.pk))
        content = {"answers": {"r1": 0}, "rationale": "写了一半"}
        save_draft(actor=expert, slot_id=slot.pk, fence=slot.fence, content=content, version=version)


def test_a_claim_that_loses_raises_what_django_knows(scene: Scene) -> None:
    """A statement that is planned once still speaks of Django's own errors."""
    campaign = make_campaign(scene)
    (expert,) = make_experts(1)
    (member,) = join(campaign, [expert])
    parameters = {
        "campaign": campaign.pk, "expert": expert.pk, "membership": member.pk, "ahead": False, "lease": None,
        "cursor": 0, "returned_cursor": 0, "highest": 9,
    }  # fmt: skip
    with pytest.raises(Exception) as raised:  # noqa: PT011 - which one is what is asked
        take_slot(("fresh",), parameters)  # no lease: the check constraint of a leased slot refuses it
    assert raised.type.__module__ == "django.db.utils", raised.type
