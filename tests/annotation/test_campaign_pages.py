"""Researchers make, run and judge campaigns in the browser; nobody else sees the pages."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotation.models import Campaign, Membership, Task
from annotation.queries.dashboard import stored_figures
from annotation.queries.figures import compute_figures, figures_watermark, from_json, to_json
from annotation.services.claiming import claim_next
from annotation.services.ruling import rule_task
from medes_site.kit.charts import Column, column_chart
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
    make_scene,
)

pytestmark = pytest.mark.django_db
English = {"HTTP_ACCEPT_LANGUAGE": "en"}


def page_of(campaign: Campaign) -> str:
    return reverse("annotation:campaign", args=[campaign.pk])


def act_of(campaign: Campaign, act: str) -> str:
    return reverse("annotation:campaign_act", args=[campaign.pk, act])


def filled(scene: Scene, **changes: Any) -> dict[str, Any]:
    return {
        "title_zh": "第二轮",
        "title_en": "Second round",
        "slug": "",
        "kind": "responses",
        "version": scene.version.pk,
        "first_experts": 2,
        "cap": 3,
        "max_skips": 4,
        "gold_share": 0,
        "lease_minutes": 20,
        "order": "random",
        "seed": 7,
        "random_share": 0.2,
        "qualification_tasks": 0,
        "qualification_bound": 0.8,
        "daily_goal": 30,
        "open_to_experts": "on",
        "text_zh": "# 先看题\n<script>alert(1)</script>",
        **changes,
    }


def test_a_campaign_from_the_form_to_its_end(
    scene: Scene, researcher: Any, client_of: Callable[..., Client]
) -> None:
    browser = client_of(researcher)
    form = browser.get(reverse("annotation:campaign_new"), **English).content.decode()
    assert "Experts at most" in form and 'value="guardian"' in form
    answer = browser.post(reverse("annotation:campaign_new"), filled(scene))
    campaign = Campaign.objects.get()
    assert answer.status_code == 302 and answer["Location"] == page_of(campaign)
    assert (campaign.slug, campaign.seed, campaign.state) == ("second-round", 7, "draft")
    page = browser.get(page_of(campaign), **English).content.decode()
    assert "<script>alert" not in page and "Open the campaign" in page
    for act, state in (("open", "open"), ("pause", "paused"), ("open", "open"), ("close", "closed")):
        assert browser.post(act_of(campaign, act)).status_code == 302
        campaign.refresh_from_db()
        assert campaign.state == state
    assert campaign.tasks.count() == 12
    refused = browser.post(act_of(campaign, "open"), **English)
    assert refused.status_code == 409 and b'role="alert"' in refused.content
    assert campaign.slug in browser.get(reverse("annotation:campaigns")).content.decode()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"cap": 1}, "At most cannot be fewer than at first."),
        ({"kind": "guardian"}, "Choose the guardian that is to be shown."),
        ({"kind": "poems"}, "Select a valid choice"),
        ({"title_en": "只有中文"}, "slug"),
        ({"gold_share": 3}, "less than or equal to 1"),
    ],
)
def test_the_form_says_what_is_wrong(
    scene: Scene,
    researcher: Any,
    client_of: Callable[..., Client],
    changes: dict[str, Any],
    sentence: str,
) -> None:
    address = reverse("annotation:campaign_new")
    answer = client_of(researcher).post(address, filled(scene, **changes), **English)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Campaign.objects.exists()


def test_a_taken_name_is_refused(scene: Scene, researcher: Any, client_of: Callable[..., Client]) -> None:
    make_campaign(scene, slug="taken", opened=False)
    answer = client_of(researcher).post(reverse("annotation:campaign_new"), filled(scene, slug="taken"))
    assert answer.status_code == 422 and Campaign.objects.count() == 1


def test_only_researchers_see_the_pages(
    scene: Scene, expert: Any, referee: Any, visitor: Client, client_of: Callable[..., Client]
) -> None:
    campaign = make_campaign(scene)
    for user in (expert, referee):
        browser = client_of(user)
        assert browser.get(reverse("annotation:campaigns")).status_code == 403
        assert browser.get(reverse("annotation:campaign_new")).status_code == 403
        assert browser.post(reverse("annotation:campaign_new"), filled(scene)).status_code == 403
        assert browser.get(page_of(campaign)).status_code == 404
        assert browser.post(act_of(campaign, "close")).status_code == 404
    assert visitor.get(page_of(campaign)).status_code == 302
    assert visitor.post(act_of(campaign, "close")).status_code == 302
    campaign.refresh_from_db()
    assert campaign.state == "open"


def test_members_come_and_go(
    scene: Scene, researcher: Any, expert: Any, client_of: Callable[..., Client]
) -> None:
    campaign = make_campaign(scene, open_to_experts=False)
    browser = client_of(researcher)
    assert browser.post(act_of(campaign, "add"), {"expert": expert.pk}).status_code == 302
    member = Membership.objects.get(campaign=campaign)
    assert (member.expert, member.state) == (expert, "active")
    assert browser.post(act_of(campaign, "add"), {"expert": researcher.pk}).status_code == 422
    assert browser.post(act_of(campaign, "remove"), {"member": "E-NOBODY"}).status_code == 404
    for act, state in (("remove", "removed"), ("admit", "active")):
        assert browser.post(act_of(campaign, act), {"member": member.pseudonym}).status_code == 302
        member.refresh_from_db()
        assert member.state == state


def test_settings_and_guidelines_change(
    scene: Scene, researcher: Any, client_of: Callable[..., Client]
) -> None:
    campaign = make_campaign(scene)
    browser = client_of(researcher)
    settings = {"daily_goal": 5, "lease_minutes": 9, "gold_share": 0.1, "max_skips": 2}
    assert browser.post(act_of(campaign, "settings"), settings).status_code == 302
    assert browser.post(act_of(campaign, "settings"), {**settings, "lease_minutes": 0}).status_code == 422
    assert browser.post(act_of(campaign, "guidelines"), {"text_zh": "新的说明"}).status_code == 302
    campaign.refresh_from_db()
    assert (campaign.lease_minutes, campaign.open_to_experts) == (9, False)
    assert campaign.guideline.number == 2


def test_agreement_is_refused_on_too_little_and_given_on_enough(
    tmp_path: Any, researcher: Any, client_of: Callable[..., Client]
) -> None:
    scene = make_scene(tmp_path / "many", researcher, items=16)
    campaign = make_campaign(scene)
    first, second = make_experts(2)
    join(campaign, [first, second])
    browser = client_of(researcher)
    label_next(first, campaign)
    page = browser.get(page_of(campaign), **English).content.decode()
    assert "0 tasks have two labels on this criterion, and below 30 the figures would mislead." in page
    while (slot := claim_next(actor=first, campaign=campaign)) is not None:
        label(first, slot, SAFE)
    number = 0
    while (slot := claim_next(actor=second, campaign=campaign)) is not None:
        number += 1
        label(second, slot, RISKY if number == 1 else COLD if number % 4 == 0 else SAFE)
    figures = compute_figures(campaign)
    found = dict(figures.trust.criteria)
    assert (found["r2"].n, found["r2"].refused, found["r2"].positive) == (32, None, -1)
    assert found["r2"].percent_agreement.value == pytest.approx(31 / 32)
    assert found["r1"].refused == "one_class"
    assert found["q4"].n == 31 and found["q4"].percent_agreement.value == pytest.approx(23 / 31)
    page = browser.get(page_of(campaign), **English).content.decode()
    assert "Krippendorff" in page and "All labels say the same" in page and page.count("<svg") > 6
    assert "on risk" in page  # the divided task
    assert figures.divided[0].risk
    assert from_json(json.loads(json.dumps(to_json(figures)))) == figures


def test_figures_are_kept_until_a_label_comes(
    scene: Scene, researcher: Any, client_of: Callable[..., Client]
) -> None:
    campaign = make_campaign(scene)
    (first,) = make_experts(1)
    join(campaign, [first])
    label_next(first, campaign)
    browser = client_of(researcher)
    browser.get(page_of(campaign))
    kept = stored_figures(campaign)
    assert kept is not None and kept[1].trust.labels == 1
    assert kept[0].watermark == figures_watermark(campaign)
    browser.get(page_of(campaign))
    again = stored_figures(campaign)
    assert again is not None and again[0].computed_at == kept[0].computed_at  # read, not computed
    label_next(first, campaign)
    browser.get(page_of(campaign))
    newer = stored_figures(campaign)
    assert newer is not None and newer[1].trust.labels == 2


def test_a_record_is_for_its_expert_and_researchers(
    scene: Scene, researcher: Any, referee: Any, client_of: Callable[..., Client]
) -> None:
    campaign = make_campaign(scene)
    own, other = make_experts(2)
    join(campaign, [own, other])
    label_next(own, campaign)
    pseudonym = Membership.objects.get(campaign=campaign, expert=own).pseudonym
    address = reverse("annotation:campaign_expert", args=[campaign.pk, pseudonym])
    assert client_of(other).get(address).status_code == 404
    assert client_of(referee).get(address).status_code == 404
    for user in (own, researcher):
        answer = client_of(user).get(address, **English)
        assert answer.status_code == 200 and "too few tasks (0)" in answer.content.decode()
    assert client_of(own).get(page_of(campaign)).status_code == 404


def test_rulings_become_gold_tasks(
    scene: Scene, researcher: Any, referee: Any, client_of: Callable[..., Client]
) -> None:
    earlier = make_campaign(scene, cap=2)
    pair = make_experts(2)
    join(earlier, pair)
    first = claim_next(actor=pair[0], campaign=earlier)
    assert first is not None
    label(pair[0], first, SAFE)
    while (slot := claim_next(actor=pair[1], campaign=earlier)) is not None and slot.task_id != first.task_id:
        label(pair[1], slot, SAFE)
    assert slot is not None
    label(pair[1], slot, COLD)
    ruling = rule_task(
        actor=referee, task_id=first.task_id, decision="overrule", rationale="因为没有共情。", answers=COLD
    )
    later = make_campaign(scene, opened=False)
    browser = client_of(researcher)
    address = reverse("annotation:campaign_gold", args=[later.pk])
    assert str(ruling.rationale) in browser.get(address).content.decode()
    chosen = {"rulings": [ruling.pk], "qualification": "1"}
    assert browser.post(address, chosen).status_code == 302
    gold = Task.objects.get(campaign=later)
    assert (gold.purpose, gold.gold_answers, gold.explanation_zh) == ("qualification", COLD, "因为没有共情。")
    assert browser.post(address, chosen).status_code == 422  # it is gold already


def test_columns_say_their_numbers() -> None:
    drawn = column_chart([Column("<b>", 2), Column("two", 4)], "Labels & days")
    assert 'height="96"' in drawn or 'height="96.0"' in drawn
    assert "&lt;b&gt;" in drawn and "<b>" not in drawn and "Labels &amp; days" in drawn
    assert column_chart([], "none") == ""
    assert "NaN" not in column_chart([Column("a", 0)], "nothing")
    with pytest.raises(ValueError, match="fewer than none"):
        column_chart([Column("a", -1)], "x")


def test_researchers_with_every_role_still_pass(
    scene: Scene, make_user: Callable[..., Any], client_of: Callable[..., Client]
) -> None:
    both = make_user("both", Role.RESEARCHER, Role.EXPERT)
    assert client_of(both).get(page_of(make_campaign(scene))).status_code == 200
