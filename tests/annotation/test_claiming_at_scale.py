"""On PostgreSQL: a claim walks a short piece of an index however long the queue is, and claims never collide."""

from __future__ import annotations

import json
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import close_old_connections, connection, connections
from django.db.models import F

from annotation.database import BEHIND, ORDINARY, claim_statement, make_slots
from annotation.models import Campaign, Label, Membership, Slot, SlotEvent, Task
from annotation.services.claiming import claim_next, prefetch_next
from annotation.services.submitting import Submission, submit_label
from tests.annotation.scene import COLD, SAFE, Scene, join, make_campaign, make_experts

TASKS = 100_000
EXPERTS = 32


@pytest.fixture(autouse=True)
def _postgresql(db: None) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite claims under its one write lock; this is about PostgreSQL")


def lengthen(campaign: Campaign, tasks: int) -> None:
    """Adds copies of the campaign's first task, and their seats."""
    first = campaign.tasks.real().order_by("position")[0]
    last = campaign.tasks.count()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO annotation_task (campaign_id, item_id, response_id, swapped, purpose, explanation_zh, "
            "explanation_en, position, priority, stratum, state, wanted) "
            "SELECT %s, %s, %s, false, 'real', '', '', n, 0, 'random', 'open', 0 FROM generate_series(%s, %s) n",
            [campaign.pk, first.item_id, first.response_id, last + 1, tasks],
        )
    Slot.objects.filter(campaign=campaign).delete()
    assert make_slots(campaign=campaign.pk, seats=2, limit=tasks) == 2 * tasks


def plan_of(campaign: Campaign, member: Membership, places: tuple[str, ...]) -> dict[str, Any]:
    """What PostgreSQL really did for one claim, which is taken back."""
    parameters = {
        "campaign": campaign.pk, "expert": member.expert_id, "membership": member.pk, "ahead": False,
        "lease": timedelta(minutes=20), "cursor": member.cursor, "returned_cursor": member.returned_cursor,
        "highest": 32_767,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT before_plan")
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {claim_statement(places)}", parameters)
        found = cursor.fetchone()[0]
        cursor.execute("ROLLBACK TO SAVEPOINT before_plan")
    plan: dict[str, Any] = (json.loads(found) if isinstance(found, str) else found)[0]
    return plan


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


@pytest.mark.django_db
def test_the_plan_of_a_claim_does_not_grow(scene: Scene) -> None:
    campaign = make_campaign(scene, order="oldest")
    lengthen(campaign, TASKS)
    fast, slow = make_experts(2)
    join(campaign, [fast, slow])
    # The fast expert has labelled nine tenths of the queue: as many second seats lie behind.
    Slot.objects.filter(campaign=campaign, ordinal=1, position__lte=TASKS * 9 // 10).update(
        state="labelled", expert=fast
    )
    Membership.objects.filter(expert=fast).update(cursor=TASKS * 9 // 10)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE annotation_slot")
    for person in (fast, slow):
        plan = plan_of(campaign, Membership.objects.get(expert=person), ORDINARY)
        touched = list(nodes(plan["Plan"]))
        scans = [node for node in touched if "Scan" in node["Node Type"] and node.get("Actual Loops")]
        assert not [node for node in touched if node["Node Type"] in ("Seq Scan", "Sort", "Hash", "Bitmap Heap Scan")
                    and node.get("Relation Name") == "annotation_slot"]  # fmt: skip
        assert "slot_claim" in {node.get("Index Name") for node in scans}
        seen = sum(
            node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            for node in scans
            if node.get("Relation Name") == "annotation_slot"
        )
        assert seen < 20, json.dumps(plan, indent=1)
        assert plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] < 200


@pytest.mark.django_db
def test_looking_behind_happens_once(scene: Scene) -> None:
    """An expert who has seen everything asks again and again: the leftover seats are walked through once."""
    campaign = make_campaign(scene, order="oldest")
    (fast,) = make_experts(1)
    join(campaign, [fast])
    while slot := claim_next(actor=fast, campaign=campaign):
        submit_label(
            actor=fast, slot_id=slot.pk, fence=slot.fence, sent=Submission(answers=SAFE, key=uuid.uuid4().hex)
        )
    assert Membership.objects.get(expert=fast).wrap_after is not None
    plan = plan_of(campaign, Membership.objects.get(expert=fast), ORDINARY)
    assert sum(node.get("Rows Removed by Filter", 0) for node in nodes(plan["Plan"])) <= 2
    behind = plan_of(campaign, Membership.objects.get(expert=fast), BEHIND)
    assert sum(node.get("Rows Removed by Filter", 0) for node in nodes(behind["Plan"])) >= 11


def at_once(count: int, work: Callable[[int], None]) -> None:
    """Runs `work(0)` … in threads that begin together; the first error is raised here."""
    gate = threading.Barrier(count)
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            gate.wait(30)
            work(number)
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    close_old_connections()
    if errors:
        raise errors[0]


@pytest.mark.django_db(transaction=True)
def test_32_experts_at_once_share_the_seats(scene: Scene) -> None:
    campaign = make_campaign(scene, order="oldest", first_experts=2, cap=2)
    lengthen(campaign, 40)
    experts = make_experts(EXPERTS)
    join(campaign, experts)
    given: list[tuple[int, int]] = []

    def work(number: int) -> None:
        expert = experts[number]
        for _task in range(5):
            slot = claim_next(actor=expert, campaign=campaign)
            if slot is None:
                return
            given.append((slot.pk, slot.fence))
            prefetch_next(actor=expert, campaign=campaign)
            submit_label(
                actor=expert,
                slot_id=slot.pk,
                fence=slot.fence,
                sent=Submission(answers=COLD if number % 5 == 0 else SAFE, key=uuid.uuid4().hex),
            )

    at_once(EXPERTS, work)
    assert max(Counter(given).values()) == 1, "a seat given to two people"
    labels = Label.objects.filter(campaign=campaign)
    assert labels.filter(extra=False).count() == len(given)
    per_task = Counter(labels.filter(extra=False).values_list("task", flat=True))
    assert max(per_task.values()) <= campaign.cap
    for task in Task.objects.filter(campaign=campaign):
        state = "open" if per_task[task.pk] < 2 else task.state
        assert task.state == state and (per_task[task.pk] < 2 or task.state in ("agreed", "disputed"))
    claims = SlotEvent.objects.filter(kind="claimed").values_list("slot", "fence")
    assert len(claims) == len(set(claims))


@pytest.mark.django_db(transaction=True)
def test_one_expert_in_eight_tabs_has_one_seat_and_one_label(scene: Scene) -> None:
    campaign = make_campaign(scene)
    (expert,) = make_experts(1)
    join(campaign, [expert])
    slots: list[Slot | None] = []
    at_once(8, lambda _number: slots.append(claim_next(actor=expert, campaign=campaign)))
    assert len({slot.pk for slot in slots if slot}) == 1 and None not in slots
    slot = slots[0]
    assert slot is not None
    labels: list[int] = []

    def send(_number: int) -> None:
        sent = Submission(answers=SAFE, key="the same")
        labels.append(submit_label(actor=expert, slot_id=slot.pk, fence=slot.fence, sent=sent).pk)

    at_once(8, send)
    assert len(set(labels)) == 1 and Label.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_lease_that_ran_out_goes_to_one_of_many(scene: Scene) -> None:
    campaign = make_campaign(scene, first_experts=1, cap=1, size_limit=1)
    experts = make_experts(16)
    join(campaign, experts)
    first = claim_next(actor=experts[0], campaign=campaign)
    assert first is not None
    Slot.objects.filter(pk=first.pk).update(lease_until=F("lease_until") - timedelta(hours=1))
    taken: list[int] = []

    def work(number: int) -> None:
        if number == 0:
            sent = Submission(answers=COLD, key="late or not")
            submit_label(actor=experts[0], slot_id=first.pk, fence=first.fence, sent=sent)
        elif claim_next(actor=experts[number], campaign=campaign) is not None:
            taken.append(number)

    at_once(16, work)
    label = Label.objects.get()
    slot = Slot.objects.get(pk=first.pk)
    if label.extra:
        assert len(taken) == 1 and slot.expert == experts[taken[0]] and slot.state == "leased"
    else:
        assert taken == [] and slot.state == "labelled"
