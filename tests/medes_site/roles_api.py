"""Rows of the roles table: the labelling API, and the export of a campaign.

The cast's `expert` takes part in a campaign on items, has labelled one and holds another; all of it is made
within the cell that asks for it, and rolled back with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth import get_user_model

from annotation.models import Campaign, Label, Slot, Task
from annotation.services.campaigns import CampaignPlan, create_campaign, open_campaign
from annotation.services.claiming import claim_next
from annotation.services.members import join_campaign
from annotation.services.submitting import Submission, submit_label
from tests.benchmark.cast import Cast
from tests.medes_site.roles_table import Row, api, page, words

SLUG = "roles-api"
SAID = {"realistic": True, "norm_right": True, "key_right": None}


def user(name: str) -> Any:
    return get_user_model().objects.get(username=name)


def campaign(cast: Cast) -> Campaign:
    plan = CampaignPlan(
        title_zh="角色", title_en="Roles", kind="items", version=cast.version, slug=SLUG,
        settings={"order": "oldest", "open_to_experts": False},
    )  # fmt: skip
    made = create_campaign(actor=user("researcher"), plan=plan)
    made = open_campaign(actor=user("researcher"), campaign=made)
    Campaign.objects.filter(pk=made.pk).update(open_to_experts=True)
    join_campaign(actor=user("expert"), campaign=Campaign.objects.get(pk=made.pk))
    Campaign.objects.filter(pk=made.pk).update(open_to_experts=False)
    return made


def answers_to(task: Task) -> dict[str, Any]:
    return {**SAID, "key_right": True if task.item.kind == "objective" else None}


def seat(cast: Cast) -> Slot:
    slot = claim_next(actor=user("expert"), campaign=campaign(cast))
    assert slot is not None
    return slot


def label(cast: Cast) -> Label:
    slot = seat(cast)
    sent = Submission(answers=answers_to(slot.task), key="first")
    return submit_label(actor=user("expert"), slot_id=slot.pk, fence=slot.fence, sent=sent)


def pk_of(make: Callable[[Cast], Any]) -> Callable[[Cast], list[Any]]:
    return lambda cast: [make(cast).pk]


def slug(*more: str) -> Callable[[Cast], list[Any]]:
    return lambda cast: [campaign(cast).slug, *more]


def held(cast: Cast) -> Slot:
    return Slot.objects.select_related("task__item").get(state="leased")


def fenced(**more: Any) -> Callable[[Cast], dict[str, Any]]:
    return lambda cast: {"fence": held(cast).fence, **more}


def answered(cast: Cast) -> dict[str, Any]:
    task = Task.objects.select_related("item").get(slots__expert=user("expert"))
    return {"key": "again", "answers": answers_to(task), "fence": 1}


NO_READS = "401 405 405 405 405 405 405"
MINE = "401 404 404 200 404 404 404"
INSIDE = "401 404 404 200 404 200 200"
ROWS: list[Row] = [
    api("annotation:api-campaign-list", get="401 200 200 200 200 200 200"),
    api("annotation:api-campaign", slug(), get=INSIDE),
    api("annotation:api-campaign-join", slug(), json=True, get=NO_READS, post="401 404 404 200 404 403 403"),
    api("annotation:api-claim", slug(), json=True, get=NO_READS, post=MINE),
    api("annotation:api-prefetch", slug(), json=True, get=NO_READS, post=MINE),
    api("annotation:api-campaign-export", slug("jsonl"), get="401 404 404 403 404 200 200"),
    api("annotation:api-slot", pk_of(seat), get=MINE),
    api("annotation:api-renew", pk_of(seat), data=fenced(), json=True, get=NO_READS, post=MINE),
    api("annotation:api-release", pk_of(seat), data=fenced(), json=True, get=NO_READS, post=MINE),
    api("annotation:api-draft", pk_of(seat), get=NO_READS),
    api("annotation:api-submit", pk_of(seat), data=answered, json=True, get=NO_READS, post=MINE),
    api(
        "annotation:api-skip",
        pk_of(seat),
        data=fenced(reason="unsure"),
        json=True,
        get=NO_READS,
        post="401 404 404 204 404 404 404",
    ),
    api(
        "annotation:api-flag",
        pk_of(seat),
        data=lambda cast: {"note": "x"},
        json=True,
        get=NO_READS,
        post="401 404 404 204 404 204 204",
    ),
    api("annotation:api-label-list", get="401 200 200 200 200 200 200"),
    api("annotation:api-label", pk_of(label), get=MINE),
    api("annotation:api-revise", pk_of(label), data=answered, json=True, get=NO_READS, post=MINE),
    api("annotation:api-undo", pk_of(label), json=True, get=NO_READS, post=MINE),
    api("annotation:api-reveal", pk_of(label), json=True, get=NO_READS, post="401 404 404 409 404 404 404"),
    api(
        "annotation:api-reveal-answer",
        words("1"),
        data=lambda cast: {"key": "k", "answers": SAID},
        json=True,
        get=NO_READS,
        post="401 404 404 404 404 404 404",
    ),
    api("annotation:api-dispute-list", get="401 403 403 403 200 403 200"),
    api(
        "annotation:api-dispute",
        lambda cast: [label(cast).task_id],
        note="undisputed",
        data=lambda cast: {"decision": "norm_silent", "rationale": "x"},
        json=True,
        get="401 404 404 404 404 404 404",
        post="401 404 404 404 404 404 404",
    ),
    page(
        "annotation:campaign_export",
        lambda cast: [campaign(cast).pk, "csv"],
        get="302 404 404 403 404 200 200",
    ),
]
