"""A better answer that an expert or a referee writes: kept with label and ruling, through pages, API and exports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotation.errors import BadAnswers
from annotation.models import Campaign, Draft, Label, Ruling
from annotation.queries.export import label_rows, task_rows
from annotation.rules.answers import CORRECTION_MAX
from annotation.services.claiming import claim_next
from annotation.services.ruling import rule_task
from annotation.services.submitting import Submission, revise_label, submit_label
from annotation.services.undoing import undo_label
from tests.annotation.scene import COLD, RISKY, SAFE, Scene, join, label_next, make_campaign, make_experts

pytestmark = pytest.mark.django_db
BETTER = "请先停止，再向科主任和伦理委员会报告。"


@pytest.fixture
def campaign(scene: Scene) -> Campaign:
    return make_campaign(scene, order="oldest")


@pytest.fixture
def experts(campaign: Campaign) -> list[Any]:
    people = make_experts(3)
    join(campaign, people)
    return people


def write(expert: Any, campaign: Campaign, key: str, text: str = BETTER, answers: Any = RISKY) -> Label:
    slot = claim_next(actor=expert, campaign=campaign)
    assert slot is not None
    sent = Submission(answers=answers, key=key, correction=text)
    return submit_label(actor=expert, slot_id=slot.pk, fence=slot.fence, sent=sent)


def test_a_correction_is_kept_with_every_version(campaign: Campaign, experts: list[Any]) -> None:
    first = write(experts[0], campaign, "one", f"  {BETTER}\0\n")
    assert Label.objects.get(pk=first.pk).correction == BETTER
    again = revise_label(
        actor=experts[0],
        label_id=first.pk,
        sent=Submission(answers=RISKY, key="two", correction="更好的一句。"),
    )
    assert list(Label.objects.order_by("pk").values_list("correction", "current")) == [
        (BETTER, False),
        ("更好的一句。", True),
    ]
    assert [row["correction"] for row in label_rows(campaign)] == [BETTER, "更好的一句。"]
    plain = label_next(experts[1], campaign, SAFE)
    assert Label.objects.get(pk=plain.pk).correction == ""
    assert again.revision == 1


def test_taken_back_it_is_in_the_draft(campaign: Campaign, experts: list[Any]) -> None:
    found = write(experts[0], campaign, "one")
    undo_label(actor=experts[0], label_id=found.pk)
    assert Draft.objects.get().content["correction"] == BETTER


def test_too_long_or_out_of_place(scene: Scene, campaign: Campaign, experts: list[Any]) -> None:
    with pytest.raises(BadAnswers) as refused:
        write(experts[0], campaign, "one", "长" * (CORRECTION_MAX + 1))
    assert refused.value.details["field"] == "correction"
    assert not Label.objects.exists()


def test_a_referee_writes_one(campaign: Campaign, experts: list[Any], referee: Any) -> None:
    write(experts[0], campaign, "one")
    label_next(experts[1], campaign, SAFE)
    label_next(experts[2], campaign, COLD)
    task = campaign.tasks.get(state="disputed")
    rule_task(
        actor=referee,
        task_id=task.pk,
        decision="overrule",
        rationale="看过",
        answers=RISKY,
        correction=f" {BETTER}",
    )
    assert Ruling.objects.get().correction == BETTER
    assert [row["ruling"]["correction"] for row in task_rows(campaign) if row["ruling"]] == [BETTER]


def test_lines_end_as_they_are_typed_not_as_browsers_send_them(
    campaign: Campaign, experts: list[Any], referee: Any, client_of: Callable[[Any], Client]
) -> None:
    slot = claim_next(actor=experts[0], campaign=campaign)
    assert slot is not None
    long = "行\r\n" * (CORRECTION_MAX // 2)
    fields = {**{k: str(v) for k, v in RISKY.items() if v is not None}, "fence": slot.fence, "key": "page"}
    answer = client_of(experts[0]).post(
        reverse("annotation:submit", args=[campaign.slug, slot.pk]),
        {**fields, "correction": long + "末", "rationale": "一\r\n二\r三"},
    )
    assert answer.status_code == 422, "one too many, counted as the page counts"
    answer = client_of(experts[0]).post(
        reverse("annotation:submit", args=[campaign.slug, slot.pk]),
        {**fields, "correction": long, "rationale": "一\r\n二\r三"},
    )
    assert answer.status_code == 302
    stored = Label.objects.get()
    assert stored.rationale == "一\n二\n三"
    assert stored.correction == long.replace("\r\n", "\n").strip()
    label_next(experts[1], campaign, SAFE, rationale="甲\r\n乙")
    assert Label.objects.latest("pk").rationale == "甲\n乙", "the short way"
    label_next(experts[2], campaign, COLD)
    task = campaign.tasks.get(state="disputed")
    form = {"choice": f"accept:{stored.pk}", "rationale": "看\r\n过", "correction": long}
    assert client_of(referee).post(f"/adjudicate/{task.pk}/", form).status_code == 302
    ruling = Ruling.objects.get()
    assert (ruling.rationale, ruling.correction) == ("看\n过", stored.correction)


def test_a_silent_norm_takes_none(
    campaign: Campaign, experts: list[Any], referee: Any, client_of: Callable[[Any], Client]
) -> None:
    for expert, answers in zip(experts, (RISKY, SAFE, COLD), strict=True):
        label_next(expert, campaign, answers)
    task = campaign.tasks.get(state="disputed")
    with pytest.raises(BadAnswers) as refused:
        rule_task(
            actor=referee, task_id=task.pk, decision="norm_silent", rationale="没有说到", correction=BETTER
        )
    assert refused.value.details["field"] == "correction"
    form = {"choice": "norm_silent", "rationale": "没有说到", "correction": BETTER}
    answer = client_of(referee).post(f"/adjudicate/{task.pk}/", form)
    assert answer.status_code == 422
    assert BETTER in answer.content.decode(), "what was written is not lost"
    assert not Ruling.objects.exists()
    assert client_of(referee).post(f"/adjudicate/{task.pk}/", {**form, "correction": " "}).status_code == 302


def test_the_keys_say_w_only_where_it_works(scene: Scene, client_of: Callable[[Any], Client]) -> None:
    (expert,) = make_experts(1, prefix="keys")
    for kind, there in (("responses", True), ("items", False), ("pairs", False)):
        campaign = make_campaign(scene, kind=kind)
        join(campaign, [expert])
        page = client_of(expert).get(reverse("annotation:label", args=[campaign.slug])).content.decode()
        assert ("<kbd>W</kbd>" in page) == there


def test_the_page_and_the_api_take_it(
    campaign: Campaign, experts: list[Any], client_of: Callable[[Any], Client]
) -> None:
    client, other = client_of(experts[0]), client_of(experts[1])
    slot = claim_next(actor=experts[0], campaign=campaign)
    assert slot is not None
    page = client.get(reverse("annotation:label", args=[campaign.slug])).content.decode()
    assert 'name="correction"' in page
    fields = {**{k: str(v) for k, v in SAFE.items()}, "fence": slot.fence, "version": 0, "correction": BETTER}
    kept = client.post(
        reverse("annotation:draft", args=[campaign.slug, slot.pk]),
        fields,
        headers={"accept": "application/json"},
    )
    assert kept.status_code == 200
    again = client.get(reverse("annotation:label", args=[campaign.slug])).content.decode()
    assert BETTER in again
    assert '<details class="better" open>' in again
    assert BETTER not in other.get(reverse("annotation:label", args=[campaign.slug])).content.decode()
    sent = client.post(
        f"/api/v1/slots/{slot.pk}/submit/",
        {"fence": slot.fence, "key": "api", "answers": RISKY, "correction": BETTER},
        content_type="application/json",
    )
    assert sent.status_code == 200, sent.content
    assert sent.json()["label"]["correction"] == BETTER
    assert Label.objects.get().correction == BETTER
    # Another expert who still has to answer sees nothing of it.
    seat = claim_next(actor=experts[1], campaign=campaign)
    assert seat is not None
    assert BETTER not in other.get(reverse("annotation:label", args=[campaign.slug])).content.decode()


def test_a_label_with_a_correction_goes_the_long_way(campaign: Campaign, experts: list[Any]) -> None:
    """And counts as any other: two that agree decide the task."""
    first = write(experts[0], campaign, "one", answers=SAFE)
    second = label_next(experts[1], campaign, SAFE)
    assert first.task_id == second.task_id
    assert campaign.tasks.get(pk=first.task_id).state == "agreed"
