"""Whoever was shown a verdict on an answer is never asked for a blind label on it, in any campaign."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from annotation.models import Campaign, Label, Slot, Task
from annotation.services.campaigns import close_campaign, open_campaign
from annotation.services.claiming import claim_next
from annotation.services.contesting import contest_verdict
from annotation.services.members import join_campaign
from annotation.services.revealing import reveal_judgement
from annotation.services.ruling import rule_task
from benchmark.models import Response
from tests.annotation.scene import COLD, SAFE, Scene, join, label, make_campaign, make_experts

pytestmark = pytest.mark.django_db


def given_to(expert: Any, campaign: Campaign) -> list[int | None]:
    """The responses of all tasks that the expert is given, labelling every one."""
    given = []
    while (slot := claim_next(actor=expert, campaign=campaign)) is not None:
        given.append(slot.task.response_id)
        label(expert, slot)
    return given


def shown_in(campaign: Campaign, expert: Any) -> Label:
    """A label of the expert's in a guardian campaign, after which the verdict was shown."""
    slot = claim_next(actor=expert, campaign=campaign)
    assert slot is not None
    kept = label(expert, slot)
    reveal_judgement(actor=expert, label_id=kept.pk)
    return kept


def test_a_shown_verdict_bars_from_other_campaigns_on_the_same_answer(scene: Scene) -> None:
    one, two = make_experts(2)
    guarded = make_campaign(scene, kind="guardian", order="oldest")
    beside = make_campaign(scene, order="oldest")
    drafted = make_campaign(scene, order="oldest", opened=False)
    for campaign in (guarded, beside):
        join(campaign, [one, two])
    in_hand = claim_next(actor=one, campaign=beside)
    assert in_hand is not None
    seen = shown_in(guarded, one).task.response_id
    assert in_hand.task.response_id == seen, "the same answer lay in hand in the other campaign"
    late = label(one, in_hand)
    assert late.extra, "sent from the page that was open: kept, outside the count"
    later = open_campaign(actor=scene.researcher, campaign=drafted)
    join(later, [one, two])
    for campaign in (beside, later):
        responses = set(Task.objects.filter(campaign=campaign).values_list("response", flat=True))
        assert set(given_to(one, campaign)) == responses - {seen}
        assert set(given_to(two, campaign)) == responses
        task = Task.objects.get(campaign=campaign, response=seen)
        assert task.slots.filter(state=Slot.State.OPEN).count() == 1, "the other seat waits for somebody else"


def test_pairs_with_such_an_answer_are_not_given_either(scene: Scene) -> None:
    (one,) = make_experts(1)
    guarded = make_campaign(scene, kind="guardian", order="oldest")
    pairs = make_campaign(scene, kind="pairs", order="oldest")
    join(guarded, [one])
    join(pairs, [one])
    seen = shown_in(guarded, one).task
    barred = Task.objects.filter(campaign=pairs, item=seen.item_id).values_list("pk", flat=True)
    assert list(
        Slot.objects.filter(expert=one, state=Slot.State.WITHDRAWN).values_list("task", flat=True)
    ) == list(barred)


def test_a_contested_answer_goes_to_nobody_who_could_read_the_verdict(scene: Scene) -> None:
    one, two, three = make_experts(3)
    campaign = make_campaign(scene, order="oldest")
    join(campaign, [one, two])
    for expert in (one, two):
        given_to(expert, campaign)
    close_campaign(actor=scene.researcher, campaign=campaign)
    response = Response.objects.select_related("submission", "item").get(
        pk=Label.objects.filter(expert=one).earliest("pk").task.response_id
    )
    made = contest_verdict(
        actor=one, response=response, scorer=scene.scorer, criteria=["q4"], reason="有安慰的话"
    )
    for expert in (one, two):
        join_campaign(actor=expert, campaign=made.task.campaign)
        assert claim_next(actor=expert, campaign=made.task.campaign) is None
    join_campaign(actor=three, campaign=made.task.campaign)
    assert claim_next(actor=three, campaign=made.task.campaign) is not None


def test_a_ruling_is_not_shown_while_a_blind_label_may_still_be_asked_for(
    scene: Scene, referee: Any, client_of: Callable[..., Client]
) -> None:
    one, two = make_experts(2)
    campaign = make_campaign(scene, order="oldest", cap=2)
    join(campaign, [one, two])
    first, second = (claim_next(actor=expert, campaign=campaign) for expert in (one, two))
    assert first is not None and second is not None
    label(one, first, SAFE)
    label(two, second, COLD)
    rule_task(actor=referee, task_id=first.task_id, decision="norm_silent", rationale="裁定的理由")
    address = f"/responses/{first.task.response_id}/"
    assert "裁定的理由" in client_of(one).get(address).content.decode()
    again = make_campaign(scene, order="oldest")
    join(again, [one, two])
    assert "裁定的理由" in client_of(one).get(address).content.decode(), "read before, so not asked again"
    assert "裁定的理由" not in client_of(two).get(address).content.decode(), "not read yet, and may be asked"
    assert first.task.response_id not in given_to(one, again)
    close_campaign(actor=scene.researcher, campaign=again)
    assert "裁定的理由" in client_of(two).get(address).content.decode()
