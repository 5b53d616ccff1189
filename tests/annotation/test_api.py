"""The labelling API as experts, referees and researchers meet it, and what it keeps from each of them."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.db.models import F
from django.test import Client

from annotation.models import Campaign, Label, Pseudonym, Slot
from annotation.services.campaigns import GoldTask, add_gold_tasks, close_campaign
from annotation.services.exporting import export_campaign
from annotation.services.parquet import write_parquet
from annotation.services.undoing import undo_label
from benchmark.models import Response
from tests.annotation.scene import (
    COLD,
    MODELS,
    RISKY,
    SAFE,
    Scene,
    join,
    label,
    label_next,
    make_campaign,
    make_experts,
)
from tests.kit.processes import database_address

pytestmark = pytest.mark.django_db
API = "/api/v1"


class Api:
    """A client of one person."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def __call__(self, method: str, path: str, body: Any = None, *, status: int = 200, **query: Any) -> Any:
        call = getattr(self.client, method)
        if method == "get":
            response = call(f"{API}/{path}", query)
        else:
            response = call(f"{API}/{path}", json.dumps(body or {}), content_type="application/json")
        assert response.status_code == status, (path, response.content)
        return response.json() if response.content else None

    def claim(self, campaign: Campaign) -> Any:
        return self("post", f"campaigns/{campaign.slug}/claim/")["task"]

    def submit(self, task: Any, answers: Any = SAFE, *, status: int = 200, **more: Any) -> Any:
        body = {"fence": task["fence"], "key": uuid.uuid4().hex, "answers": answers, **more}
        return self("post", f"slots/{task['slot']}/submit/", body, status=status)


@pytest.fixture
def api_of(client_of: Callable[..., Client]) -> Callable[[Any], Api]:
    return lambda user: Api(client_of(user))


def test_an_expert_works_through_the_api(scene: Scene, api_of: Callable[[Any], Api]) -> None:
    campaign = make_campaign(scene, order="oldest")
    (expert,) = make_experts(1)
    api = api_of(expert)
    (row,) = api("get", "campaigns/")["results"]
    assert row["slug"] == campaign.slug and row["guidelines"]["en"] == "Read the question first."
    assert api("get", f"campaigns/{campaign.slug}/")["mine"] is None
    api("post", f"campaigns/{campaign.slug}/claim/", status=404)
    assert api("post", f"campaigns/{campaign.slug}/join/")["mine"]["queue"]["case"] == "tasks"

    task = api.claim(campaign)
    assert task["item"]["question"].startswith("第1问") and task["item"]["norm"]["text"]
    assert task["responses"][0].startswith("答0") and task["item"]["key"] is None and task["draft"] is None
    assert api.claim(campaign)["slot"] == task["slot"], "one task in hand"
    ahead = api("post", f"campaigns/{campaign.slug}/prefetch/")["task"]
    assert ahead["ahead"] and ahead["slot"] != task["slot"]
    until = api("post", f"slots/{ahead['slot']}/renew/", {"fence": ahead["fence"]})["lease_until"]
    assert until > ahead["lease_until"]

    draft = {"fence": task["fence"], "version": 0, "content": {"answers": {"r1": 0}, "rationale": "先写一点"}}
    assert api("put", f"slots/{task['slot']}/draft/", draft) == {"version": 1}
    conflict = api("put", f"slots/{task['slot']}/draft/", draft, status=409)
    assert conflict["version"] == 1 and conflict["content"]["rationale"] == "先写一点"
    assert api("get", f"slots/{task['slot']}/")["draft"]["content"]["answers"] == {"r1": 0}

    bad = api.submit(task, {**SAFE, "q4": 7}, status=422)
    assert (bad["field"], bad["code"]) == ("q4", "off_scale")
    done = api.submit(task, COLD, key="k", rationale="冷冰冰", duration_ms=4000, next=True)
    assert done["label"]["answers"] == COLD and not done["label"]["extra"] and done["gold"] is None
    assert done["task"]["slot"] == ahead["slot"] and not done["task"]["ahead"]
    again = api.submit(task, SAFE, key="k")
    assert again["label"]["label"] == done["label"]["label"] and Label.objects.count() == 1

    back = api("post", f"labels/{done['label']['label']}/undo/")
    assert back["slot"] == task["slot"] and back["fence"] == task["fence"] + 1
    assert back["draft"]["content"]["answers"] == COLD
    stored = api.submit(back, SAFE)["label"]
    revised = api(
        "post",
        f"labels/{stored['label']}/revise/",
        {"key": "r", "answers": RISKY, "rationale": "仔细看有风险"},
    )
    assert revised["revision"] == 1 and revised["answers"] == RISKY
    assert [row["current"] for row in api("get", "labels/", campaign=campaign.slug)["results"]] == [
        True, False, False,
    ]  # fmt: skip
    assert api("get", f"campaigns/{campaign.slug}/")["mine"]["labels"] == 1


def test_skipping_flagging_and_giving_back(scene: Scene, api_of: Callable[[Any], Api]) -> None:
    campaign = make_campaign(scene, size_limit=2, first_experts=1, cap=1)
    one, two = make_experts(2)
    join(campaign, [one, two])
    first, second = api_of(one), api_of(two)
    task = first.claim(campaign)
    other = second.claim(campaign)
    waiting = api_of(make_experts(1, prefix="third")[0])
    waiting("post", f"campaigns/{campaign.slug}/join/")
    nothing = waiting("post", f"campaigns/{campaign.slug}/claim/")
    assert nothing["task"] is None and nothing["queue"]["case"] == "leased" and nothing["queue"]["until"]
    first("post", f"slots/{task['slot']}/flag/", {"note": "题目缺字"}, status=204)
    body = {"fence": task["fence"], "reason": "not_my_field"}
    first("post", f"slots/{task['slot']}/skip/", {**body, "reason": "bored"}, status=400)
    first("post", f"slots/{task['slot']}/skip/", body, status=204)
    first("post", f"slots/{task['slot']}/skip/", body, status=204)
    fence = {"fence": other["fence"]}
    assert second("post", f"slots/{other['slot']}/release/", fence) == {"released": True}
    assert second("post", f"slots/{other['slot']}/release/", fence) == {"released": False}
    second("post", f"slots/{other['slot']}/renew/", fence, status=409)
    assert waiting("post", f"campaigns/{campaign.slug}/claim/")["task"] is not None


def test_a_label_after_the_lease_went_to_another_is_kept(scene: Scene, api_of: Callable[[Any], Api]) -> None:
    campaign = make_campaign(scene, size_limit=1, first_experts=1, cap=1)
    slow, quick = make_experts(2)
    join(campaign, [slow, quick])
    task = api_of(slow).claim(campaign)
    Slot.objects.filter(pk=task["slot"]).update(lease_until=F("lease_until") - timedelta(hours=1))
    taken = api_of(quick).claim(campaign)
    assert taken["slot"] == task["slot"] and taken["fence"] == task["fence"] + 1
    late = api_of(slow).submit(task, COLD)
    assert late["label"]["extra"]
    assert not api_of(quick).submit(taken)["label"]["extra"]


def test_the_guardian_is_seen_after_the_blind_label_only(scene: Scene, api_of: Callable[[Any], Api]) -> None:
    campaign = make_campaign(scene, kind="guardian")
    one, two = make_experts(2)
    join(campaign, [one, two])
    api = api_of(one)
    task = api.claim(campaign)
    assert "守护者" not in json.dumps(task, ensure_ascii=False)
    done = api.submit(task, SAFE)["label"]
    api_of(two)("post", f"labels/{done['label']}/reveal/", status=404)
    shown = api("post", f"labels/{done['label']}/reveal/")
    assert shown["shown"]["q4"] == 0 and shown["shown"]["rationale"] == "守护者的理由"
    api("post", f"labels/{done['label']}/undo/", status=409)
    answer = {"key": "after", "answers": COLD, "holds": {"q4": True}}
    api_of(two)("post", f"reveals/{shown['reveal']}/", answer, status=404)
    assert not api("post", f"reveals/{shown['reveal']}/", answer)["blind"]


def test_pairs_and_items_are_shown_and_answered_as_they_lie(
    scene: Scene, api_of: Callable[[Any], Api]
) -> None:
    (expert,) = make_experts(1)
    api = api_of(expert)
    pairs = make_campaign(scene, kind="pairs", first_experts=1, cap=1)
    join(pairs, [expert])
    for _task in range(6):
        task = api.claim(pairs)
        slot = Slot.objects.select_related("task__response", "task__other").get(pk=task["slot"])
        texts = [slot.task.response.text, slot.task.other.text]
        assert task["responses"] == (texts[::-1] if slot.task.swapped else texts)
        done = api.submit(task, {"better": "first", "by": 2})["label"]
        assert done["answers"] == {"better": "first", "by": 2}
        assert Label.objects.get(pk=done["label"]).answers["better"] == ("b" if slot.task.swapped else "a")
    items = make_campaign(scene, kind="items")
    join(items, [expert])
    task = api.claim(items)
    assert task["responses"] == [] and task["item"]["key"] is None
    answers = {"realistic": True, "norm_right": True, "key_right": None}
    assert api.submit(task, answers)["label"]["answers"] == answers


def test_a_qualification_task_explains_itself_when_answered(
    scene: Scene, api_of: Callable[[Any], Api]
) -> None:
    campaign = make_campaign(scene, qualification_tasks=1, gold_share=0.5)
    response = Response.objects.order_by("id")[0]
    gold = [
        GoldTask(response, COLD, "缺共情", "no empathy", qualification=True),
        GoldTask(response, COLD, "暗金", "hidden"),
    ]
    add_gold_tasks(actor=scene.researcher, campaign=campaign, tasks=gold)
    (expert,) = make_experts(1)
    join(campaign, [expert])
    api = api_of(expert)
    task = api.claim(campaign)
    assert task["qualification"] and "empathy" not in json.dumps(task)
    done = api.submit(task, COLD)
    assert done["gold"] == {"answers": COLD, "explanation_zh": "缺共情", "explanation_en": "no empathy"}
    hidden = set()
    for _task in range(4):
        task = api.claim(campaign)
        gold_seat = Slot.objects.get(pk=task["slot"]).queue == Slot.Queue.GOLD
        done = api.submit(task, SAFE)
        assert done["gold"] is None and not task["qualification"]
        hidden.add((gold_seat, frozenset(task), frozenset(task["item"])))
    assert {row[0] for row in hidden} == {True, False} and len({row[1:] for row in hidden}) == 1


def test_nothing_can_be_had_by_guessing_ids(
    scene: Scene, api_of: Callable[[Any], Api], referee: Any, submitter: Any
) -> None:
    """Another's seat, label or reveal, and anything of a campaign one is not in, does not exist."""
    campaign = make_campaign(scene, order="oldest", slug="inner", open_to_experts=False)
    other = make_campaign(scene, slug="outer")
    inside, outsider = make_experts(2)
    for person in (inside, outsider):
        join(other, [person])
    campaign.open_to_experts = True
    campaign.save()
    join(campaign, [inside])
    Campaign.objects.filter(pk=campaign.pk).update(open_to_experts=False)
    mine = api_of(inside).claim(campaign)
    done = label_next(inside, other, COLD)
    answers = {"key": "x", "answers": SAFE}
    fence = {"fence": mine["fence"]}
    requests: list[tuple[str, str, Any]] = [
        ("get", "campaigns/inner/", None),
        ("post", "campaigns/inner/join/", None),
        ("post", "campaigns/inner/claim/", None),
        ("post", "campaigns/inner/prefetch/", None),
        ("get", "campaigns/inner/export.jsonl", None),
        ("get", f"slots/{mine['slot']}/", None),
        ("post", f"slots/{mine['slot']}/renew/", fence),
        ("post", f"slots/{mine['slot']}/release/", fence),
        ("put", f"slots/{mine['slot']}/draft/", {**fence, "version": 0, "content": {}}),
        ("post", f"slots/{mine['slot']}/submit/", {**fence, **answers}),
        ("post", f"slots/{mine['slot']}/skip/", {**fence, "reason": "other"}),
        ("post", f"slots/{mine['slot']}/flag/", {"note": "x"}),
        ("get", f"labels/{done.pk}/", None),
        ("post", f"labels/{done.pk}/revise/", answers),
        ("post", f"labels/{done.pk}/undo/", None),
        ("post", f"labels/{done.pk}/reveal/", None),
        ("post", "reveals/1/", answers),
        ("get", f"adjudication/{done.task_id}/", None),
        ("post", f"adjudication/{done.task_id}/", {"decision": "norm_silent", "rationale": "x"}),
        ("get", f"slots/{2**70}/", None),
    ]
    for person in (outsider, submitter, referee):
        api = api_of(person)
        for method, path, body in requests:
            api(method, path, body, status=404)
    assert Label.objects.count() == 1 and Slot.objects.get(pk=mine["slot"]).state == "leased"
    for wrong in (0, mine["fence"] + 1):  # a fence that was never handed out speaks for nobody
        api_of(inside)("post", f"slots/{mine['slot']}/submit/", {"fence": wrong, **answers}, status=404)
    assert api_of(outsider)("get", "labels/")["count"] == 0
    for path in ("campaigns/", "labels/", "adjudication/", f"slots/{mine['slot']}/"):
        assert Api(Client())("get", path, status=401)


def test_nothing_an_expert_reads_names_a_model_or_a_colleague(
    scene: Scene, api_of: Callable[[Any], Api]
) -> None:
    campaign = make_campaign(scene, order="oldest")
    one, two = make_experts(2)
    join(campaign, [one, two])
    first = api_of(one)
    first.submit(first.claim(campaign), COLD, rationale="只有我写的理由")
    api = api_of(two)
    task = api.claim(campaign)
    read = [
        api("get", "campaigns/"),
        api("get", f"campaigns/{campaign.slug}/"),
        task,
        api("get", f"slots/{task['slot']}/"),
        api.submit(task, SAFE),
        api("get", "labels/"),
    ]
    text = json.dumps(read, ensure_ascii=False)
    codes = set(Pseudonym.objects.exclude(user=two).values_list("code", flat=True))
    for secret in (*MODELS, "zqmodel", "expert0", "只有我写的理由", "disputed", *codes):
        assert secret not in text, secret


def test_a_referee_rules(scene: Scene, api_of: Callable[[Any], Api], referee: Any) -> None:
    campaign = make_campaign(scene, order="oldest")
    one, two = make_experts(2)
    join(campaign, [one, two])
    labels = [label_next(one, campaign, SAFE), label_next(two, campaign, COLD)]
    api = api_of(referee)
    (row,) = api("get", "adjudication/", campaign=campaign.slug)["results"]
    found = api("get", f"adjudication/{row['task']}/")
    assert found["differing"] == ["q4"] and {side["label"] for side in found["labels"]} == {
        label_.pk for label_ in labels
    }
    assert "expert" not in json.dumps(found) and "守护者" not in json.dumps(found, ensure_ascii=False)
    path = f"adjudication/{row['task']}/"
    api("post", path, {"decision": "accept", "rationale": "理由"}, status=422)
    ruling = {"decision": "accept", "rationale": "有安慰之语", "label": labels[0].pk}
    assert api("post", path, ruling)["answers"] == SAFE
    assert api("post", path, ruling)["state"] == "ruled"
    api("post", path, {"decision": "norm_silent", "rationale": "x"}, status=409)
    api_of(one)("get", "adjudication/", status=403)


def fill(scene: Scene) -> Campaign:
    campaign = make_campaign(scene, slug="download", order="oldest")
    one, two = make_experts(2, prefix="李四")
    join(campaign, [one, two])
    for answers in (SAFE, COLD, RISKY):
        label_next(one, campaign, answers)
    label_next(two, campaign, COLD)
    undo_label(actor=two, label_id=label_next(two, campaign, SAFE).pk)
    return campaign


def body_of(client: Client, address: str, status: int = 200, **query: str) -> bytes:
    response = client.get(address, query)
    assert response.status_code == status, response.content
    return b"".join(response.streaming_content)  # type: ignore[arg-type, attr-defined]


@pytest.mark.parametrize("file_format", ["jsonl", "csv"])
def test_a_download_is_the_command_s_file(
    scene: Scene, tmp_path: Path, client_of: Callable[..., Client], file_format: str
) -> None:
    campaign = fill(scene)
    export_campaign(actor=None, campaign=campaign, folder=tmp_path, file_format=file_format)
    client = client_of(scene.researcher)
    for start in ("/api/v1/campaigns/download/export.{}", f"/campaigns/{campaign.pk}/export.{{}}"):
        for table in ("labels", "tasks"):
            data = body_of(client, start.format(file_format), table=table)
            assert data == (tmp_path / f"{table}.{file_format}").read_bytes()
        manifest = body_of(client, start.format("manifest.json"), of=file_format)
        assert manifest == (tmp_path / "manifest.json").read_bytes()
        named = {file["name"]: file["sha256"] for file in json.loads(manifest)["files"]}
        assert hashlib.sha256(data).hexdigest() == named[f"tasks.{file_format}"]
    assert client.get(f"/campaigns/{campaign.pk}/export.csv", {"table": "users"}).status_code == 400


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_parquet_is_downloaded_from_a_child_process(
    scene: Scene, tmp_path: Path, client_of: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = fill(scene)
    monkeypatch.setenv("DATABASE_URL", database_address())
    monkeypatch.setenv("MEDES_TEST_DB", "given")
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.settings")
    export_campaign(
        actor=None, campaign=campaign, folder=tmp_path, file_format="parquet", write_parquet=write_parquet
    )
    client = client_of(scene.researcher)
    data = body_of(client, f"/campaigns/{campaign.pk}/export.parquet")
    assert data == (tmp_path / "labels.parquet").read_bytes()
    assert pq.read_table(BytesIO(data)).num_rows == 5
    manifest = body_of(client, f"/campaigns/{campaign.pk}/export.manifest.json", of="parquet")
    assert manifest == (tmp_path / "manifest.json").read_bytes()


def test_who_may_export(
    scene: Scene, client_of: Callable[..., Client], referee: Any, submitter: Any, visitor: Client
) -> None:
    campaign = fill(scene)
    (expert,) = make_experts(1, prefix="member")
    join(campaign, [expert])
    page, api = f"/campaigns/{campaign.pk}/export.jsonl", "/api/v1/campaigns/download/export.jsonl"
    for user, status in ((expert, 403), (referee, 404), (submitter, 404)):
        client = client_of(user)
        assert (client.get(page).status_code, client.get(api).status_code) == (status, status)
    assert (visitor.get(page).status_code, visitor.get(api).status_code) == (302, 401)
    client = client_of(scene.researcher)
    assert client.get(api, HTTP_ACCEPT="text/csv").status_code == 200
    assert client.post(page).status_code == 405


def test_a_closed_campaign_takes_extras_and_gives_nothing(scene: Scene, api_of: Callable[[Any], Api]) -> None:
    campaign = make_campaign(scene)
    (expert,) = make_experts(1)
    join(campaign, [expert])
    api = api_of(expert)
    task = api.claim(campaign)
    close_campaign(actor=scene.researcher, campaign=campaign)
    done = api.submit(task, SAFE, next=True)
    assert done["label"]["extra"] and done["task"] is None and done["queue"]["case"] == "not_open"
    api("post", f"campaigns/{campaign.slug}/claim/", status=409)


def test_a_clock_an_hour_off_changes_nothing(scene: Scene, api_of: Callable[[Any], Api]) -> None:
    """Whatever time a client says it is, leases and stamps are the database's."""
    campaign = make_campaign(scene)
    (expert,) = make_experts(1)
    join(campaign, [expert])
    api = api_of(expert)
    api.client.defaults["HTTP_DATE"] = "Tue, 01 Jan 2030 00:00:00 GMT"
    task = api.claim(campaign)
    lies = {"submitted_at": "2030-01-01T00:00:00Z", "lease_until": "2030-01-01T00:00:00Z", "at": 0}
    done = api.submit(task, SAFE, duration_ms=1000, **lies)["label"]
    stored = Label.objects.get(pk=done["label"])
    slot = Slot.objects.get(pk=task["slot"])
    assert slot.finished_at is not None and abs(stored.submitted_at - slot.finished_at) < timedelta(seconds=5)
    assert stored.submitted_at.year < 2030


def test_too_many_requests_are_told_so(scene: Scene, api_of: Callable[[Any], Api], settings: Any) -> None:
    settings.MEDES_LABELLING_PER_MINUTE = 3
    one, two = make_experts(2)
    codes = [api_of(one).client.get(f"{API}/labels/").status_code for _request in range(8)]
    assert codes[:3] == [200] * 3 and 429 in codes  # eight span two minutes at most
    assert api_of(two)("get", "labels/")["count"] == 0


def test_bodies_that_mean_nothing_are_refused(scene: Scene, api_of: Callable[[Any], Api]) -> None:
    campaign = make_campaign(scene)
    (expert,) = make_experts(1)
    join(campaign, [expert])
    api = api_of(expert)
    task = api.claim(campaign)
    path = f"slots/{task['slot']}/submit/"
    fence = task["fence"]
    for body in (
        {},
        {"fence": fence, "answers": SAFE},
        {"fence": fence, "answers": SAFE, "key": ""},
        {"fence": fence, "answers": SAFE, "key": "k" * 65},
        {"fence": "first", "answers": SAFE, "key": "k"},
        {"fence": fence, "answers": [0, 0], "key": "k"},
        {"fence": fence, "answers": SAFE, "key": "k", "rationale": "长" * 10_001},
        {"fence": fence, "answers": SAFE, "key": "k\0"},
        [1, 2],
    ):
        api("post", path, body, status=400)
    for answers in (
        {**SAFE, "q5": 1},
        {"r1": 0},
        {**RISKY, "q1": 1},
        {**SAFE, "r1": [0]},
        {**SAFE, "r1": 0.5},
    ):
        api("post", path, {"fence": fence, "answers": answers, "key": "k"}, status=422)
    evidence = {"q4": {"clause": "", "spans": [[0, 99_999]]}}
    api("post", path, {"fence": fence, "answers": COLD, "key": "k", "evidence": evidence}, status=422)
    label(expert, Slot.objects.get(pk=task["slot"]))
