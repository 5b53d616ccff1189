"""One expert, two experts, a referee: claims, labels, undo, skips, rulings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from annotation.errors import (
    BadAnswers,
    CampaignNotOpen,
    DraftConflict,
    LeaseLost,
    NotFound,
    UndoRefused,
    WrongState,
)
from annotation.models import Campaign, Draft, Label, Membership, Slot, SlotEvent, Task
from annotation.queries.queue import QueueCase, queue_state
from annotation.services.campaigns import close_campaign, pause_campaign
from annotation.services.claiming import claim_next, prefetch_next, release, renew_lease
from annotation.services.drafts import save_draft
from annotation.services.members import remove_member
from annotation.services.ruling import rule_task
from annotation.services.setting_aside import flag_task, skip_task
from annotation.services.submitting import revise_label, submit_label
from annotation.services.undoing import undo_label
from medes_site.kit.jobs.clock import database_now
from medes_site.kit.roles import Role
from tests.annotation.scene import (
    COLD,
    RISKY,
    SAFE,
    Scene,
    join,
    label,
    label_next,
    make_campaign,
    make_experts,
    sent,
)

pytestmark = pytest.mark.django_db


def expire(slot: Slot) -> None:
    Slot.objects.filter(pk=slot.pk).update(lease_until=database_now() - timedelta(seconds=1))


def task_of(found: Label | Slot) -> Task:
    return Task.objects.get(pk=found.task_id)


@pytest.fixture
def campaign(scene: Scene) -> Campaign:
    return make_campaign(scene, order="oldest")


@pytest.fixture
def experts(campaign: Campaign) -> list[Any]:
    people = make_experts(4)
    join(campaign, people)
    return people


def test_tasks_and_seats_are_made_in_advance(campaign: Campaign) -> None:
    assert campaign.tasks.count() == 12
    assert campaign.slots.count() == 24
    assert set(campaign.tasks.values_list("inclusion_probability", flat=True)) == {1.0}
    assert list(campaign.tasks.values_list("position", flat=True)) == list(range(1, 13))


def test_an_expert_goes_through_all_tasks_once(campaign: Campaign, experts: list[Any]) -> None:
    seen = []
    while slot := claim_next(actor=experts[0], campaign=campaign):
        seen.append(slot.task_id)
        label(experts[0], slot)
    assert len(seen) == len(set(seen)) == 12
    assert queue_state(user=experts[0], campaign=campaign).case == QueueCase.NOTHING_FOR_YOU
    while slot := claim_next(actor=experts[1], campaign=campaign):
        label(experts[1], slot)
    assert queue_state(user=experts[0], campaign=campaign).case == QueueCase.DONE
    assert set(campaign.tasks.values_list("state", flat=True)) == {"agreed"}
    assert campaign.tasks.first().consensus == SAFE


def test_a_claim_again_gives_the_seat_in_hand(campaign: Campaign, experts: list[Any]) -> None:
    first = claim_next(actor=experts[0], campaign=campaign)
    again = claim_next(actor=experts[0], campaign=campaign)
    assert first is not None and again is not None
    assert (first.pk, first.fence) == (again.pk, again.fence)
    assert SlotEvent.objects.filter(slot=first, kind="claimed").count() == 1


def test_the_seat_ahead_comes_into_hand(campaign: Campaign, experts: list[Any]) -> None:
    first = claim_next(actor=experts[0], campaign=campaign)
    ahead = prefetch_next(actor=experts[0], campaign=campaign)
    assert first is not None and ahead is not None and ahead.ahead
    assert prefetch_next(actor=experts[0], campaign=campaign) == ahead
    assert ahead.lease_until < first.lease_until - timedelta(minutes=10)
    label(experts[0], first)
    taken = claim_next(actor=experts[0], campaign=campaign)
    assert taken == ahead and not taken.ahead and taken.fence == ahead.fence
    assert taken.lease_until > ahead.lease_until


def test_everything_leased_says_until_when(scene: Scene) -> None:
    campaign = make_campaign(scene, first_experts=1, cap=1, size_limit=1)
    one, two = make_experts(2)
    join(campaign, [one, two])
    slot = claim_next(actor=one, campaign=campaign)
    assert claim_next(actor=two, campaign=campaign) is None
    state = queue_state(user=two, campaign=campaign)
    assert state.case == QueueCase.LEASED and state.until == slot.lease_until
    assert queue_state(user=one, campaign=campaign).case == QueueCase.TASKS
    expire(slot)
    stolen = claim_next(actor=two, campaign=campaign)
    assert stolen.pk == slot.pk and stolen.fence == slot.fence + 1 and stolen.taken_from_id == one.pk
    assert list(stolen.events.values_list("kind", "expert", "fence")) == [
        ("claimed", one.pk, 1),
        ("expired", one.pk, 1),
        ("claimed", two.pk, 2),
    ]
    with pytest.raises(LeaseLost):
        renew_lease(actor=one, slot_id=slot.pk, fence=slot.fence)
    late = label(one, slot)
    assert late.extra and late.slot.state == "late"
    assert task_of(late).state == "open"
    label(two, stolen, COLD)
    assert task_of(late).consensus == COLD
    assert queue_state(user=one, campaign=campaign).case == QueueCase.DONE
    assert claim_next(actor=one, campaign=campaign) is None


def test_an_expired_lease_that_nobody_took_still_counts(campaign: Campaign, experts: list[Any]) -> None:
    slot = claim_next(actor=experts[0], campaign=campaign)
    expire(slot)
    assert renew_lease(actor=experts[0], slot_id=slot.pk, fence=slot.fence) > database_now()
    expire(slot)
    assert not label(experts[0], slot).extra


def test_a_seat_given_back_is_free_and_a_label_takes_it_again(campaign: Campaign, experts: list[Any]) -> None:
    slot = claim_next(actor=experts[0], campaign=campaign)
    assert release(actor=experts[0], slot_id=slot.pk, fence=slot.fence)
    assert not release(actor=experts[0], slot_id=slot.pk, fence=slot.fence)
    assert not label(experts[0], slot).extra
    other = claim_next(actor=experts[1], campaign=campaign)
    assert other.task_id == slot.task_id and other.pk != slot.pk
    release(actor=experts[1], slot_id=other.pk, fence=other.fence)
    third = claim_next(actor=experts[2], campaign=campaign)
    assert third.pk == other.pk
    assert label(experts[1], other).extra


def test_the_same_key_makes_one_label(campaign: Campaign, experts: list[Any]) -> None:
    slot = claim_next(actor=experts[0], campaign=campaign)
    first = label(experts[0], slot, key="k")
    assert label(experts[0], slot, COLD, key="k") == first
    assert Label.objects.count() == 1
    second_tab = label(experts[0], slot, COLD)
    assert second_tab.revision == 1 and second_tab.current
    first.refresh_from_db()
    assert not first.current and first.said == SAFE
    assert Label.objects.filter(current=True).count() == 1


def test_disagreement_opens_one_more_seat_up_to_the_cap(campaign: Campaign, experts: list[Any]) -> None:
    one = label_next(experts[0], campaign, SAFE)
    assert task_of(one).state == "open"
    label_next(experts[1], campaign, COLD)
    task = task_of(one)
    assert task.state == "disputed" and task.wanted == 3
    third = claim_next(actor=experts[2], campaign=campaign)
    assert third.task_id == one.task_id and third.ordinal == 3
    label(experts[2], third, COLD)
    task.refresh_from_db()
    assert task.state == "agreed" and task.consensus == COLD and task.wanted == 3


def test_at_the_cap_only_a_referee_helps(campaign: Campaign, experts: list[Any], referee: Any) -> None:
    labels = [label_next(experts[place], campaign, said) for place, said in enumerate((SAFE, COLD, RISKY))]
    task = task_of(labels[0])
    assert task.state == "disputed" and task.wanted == 3
    assert not Slot.objects.filter(task=task, state__in=("open", "leased")).exists()
    ruling = rule_task(
        actor=referee, task_id=task.pk, decision="accept", label_id=labels[2].pk, rationale="风险在前"
    )
    assert ruling.answers == RISKY and ruling.referee_pseudonym.startswith("E-")
    task.refresh_from_db()
    assert task.state == "ruled"
    again = rule_task(
        actor=referee, task_id=task.pk, decision="accept", label_id=labels[2].pk, rationale="同上"
    )
    assert again == ruling
    with pytest.raises(WrongState):
        rule_task(actor=referee, task_id=task.pk, decision="norm_silent", rationale="规范未言")
    with pytest.raises(UndoRefused):
        undo_label(actor=experts[2], label_id=labels[2].pk)
    with pytest.raises(WrongState):
        revise_label(actor=experts[0], label_id=labels[0].pk, sent=sent(RISKY))


def test_a_ruling_ends_what_is_open_and_keeps_what_comes(
    campaign: Campaign, experts: list[Any], referee: Any
) -> None:
    first = label_next(experts[0], campaign, SAFE)
    label_next(experts[1], campaign, COLD)
    third = claim_next(actor=experts[2], campaign=campaign)
    rule_task(actor=referee, task_id=first.task_id, decision="overrule", answers=RISKY, rationale="有风险")
    late = label(experts[2], third, COLD)
    assert late.extra and task_of(late).state == "ruled"
    assert Slot.objects.filter(task=first.task_id, state__in=("open", "leased")).count() == 0


def test_nobody_rules_on_their_own_label(campaign: Campaign, experts: list[Any], make_user: Any) -> None:
    both = make_user("both", Role.EXPERT, Role.REFEREE)
    join(campaign, [both])
    first = label_next(both, campaign, SAFE)
    label_next(experts[0], campaign, COLD)
    with pytest.raises(NotFound):
        rule_task(actor=both, task_id=first.task_id, decision="norm_silent", rationale="不清楚")
    second = label_next(experts[1], campaign, SAFE)
    assert second.task_id == first.task_id
    # and is given no seat that a disagreement opened
    label_next(experts[0], campaign, SAFE)
    disputed = label_next(experts[1], campaign, COLD)
    slot = claim_next(actor=both, campaign=campaign)
    assert slot.task_id != disputed.task_id


def test_undo_gives_the_seat_and_the_text_back(campaign: Campaign, experts: list[Any]) -> None:
    slot = claim_next(actor=experts[0], campaign=campaign)
    following = prefetch_next(actor=experts[0], campaign=campaign)
    first = label(experts[0], slot, COLD, key="once", rationale="太冷")
    in_hand = claim_next(actor=experts[0], campaign=campaign)
    assert in_hand == following
    further = prefetch_next(actor=experts[0], campaign=campaign)
    back = undo_label(actor=experts[0], label_id=first.pk)
    assert back.pk == slot.pk and back.fence == slot.fence + 1 and back.state == "leased"
    assert Draft.objects.get(slot=slot).content["answers"] == COLD
    in_hand.refresh_from_db()
    further.refresh_from_db()
    assert in_hand.ahead and in_hand.state == "leased" and further.state == "open"
    first.refresh_from_db()
    assert first.undone_at is not None and not first.current
    assert undo_label(actor=experts[0], label_id=first.pk).fence == back.fence
    # a repetition of the request that was undone makes no new label
    assert (
        submit_label(actor=experts[0], slot_id=slot.pk, fence=slot.fence, sent=sent(COLD, key="once"))
        == first
    )
    again = label(experts[0], back)
    assert again.revision == 0 and not again.extra
    assert Label.objects.count() == 2


def test_undo_is_refused_when_the_label_is_used_or_old(campaign: Campaign, experts: list[Any]) -> None:
    first = label_next(experts[0], campaign, SAFE)
    second = label_next(experts[1], campaign, COLD)
    third = label_next(experts[2], campaign, COLD)
    assert third.task_id == first.task_id
    for expert, one in zip(experts, (first, second), strict=False):
        with pytest.raises(UndoRefused):
            undo_label(actor=expert, label_id=one.pk)
    with pytest.raises(NotFound):
        undo_label(actor=experts[3], label_id=first.pk)
    undo_label(actor=experts[2], label_id=third.pk)
    assert task_of(third).state == "disputed"
    old = label_next(experts[3], campaign)
    Label.objects.filter(pk=old.pk).update(submitted_at=F("submitted_at") - timedelta(seconds=11))
    with pytest.raises(UndoRefused):
        undo_label(actor=experts[3], label_id=old.pk)


def test_undo_before_anybody_took_the_third_seat_withdraws_it(campaign: Campaign, experts: list[Any]) -> None:
    label_next(experts[0], campaign, SAFE)
    second = label_next(experts[1], campaign, COLD)
    back = undo_label(actor=experts[1], label_id=second.pk)
    assert task_of(second).state == "open" and task_of(second).wanted == 2
    assert Slot.objects.filter(task=second.task_id, state__in=Slot.LIVE).count() == 2
    label(experts[1], back, SAFE)
    assert task_of(second).state == "agreed"


def test_a_skip_passes_the_seat_on(campaign: Campaign, experts: list[Any]) -> None:
    slot = claim_next(actor=experts[0], campaign=campaign)
    with pytest.raises(BadAnswers):
        skip_task(actor=experts[0], slot_id=slot.pk, fence=slot.fence, reason="bored")
    skip = skip_task(actor=experts[0], slot_id=slot.pk, fence=slot.fence, reason="unsure", note="拿不准")
    assert skip_task(actor=experts[0], slot_id=slot.pk, fence=slot.fence, reason="unsure") == skip
    assert claim_next(actor=experts[0], campaign=campaign).task_id != slot.task_id
    takers = [claim_next(actor=expert, campaign=campaign) for expert in experts[1:]]
    assert sorted(taker.ordinal for taker in takers if taker.task_id == slot.task_id) == [1, 2]


def test_a_task_that_all_skip_is_given_up(scene: Scene) -> None:
    campaign = make_campaign(scene, order="oldest", max_skips=2, size_limit=1)
    people = make_experts(3)
    join(campaign, people)
    for expert in people[:2]:
        slot = claim_next(actor=expert, campaign=campaign)
        skip_task(actor=expert, slot_id=slot.pk, fence=slot.fence, reason="conflict")
    task = campaign.tasks.real().get(position=1)
    assert task.state == "open" and task.wanted == 1
    label_next(people[2], campaign)
    task.refresh_from_db()
    assert task.state == "exhausted"
    assert queue_state(user=people[0], campaign=campaign).case == QueueCase.DONE


def test_drafts_keep_the_newest_version(campaign: Campaign, experts: list[Any]) -> None:
    slot = claim_next(actor=experts[0], campaign=campaign)
    given: dict[str, Any] = {"actor": experts[0], "slot_id": slot.pk, "fence": slot.fence}
    assert save_draft(**given, content={"rationale": "一"}, version=0) == 1
    assert save_draft(**given, content={"rationale": "二"}, version=1) == 2
    with pytest.raises(DraftConflict) as conflict:
        save_draft(**given, content={"rationale": "旧"}, version=1)
    assert conflict.value.details == {"version": 2, "content": {"rationale": "二"}}
    with pytest.raises(DraftConflict):
        save_draft(**given, content={"rationale": "旧"}, version=0)
    with pytest.raises(NotFound):
        save_draft(**{**given, "actor": experts[1]}, content={}, version=0)
    with pytest.raises(BadAnswers):
        save_draft(**given, content={"rationale": "长" * 30_000}, version=2)
    expire(slot)
    claim_next(actor=experts[1], campaign=campaign)
    assert save_draft(**given, content={"rationale": "三"}, version=2) == 3


def test_paused_takes_what_is_in_hand_and_closed_keeps_it_as_extra(
    campaign: Campaign, experts: list[Any], researcher: Any
) -> None:
    one = claim_next(actor=experts[0], campaign=campaign)
    two = claim_next(actor=experts[1], campaign=campaign)
    pause_campaign(actor=researcher, campaign=campaign)
    with pytest.raises(CampaignNotOpen):
        claim_next(actor=experts[2], campaign=campaign)
    assert not label(experts[0], one).extra
    close_campaign(actor=researcher, campaign=campaign)
    assert label(experts[1], two).extra


def test_a_removed_expert_gets_nothing_more(campaign: Campaign, experts: list[Any], researcher: Any) -> None:
    slot = claim_next(actor=experts[0], campaign=campaign)
    remove_member(actor=researcher, membership=Membership.objects.get(expert=experts[0], campaign=campaign))
    with pytest.raises(NotFound):
        claim_next(actor=experts[0], campaign=campaign)
    assert label(experts[0], slot).extra
    assert not Slot.objects.visible_to(experts[0]).exists()


def test_answers_off_the_scale_are_refused(campaign: Campaign, experts: list[Any]) -> None:
    slot = claim_next(actor=experts[0], campaign=campaign)
    for answers, field in (({}, "r1"), ({**SAFE, "r1": -1}, "q1"), ({**SAFE, "q1": 2}, "q1")):
        with pytest.raises(BadAnswers) as refused:
            label(experts[0], slot, answers)
        assert refused.value.details["field"] == field
    with pytest.raises(BadAnswers):
        label(experts[0], slot, COLD, evidence={"q4": {"spans": [[0, 9999]]}})
    done = label(experts[0], slot, COLD, evidence={"q4": {"clause": "第一条", "spans": [[3, 5]]}})
    assert done.evidence == {"q4": {"clause": "第一条", "spans": [[3, 5]]}}


def test_flags_are_noted_once(campaign: Campaign, experts: list[Any]) -> None:
    slot = claim_next(actor=experts[0], campaign=campaign)
    flag = flag_task(actor=experts[0], slot_id=slot.pk, note=" 答案被截断 ")
    assert flag_task(actor=experts[0], slot_id=slot.pk, note="答案被截断") == flag
    with pytest.raises(NotFound):
        flag_task(actor=experts[1], slot_id=slot.pk, note="我也看看")
    assert not label(experts[0], slot).extra
