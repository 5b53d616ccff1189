"""Gold and qualification tasks made in the browser: on responses, items and pairs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotation.models import Campaign, Task
from annotation.rules.evidence import Passage, passages_of
from benchmark.models import Item, Response
from tests.annotation.scene import SAFE, Scene, make_campaign

pytestmark = pytest.mark.django_db
English = {"HTTP_ACCEPT_LANGUAGE": "en"}


def of_item(campaign: Campaign, code: str) -> str:
    return reverse("annotation:campaign_gold_item", args=[campaign.pk, code])


def gold_of(campaign: Campaign) -> Task:
    return Task.objects.exclude(purpose="real").get(campaign=campaign)


def test_a_response_is_picked_and_explained(
    scene: Scene, researcher: Any, client_of: Callable[..., Client]
) -> None:
    campaign = make_campaign(scene)
    browser = client_of(researcher)
    listing = reverse("annotation:campaign_gold", args=[campaign.pk])
    assert "sub-0003" in browser.get(listing, {"q": "第3问"}).content.decode()
    assert "sub-0001" not in browser.get(listing, {"q": "sub-0003"}).content.decode()
    assert "Nothing found" in browser.get(listing, {"q": "没有的词\x00"}, **English).content.decode()
    response = Response.objects.filter(item__code="sub-0003").earliest("pk")
    page = browser.get(of_item(campaign, "sub-0003"), **English).content.decode()
    assert response.text in page
    data = {"response": response.pk, **SAFE, "explanation_zh": "条文写得清楚。", "qualification": "on"}
    assert browser.post(of_item(campaign, "sub-0003"), data)["Location"] == listing
    gold = gold_of(campaign)
    assert (gold.purpose, gold.response, gold.gold_answers) == ("qualification", response, SAFE)
    assert "条文写得清楚。" in browser.get(listing).content.decode()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"q2": ""}, "The gold answers are incomplete"),
        ({"r1": 5}, "Select a valid choice"),
        ({"response": ""}, "This field is required"),
    ],
)
def test_what_is_incomplete_is_refused(
    scene: Scene,
    researcher: Any,
    client_of: Callable[..., Client],
    changes: dict[str, Any],
    sentence: str,
) -> None:
    campaign = make_campaign(scene)
    response = Response.objects.filter(item__code="sub-0003").earliest("pk")
    data = {"response": response.pk, **SAFE, **changes}
    answer = client_of(researcher).post(of_item(campaign, "sub-0003"), data, **English)
    assert answer.status_code == 422 and sentence in answer.content.decode()
    assert not Task.objects.exclude(purpose="real").exists()


def test_a_reply_of_another_item_is_refused(
    scene: Scene, researcher: Any, client_of: Callable[..., Client]
) -> None:
    campaign = make_campaign(scene)
    other = Response.objects.filter(item__code="sub-0004").earliest("pk")
    answer = client_of(researcher).post(of_item(campaign, "sub-0003"), {"response": other.pk, **SAFE})
    assert answer.status_code == 422


def test_an_item(scene: Scene, researcher: Any, client_of: Callable[..., Client]) -> None:
    campaign = make_campaign(scene, kind="items")
    data = {"realistic": 1, "norm_right": 0}
    assert client_of(researcher).post(of_item(campaign, "sub-0002"), data).status_code == 302
    gold = gold_of(campaign)
    assert gold.item == Item.objects.get(code="sub-0002", version=scene.version) and gold.response is None
    assert gold.gold_answers == {"realistic": True, "norm_right": False, "key_right": None}


def test_a_pair(scene: Scene, researcher: Any, client_of: Callable[..., Client]) -> None:
    campaign = make_campaign(scene, kind="pairs")
    first, second = Response.objects.filter(item__code="sub-0002").order_by("pk")
    browser = client_of(researcher)
    same = {"response": first.pk, "other": first.pk, "better": "first", "by": 2}
    assert browser.post(of_item(campaign, "sub-0002"), same).status_code == 422
    data = {"response": second.pk, "other": first.pk, "better": "second", "by": 2}
    assert browser.post(of_item(campaign, "sub-0002"), data).status_code == 302
    gold = gold_of(campaign)
    assert (gold.response, gold.other, gold.gold_answers) == (second, first, {"better": "b", "by": 2})
    page = browser.get(reverse("annotation:campaign_gold", args=[campaign.pk]), **English).content.decode()
    assert "the second" in page and "clearly" in page
    tie = {"response": first.pk, "other": second.pk, "better": "tie"}
    assert browser.post(of_item(campaign, "sub-0002"), tie).status_code == 302


@pytest.mark.parametrize("kind", ["items", "pairs", "guardian"])
def test_every_kind_has_its_dashboard(
    scene: Scene, researcher: Any, client_of: Callable[..., Client], kind: str
) -> None:
    campaign = make_campaign(scene, kind=kind)
    answer = client_of(researcher).get(reverse("annotation:campaign", args=[campaign.pk]), **English)
    expected = {"items": "The scenario is realistic", "pairs": "Which is better", "guardian": "Empathy"}
    assert answer.status_code == 200 and expected[kind] in answer.content.decode()


@pytest.mark.parametrize(
    ("evidence", "passages"),
    [
        ([], []),
        ([{"r2": {"clause": "x", "spans": []}}], []),
        ([{"r2": {"spans": [[2, 5]]}}], [Passage(2, 5, ((0, "r2"),))]),
        (
            [{"r2": {"spans": [[0, 4]]}}, {"q1": {"spans": [[2, 6]]}}],
            [
                Passage(0, 2, ((0, "r2"),)),
                Passage(2, 4, ((0, "r2"), (1, "q1"))),
                Passage(4, 6, ((1, "q1"),)),
            ],
        ),
        (
            [{"q1": {"spans": [[0, 2], [5, 7]]}}],
            [Passage(0, 2, ((0, "q1"),)), Passage(5, 7, ((0, "q1"),))],
        ),
    ],
)
def test_marks_are_cut_where_they_cross(evidence: list[dict[str, Any]], passages: list[Passage]) -> None:
    assert passages_of(evidence) == passages
