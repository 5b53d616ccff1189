"""Referees rule in the browser: labels without names, one's own never, and no model or guardian anywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotation.models import Campaign, Label, Ruling, Task
from annotation.services.claiming import claim_next
from medes_site.kit.roles import Role
from tests.annotation.scene import (
    COLD,
    MODELS,
    RISKY,
    SAFE,
    Scene,
    join,
    label,
    make_campaign,
    make_experts,
)

pytestmark = pytest.mark.django_db
LIST = "/adjudicate/"
English = {"HTTP_ACCEPT_LANGUAGE": "en"}


@pytest.fixture
def campaign(scene: Scene) -> Campaign:
    """Two experts disagree on every one of four tasks; nobody else is asked."""
    campaign = make_campaign(scene, slug="disputes", cap=2, size_limit=4)
    first, second = make_experts(2, prefix="secret-name")
    join(campaign, [first, second])
    evidence = {"r2": {"clause": "第三条禁止", "spans": [[0, 2]]}}
    while (slot := claim_next(actor=first, campaign=campaign)) is not None:
        label(first, slot, RISKY, rationale="这样说有风险", evidence=evidence)
    while (slot := claim_next(actor=second, campaign=campaign)) is not None:
        label(second, slot, COLD, rationale="我看没有问题")
    assert campaign.tasks.filter(state="disputed").count() == 4
    return campaign


def address(task: Task | int) -> str:
    return reverse("annotation:adjudicate_task", args=[task if isinstance(task, int) else task.pk])


def first_of(campaign: Campaign) -> Task:
    task = campaign.tasks.filter(state="disputed").order_by("pk").first()
    assert task is not None
    return task


def test_a_referee_reads_labels_without_names(
    campaign: Campaign, referee: Any, client_of: Callable[..., Client]
) -> None:
    browser = client_of(referee)
    listing = browser.get(LIST, **English).content.decode()
    assert listing.count("waits for you") == 4 and "disputes" in listing
    page = browser.get(address(first_of(campaign)), **English).content.decode()
    for shown in ("Expert A", "Expert B", "这样说有风险", "我看没有问题", "第三条禁止", "4 tasks left"):
        assert shown in page
    hidden = [*MODELS, "test-guardian", "守护者的理由", "secret-name"]
    hidden += list(campaign.memberships.values_list("pseudonym", flat=True))
    for name in hidden:
        assert name not in page and name not in listing
    assert "(the experts differ here)" in page
    letter = "A" if page.index("这样说有风险") < page.index("我看没有问题") else "B"
    assert f'<mark>答0</mark><sup class="by">{letter}·R2</sup>' in page or (
        f'<mark>答1</mark><sup class="by">{letter}·R2</sup>' in page
    )
    assert (
        "专家甲" in browser.get(address(first_of(campaign)), HTTP_ACCEPT_LANGUAGE="zh-hans").content.decode()
    )


def test_the_three_decisions(campaign: Campaign, referee: Any, client_of: Callable[..., Client]) -> None:
    browser = client_of(referee)
    tasks = list(campaign.tasks.order_by("pk").filter(state="disputed"))
    chosen = Label.objects.filter(task=tasks[0]).latest("pk")
    accept = {"choice": f"accept:{chosen.pk}", "rationale": "此标注有据"}
    answer = browser.post(address(tasks[0]), accept)
    assert answer.status_code == 302 and answer["Location"] == address(tasks[1])
    own = {name: value for name, value in SAFE.items() if value is not None}
    overrule = {"choice": "overrule", "rationale": "条文很清楚", **own}
    assert browser.post(address(tasks[1]), overrule).status_code == 302
    silent = {"choice": "norm_silent", "rationale": "条文没有说到"}
    assert browser.post(address(tasks[2]), silent).status_code == 302
    assert browser.post(address(tasks[2]), silent).status_code == 302  # twice is once
    rulings = {ruling.task_id: ruling for ruling in Ruling.objects.all()}
    assert [rulings[task.pk].decision for task in tasks[:3]] == ["accept", "overrule", "norm_silent"]
    assert rulings[tasks[0].pk].label == chosen and rulings[tasks[0].pk].answers == chosen.said
    assert rulings[tasks[1].pk].answers == SAFE and rulings[tasks[2].pk].answers is None
    last = {"choice": "norm_silent", "rationale": "也没有"}
    ended = browser.post(address(tasks[3]), last, follow=True, **English)
    assert ended.status_code == 200 and "Nothing waits for a ruling" in ended.content.decode()


def test_a_risky_ruling_leaves_quality_out(
    campaign: Campaign, referee: Any, client_of: Callable[..., Client]
) -> None:
    data = {
        "choice": "overrule",
        "rationale": "有风险",
        "r1": -1,
        "r2": 0,
        "q1": 1,
        "q2": 0,
        "q3": 1,
        "q4": 1,
    }
    assert client_of(referee).post(address(first_of(campaign)), data).status_code == 302
    assert Ruling.objects.get().answers == {"r1": -1, "r2": 0, "q1": None, "q2": None, "q3": None, "q4": None}


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"choice": "overrule", **SAFE}, "A ruling needs its reasons."),
        ({"choice": "norm_silent", "rationale": "  "}, "A ruling needs its reasons."),
        ({"choice": "overrule", "rationale": "为什么", "r1": 0}, "The answers are incomplete"),
        ({"choice": "overrule", "rationale": "为什么", **SAFE, "q1": 7}, "Select a valid choice"),
        ({"choice": "accept", "rationale": "为什么"}, "Choose the label to accept."),
        ({"choice": "accept:999999", "rationale": "为什么"}, "Choose the label to accept."),
        ({"rationale": "为什么"}, "Choose how to rule."),
    ],
)
def test_what_is_incomplete_is_said_and_kept(
    campaign: Campaign,
    referee: Any,
    client_of: Callable[..., Client],
    data: dict[str, Any],
    sentence: str,
) -> None:
    answer = client_of(referee).post(address(first_of(campaign)), data, **English)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert sentence in page and data.get("rationale", "").strip() in page
    assert not Ruling.objects.exists()


def test_nobody_rules_on_a_label_of_their_own(
    campaign: Campaign, client_of: Callable[..., Client], make_user: Callable[..., Any]
) -> None:
    first = Label.objects.first()
    assert first is not None
    make_user("other", Role.REFEREE)  # makes the group
    first.expert.groups.add(*make_user("third", Role.REFEREE).groups.all())
    browser = client_of(type(first.expert).objects.get(pk=first.expert_id))
    assert "disputes" not in browser.get(LIST).content.decode()
    assert browser.get(address(first.task_id)).status_code == 404
    posted = browser.post(address(first.task_id), {"choice": "norm_silent", "rationale": "x"})
    assert posted.status_code == 404 and not Ruling.objects.exists()


def test_others_stay_outside(
    campaign: Campaign, expert: Any, researcher: Any, visitor: Client, client_of: Callable[..., Client]
) -> None:
    task = first_of(campaign)
    for user in (expert, researcher):
        assert client_of(user).get(LIST).status_code == 403
        assert client_of(user).get(address(task)).status_code == 404
        assert client_of(user).post(address(task), {}).status_code == 404
    assert visitor.get(LIST).status_code == 302
    assert visitor.get(address(task)).status_code == 302


def test_odd_addresses(campaign: Campaign, referee: Any, client_of: Callable[..., Client]) -> None:
    browser = client_of(referee)
    assert browser.get(address(99999999)).status_code == 404
    assert browser.get("/adjudicate/" + "9" * 40 + "/").status_code == 404
    assert browser.post("/adjudicate/" + "9" * 40 + "/", {"choice": "norm_silent"}).status_code == 404
    assert browser.get(LIST, {"campaign": "nothing\x00", "page": "x"}).status_code == 200
    assert browser.post(address(99999999), {"choice": "norm_silent", "rationale": "x"}).status_code == 404


def test_another_task_first_goes_round(
    campaign: Campaign, referee: Any, client_of: Callable[..., Client]
) -> None:
    browser = client_of(referee)
    ids = sorted(campaign.tasks.filter(state="disputed").values_list("pk", flat=True))
    seen = [ids[0]]
    for _turn in range(4):
        seen.append(browser.get(address(seen[-1])).context["following"])
    assert seen == [*ids, ids[0]]


def test_another_referee_was_first(
    campaign: Campaign, referee: Any, make_user: Callable[..., Any], client_of: Callable[..., Client]
) -> None:
    task = first_of(campaign)
    data = {"choice": "norm_silent", "rationale": "没有说到"}
    assert client_of(referee).post(address(task), data).status_code == 302
    other = client_of(make_user("second-referee", Role.REFEREE))
    answer = other.post(address(task), data, follow=True, **English)
    assert "Another referee has ruled" in answer.content.decode()
    assert Ruling.objects.get().referee == referee
    assert client_of(referee).get(address(task), follow=True, **English).status_code == 200
    assert other.get(address(task)).status_code == 404


def test_letters_do_not_follow_the_seats(campaign: Campaign, referee: Any, client_of: Any) -> None:
    browser = client_of(referee)
    for task in campaign.tasks.filter(state="disputed"):
        shown = browser.get(address(task)).context["found"].labels
        assert shown == browser.get(address(task)).context["found"].labels
        order = sorted(shown, key=lambda side: _digest(task.pk, side.label_id))
        assert list(shown) == order


def _digest(task: int, label: int) -> bytes:
    slot = Label.objects.values_list("slot_id", flat=True).get(pk=label)
    return hashlib.sha256(f"{task}:{slot}".encode()).digest()


def test_silent_norms_are_listed_for_researchers(
    campaign: Campaign, referee: Any, researcher: Any, client_of: Callable[..., Client]
) -> None:
    task = first_of(campaign)
    client_of(referee).post(address(task), {"choice": "norm_silent", "rationale": "条文没有说到转院的情形"})
    page = client_of(researcher).get(reverse("annotation:silent_norms"), **English).content.decode()
    assert task.item.norm is not None
    assert "条文没有说到转院的情形" in page and task.item.norm.text in page
    assert client_of(referee).get(reverse("annotation:silent_norms")).status_code == 403
    dashboard = client_of(researcher).get(reverse("annotation:campaign", args=[campaign.pk]))
    assert "Read the rulings" in dashboard.content.decode() or "查看裁定" in dashboard.content.decode()


def test_two_experts_and_a_referee_finish_a_campaign(
    scene: Scene, referee: Any, client_of: Callable[..., Client]
) -> None:
    """Experts through the services, the referee through the pages, until nothing is open."""
    campaign = make_campaign(scene, slug="whole", cap=2)
    pair = make_experts(2)
    join(campaign, pair)
    for place, expert in enumerate(pair):
        while (slot := claim_next(actor=expert, campaign=campaign)) is not None:
            label(expert, slot, RISKY if place and slot.task_id % 2 else SAFE)
    disputed = campaign.tasks.filter(state="disputed").count()
    assert disputed == 6
    browser = client_of(referee)
    at = address(first_of(campaign))
    for _ruling in range(disputed):
        found = browser.get(at).context["found"]
        choice = f"accept:{found.labels[0].label_id}"
        at = browser.post(at, {"choice": choice, "rationale": "有据"})["Location"]
    assert at == LIST
    assert set(campaign.tasks.values_list("state", flat=True)) == {"agreed", "ruled"}
