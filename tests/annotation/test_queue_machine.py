"""Any order of claims, expiries, labels, undos, skips and rulings keeps the promises of the queue.

Never more seats than needed, never two leases on a seat, never a lost label.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from knox.crypto import hash_token

from annotation.errors import LeaseLost, UndoRefused, WrongState
from annotation.models import Campaign, Label, Membership, Slot, SlotEvent, Task
from annotation.queries.facts import label_facts
from annotation.queries.queue import QueueCase, queue_state
from annotation.rules.blind_labels import first_blind_pairs
from annotation.services.claiming import claim_next, prefetch_next, release, renew_lease
from annotation.services.quick_label import claim_by_token, label_by_token
from annotation.services.ruling import rule_task
from annotation.services.setting_aside import flag_task, skip_task
from annotation.services.submitting import Submission, revise_label, submit_label
from annotation.services.undoing import undo_label
from benchmark.errors import BenchmarkError
from medes_site.accounts.services import create_api_token
from medes_site.kit.jobs.clock import database_now
from medes_site.kit.roles import Role
from tests.annotation.scene import COLD, RISKY, SAFE, Scene, join, make_campaign, make_experts

EXPERTS = 4
TASKS = 2
people = st.integers(0, EXPERTS - 1)
said = st.sampled_from((SAFE, SAFE, COLD, RISKY))
picks = st.integers(0, 50)


class QueueMachine(RuleBasedStateMachine):
    """Four experts and a referee on two tasks; every page ever opened can still send something."""

    scene: Scene
    experts: list[Any]
    digests: list[str]
    referee: Any

    def __init__(self) -> None:
        super().__init__()
        self.point = transaction.savepoint()
        self.campaign = make_campaign(self.scene, order="oldest", size_limit=TASKS, max_skips=3)
        join(self.campaign, self.experts)
        self.pages: list[tuple[int, int, int]] = []  # (expert, slot, fence): what some page shows
        self.sent: dict[tuple[int, str], int] = {}  # (expert, key) -> label
        self.undone: set[int] = set()

    def teardown(self) -> None:
        transaction.savepoint_rollback(self.point)

    def page(self, number: int) -> tuple[int, int, int]:
        return self.pages[number % len(self.pages)]

    def open_page(self, expert: int, slot: Slot | None) -> None:
        if slot is not None:
            assert slot.state == "leased" and slot.expert_id == self.experts[expert].pk
            self.pages.append((expert, slot.pk, slot.fence))

    @rule(expert=people)
    def claim(self, expert: int) -> None:
        slot = claim_next(actor=self.experts[expert], campaign=self.campaign)
        if slot is None:
            # Nothing that could be had may be left lying.
            mine = Slot.objects.filter(expert=self.experts[expert]).values("task")
            free = Slot.objects.filter(campaign=self.campaign, state="open").exclude(task__in=mine)
            paused = Membership.objects.filter(
                campaign=self.campaign, expert=self.experts[expert], wrap_after__isnull=False
            )
            assert not free.exists() or paused.exists()
            assert queue_state(user=self.experts[expert], campaign=self.campaign).case in (
                QueueCase.LEASED,
                QueueCase.NOTHING_FOR_YOU,
                QueueCase.DONE,
            )
        self.open_page(expert, slot)

    @rule(expert=people, answers=said)
    def work(self, expert: int, answers: dict[str, Any]) -> None:
        """What happens nearly always; without it few runs would come as far as a third label."""
        pages = len(self.pages)
        self.claim(expert)
        if len(self.pages) > pages:
            self.submit(pages, answers)

    @rule(expert=people, answers=said)
    def work_on(self, expert: int, answers: dict[str, Any]) -> None:
        self.work(expert, answers)

    @rule(expert=people)
    def prefetch(self, expert: int) -> None:
        self.open_page(expert, prefetch_next(actor=self.experts[expert], campaign=self.campaign))

    @precondition(lambda self: self.pages)
    @rule(number=picks)
    def renew(self, number: int) -> None:
        expert, slot, fence = self.page(number)
        row = Slot.objects.get(pk=slot)
        held = row.state == "leased" and row.expert_id == self.experts[expert].pk and row.fence == fence
        try:
            until = renew_lease(actor=self.experts[expert], slot_id=slot, fence=fence)
            assert held and until > database_now()
        except LeaseLost:
            assert not held

    @precondition(lambda self: self.pages)
    @rule(number=picks)
    def expire(self, number: int) -> None:
        past = database_now() - timedelta(minutes=1)
        Slot.objects.filter(pk=self.page(number)[1], state="leased").update(lease_until=past)

    @rule()
    def later(self) -> None:
        Membership.objects.filter(campaign=self.campaign).update(wrap_after=None)

    @precondition(lambda self: self.pages)
    @rule(number=picks)
    def give_back(self, number: int) -> None:
        expert, slot, fence = self.page(number)
        release(actor=self.experts[expert], slot_id=slot, fence=fence)

    @rule(expert=people)
    def claim_by_token(self, expert: int) -> None:
        """As the API does on PostgreSQL: in one statement, if the case is an ordinary one."""
        done = None
        if connection.vendor == "postgresql":
            done = claim_by_token(self.digests[expert], campaign=self.campaign.slug)
        if done is None:
            self.claim(expert)
        else:
            self.open_told(expert, done.task)

    @precondition(lambda self: self.pages)
    @rule(number=picks, answers=said, goes_on=st.booleans())
    def submit_by_token(self, number: int, answers: dict[str, Any], goes_on: bool) -> None:
        expert, slot, fence = self.page(number)
        before, key, done = Label.objects.count(), uuid.uuid4().hex, None
        if connection.vendor == "postgresql":
            sent = {"fence": fence, "key": key, "answers": answers, "next": goes_on}
            done = label_by_token(self.digests[expert], slot_id=slot, sent=sent)
        if done is None:
            assert Label.objects.count() == before
            self.submit(number, answers)
            return
        assert done.label is not None and Label.objects.count() == before + 1
        assert Label.objects.get(pk=done.label["label"]).said == answers
        self.sent[expert, key] = done.label["label"]
        assert self.send(expert, slot, fence, key, COLD).pk == done.label["label"]
        self.open_told(expert, done.task)

    @rule(expert=people, answers=said)
    def work_by_token(self, expert: int, answers: dict[str, Any]) -> None:
        pages = len(self.pages)
        self.claim_by_token(expert)
        if len(self.pages) > pages:
            self.submit_by_token(pages, answers, goes_on=True)

    def open_told(self, expert: int, told: Any) -> None:
        self.open_page(expert, None if told is None else Slot.objects.get(pk=told["slot"]))

    @precondition(lambda self: self.pages)
    @rule(number=picks, answers=said)
    def submit(self, number: int, answers: dict[str, Any]) -> None:
        expert, slot, fence = self.page(number)
        row = Slot.objects.get(pk=slot)
        held = row.state == "leased" and row.expert_id == self.experts[expert].pk and row.fence == fence
        key = uuid.uuid4().hex
        before = Label.objects.count()
        label = self.send(expert, slot, fence, key, answers)
        assert Label.objects.count() == before + 1
        assert (label.task_id, label.said) == (row.task_id, answers)
        if held:
            assert not label.extra and label.slot_id == slot
        self.sent[expert, key] = label.pk
        assert self.send(expert, slot, fence, key, COLD).pk == label.pk

    def send(self, expert: int, slot: int, fence: int, key: str, answers: dict[str, Any]) -> Label:
        sent = Submission(answers=answers, key=key)
        return submit_label(actor=self.experts[expert], slot_id=slot, fence=fence, sent=sent)

    @precondition(lambda self: self.sent)
    @rule(number=picks)
    def resubmit(self, number: int) -> None:
        (expert, key), label = list(self.sent.items())[number % len(self.sent)]
        row = Label.objects.get(pk=label)
        before = Label.objects.count()
        assert self.send(expert, row.slot_id, row.slot.fence, key, RISKY).pk == label
        assert Label.objects.count() == before

    @precondition(lambda self: self.sent)
    @rule(number=picks)
    def undo(self, number: int) -> None:
        (expert, _key), pk = list(self.sent.items())[number % len(self.sent)]
        task = Task.objects.get(labels=pk)
        ruled = task.state == "ruled"
        try:
            slot = undo_label(actor=self.experts[expert], label_id=pk)
        except UndoRefused:
            return
        assert not ruled or pk in self.undone
        self.undone.add(pk)
        self.open_page(expert, slot)

    @precondition(lambda self: self.sent)
    @rule(number=picks, answers=said)
    def revise(self, number: int, answers: dict[str, Any]) -> None:
        (expert, _key), pk = list(self.sent.items())[number % len(self.sent)]
        key = uuid.uuid4().hex
        try:
            revised = revise_label(
                actor=self.experts[expert], label_id=pk, sent=Submission(answers=answers, key=key)
            )
        except BenchmarkError:
            return
        assert revised.said == answers and revised.current
        self.sent[expert, key] = revised.pk

    @precondition(lambda self: self.pages)
    @rule(number=picks)
    def skip(self, number: int) -> None:
        expert, slot, fence = self.page(number)
        try:
            skip_task(actor=self.experts[expert], slot_id=slot, fence=fence, reason="unsure")
        except LeaseLost:
            return
        assert Slot.objects.get(pk=slot).state == "skipped"

    @precondition(lambda self: self.pages)
    @rule(number=picks)
    def flag(self, number: int) -> None:
        expert, slot, _fence = self.page(number)
        row = Slot.objects.get(pk=slot)
        if row.expert_id == self.experts[expert].pk and row.state in ("leased", "labelled", "skipped"):
            flag_task(actor=self.experts[expert], slot_id=slot, note="截断")
        assert Slot.objects.get(pk=slot).state == row.state

    @precondition(lambda self: Task.objects.filter(campaign=self.campaign, state="disputed").exists())
    @rule(number=picks, decision=st.sampled_from(("accept", "overrule", "norm_silent")))
    def rule_on_it(self, number: int, decision: str) -> None:
        disputed = list(Task.objects.filter(campaign=self.campaign, state="disputed").order_by("id"))
        task = disputed[number % len(disputed)]
        label = Label.objects.filter(task=task, current=True, blind=True, extra=False).first()
        rule_task(
            actor=self.referee,
            task_id=task.pk,
            decision=decision,
            label_id=label.pk if decision == "accept" else None,
            answers=RISKY if decision == "overrule" else None,
            rationale="理由",
        )
        try:
            rule_task(actor=self.referee, task_id=task.pk, decision="accept", label_id=None, rationale="再")
        except WrongState:
            return
        raise AssertionError("ruled twice")

    @invariant()
    def promises(self) -> None:
        slots = list(Slot.objects.filter(campaign=self.campaign).order_by("id"))
        labels = list(Label.objects.filter(campaign=self.campaign))
        self.never_more_seats_than_needed(slots, labels)
        self.never_two_leases_on_a_seat(slots)
        self.never_a_lost_label(slots, labels)

    def never_more_seats_than_needed(self, slots: list[Slot], labels: list[Label]) -> None:
        tasks = Task.objects.filter(campaign=self.campaign, position__lte=TASKS).select_related("ruling")
        for task in tasks:
            live = [slot for slot in slots if slot.task_id == task.pk and slot.state in Slot.LIVE]
            waiting = [slot for slot in live if slot.state != "labelled"]
            counted = [one for one in labels if one.task_id == task.pk and one.current and not one.extra]
            assert len(live) == task.wanted <= self.campaign.cap, task.state
            assert len(live) - len(waiting) == len(counted)
            assert len({one.expert_id for one in counted}) == len(counted)
            if task.state in ("agreed", "ruled", "exhausted"):
                assert not waiting
            elif task.state == "open":
                assert len(counted) < self.campaign.first_experts and waiting
            assert (task.consensus is not None) == (task.state == "agreed")
            assert (task.state == "ruled") == hasattr(task, "ruling")

    def never_two_leases_on_a_seat(self, slots: list[Slot]) -> None:
        events = defaultdict(list)
        for event in SlotEvent.objects.filter(slot__campaign=self.campaign).order_by("id"):
            events[event.slot_id].append(event)
        for history in events.values():
            fences = [event.fence for event in history if event.kind in ("claimed", "undone")]
            assert fences == sorted(set(fences)), "each holder has a fence of their own"
            ended = True
            for event in history:
                if event.kind == "claimed":
                    assert ended, "claimed from somebody whose lease had not ended"
                    ended = False
                ended = ended or event.kind in ("expired", "released")
        held = [(slot.expert_id, slot.ahead) for slot in slots if slot.state == "leased"]
        assert len(held) == len(set(held)), "one in hand, one ahead"

    def never_a_lost_label(self, slots: list[Slot], labels: list[Label]) -> None:
        assert {label.pk for label in labels} == set(self.sent.values())
        assert {label.pk for label in labels if label.undone_at} == self.undone
        current = [label.slot_id for label in labels if label.current and not label.extra]
        assert sorted(current) == [slot.pk for slot in slots if slot.state == "labelled"]
        first_blind_pairs(label_facts(self.campaign))  # refuses two first labels of one seat or expert


def run(scene: Scene, examples: int) -> None:
    QueueMachine.scene = scene
    QueueMachine.experts = make_experts(EXPERTS)
    QueueMachine.digests = [
        hash_token(create_api_token(actor=expert, name="t", days=None)[1]) for expert in QueueMachine.experts
    ]
    QueueMachine.referee = make_experts(1, prefix="referee", roles=[Role.REFEREE])[0]
    assert Campaign.objects.count() == 0
    run_state_machine_as_test(
        QueueMachine,
        settings=settings(max_examples=examples, stateful_step_count=30, phases=(Phase.generate,)),
    )


@pytest.mark.django_db
def test_queue_machine(scene: Scene) -> None:
    run(scene, 60)
