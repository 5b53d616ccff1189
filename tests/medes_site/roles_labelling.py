"""Rows for the pages of an expert. The scene is made inside each cell's savepoint: a campaign on the items of the
cast's benchmark, of which `expert` is the only member, with a task in hand or a label just given."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model

from annotation.models import Campaign, Slot
from annotation.services.campaigns import CampaignPlan, create_campaign, open_campaign
from annotation.services.claiming import claim_next
from annotation.services.members import join_campaign
from annotation.services.submitting import Submission, submit_label
from benchmark.models import BenchmarkVersion
from tests.benchmark.cast import Cast
from tests.medes_site.roles_table import Row, all_, page

ANSWERS = {"realistic": True, "norm_right": True}


def campaign(cast: Cast) -> list[Any]:
    researcher = get_user_model().objects.get(username="researcher")
    plan = CampaignPlan(
        slug="roles-seats",
        title_zh="权限",
        title_en="Roles",
        kind=Campaign.Kind.ITEMS,
        version=BenchmarkVersion.objects.get(benchmark__slug="tiny"),
    )
    made = open_campaign(actor=researcher, campaign=create_campaign(actor=researcher, plan=plan))
    return [made.slug]


def _seat(cast: Cast) -> Slot:
    (slug,) = campaign(cast)
    expert = get_user_model().objects.get(username="expert")
    made = Campaign.objects.get(slug=slug)
    join_campaign(actor=expert, campaign=made)
    slot = claim_next(actor=expert, campaign=made)
    assert slot is not None
    return slot


def seat(cast: Cast) -> list[Any]:
    return ["roles-seats", _seat(cast).pk]


def given(cast: Cast) -> list[Any]:
    slot = _seat(cast)
    key = {"key_right": True if slot.task.item.kind == "objective" else None}
    sent = Submission(answers={**ANSWERS, **key}, key="roles")
    stored = submit_label(actor=slot.expert, slot_id=slot.pk, fence=slot.fence, sent=sent)
    return ["roles-seats", stored.pk]


def act(name: str, args: Any, post: str, **data: str) -> Row:
    return page(
        f"annotation:{name}", args, get=all_(405), post=post, data=lambda cast: {"fence": "1", **data}
    )


OWN = "302 404 404 302 404 404 404"
GET_ONLY = "302 405 405 405 405 405 405"
FORM = {"key": "k", "realistic": "yes", "norm_right": "yes", "key_right": "yes"}
LABELLING: list[Row] = [
    page("annotation:annotate", get="302 200 200 200 200 200 200", post=GET_ONLY),
    page("annotation:label", campaign, get="302 404 404 200 404 200 200", post=GET_ONLY),
    act("join", campaign, "302 404 404 302 404 403 302"),
    act("next", lambda cast: seat(cast)[:1], OWN),
    act("submit", seat, OWN, **FORM),
    act("draft", seat, OWN, version="0"),
    act("renew", seat, "302 404 404 200 404 404 404"),
    act("leave", seat, "302 404 404 204 404 404 404"),
    act("skip", seat, OWN, reason="unsure"),
    act("flag", seat, "302 404 404 302 404 302 302", note="x"),
    act("undo", given, OWN),
    act("reveal", given, OWN),
    page("annotation:explain", given, get="302 404 404 404 404 404 404", post=GET_ONLY),
    page("annotation:stored", given, get="302 404 404 404 404 404 404", post=GET_ONLY),
    act("answer_reveal", lambda cast: ["roles-seats", campaign(cast) and 1], "302 404 404 404 404 404 404"),
]
