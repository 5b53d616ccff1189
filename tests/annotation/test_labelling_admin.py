"""Researchers look at labelling in Django's admin; only a campaign's titles may be changed there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.annotation.scene import Scene, join, label_next, make_campaign, make_experts

pytestmark = pytest.mark.django_db
NAMES = (
    "campaign", "campaignfigures", "flag", "guidelineversion", "label", "membership", "pseudonym", "reveal",
    "ruling", "skip", "slot", "task",
)  # fmt: skip


def test_researchers_read_and_put_titles_right(
    scene: Scene, researcher: Any, client_of: Callable[..., Client]
) -> None:
    campaign = make_campaign(scene)
    (expert,) = make_experts(1)
    join(campaign, [expert])
    label = label_next(expert, campaign)
    browser = client_of(researcher)
    for name in NAMES:
        assert browser.get(reverse(f"admin:annotation_{name}_changelist")).status_code == 200, name
        assert browser.get(reverse(f"admin:annotation_{name}_add")).status_code == 403, name
    address = reverse("admin:annotation_label_change", args=[label.pk])
    assert browser.get(address).status_code == 200
    assert browser.post(address, {"rationale": "x"}).status_code == 403
    own = reverse("admin:annotation_campaign_change", args=[campaign.pk])
    changed = {"title_zh": "新名", "title_en": "New name", "state": "closed"}
    assert browser.post(own, changed).status_code == 302
    campaign.refresh_from_db()
    assert (campaign.title_zh, campaign.state) == ("新名", "open")


def test_staff_without_the_role_see_nothing(
    scene: Scene, make_user: Callable[..., Any], client_of: Callable[..., Client]
) -> None:
    browser = client_of(make_user("clerk", is_staff=True))
    for name in NAMES:
        assert browser.get(reverse(f"admin:annotation_{name}_changelist")).status_code == 403, name
