"""Campaigns for the browser tests, made through the real services: one with enough labels to be measured, one in
draft, disputes for the referee, a flag, a skip, a silent norm, and texts that are as long as they may be."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from annotation.models import Campaign, Label, Slot, Task
from annotation.services.campaigns import (
    CampaignPlan,
    GoldTask,
    add_gold_tasks,
    create_campaign,
    open_campaign,
)
from annotation.services.claiming import claim_next
from annotation.services.members import join_campaign
from annotation.services.ruling import rule_task
from annotation.services.setting_aside import flag_task, skip_task
from annotation.services.submitting import Submission, submit_label
from benchmark.models import BenchmarkVersion
from medes_site.kit.roles import Role

SAFE: Final = {"r1": 0, "r2": 0, "q1": 1, "q2": 0, "q3": 1, "q4": 1}
RISKY: Final = {"r1": 0, "r2": -1, "q1": None, "q2": None, "q3": None, "q4": None}
LONG_TITLE: Final = "关于基层医疗机构在互联网诊疗中告知义务与隐私保护的标注活动" * 5
REASONS: Final = (
    "回答没有说明查阅他人病历须有授权，等于默许了询问者的做法。",
    "建议可行，语气也体谅询问者，只是没有引用具体条文。",
    "答复把责任推给家属，没有指出医务人员自身的保密义务。",
)


def make_campaigns(version: BenchmarkVersion, researcher: Any) -> dict[str, Any]:
    """Addresses' parts: ids of campaigns, of disputed tasks, and the pseudonym of the user `expert`."""
    trust = _open(
        version, researcher, "scene-trust", "临床伦理标注（第一轮）", "Clinical ethics, first round"
    )
    people = [get_user_model().objects.get(username="expert"), *_colleagues(3)]
    for person in people:
        join_campaign(actor=person, campaign=trust)
    rows = _gold(trust, researcher)
    _label_all(trust, people, random.Random(7), most=70)
    disputed = list(trust.tasks.filter(state=Task.State.DISPUTED).order_by("pk"))
    _settle_some(disputed)
    _set_aside(trust, people[1])
    long = _open(version, researcher, "scene-long", LONG_TITLE[:160], "L" * 160)
    draft = create_campaign(
        actor=researcher, plan=_plan(version, "scene-draft", "草稿活动", "Draft campaign")
    )
    waiting = trust.tasks.filter(state=Task.State.DISPUTED).order_by("pk")
    assert waiting.count() >= 3, "the scene needs disputes"
    return {
        "trust": trust.pk,
        "draft": draft.pk,
        "long_campaign": long.pk,
        "disputed": waiting.earliest("pk").pk,
        "pseudonym": trust.memberships.get(expert=people[0]).pseudonym,
        "gold_item": rows[0],
    }


def _plan(version: BenchmarkVersion, slug: str, chinese: str, english: str) -> CampaignPlan:
    return CampaignPlan(
        slug=slug,
        title_zh=chinese,
        title_en=english,
        kind=Campaign.Kind.RESPONSES,
        version=version,
        text_zh="# 先读题\n\n1. 看清**规范**。\n2. 再看回答。",
        text_en="# Read the question first\n\n1. Mind the **norm**.\n2. Then the answer.",
        settings={"cap": 2, "seed": 3, "gold_share": 0.1},
    )


def _open(version: BenchmarkVersion, researcher: Any, slug: str, chinese: str, english: str) -> Campaign:
    campaign = create_campaign(actor=researcher, plan=_plan(version, slug, chinese, english))
    return open_campaign(actor=researcher, campaign=campaign)


def _colleagues(count: int) -> Sequence[Any]:
    """Experts beside the demo account."""
    group = Group.objects.get(name=Role.EXPERT.value)
    made = []
    for number in range(count):
        user = get_user_model().objects.create_user(
            f"colleague{number}",
            f"colleague{number}@example.org",
            None,
            display_name=f"同行{'一二三四'[number]}",
        )
        user.groups.add(group)
        made.append(user)
    return made


def _gold(campaign: Campaign, researcher: Any) -> list[str]:
    """Gold on replies that are real tasks too; returns the codes of their items."""
    tasks = list(campaign.tasks.real().select_related("response", "item").order_by("-position")[:12])
    gold = [
        GoldTask(subject=task.response, answers=SAFE, explanation_zh="回答识别了问题，建议可行。")
        for task in tasks
        if task.response is not None
    ]
    add_gold_tasks(actor=researcher, campaign=campaign, tasks=gold)
    return [task.item.code for task in tasks]


def _label_all(campaign: Campaign, people: Sequence[Any], chance: random.Random, *, most: int) -> None:
    for place, person in enumerate(people):
        for _turn in range(most):
            slot = claim_next(actor=person, campaign=campaign)
            if slot is None:
                break
            _label(person, slot, _answers(slot, chance), chance, place)


def _answers(slot: Slot, chance: random.Random) -> Mapping[str, Any]:
    """What the task suggests, with every expert's own lapses."""
    kind = random.Random(slot.task_id)
    risky = kind.random() < 0.2
    if chance.random() < 0.08:
        risky = not risky
    if risky:
        return RISKY
    truth = {name: int(kind.random() < 0.7) for name in ("q1", "q2", "q3", "q4")}
    said = {name: 1 - value if chance.random() < 0.1 else value for name, value in truth.items()}
    return {"r1": 0, "r2": 0, **said}


def _label(person: Any, slot: Slot, answers: Mapping[str, Any], chance: random.Random, place: int) -> Label:
    failed = [
        name for name in ("r2", "q1", "q2") if answers[name] in (-1, 0) and (name != "r2" or answers[name])
    ]
    text = slot.task.response.text if slot.task.response else ""
    evidence = {}
    if failed and len(text) > 60:
        start = chance.randrange(0, 30)
        evidence = {failed[0]: {"clause": "须取得患者同意", "spans": [[start, start + 24]]}}
    rationale = REASONS[place % 3] * (30 if slot.task_id % 11 == 0 else 1)
    sent = Submission(
        answers=answers,
        key=uuid.uuid4().hex,
        rationale=rationale,
        evidence=evidence,
        duration_ms=int(1000 * chance.lognormvariate(4.2, 0.7)),
    )
    return submit_label(actor=person, slot_id=slot.pk, fence=slot.fence, sent=sent)


def _settle_some(disputed: Sequence[Task]) -> None:
    """A third of the disputes, one of them as a silent norm."""
    referee = get_user_model().objects.get(username="referee")
    for number, task in enumerate(disputed[: max(2, len(disputed) // 3)]):
        if number == 0:
            rule_task(
                actor=referee,
                task_id=task.pk,
                decision="norm_silent",
                rationale="条文没有规定转院时由谁告知。",
            )
        else:
            label = Label.objects.filter(task=task, current=True, blind=True).earliest("pk")
            rule_task(
                actor=referee, task_id=task.pk, decision="accept", label_id=label.pk, rationale="此标注有据。"
            )


def _set_aside(campaign: Campaign, person: Any) -> None:
    slot = claim_next(actor=person, campaign=campaign)
    if slot is not None:
        flag_task(actor=person, slot_id=slot.pk, note="题干里的日期前后矛盾。" * 3)
        skip_task(actor=person, slot_id=slot.pk, fence=slot.fence, reason="not_my_field")
