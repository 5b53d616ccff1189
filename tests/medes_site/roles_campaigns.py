"""Rows of the roles table about campaigns and referees, and the campaign that they are about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotation.models import Campaign, Task
from annotation.services.campaigns import CampaignPlan, create_campaign, open_campaign
from annotation.services.claiming import claim_next
from annotation.services.members import add_member, join_campaign
from annotation.services.submitting import Submission, submit_label
from benchmark.models import Item
from tests.annotation.scene import make_experts
from tests.benchmark.cast import Cast

FINE = {"realistic": True, "norm_right": True}
POOR = {"realistic": False, "norm_right": True}
RESEARCHERS = "302 404 404 404 404 {0} {0}"
STAFF_PAGE = "302 403 403 403 403 {0} {0}"


@dataclass(frozen=True)
class CampaignRow:
    """What a `Row` of roles_table is made of."""

    view: str
    args: Callable[[Cast], list[Any]] = lambda cast: []
    get: str = ""
    post: str = ""
    note: str = ""
    data: Callable[[Cast], Mapping[str, Any]] = lambda cast: {}


MADE: dict[str, Any] = {}  # filled by `prepare`: campaign, disputed, pseudonym, item


def prepare(expert: Any, researcher: Any) -> None:
    """An open campaign on items, which `expert` is a member of, with one task on which two others disagree."""
    plan = CampaignPlan(
        slug="roles",
        title_zh="角色",
        title_en="Roles",
        kind=Campaign.Kind.ITEMS,
        version=Item.objects.earliest("pk").version,
        text_zh="先看题。",
        settings={"cap": 2, "size_limit": 2},
    )
    campaign = open_campaign(actor=researcher, campaign=create_campaign(actor=researcher, plan=plan))
    member = add_member(actor=researcher, campaign=campaign, expert=expert)
    first = Item.objects.filter(version=campaign.version).earliest("pk")
    MADE.update(
        campaign=campaign.pk, pseudonym=member.pseudonym, item=first.code, disputed=_disputed(campaign).pk
    )


def _disputed(campaign: Campaign) -> Task:
    """Nobody of the table has a seat on it."""
    task = None
    for expert, answers in zip(make_experts(2, prefix="pair"), (FINE, POOR), strict=True):
        join_campaign(actor=expert, campaign=campaign)
        slot = claim_next(actor=expert, campaign=campaign)
        assert slot is not None
        key = True if slot.task.item.kind == "objective" else None
        sent = Submission(answers={**answers, "key_right": key}, key=f"k-{expert.pk}")
        submit_label(actor=expert, slot_id=slot.pk, fence=slot.fence, sent=sent)
        task = slot.task
    assert task is not None
    return task


def made(*names: str, more: Sequence[Any] = ()) -> Callable[[Cast], list[Any]]:
    return lambda cast: [*(MADE[name] for name in names), *more]


ACT_POSTS = {
    "pause": 302, "close": 302, "open": 409, "draw": 409, "stop": 409, "settings": 422, "guidelines": 422,
    "add": 422, "admit": 404, "remove": 404, "flag": 404, "nothing": 404,
}  # fmt: skip
ROWS = (
    CampaignRow("annotation:campaigns", get=STAFF_PAGE.format(200)),
    CampaignRow("annotation:campaign_new", get=STAFF_PAGE.format(200), post=STAFF_PAGE.format(422)),
    CampaignRow("annotation:guideline_preview", get="302 405 405 405 405 405 405", post=STAFF_PAGE.format(200)),
    CampaignRow("annotation:own_records", get="302 200 200 200 200 200 200"),
    CampaignRow("annotation:silent_norms", get=STAFF_PAGE.format(200)),
    CampaignRow("annotation:campaign", made("campaign"), get=RESEARCHERS.format(200)),
    *(
        CampaignRow(
            "annotation:campaign_act",
            made("campaign", more=[act]),
            note=act,
            get="405 405 405 405 405 405 405",
            post=RESEARCHERS.format(status),
        )
        for act, status in ACT_POSTS.items()
    ),
    CampaignRow(
        "annotation:campaign_gold", made("campaign"), get=RESEARCHERS.format(200), post=RESEARCHERS.format(422)
    ),
    CampaignRow(
        "annotation:campaign_gold_item", made("campaign", "item"), get=RESEARCHERS.format(200), post=RESEARCHERS.format(422)
    ),
    CampaignRow("annotation:campaign_expert", made("campaign", "pseudonym"), get="302 404 404 200 404 200 200"),
    CampaignRow("annotation:adjudicate", get="302 403 403 403 200 403 200"),
    CampaignRow(
        "annotation:adjudicate_task",
        made("disputed"),
        get="302 404 404 404 200 404 200",
        post="302 404 404 404 302 404 302",
        data=lambda cast: {"choice": "norm_silent", "rationale": "没有说到"},
    ),
)  # fmt: skip
