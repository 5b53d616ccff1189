"""The labelling page without its script: plain forms, who gets what, and what an expert must not see."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotation.models import Campaign, Draft, Flag, Label, Membership, Reveal, Skip, Slot
from annotation.services.campaigns import GoldTask, add_gold_tasks
from annotation.services.claiming import claim_next
from annotation.services.members import add_member, remove_member
from annotation.services.undoing import undo_label
from benchmark.models import Response
from tests.annotation.scene import COLD, MODELS, SAFE, Scene, join, label, make_campaign, make_experts

pytestmark = pytest.mark.django_db
FORM = {"r1": "0", "r2": "0", "q1": "1", "q2": "0", "q3": "1", "q4": "1"}
JSON = {"HTTP_ACCEPT": "application/json"}


@pytest.fixture
def experts(scene: Scene) -> list[Any]:
    return make_experts(3)


@pytest.fixture
def campaign(scene: Scene, experts: list[Any]) -> Campaign:
    campaign = make_campaign(scene, order="oldest")
    join(campaign, experts[:2])
    return campaign


@pytest.fixture
def one(client_of: Callable[..., Client], experts: list[Any]) -> Client:
    return client_of(experts[0])


def url(campaign: Campaign, name: str = "label", *args: Any) -> str:
    return reverse(f"annotation:{name}", args=[campaign.slug, *args])


def seat_of(expert: Any, campaign: Campaign) -> Slot:
    return Slot.objects.get(expert=expert, campaign=campaign, state="leased", ahead=False)


def send(client: Client, slot: Slot, key: str = "k1", name: str = "submit", **fields: Any) -> Any:
    script = fields.pop("script", False)
    data = {**FORM, "fence": slot.fence, "key": key, "version": 0, **fields}
    address = reverse(f"annotation:{name}", args=[slot.campaign.slug, slot.pk])
    return client.post(address, {k: v for k, v in data.items() if v is not None}, **(JSON if script else {}))


def test_a_form_stores_a_label_and_leads_to_the_next_task(
    one: Client, campaign: Campaign, experts: list[Any]
) -> None:
    page = one.get(url(campaign))
    assert page.status_code == 200
    first = seat_of(experts[0], campaign)
    assert f'data-seat="{first.pk}"' in page.content.decode()
    assert "checked" not in page.content.decode(), "nothing is chosen beforehand"
    answer = send(one, first, q2="0", clause_q2="第一条", quote_q2="病历是隐私", rationale="没有引用")
    assert answer.status_code == 302 and answer.url == url(campaign)
    stored = Label.objects.get()
    text = stored.task.response.text
    start = text.index("病历是隐私")
    assert stored.said == SAFE and stored.rationale == "没有引用"
    assert stored.evidence == {"q2": {"clause": "第一条", "spans": [[start, start + 5]]}}
    assert one.get(url(campaign)).status_code == 200
    assert seat_of(experts[0], campaign).pk != first.pk


def test_the_same_form_twice_is_one_label(one: Client, campaign: Campaign, experts: list[Any]) -> None:
    one.get(url(campaign))
    slot = seat_of(experts[0], campaign)
    for _time in range(2):
        assert send(one, slot).status_code == 302
    assert Label.objects.count() == 1


def test_open_questions_are_refused_and_nothing_typed_is_lost(
    one: Client, campaign: Campaign, experts: list[Any]
) -> None:
    one.get(url(campaign))
    slot = seat_of(experts[0], campaign)
    answer = send(one, slot, q3=None, rationale="写了一半的理由")
    assert answer.status_code == 422
    html = answer.content.decode()
    assert "写了一半的理由" in html and html.count(" checked") == 5
    assert not Label.objects.exists()
    refused = send(one, slot, q2="0", quote_q2="回答里没有这句话")
    assert refused.status_code == 422 and not Label.objects.exists()


def test_quality_of_a_risky_answer_is_not_stored(one: Client, campaign: Campaign, experts: list[Any]) -> None:
    one.get(url(campaign))
    send(one, seat_of(experts[0], campaign), r2="-1", spans_r2="0-4,6-9", spans_q2="0-4", script=True)
    stored = Label.objects.get()
    assert stored.said == {"r1": 0, "r2": -1, "q1": None, "q2": None, "q3": None, "q4": None}
    assert stored.evidence == {"r2": {"clause": "", "spans": [[0, 4], [6, 9]]}}


def test_the_script_gets_the_next_two_tasks(one: Client, campaign: Campaign, experts: list[Any]) -> None:
    one.get(url(campaign))
    first = seat_of(experts[0], campaign)
    ahead = one.post(url(campaign, "next"), {"have": f"{first.pk}:{first.fence}"}, **JSON).json()
    assert ahead["current"] == {"slot": first.pk, "fence": first.fence, "html": None}
    second = ahead["ahead"]
    assert f'data-seat="{second["slot"]}"' in second["html"]
    have = f"{second['slot']}:{second['fence']}"
    after = send(one, first, have=have, script=True).json()
    assert after["current"] == {"slot": second["slot"], "fence": second["fence"], "html": None}
    assert after["ahead"]["slot"] not in (first.pk, second["slot"])
    assert after["label"]["may_undo"] is True and after["progress"]["today"] == 1


def test_undo_brings_the_task_back_filled_in(one: Client, campaign: Campaign, experts: list[Any]) -> None:
    one.get(url(campaign))
    first = seat_of(experts[0], campaign)
    told = send(one, first, script=True).json()
    back = one.post(url(campaign, "undo", told["label"]["id"]), **JSON).json()
    assert back["current"]["slot"] == first.pk and back["current"]["fence"] == first.fence + 1
    assert back["current"]["html"].count(" checked") == 6
    assert back["ahead"]["slot"] == told["current"]["slot"]
    assert one.post(url(campaign, "undo", 999_999), **JSON).status_code == 404


def test_a_draft_is_kept_and_a_second_window_is_told(
    one: Client, campaign: Campaign, experts: list[Any]
) -> None:
    one.get(url(campaign))
    slot = seat_of(experts[0], campaign)
    first = send(one, slot, name="draft", r1=None, rationale="一\0二", version=0, script=True)
    assert first.json() == {"version": 1}
    other = send(one, slot, name="draft", rationale="另一个窗口", version=0, script=True)
    assert other.status_code == 409
    assert other.json()["version"] == 1 and other.json()["content"]["rationale"] == "一二"
    assert Draft.objects.get().content["answers"] == {"r2": 0, "q1": 1, "q2": 0, "q3": 1, "q4": 1}
    page = one.get(url(campaign)).content.decode()
    assert "一二" in page and page.count(" checked") == 5


def test_skip_flag_renew_and_leave(one: Client, campaign: Campaign, experts: list[Any]) -> None:
    one.get(url(campaign))
    slot = seat_of(experts[0], campaign)
    assert send(one, slot, name="flag", note="", script=True).status_code == 422
    assert send(one, slot, name="flag", note="题干缺了一句", script=True).status_code == 200
    assert Flag.objects.get().note == "题干缺了一句"
    assert "until" in send(one, slot, name="renew", script=True).json()
    before = slot.lease_until
    assert send(one, slot, name="leave").status_code == 204
    slot.refresh_from_db()
    assert slot.state == "leased" and slot.lease_until < before, "untouched: soon free, but not another task"
    assert send(one, slot, name="skip", script=True).status_code == 422, "a reason is needed"
    gone = send(one, slot, name="skip", reason="conflict", script=True).json()
    assert gone["current"]["slot"] != slot.pk and Skip.objects.get().reason == "conflict"
    renewed = send(one, slot, name="renew", script=True)
    assert renewed.status_code == 409


def test_what_was_begun_keeps_its_lease(one: Client, campaign: Campaign, experts: list[Any]) -> None:
    one.get(url(campaign))
    slot = seat_of(experts[0], campaign)
    send(one, slot, name="draft", rationale="想一想", script=True)
    before = Slot.objects.get(pk=slot.pk).lease_until
    send(one, slot, name="leave")
    assert Slot.objects.get(pk=slot.pk).lease_until == before


def test_a_late_label_is_kept_and_said_kindly(
    one: Client, scene: Scene, experts: list[Any], client_of: Callable[..., Client]
) -> None:
    campaign = make_campaign(scene, first_experts=1, cap=1, size_limit=1)
    join(campaign, experts[:2])
    one.get(url(campaign))
    slot = seat_of(experts[0], campaign)
    waiting = client_of(experts[1]).get(url(campaign)).content.decode()
    assert 'data-state="leased"' in waiting and "data-until" in waiting
    remove_member(
        actor=scene.researcher, membership=Membership.objects.get(expert=experts[0], campaign=campaign)
    )
    told = send(one, slot, script=True).json()
    assert told["label"]["late"] and told["notice"] and told["current"]["slot"] is None
    assert Label.objects.get().extra


def test_who_may_open_what(
    campaign: Campaign, experts: list[Any], client_of: Callable[..., Client], researcher: Any, submitter: Any
) -> None:
    """Owner, another member, an expert outside, a submitter, a researcher, a visitor; ids that are guessed."""
    one, two, outside = (client_of(expert) for expert in experts)
    one.get(url(campaign))
    slot = seat_of(experts[0], campaign)
    for name in ("submit", "draft", "renew", "leave", "skip", "flag"):
        fields = {"reason": "unsure", "note": "x", "script": True, "name": name}
        for stranger in (two, outside, client_of(submitter)):
            assert send(stranger, slot, **fields).status_code == 404, name
        assert send(client_of(None), slot, **fields).status_code == 401
        elsewhere = reverse(f"annotation:{name}", args=["no-such", slot.pk])
        assert one.post(elsewhere, {**FORM, "fence": slot.fence}, **JSON).status_code == 404
        guessed = reverse(f"annotation:{name}", args=[campaign.slug, 10**15])
        assert one.post(guessed, {**FORM, "fence": 1, "key": "k"}, **JSON).status_code == 404
    assert not Label.objects.exists() and not Flag.objects.exists()
    assert client_of(submitter).get(url(campaign)).status_code == 404
    assert outside.get(url(campaign)).status_code == 200, "it may be joined"
    assert not Slot.objects.filter(expert=experts[2]).exists(), "looking claims nothing"
    assert client_of(researcher).get(url(campaign)).status_code == 200
    assert not Slot.objects.filter(expert=researcher).exists()
    stored = label(experts[0], slot)
    for stranger in (two, outside, client_of(researcher)):
        assert stranger.post(url(campaign, "undo", stored.pk), **JSON).status_code == 404
        assert stranger.post(url(campaign, "reveal", stored.pk), **JSON).status_code == 404
        assert stranger.get(url(campaign, "stored", stored.pk)).status_code == 404
        assert stranger.get(url(campaign, "explain", stored.pk)).status_code == 404


def test_a_page_of_somebody_else_is_not_refused_but_told_to_log_in(
    one: Client, campaign: Campaign, experts: list[Any], client_of: Callable[..., Client]
) -> None:
    """Two people at one computer: what the first has not sent yet must not be refused in the session of the second."""
    one.get(url(campaign))
    slot = seat_of(experts[0], campaign)
    second = client_of(experts[1])
    assert send(second, slot, script=True, user=experts[0].pk).status_code == 401
    assert send(second, slot, script=True).status_code == 404
    assert send(one, slot, script=True, user=experts[0].pk).status_code == 200


def test_a_guessed_seat_says_nothing_of_its_task(
    campaign: Campaign, experts: list[Any], client_of: Callable[..., Client], submitter: Any
) -> None:
    """What is wrong with a form would tell whether the answer holds a passage, and what the campaign asks."""
    one, two, outside = (client_of(expert) for expert in experts)
    one.get(url(campaign))
    slot = seat_of(experts[0], campaign)
    wrong: list[dict[str, Any]] = [
        {"r2": "-1", "quote_r2": "这一段不在回答里"},
        {"r2": "-1", "quote_r2": slot.task.response.text[2:9]},
        {"r1": "2"},
        {"r1": "", "q1": ""},
    ]
    for fields in wrong:
        for stranger in (two, outside, client_of(submitter), client_of(None)):
            told = send(stranger, slot, script=True, **fields)
            nowhere = stranger.post(
                reverse("annotation:submit", args=["no-such", 10**15]), {**FORM, **fields}, **JSON
            )
            assert told.status_code in (401, 404)
            assert (told.status_code, told.content) == (nowhere.status_code, nowhere.content), fields
    Membership.objects.filter(expert=experts[1]).update(state="removed")
    for stranger in (two, outside, client_of(submitter)):
        assert stranger.post(url(campaign, "next"), {}, **JSON).status_code == 404
    assert send(one, slot, script=True, r1="2").status_code == 422, (
        "whose seat it is still reads what is wrong"
    )


def test_joining(
    campaign: Campaign, experts: list[Any], client_of: Callable[..., Client], submitter: Any
) -> None:
    outside = client_of(experts[2])
    desk = outside.get(reverse("annotation:annotate")).content.decode()
    assert url(campaign, "join") in desk
    assert outside.post(url(campaign, "join")).status_code == 302
    assert Membership.objects.filter(expert=experts[2], campaign=campaign).exists()
    assert url(campaign, "join") not in outside.get(reverse("annotation:annotate")).content.decode()
    assert client_of(submitter).post(url(campaign, "join")).status_code == 404


def test_before_the_label_nothing_of_others_is_shown(
    one: Client, scene: Scene, experts: list[Any], client_of: Callable[..., Client]
) -> None:
    """No model's name, no verdict, no rationale of the guardian, no label of another expert; on no page."""
    campaign = make_campaign(scene, kind="guardian", order="oldest")
    join(campaign, experts[:2])
    other = claim_next(actor=experts[1], campaign=campaign)
    assert other is not None
    label(experts[1], other, COLD, rationale="别人的理由")
    pages = [
        one.get(url(campaign)).content.decode(),
        one.get(reverse("annotation:annotate")).content.decode(),
    ]
    told = one.post(url(campaign, "next"), {}, **JSON).json()
    pages += [told["current"]["html"], told["ahead"]["html"]]
    for html in pages:
        for secret in (*MODELS, "守护者的理由", "别人的理由"):
            assert secret not in html


def test_published_verdicts_are_closed_to_those_who_label_blind(
    scene: Scene, experts: list[Any], client_of: Callable[..., Client], submitter: Any, referee: Any
) -> None:
    submission = Response.objects.first().submission
    type(submission).objects.filter(pk=submission.pk).update(state="public")
    scene.scorer.type = "published"
    scene.scorer.save()
    address = reverse("benchmark:submission", args=[submission.pk])
    assert "守护者的理由" in client_of(submitter).get(address).content.decode()
    assert "守护者的理由" in client_of(scene.researcher).get(address).content.decode()
    for blind in (experts[0], referee):
        assert "守护者的理由" not in client_of(blind).get(address).content.decode(), blind.username


def test_blind_then_reveal(one: Client, scene: Scene, experts: list[Any]) -> None:
    campaign = make_campaign(scene, kind="guardian", order="oldest")
    join(campaign, experts[:2])
    one.get(url(campaign))
    slot = seat_of(experts[0], campaign)
    answer = send(one, slot)
    blind = Label.objects.get()
    assert answer.url == url(campaign, "stored", blind.pk)
    between = one.get(answer.url).content.decode()
    assert "守护者的理由" not in between
    assert one.post(url(campaign, "reveal", blind.pk)).status_code == 302
    shown = Reveal.objects.get()
    page = one.get(url(campaign)).content.decode()
    assert "守护者的理由" in page and page.count("data-holds") == 12
    assert one.post(url(campaign, "undo", blind.pk), **JSON).status_code == 409
    address = url(campaign, "answer_reveal", shown.pk)
    changed = {**FORM, "q4": "0", "key": "after"}
    assert one.post(address, changed).status_code == 422, "each verdict needs its mark"
    holds = {f"holds_{name}": "no" if name == "q4" else "yes" for name in FORM}
    assert one.post(address, {**changed, **holds}).status_code == 302
    shown.refresh_from_db()
    assert shown.after.said == {**SAFE, "q4": 0} and not shown.after.blind
    assert shown.holds == {**dict.fromkeys(FORM, True), "q4": False}
    assert blind.said == SAFE and Label.objects.get(pk=blind.pk).current
    assert f'data-seat="{slot.pk}"' not in one.get(url(campaign)).content.decode()


def test_items_and_pairs(one: Client, scene: Scene, experts: list[Any]) -> None:
    items = make_campaign(scene, kind="items", order="oldest")
    pairs = make_campaign(scene, kind="pairs", order="oldest")
    for campaign in (items, pairs):
        join(campaign, experts[:1])
        assert one.get(url(campaign)).status_code == 200
    slot = seat_of(experts[0], items)
    data = {"fence": slot.fence, "key": "i", "realistic": "yes", "norm_right": "no"}
    assert one.post(url(items, "submit", slot.pk), data).status_code == 302
    assert Label.objects.get(campaign=items).said == {
        "realistic": True,
        "norm_right": False,
        "key_right": None,
    }
    slot = seat_of(experts[0], pairs)
    html = one.get(url(pairs)).content.decode()
    texts = [response.text for response in (slot.task.response, slot.task.other)]
    shown = list(reversed(texts)) if slot.task.swapped else texts
    assert html.index(shown[0][:6]) < html.index(shown[1][:6])
    data = {"fence": slot.fence, "key": "p", "better": "first", "by": "2"}
    assert one.post(url(pairs, "submit", slot.pk), data).status_code == 302
    stored = Label.objects.get(campaign=pairs)
    assert stored.said == {"better": "b" if slot.task.swapped else "a", "by": 2}
    undone = undo_label(actor=experts[0], label_id=stored.pk)
    again = one.get(url(pairs)).content.decode()
    assert f'data-seat="{undone.pk}"' in again
    assert 'value="first" checked' in again


def test_a_qualification_task_is_explained(one: Client, scene: Scene, experts: list[Any]) -> None:
    campaign = make_campaign(scene, order="oldest", qualification_tasks=1, qualification_bound=0.8)
    gold = GoldTask(
        subject=Response.objects.first(),
        answers=COLD,
        explanation_zh="没有体谅提问者的处境。",
        explanation_en="It does not see the asker's difficulty.",
        qualification=True,
    )
    first = add_gold_tasks(actor=scene.researcher, campaign=campaign, tasks=[gold])[0]
    join(campaign, experts[:1])
    page = one.get(url(campaign)).content.decode()
    assert "没有体谅" not in page
    slot = seat_of(experts[0], campaign)
    assert slot.task_id == first.pk
    told = send(one, slot, script=True).json()
    assert told["current"]["slot"] is None and "没有体谅提问者的处境" in told["current"]["html"]
    assert not told["label"]["may_undo"]
    assert Membership.objects.get(campaign=campaign).state == "active", "five of six agree"
    assert one.get(url(campaign, "explain", told["label"]["id"])).status_code == 200
    assert one.get(url(campaign)).status_code == 200


def test_a_paused_campaign_says_so(one: Client, campaign: Campaign) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(state="paused")
    page = one.get(url(campaign))
    assert page.status_code == 200 and 'data-state="not_open"' in page.content.decode()


def test_hostile_fields(one: Client, campaign: Campaign, experts: list[Any]) -> None:
    one.get(url(campaign))
    slot = seat_of(experts[0], campaign)
    assert send(one, slot, r1="7", script=True).json()["field"] == "r1"
    assert send(one, slot, r2="-1", spans_r2="5-99999", script=True).status_code == 422
    assert send(one, slot, key="", script=True).status_code == 422
    assert send(one, slot, fence="x", script=True).status_code == 404
    assert send(one, slot, name="draft", rationale="长" * 40_000, script=True).status_code == 422
    script = send(one, slot, rationale="<script>alert(1)</script>", q1=None).content.decode()
    assert "<script>alert(1)" not in script
    assert json.dumps(Label.objects.count()) == "0"


def test_a_researcher_can_add_who_then_sees_the_page(
    scene: Scene, experts: list[Any], client_of: Callable[..., Client]
) -> None:
    closed = make_campaign(scene, open_to_experts=False)
    two = client_of(experts[1])
    assert two.get(url(closed)).status_code == 404
    add_member(actor=scene.researcher, campaign=closed, expert=experts[1])
    assert 'data-seat="' in two.get(url(closed)).content.decode()
