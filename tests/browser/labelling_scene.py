"""Campaigns for the tests of the labelling page, one for each test, made through the services inside the stack.

`manage.py shell -c "from tests.browser.labelling_scene import main; main()"` runs after `scene.py`. Two experts
more than the demo has, `expert-b` and `expert-c`, can log in with the passwords of the demo's file.
"""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from annotation.models import Campaign
from annotation.services.campaigns import (
    CampaignPlan,
    GoldTask,
    add_gold_tasks,
    create_campaign,
    open_campaign,
)
from annotation.services.members import join_campaign
from benchmark.models import BenchmarkVersion, Judgement, Response, Scorer
from medes_site.kit.roles import Role

PLAIN: Final = (
    "keys",
    "network",
    "method",
    "tabs",
    "undo",
    "ahead",
    "looks",
    "plain",
    "passages",
    "weight",
    "lapse",
)
GOLD: Final = {"r1": 0, "r2": 0, "q1": 1, "q2": 0, "q3": 1, "q4": 1}
RATIONALE: Final = "评审模型：回答指出了问题，但没有引用具体条文。"


def main() -> None:
    home = Path(settings.MEDES_HOME)
    experts = [get_user_model().objects.get(username="expert"), *_more_experts(home)]
    for slug in PLAIN:
        _campaign(f"lab-{slug}", experts)
    _campaign("lab-items", experts, kind=Campaign.Kind.ITEMS)
    _campaign("lab-pairs", experts, kind=Campaign.Kind.PAIRS)
    _campaign("lab-last", experts, size_limit=1, first_experts=1, cap=1)
    version = BenchmarkVersion.objects.get(benchmark__slug="demo")
    scorer = Scorer.objects.create(type=Scorer.Type.GUARDIAN, name="scene-guardian", version="1")
    replies = Response.objects.filter(item__version=version, item__kind="subjective")
    Judgement.objects.bulk_create(
        Judgement(response=reply, scorer=scorer, rationale=RATIONALE, **GOLD) for reply in replies
    )
    _campaign("lab-guardian", experts, kind=Campaign.Kind.GUARDIAN, scorer=scorer)
    qualifying = _campaign("lab-qualify", [], qualification_tasks=2, qualification_bound=0.5)
    gold = [
        GoldTask(reply, GOLD, "引用要写明篇名。", "A citation names its title.", qualification=True)
        for reply in replies.order_by("pk")[:2]
    ]
    add_gold_tasks(actor=_researcher(), campaign=qualifying, tasks=gold)
    join_campaign(actor=experts[0], campaign=qualifying)


def _researcher() -> Any:
    return get_user_model().objects.get(username="researcher")


def _campaign(slug: str, experts: list[Any], **more: Any) -> Campaign:
    plan = CampaignPlan(
        slug=slug,
        title_zh=f"标注演练 {slug.removeprefix('lab-')}",
        title_en=f"Labelling trial {slug.removeprefix('lab-')}",
        kind=more.pop("kind", Campaign.Kind.RESPONSES),
        version=BenchmarkVersion.objects.get(benchmark__slug="demo"),
        scorer=more.pop("scorer", None),
        text_zh="# 怎样标\n\n先读**规范**，再读回答。",
        text_en="# How to label\n\nRead the **norm** first.",
        settings={"order": "random", "seed": 5, "size_limit": 40, "daily_goal": 60, **more},
    )
    campaign = create_campaign(actor=_researcher(), plan=plan)
    opened = open_campaign(actor=_researcher(), campaign=campaign)
    for expert in experts:
        join_campaign(actor=expert, campaign=opened)
    return opened


def _more_experts(home: Path) -> list[Any]:
    path = home / "demo_accounts.json"
    passwords = json.loads(path.read_text("utf-8"))
    made = []
    for name in ("expert-b", "expert-c"):
        passwords[name] = secrets.token_urlsafe(12)
        user = get_user_model().objects.create_user(name, f"{name}@demo.invalid", passwords[name])
        user.groups.add(Group.objects.get(name=Role.EXPERT.value))
        made.append(user)
    path.write_text(json.dumps(passwords), "utf-8")
    return made
