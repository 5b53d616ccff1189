"""The one statement of an ordinary label over the API tells and leaves what the long way tells and leaves."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone
from knox.crypto import hash_token

from annotation.models import Campaign, Label, Membership, Skip, Slot, Task
from annotation.services.campaigns import GoldTask, add_gold_tasks, close_campaign
from annotation.services.quick_label import claim_by_token, label_by_token
from annotation.services.setting_aside import skip_task
from benchmark.models import Response
from medes_site.accounts.services import create_api_token
from medes_site.kit.roles import Role
from tests.annotation.scene import COLD, RISKY, SAFE, Scene, join, make_campaign, make_experts, make_scene
from tests.annotation.test_quick import SAID, SHOWN, rows

pytestmark = pytest.mark.django_db
SHORT, LONG = "application/json", "application/json, */*"  # the second is not what the short way takes


@pytest.fixture(autouse=True)
def _postgresql(db: None) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite goes the long way always")
    cache.clear()


class Hand:
    """An expert's client with a token. `accept` chooses the way."""

    def __init__(self, user: Any, accept: str = SHORT) -> None:
        self.user, self.accept = user, accept
        self.token = create_api_token(actor=user, name="t", days=None)[1]
        self.digest = hash_token(self.token)
        self._client = Client()
        assert self("get", "campaigns/").status_code == 200, "this process knows the token from here on"

    def __call__(
        self, method: str, path: str, body: Any = None, *, content_type: str = "application/json"
    ) -> Any:
        data = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
        sent = {} if method == "get" else {"data": data, "content_type": content_type}
        return getattr(self._client, method)(
            f"/api/v1/{path}", **sent, headers={"authorization": f"Token {self.token}", "accept": self.accept}
        )

    def claim(self, campaign: Campaign) -> Any:
        answer = self("post", f"campaigns/{campaign.slug}/claim/")
        assert answer.status_code == 200, answer.content
        return answer.json()

    def submit(self, task: Mapping[str, Any], answers: Any = SAFE, **more: Any) -> Any:
        return self("post", f"slots/{task['slot']}/submit/", body_of(task, answers, **more))


def body_of(task: Mapping[str, Any], answers: Any = SAFE, **more: Any) -> dict[str, Any]:
    return {"fence": task["fence"], "key": uuid.uuid4().hex, "answers": answers, **more}


def without_numbers(told: Any) -> Any:
    """What was answered, without ids, slugs and times, which differ from campaign to campaign."""
    if isinstance(told, list):
        return [without_numbers(row) for row in told]
    if isinstance(told, dict):
        hidden = {"slot", "label", "campaign", "lease_until", "submitted_at", "until"}
        return {
            name: bool(value) if name in hidden and not isinstance(value, dict) else without_numbers(value)
            for name, value in told.items()
        }
    return told


def label_everything(campaign: Campaign, hands: list[Hand]) -> list[Any]:
    """Everybody labels what they are given, one after another; returns all that was answered."""
    order = list(campaign.tasks.real().order_by("position").values_list("pk", flat=True))
    told = []
    for number, hand in enumerate(hands):
        claimed = hand.claim(campaign)
        told.append(claimed)
        task = claimed["task"]
        while task is not None:
            where = Slot.objects.get(pk=task["slot"]).task_id
            said = SAID[(order.index(where) if where in order else 0) % len(SAID)][number]
            draft = {"fence": task["fence"], "version": 0, "content": {"rationale": "写"}}
            assert hand("put", f"slots/{task['slot']}/draft/", draft).status_code == 200
            more = {"evidence": SHOWN} if said == COLD else {}
            answer = hand.submit(task, said, rationale=" 理由 ", duration_ms=5, next=True, **more)
            assert answer.status_code == 200, answer.content
            told.append(answer.json())
            task = told[-1]["task"]
    return told


@pytest.mark.parametrize("gold_share", [0.0, 1.0])
@pytest.mark.parametrize("kind", ["responses", "guardian"])
def test_both_ways_tell_and_leave_the_same(scene: Scene, kind: str, gold_share: float) -> None:
    experts = make_experts(3)
    gold = [GoldTask(response, COLD) for response in Response.objects.order_by("id")[:2]]
    left, told = [], []
    for accept in (SHORT, LONG):
        campaign = make_campaign(scene, kind=kind, order="oldest", gold_share=gold_share)
        if gold_share:
            add_gold_tasks(actor=scene.researcher, campaign=campaign, tasks=gold)
        join(campaign, experts)
        told.append(label_everything(campaign, [Hand(expert, accept) for expert in experts]))
        members = Membership.objects.filter(campaign=campaign).order_by("expert")
        left.append([*rows(campaign), list(members.values_list("dealt", "cursor"))])
    assert left[0] == left[1]
    short, long = (without_numbers(way) for way in told)
    if gold_share:  # each member meets the gold tasks of each campaign in an order of its own
        short, long = (sorted((answer.get("label") for answer in way), key=str) for way in (short, long))
    assert short == long
    assert {"agreed", "disputed"} <= set(Task.objects.values_list("state", flat=True))


def test_what_is_ordinary_goes_the_short_way(scene: Scene) -> None:
    """Each of the cases by itself: a first label, agreement, a tie with a seat for a third, the third, the next claim."""
    campaign = make_campaign(scene, order="oldest")
    hands = [Hand(expert) for expert in make_experts(3)]
    join(campaign, [hand.user for hand in hands])
    for hand, answers in zip(hands, (SAFE, COLD, COLD), strict=True):
        claimed = claim_by_token(hand.digest, campaign=campaign.slug)
        assert claimed is not None and claimed.task is not None
        assert claim_by_token(hand.digest, campaign=campaign.slug) is None, (
            "one in hand: not an ordinary claim"
        )
        done = label_by_token(
            hand.digest, slot_id=claimed.task["slot"], sent=body_of(claimed.task, answers, next=True)
        )
        assert done is not None and done.expert == hand.user.pk and done.task is not None
        task = Task.objects.get(pk=Slot.objects.get(pk=claimed.task["slot"]).task_id)
    assert (task.state, task.wanted, task.consensus) == ("agreed", 3, COLD)
    assert sorted(task.slots.values_list("ordinal", "state")) == [(n, "labelled") for n in (1, 2, 3)]


def test_a_task_given_up_gets_no_further_seat(scene: Scene) -> None:
    campaign = make_campaign(scene, order="oldest", max_skips=1)
    hands = [Hand(expert) for expert in make_experts(3)]
    join(campaign, [hand.user for hand in hands])
    first = hands[2].claim(campaign)["task"]
    skip_task(
        actor=hands[2].user, slot_id=first["slot"], fence=first["fence"], reason=Skip.Reason.UNSURE, note=""
    )
    where = Slot.objects.get(pk=first["slot"]).task_id
    for hand, answers in zip(hands, (SAFE, COLD, SAFE), strict=False):
        task = hand.claim(campaign)["task"]
        assert hand.submit(task, answers).status_code == 200
    task = Task.objects.get(pk=where)
    live = task.slots.filter(state__in=Slot.LIVE).count()
    assert live == task.wanted <= 2


def test_a_referee_gets_no_seat_that_a_disagreement_opened(scene: Scene) -> None:
    campaign = make_campaign(scene, order="oldest", size_limit=1)
    one, two = (Hand(expert) for expert in make_experts(2))
    (both,) = (Hand(user) for user in make_experts(1, prefix="both", roles=(Role.EXPERT, Role.REFEREE)))
    join(campaign, [one.user, two.user, both.user])
    for hand, answers in ((one, SAFE), (two, COLD)):
        assert hand.submit(hand.claim(campaign)["task"], answers).status_code == 200
    assert Slot.objects.filter(state="open", ordinal=3).exists()
    assert claim_by_token(both.digest, campaign=campaign.slug) is None
    assert both.claim(campaign)["task"] is None


def test_a_token_that_is_no_longer_good_stops_at_once(scene: Scene) -> None:
    campaign = make_campaign(scene)
    for spoil in ("revoked", "expired", "inactive"):
        hand = Hand(make_experts(1, prefix=spoil)[0])
        join(campaign, [hand.user])
        task = hand.claim(campaign)["task"]
        token = hand.user.auth_token_set.get()
        if spoil == "revoked":
            token.delete()
        elif spoil == "expired":
            type(token).objects.filter(pk=token.pk).update(expiry=timezone.now() - timedelta(seconds=1))
        else:
            type(hand.user).objects.filter(pk=hand.user.pk).update(is_active=False)
        assert label_by_token(hand.digest, slot_id=task["slot"], sent=body_of(task)) is None
        assert claim_by_token(hand.digest, campaign=campaign.slug) is None
        assert hand.submit(task).status_code == 401, spoil
    assert not Label.objects.exists()


def test_who_may_not_gets_nothing_the_short_way(scene: Scene) -> None:
    campaign = make_campaign(scene)
    mine, other, out = (Hand(expert) for expert in make_experts(3))
    join(campaign, [mine.user, other.user, out.user])
    task = mine.claim(campaign)["task"]
    gone = out.claim(campaign)["task"]
    Membership.objects.filter(expert=out.user).update(state="removed")
    out.user.groups.clear()
    for hand, given in ((other, task), (out, gone), (mine, {**task, "fence": task["fence"] + 1})):
        assert label_by_token(hand.digest, slot_id=given["slot"], sent=body_of(given)) is None
    assert claim_by_token(out.digest, campaign=campaign.slug) is None
    assert other.submit(task).status_code == 404
    assert not Label.objects.exists()
    mine.user.groups.clear()  # no expert any more: what is in hand may be finished, nothing new is given
    done = mine.submit(task, next=True)
    assert done.status_code == 200 and done.json()["task"] is None


def test_a_campaign_that_is_paused_or_closed(scene: Scene) -> None:
    campaign = make_campaign(scene)
    one, two = (Hand(expert) for expert in make_experts(2))
    join(campaign, [one.user, two.user])
    first, second = one.claim(campaign)["task"], two.claim(campaign)["task"]
    Campaign.objects.filter(pk=campaign.pk).update(state="paused")
    done = one.submit(first, next=True).json()
    assert (done["label"]["extra"], done["task"], done["queue"]["case"]) == (False, None, "not_open")
    close_campaign(actor=scene.researcher, campaign=Campaign.objects.get(pk=campaign.pk))
    assert label_by_token(two.digest, slot_id=second["slot"], sent=body_of(second)) is None
    assert two.submit(second).json()["label"]["extra"], "kept, outside the count"


def test_a_label_that_is_sent_again_is_the_same(scene: Scene) -> None:
    campaign = make_campaign(scene)
    (hand,) = (Hand(expert) for expert in make_experts(1))
    join(campaign, [hand.user])
    task = hand.claim(campaign)["task"]
    first = hand.submit(task, RISKY, key="k", next=True).json()
    again = hand.submit(task, SAFE, key="k", next=True).json()
    assert again["label"] == first["label"] and again["task"]["slot"] == first["task"]["slot"]
    used = hand.submit(first["task"], SAFE, key="k").json()
    assert used["label"]["label"] == first["label"]["label"] and Label.objects.count() == 1
    assert Slot.objects.get(pk=first["task"]["slot"]).state == "leased", "nothing half done is left"


@pytest.mark.parametrize(
    "change",
    [
        {"fence": "1"}, {"fence": True}, {"fence": 2**40}, {"fence": None}, {"key": ""}, {"key": "键"}, {"key": 7},
        {"key": "x" * 65}, {"answers": []}, {"answers": {**SAFE, "q1": True}}, {"answers": {**SAFE, "x": 1}},
        {"answers": {"r1": 0}}, {"rationale": None}, {"rationale": "a\0b"}, {"rationale": "长" * 10_001},
        {"rationale": "\ud800"}, {"evidence": {"q2": {"spans": [[0, 10_000]]}}}, {"evidence": {"q1": {"clause": "x"}}},
        {"evidence": {"q2": {"clause": "\ud800"}}}, {"evidence": {"q2": {"clause": "a\0"}}}, {"duration_ms": -1},
        {"duration_ms": 2**50}, {"duration_ms": 1.5}, {"next": "yes"}, {"next": 1}, {"more": 1},
    ],
    ids=str,
)  # fmt: skip
def test_odd_requests_are_answered_alike(scene: Scene, change: dict[str, Any]) -> None:
    """The short way takes what the long way takes, or leaves it to it: no request is accepted or refused otherwise."""
    answers = []
    for number, accept in enumerate((SHORT, LONG)):
        campaign = make_campaign(scene, order="oldest")
        hand = Hand(make_experts(1, prefix=f"odd{number}")[0], accept)
        join(campaign, [hand.user])
        task = hand.claim(campaign)["task"]
        answer = hand("post", f"slots/{task['slot']}/submit/", {**body_of(task), "key": "k", **change})
        stored = list(
            Label.objects.filter(campaign=campaign).values_list("key", "rationale", "evidence", "duration_ms")
        )
        answers.append((answer.status_code, without_numbers(answer.json()), stored))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"fence": NaN}', b"[" * 100_000, b"\xff"])
def test_odd_bodies_are_answered_alike(scene: Scene, body: bytes) -> None:
    campaign = make_campaign(scene)
    (expert,) = make_experts(1)
    join(campaign, [expert])
    codes = []
    for accept in (SHORT, LONG):
        hand = Hand(expert, accept)
        task = hand.claim(campaign)["task"]
        codes.append(hand("post", f"slots/{task['slot']}/submit/", body).status_code)
    assert codes[0] == codes[1] and codes[0] in (400, 422)
    form = hand("post", f"slots/{task['slot']}/submit/", b"fence=1", content_type="text/plain")
    assert form.status_code == 415


def test_the_limit_of_a_minute_counts_each_request_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = make_campaign(scene)
    hand = Hand(make_experts(1)[0])
    join(campaign, [hand.user])
    task = hand.claim(campaign)["task"]
    cache.clear()
    monkeypatch.setattr(settings, "MEDES_LABELLING_PER_MINUTE", 3)
    monkeypatch.setattr("annotation.api.throttles.time", SimpleNamespace(time=lambda: 1_000_000.0))
    codes = [hand.submit(task, key=f"k{number}").status_code for number in range(5)]
    # The first is ordinary, the next two are revisions that go the long way after the short one had a look.
    assert codes == [200, 200, 200, 429, 429]
    assert Label.objects.count() == 3


def test_the_short_way_keeps_what_the_middleware_sees_to(scene: Scene) -> None:
    campaign = make_campaign(scene)
    hand = Hand(make_experts(1)[0])
    join(campaign, [hand.user])
    task = hand.claim(campaign)["task"]
    answer = hand.submit(task)
    assert answer["X-Content-Type-Options"] == "nosniff" and answer["X-Frame-Options"] == "DENY"
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert int(answer["Content-Length"]) == len(answer.content)
    foreign = Client().post(
        f"/api/v1/campaigns/{campaign.slug}/claim/", b"{}", content_type="application/json",
        headers={"authorization": f"Token {hand.token}", "host": "elsewhere.example"},
    )  # fmt: skip
    assert foreign.status_code == 400 and not Slot.objects.filter(state="leased").exists()


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_was_lost_costs_nothing(tmp_path: Path, researcher: Any) -> None:
    """The database went away between two requests: the next label is stored all the same, once."""
    scene = make_scene(tmp_path / "labels", researcher)
    campaign = make_campaign(scene)
    hand = Hand(make_experts(1)[0])
    join(campaign, [hand.user])
    task = hand.claim(campaign)["task"]
    connection.ensure_connection()
    address = connection.connection.info
    with psycopg.connect(
        host=address.host, port=address.port, user=address.user, password=address.password, dbname=address.dbname
    ) as other:  # fmt: skip
        other.execute("SELECT pg_terminate_backend(%s)", [address.backend_pid])
    assert label_by_token(hand.digest, slot_id=task["slot"], sent=body_of(task)) is None
    connection.health_check_done = False  # as at the beginning of each request
    answer = hand.submit(task, next=True)
    assert answer.status_code == 200 and answer.json()["task"] is not None
    assert Label.objects.count() == 1
