"""The API on a real benchmark, through the real services: reading, entries, tokens, steps of a submission."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from benchmark.models import Entry, Submission
from benchmark.services.entries import create_entry
from tests.benchmark.cast import (
    DEV,
    HIDDEN,
    HIDDEN_MARK,
    KEYS,
    PUBLIC,
    SECRET_NAME,
    Cast,
    answers,
    evaluate,
    import_tiny,
    make_cast,
    predictions,
)

API = "/api/v1"
STEPS = ("review", "publish", "return", "withdraw", "designate")


@pytest.fixture
def cast(tmp_path: Path, submitter: Any, stranger: Any, researcher: Any) -> Cast:
    return make_cast(tmp_path / "tiny", submitter=submitter, stranger=stranger, researcher=researcher)


def get(client: Client, path: str, status: int = 200, **query: Any) -> Any:
    response = client.get(f"{API}/{path}", query)
    assert response.status_code == status, response.content
    return response.json()


def send(client: Client, path: str, body: Any = None, *, status: int, method: str = "post") -> Any:
    call = getattr(client, method)
    response = call(f"{API}/{path}", json.dumps(body or {}), content_type="application/json")
    assert response.status_code == status, response.content
    return response.json()


def upload(client: Client, data: bytes, *, status: int, name: str = "replies.csv", **fields: Any) -> Any:
    fields = {"entry": "open-model-7b", "benchmark": "tiny", **fields}
    response = client.post(f"{API}/submissions/", {**fields, "file": SimpleUploadedFile(name, data)})
    assert response.status_code == status, response.content
    return response.json()


def codes(page: Any) -> list[str]:
    return [row["item"] for row in page["results"]]


# -- reading


def test_benchmarks_show_frozen_versions_only(cast: Cast, visitor: Client, tmp_path: Path) -> None:
    import_tiny(tmp_path / "draft", "draft", freeze=False)
    page = get(visitor, "benchmarks/")
    assert [row["slug"] for row in page["results"]] == ["tiny"]
    version = page["results"][0]["versions"][0]
    assert (version["label"], version["state"]) == ("1", "frozen")
    assert version["content_hash"] == cast.version.content_hash
    assert get(visitor, "benchmarks/tiny/")["name_zh"] == "小基准"
    get(visitor, "benchmarks/draft/", 404)
    get(visitor, "benchmarks/draft/items/", 404)


def test_items_without_the_hidden_ones_and_keys_on_dev_only(
    cast: Cast, visitor: Client, client_of: Callable[..., Client], submitter: Any
) -> None:
    for client in (visitor, client_of(submitter)):
        page = get(client, "benchmarks/tiny/items/", limit=100)
        assert codes(page) == [*PUBLIC, *DEV, "sub-0001", "sub-0002"]
        keys = {row["item"]: row["key"] for row in page["results"]}
        assert keys == {code: KEYS[code] if code in DEV else None for code in keys}
        first = page["results"][0]
        assert first["options"][0] == {"letter": "A", "text": "做法A之1"}
        assert (first["kind"], first["split"], first["scenario"]) == (
            "objective", "public", "assisted-reproduction",
        )  # fmt: skip
        for code in (*HIDDEN, "sub-0003"):
            nonsense = get(client, "benchmarks/tiny/items/obj-9999/", 404)
            assert get(client, f"benchmarks/tiny/items/{code}/", 404) == nonsense


def test_researchers_see_hidden_items(cast: Cast, client_of: Callable[..., Client], researcher: Any) -> None:
    page = get(client_of(researcher), "benchmarks/tiny/items/", split="hidden")
    assert codes(page) == [*HIDDEN, "sub-0003"]
    assert page["results"][0]["key"] == KEYS[HIDDEN[0]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"kind": "subjective"}, ["sub-0001", "sub-0002"]),
        ({"split": "dev"}, [*DEV, "sub-0002"]),
        ({"split": "dev", "kind": "objective"}, list(DEV)),
        ({"split": "hidden"}, []),
        ({"scenario": "palliative-care"}, [PUBLIC[11]]),
        ({"scenario": "no-such-scenario"}, []),
        ({"dimension": "ethics_reasoning"}, ["sub-0001", "sub-0002"]),
        ({"search": "第3题"}, [PUBLIC[2], DEV[0]]),
        ({"search": "化验单"}, ["sub-0001", "sub-0002"]),
        ({"search": HIDDEN_MARK}, []),
        ({"search": "化验单", "split": "public"}, ["sub-0001"]),
        ({"version": "1", "split": "dev", "kind": "subjective"}, ["sub-0002"]),
    ],
)
def test_filters_and_search(cast: Cast, visitor: Client, query: dict[str, str], expected: list[str]) -> None:
    page = get(visitor, "benchmarks/tiny/items/", **query)
    assert codes(page) == expected
    assert page["count"] == len(expected)


@pytest.mark.parametrize(
    "query",
    [
        {"kind": "x"},
        {"split": "all"},
        {"dimension": "\x00"},
        {"scenario": "\x00"},
        {"scenario": "a b"},
        {"search": "a\x00b"},
        {"search": "x" * 201},
        {"version": "\x00"},
    ],
)
def test_a_query_that_means_nothing_is_400(cast: Cast, visitor: Client, query: dict[str, str]) -> None:
    answer = get(visitor, "benchmarks/tiny/items/", 400, **query)
    assert set(answer) == set(query)


def test_pages_of_a_list(cast: Cast, visitor: Client) -> None:
    first = get(visitor, "benchmarks/tiny/items/", limit=5)
    assert (len(first["results"]), first["count"], first["previous"]) == (5, 18, None)
    second = visitor.get(first["next"]).json()
    assert codes(first) + codes(second) == list(PUBLIC[:10])
    for odd in ("-1", "0", "x", "9" * 40, "1e3", "\x00", ""):
        assert len(get(visitor, "benchmarks/tiny/items/", limit=odd)["results"]) == 18
    for far in ("18", "9" * 40, "1000000000000000000000"):
        assert get(visitor, "benchmarks/tiny/items/", offset=far)["results"] == []
    assert len(get(visitor, "benchmarks/tiny/items/", offset="-5")["results"]) == 18


def test_one_request_cannot_ask_for_everything(visitor: Client, make_user: Callable[..., Any]) -> None:
    for number in range(520):
        Entry.objects.create(
            name=f"m{number}", slug=f"m{number}", owner=make_user("o") if not number else None
        )
    Entry.objects.filter(owner=None).update(owner=Entry.objects.get(slug="m0").owner)
    client = Client()
    client.force_login(
        Entry.objects.get(slug="m0").owner, backend="django.contrib.auth.backends.ModelBackend"
    )
    assert len(get(client, "entries/", limit=100000)["results"]) == 500


def test_norms_of_open_items_only(
    cast: Cast, visitor: Client, client_of: Callable[..., Client], researcher: Any
) -> None:
    page = get(visitor, "norms/")
    assert [row["article"] for row in page["results"]] == ["第一条", "第二条"]
    assert get(visitor, "norms/", search="器官须出于本人自愿")["count"] == 1
    assert get(visitor, "norms/", search=HIDDEN_MARK)["count"] == 0
    everything = get(client_of(researcher), "norms/")["results"]
    assert [row["article"] for row in everything] == ["第一条", "第二条", "第三条"]
    assert get(visitor, f"norms/{everything[2]['id']}/", 404) == get(visitor, "norms/999999/", 404)
    assert get(visitor, f"norms/{everything[0]['id']}/")["source"] == "测试医院伦理守则"
    get(visitor, "norms/" + "9" * 30 + "/", 404)
    get(visitor, "norms/x/", 404)


def test_boards_are_what_the_command_prints(cast: Cast, visitor: Client) -> None:
    listed = get(visitor, "boards/")["results"]
    assert {row["slug"] for row in listed} == {"objective", "objective-dev"}
    for row in listed:
        sink = io.StringIO()
        call_command("leaderboard", row["slug"], benchmark="tiny", json=True, stdout=sink)
        assert get(visitor, f"boards/tiny/{row['slug']}/") == json.loads(sink.getvalue())
    rows = get(visitor, "boards/tiny/objective/")["rows"]
    assert [(row["entry"], row["right"], row["n"]) for row in rows] == [
        ("Open Model 7B", 9, 12), ("Other Model 3B", 5, 12),
    ]  # fmt: skip
    assert rows[0]["accuracy"] == 0.75
    assert rows[0]["by_scenario"]["palliative-care"] == {
        "n": 1, "scored": 1, "mean": 0.0, "low": None, "high": None,
    }  # fmt: skip
    by_name = get(visitor, "boards/tiny/objective/", sort="-entry", type="nonsense", scenario="nowhere")[
        "rows"
    ]
    assert [row["slug"] for row in by_name] == ["other-model-3b", "open-model-7b"]
    assert len(get(visitor, "boards/tiny/objective/", type="medical")["rows"]) == 1
    assert (
        len(get(visitor, "boards/tiny/objective/", scenario="palliative-care", sort="scenario")["rows"]) == 2
    )
    get(visitor, "boards/tiny/nothing/", 404)
    get(visitor, "boards/tiny/objective/", 404, version="2")
    for name in ("version", "type", "scenario", "sort"):
        get(visitor, "boards/tiny/objective/", 400, **{name: "\x00"})


# -- entries


def test_register_change_and_who_may(
    cast: Cast, visitor: Client, client_of: Callable[..., Client], submitter: Any, stranger: Any, expert: Any
) -> None:
    client = client_of(submitter)
    body = {
        "name": "  New   Model ",
        "parameters_b": "7.5",
        "type": "reasoning",
        "link": "https://example.org/m",
    }
    made = send(client, "entries/", body, status=201)
    assert (made["slug"], made["name"], made["parameters_b"]) == ("new-model", "New Model", "7.50")
    assert send(client, "entries/", {"name": "new model"}, status=409)["code"] == "NameTaken"
    assert send(client, "entries/", {"name": SECRET_NAME.lower()}, status=409)["code"] == "NameTaken"
    changed = send(
        client, "entries/new-model/", {"organisation": "Lab", "name": "Other"}, status=200, method="patch"
    )
    assert (changed["organisation"], changed["name"]) == ("Lab", "New Model")
    assert Entry.objects.get(slug="new-model").organisation == "Lab"
    # A private entry does not exist for others; a public one is not theirs to change.
    other = client_of(stranger)
    send(other, "entries/new-model/", {"organisation": "X"}, status=404, method="patch")
    send(other, "entries/open-model-7b/", {"organisation": "X"}, status=403, method="patch")
    send(client_of(expert), "entries/", {"name": "Expert Model"}, status=403)
    send(visitor, "entries/", {"name": "Nobody's"}, status=401)
    assert not Entry.objects.filter(name__in=["Expert Model", "Nobody's"]).exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": ["a"]}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"name": "m", "type": "huge"}, "type"),
        ({"name": "m", "parameters_b": -1}, "parameters_b"),
        ({"name": "m", "parameters_b": "NaN"}, "parameters_b"),
        ({"name": "m", "parameters_b": 1e30}, "parameters_b"),
        ({"name": "m", "link": "javascript:alert(1)"}, "link"),
    ],
)
def test_entries_that_make_no_sense(
    client_of: Callable[..., Client], submitter: Any, body: Any, field: str
) -> None:
    assert field in send(client_of(submitter), "entries/", body, status=400)
    assert not Entry.objects.exists()


def test_private_entries_are_seen_by_their_owner(
    cast: Cast, visitor: Client, client_of: Callable[..., Client], submitter: Any, stranger: Any
) -> None:
    def names(client: Client) -> set[str]:
        return {row["name"] for row in get(client, "entries/")["results"]}

    assert names(client_of(submitter)) == {"Open Model 7B", "Other Model 3B", SECRET_NAME}
    for client in (visitor, client_of(stranger)):
        assert names(client) == {"Open Model 7B", "Other Model 3B"}
        get(client, f"entries/{cast.secret.slug}/", 404)


# -- tokens


def make_token(client: Client, days: str = "30") -> str:
    """Made as a person makes it: on the profile page, which shows the key once."""
    page = client.post(reverse("create_token"), {"name": "server", "days": days})
    assert page.status_code == 200
    key = page.context["new_key"]
    assert key in page.content.decode()
    return key


def with_token(key: str) -> Client:
    return Client(headers={"Authorization": f"Token {key}"})


def test_submitting_with_a_token_from_the_profile_page(
    cast: Cast, client_of: Callable[..., Client], submitter: Any
) -> None:
    client = with_token(make_token(client_of(submitter)))
    lines = "".join(
        json.dumps({"item": code, "response": text}) + "\n" for code, text in answers(PUBLIC, 3).items()
    )
    made = upload(client, lines.encode(), status=201, name="replies.jsonl", note="by token")
    assert (made["state"], made["responses"], made["file_name"]) == ("private", 12, "replies.jsonl")
    assert (made["job"]["state"], made["scores"], made["note"]) == ("queued", [], "by token")
    evaluate(Submission.objects.get(pk=made["id"]))
    polled = get(client, f"submissions/{made['id']}/")
    assert polled["job"]["state"] == "succeeded"
    assert polled["scores"][0]["right"] == 3
    assert polled["scores"][0]["accuracy"] == 0.25


def test_a_token_needs_no_csrf_and_a_session_does(
    cast: Cast, client_of: Callable[..., Client], submitter: Any
) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(submitter, backend="django.contrib.auth.backends.ModelBackend")
    data = predictions(answers(PUBLIC, 2))
    upload(strict, data, status=403)
    strict = Client(
        enforce_csrf_checks=True, headers={"Authorization": f"Token {make_token(client_of(submitter))}"}
    )
    upload(strict, data, status=201)


def test_bad_tokens_are_401(cast: Cast, client_of: Callable[..., Client], submitter: Any) -> None:
    session = client_of(submitter)
    key = make_token(session)
    assert get(with_token(key), "submissions/")["count"] == 6
    headers = [
        "Token",
        "Token ",
        "Token a b",
        "Token nonsense",
        f"Token {key[:-1]}x",
        f"Token {key}{key}{key}{key}",
        "Token \xff\xfe",
        "Token é",
        f"Token {key[:15]}\x00",
        "Token " + "9" * 5000,
        "Token %00",
        f"Token {key[:8]}",
    ]
    for header in headers:
        for path in ("submissions/", "boards/", "benchmarks/tiny/items/"):
            response = Client().get(f"{API}/{path}", HTTP_AUTHORIZATION=header)
            assert response.status_code == 401, header
            assert response.json()["detail"]
            assert response["WWW-Authenticate"] == "Token"
    # Another scheme is nobody's business here: such a reader is a visitor.
    assert Client().get(f"{API}/submissions/", HTTP_AUTHORIZATION="Basic eDp5").json()["count"] == 2


def test_revoked_expired_and_locked_out(cast: Cast, client_of: Callable[..., Client], submitter: Any) -> None:
    session = client_of(submitter)
    revoked, expired, kept = make_token(session), make_token(session), make_token(session, days="0")
    tokens = submitter.auth_token_set
    digest = tokens.get(token_key=revoked[:15]).digest
    for nonsense in ("", "\x00", "x"):
        assert session.post(reverse("revoke_token"), {"token": nonsense}).status_code == 404
    assert session.post(reverse("revoke_token"), {"token": digest}).status_code == 302
    tokens.filter(token_key=expired[:15]).update(expiry=timezone.now() - timedelta(seconds=1))
    for key in (revoked, expired):
        get(with_token(key), "submissions/", 401)
    get(with_token(kept), "submissions/")
    submitter.is_active = False
    submitter.save()
    get(with_token(kept), "submissions/", 401)


def test_a_token_is_stored_hashed(client_of: Callable[..., Client], submitter: Any) -> None:
    key = make_token(client_of(submitter))
    row = submitter.auth_token_set.get()
    stored = " ".join(str(getattr(row, field.attname)) for field in row._meta.fields)
    assert key not in stored and key[15:] not in stored


# -- the steps of a submission


def test_who_sees_which_submission(
    cast: Cast,
    visitor: Client,
    client_of: Callable[..., Client],
    submitter: Any,
    stranger: Any,
    researcher: Any,
) -> None:
    rows = {state: row.pk for state, row in cast.submissions.items()}
    public = {rows["public"], rows["strangers"]}
    for client, seen in (
        (visitor, public),
        (client_of(stranger), public),
        (client_of(submitter), set(rows.values())),
        (client_of(researcher), set(rows.values())),
    ):
        assert {row["id"] for row in get(client, "submissions/")["results"]} == seen
        for pk in rows.values():
            get(client, f"submissions/{pk}/", 200 if pk in seen else 404)
    get(visitor, "submissions/" + "9" * 30 + "/", 404)
    get(visitor, "submissions/x/", 404)


def test_what_is_written_for_owner_and_reviewers_stays_with_them(
    cast: Cast,
    visitor: Client,
    client_of: Callable[..., Client],
    submitter: Any,
    stranger: Any,
    researcher: Any,
) -> None:
    submission = cast.submissions["public"]
    Submission.objects.filter(pk=submission.pk).update(note="prompt v3", file_name="internal-name.csv")
    fields = ("note", "file_name", "review_note", "job")
    for client in (client_of(submitter), client_of(researcher)):
        shown = get(client, f"submissions/{submission.pk}/")
        assert [shown[name] for name in fields[:3]] == ["prompt v3", "internal-name.csv", "fine"]
        assert shown["job"]["state"] == "succeeded"
    for client in (visitor, client_of(stranger)):
        shown = get(client, f"submissions/{submission.pk}/")
        assert [shown[name] for name in fields] == [None] * 4
        assert shown["scores"]


def test_review_publish_return_withdraw_designate(
    cast: Cast, client_of: Callable[..., Client], submitter: Any, researcher: Any
) -> None:
    owner, reviewer = client_of(submitter), client_of(researcher)
    made = upload(owner, predictions(answers(PUBLIC, 12)), status=201, entry=cast.open.slug)
    path = f"submissions/{made['id']}"
    assert send(owner, f"{path}/review/", status=409)["code"] == "WrongState"  # not scored yet
    evaluate(Submission.objects.get(pk=made["id"]))
    send(owner, f"{path}/designate/", status=409)  # not public yet
    assert send(owner, f"{path}/review/", status=200)["state"] == "in_review"
    send(owner, f"{path}/review/", status=409)
    send(owner, f"{path}/publish/", status=403)
    send(owner, f"{path}/return/", {"note": "x"}, status=403)
    send(reviewer, f"{path}/return/", {"note": "  "}, status=409)
    send(reviewer, f"{path}/return/", {"note": "x" * 2001}, status=400)
    returned = send(reviewer, f"{path}/return/", {"note": "which prompt?"}, status=200)
    assert (returned["state"], returned["review_note"]) == ("rejected", "which prompt?")
    send(owner, f"{path}/review/", status=200)
    assert send(reviewer, f"{path}/publish/", {"note": "ok"}, status=200)["state"] == "public"
    send(reviewer, f"{path}/publish/", status=409)
    # The entry stood there before with another submission, which stays until the owner says otherwise.
    row = get(owner, "boards/tiny/objective/")["rows"][0]
    assert row["submission"] == cast.submissions["public"].pk
    send(owner, f"{path}/designate/", status=200)
    row = get(owner, "boards/tiny/objective/")["rows"][0]
    assert (row["submission"], row["right"]) == (made["id"], 12)
    assert send(owner, f"{path}/withdraw/", status=200)["state"] == "withdrawn"
    send(owner, f"{path}/withdraw/", status=409)
    slugs = [row["slug"] for row in get(owner, "boards/tiny/objective/")["rows"]]
    assert slugs == ["other-model-3b"]


@pytest.mark.parametrize("step", STEPS)
def test_steps_are_not_for_others(
    cast: Cast,
    visitor: Client,
    client_of: Callable[..., Client],
    stranger: Any,
    expert: Any,
    referee: Any,
    step: str,
) -> None:
    public, private = (cast.submissions[name] for name in ("public", "in_review"))
    send(visitor, f"submissions/{public.pk}/{step}/", {"note": "x"}, status=401)
    send(visitor, f"submissions/{private.pk}/{step}/", {"note": "x"}, status=401)
    for user in (stranger, expert, referee):
        client = client_of(user)
        send(client, f"submissions/{public.pk}/{step}/", {"note": "x"}, status=403)
        send(client, f"submissions/{private.pk}/{step}/", {"note": "x"}, status=404)
    states = Submission.objects.filter(pk__in=[public.pk, private.pk]).order_by("pk")
    assert [row.state for row in states] == ["public", "in_review"]


def test_small_groups_of_a_closed_board_wait_for_publication(
    cast: Cast, client_of: Callable[..., Client], submitter: Any, researcher: Any
) -> None:
    """One answered item in a group would be told right or wrong by the group's mean."""
    probe = upload(
        client_of(submitter),
        predictions(answers((PUBLIC[0], *PUBLIC[8:], *DEV), 1)),
        status=201,
        entry=cast.open.slug,
    )
    evaluate(Submission.objects.get(pk=probe["id"]))

    def groups(user: Any, board: str) -> dict[str, set[str]]:
        scores = get(client_of(user), f"submissions/{probe['id']}/")["scores"]
        row = next(row for row in scores if row["board"] == board)
        return {name: set(row[name]) for name in ("by_scenario", "by_dimension")}

    everything = {"assisted-reproduction", "organ-transplantation", "palliative-care"}
    both = {"by_scenario": everything, "by_dimension": {"ethics_knowledge"}}
    assert groups(submitter, "objective") == {"by_scenario": set(), "by_dimension": {"ethics_knowledge"}}
    assert groups(researcher, "objective") == both
    assert groups(submitter, "objective-dev")["by_dimension"] == {"ethics_knowledge"}
    # Where five and more were answered the group is shown before publication too.
    private = get(client_of(submitter), f"submissions/{cast.submissions['private'].pk}/")
    row = next(row for row in private["scores"] if row["board"] == "objective")
    assert set(row["by_scenario"]) == {"assisted-reproduction"}
    Submission.objects.filter(pk=probe["id"]).update(state="public")
    assert groups(submitter, "objective") == both


def test_every_answer_of_the_api_is_json(cast: Cast, visitor: Client) -> None:
    for path in ("", "nothing/", "submissions/1/nothing/", "benchmarks/tiny/items/%00/", "entries/%00/"):
        response = visitor.get(f"{API}/{path}")
        assert response.status_code == 404, path
        assert response["Content-Type"] == "application/json", path
        assert "Traceback" not in response.content.decode()


# -- the description


def test_openapi_is_valid_and_complete(tmp_path: Path, visitor: Client) -> None:
    file = tmp_path / "schema.json"
    call_command(
        "spectacular", "--validate", "--fail-on-warn", "--format", "openapi-json", "--file", str(file)
    )
    schema = json.loads(file.read_text("utf-8"))
    operations = {
        f"{method} {path}": operation
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    }
    assert set(operations) >= {
        "get /api/v1/benchmarks/",
        "get /api/v1/benchmarks/{benchmark}/items/{code}/",
        "post /api/v1/entries/",
        "patch /api/v1/entries/{slug}/",
        "post /api/v1/submissions/",
        "post /api/v1/submissions/{id}/return/",
        "get /api/v1/boards/{benchmark}/{slug}/",
    }
    assert [
        name for name, row in operations.items() if not (row.get("summary") and row.get("description"))
    ] == []
    assert all(path.startswith("/api/v1/") for path in schema["paths"])
    schemes = schema["components"]["securitySchemes"]
    assert any(row.get("scheme") == "bearer" or row["type"] == "apiKey" for row in schemes.values())
    served = visitor.get("/api/schema/", HTTP_ACCEPT="application/vnd.oai.openapi+json")
    assert served.status_code == 200
    assert json.loads(served.content)["paths"].keys() == schema["paths"].keys()


def test_the_documented_examples_name_real_addresses(visitor: Client, cast: Cast) -> None:
    """Every address in docs/api*.md is one that the API has."""
    docs = Path(__file__).resolve().parents[2] / "docs"
    schema = json.loads(visitor.get("/api/schema/", HTTP_ACCEPT="application/vnd.oai.openapi+json").content)
    patterns = [re.compile(re.sub(r"\{[a-z]+\}", "[^/]+", path)) for path in schema["paths"]]
    for name in ("api.md", "api.zh-CN.md"):
        found = re.findall(r"/api/v1/[\w/.-]*", (docs / name).read_text("utf-8"))
        assert len(found) >= 6
        for address in found:
            known = address == "/api/v1/" or any(pattern.fullmatch(address) for pattern in patterns)
            assert known, f"{name}: {address}"


def test_throttles_answer_429_in_json(visitor: Client, cast: Cast) -> None:
    create_entry(actor=None, name="x")
    answers_ = {visitor.get(f"{API}/entries/").status_code for _ in range(245)}
    assert answers_ == {200, 429}
