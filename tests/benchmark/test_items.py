"""/items/, one item, and the download of the open questions, for every role."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from benchmark.models import AnswerKey, BenchmarkVersion, Norm
from benchmark.readers.predictions import check_predictions, read_predictions
from benchmark.services.benchmark_files import plan_import
from benchmark.services.catalogue import VersionCatalogue
from benchmark.services.importing import import_benchmark
from tests.benchmark.cast import (
    DEV,
    HIDDEN,
    HIDDEN_MARK,
    KEYS,
    PUBLIC,
    benchmark_lines,
    import_tiny,
    write_benchmark,
)
from tests.benchmark.library import FORMULA, import_library
from tests.benchmark.volatile import without_volatile

pytestmark = pytest.mark.django_db
OTHERS = ("nobody", "submitter", "stranger", "expert", "referee")
DOWNLOADS = ("/items/tiny/questions.csv", "/items/tiny/questions.jsonl")
OPEN = len(PUBLIC) + len(DEV) + 2 + 2 + 40  # with two subjective items of `cast`, and those of `library`


@pytest.fixture
def version(tmp_path: Path, db: None) -> BenchmarkVersion:
    return import_library(tmp_path / "library")


@pytest.fixture
def browser(request: pytest.FixtureRequest, client_of: Callable[[Any], Client]) -> Callable[[str], Client]:
    """A client of each role."""

    def client(role: str) -> Client:
        return client_of(None if role == "nobody" else request.getfixturevalue(role))

    return client


def codes(response: Any) -> list[str]:
    return [row.item.code for row in response.context["rows"]]


def downloaded(client: Client, address: str) -> bytes:
    response = client.get(address)
    assert response.status_code == 200, address
    return b"".join(response.streaming_content)


def table(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


# ---- the list ----


@pytest.mark.parametrize("role", OTHERS)
def test_the_hidden_split_is_nowhere(
    role: str, version: BenchmarkVersion, browser: Callable[[str], Client]
) -> None:
    client = browser(role)
    page = client.get("/items/")
    facets = page.context["facets"]
    assert facets.total == page.context["page"].paginator.count == OPEN
    assert {choice.value: choice.count for choice in facets.splits} == {"dev": 5, "public": OPEN - 5}
    for query in ("", "?page=2", "?split=hidden", "?split=hidden&kind=objective", "?q=第17题", "?page=3"):
        text = client.get("/items/" + query).content.decode()
        assert HIDDEN_MARK not in text
        assert not any(f"/items/tiny/{code}/" in text for code in HIDDEN)
    assert codes(client.get("/items/", {"q": HIDDEN_MARK})) == []
    hidden_norm = Norm.objects.get(code="norm-3").pk
    assert client.get("/items/", {"norm": hidden_norm}).context["facets"].total == 0


def test_a_researcher_sees_the_hidden_split(
    version: BenchmarkVersion, browser: Callable[[str], Client]
) -> None:
    page = browser("researcher").get("/items/", {"split": "hidden"})
    assert codes(page) == [*HIDDEN, "sub-0003"]
    assert "questions.csv" not in page.content.decode()


def test_filters_and_counts_agree(version: BenchmarkVersion, visitor: Client) -> None:
    for query in (
        {"kind": "objective"},
        {"kind": "subjective", "split": "dev"},
        {"scenario": "organ-transplantation"},
        {"dimension": "ethics_reasoning", "q": "说明书"},
        {"duplicates": "1"},
        {"q": "病历", "split": "public"},
    ):
        page = visitor.get("/items/", query)
        total = page.context["page"].paginator.count
        assert page.context["facets"].total == total > 0, query
        for name, choices in (("kind", "kinds"), ("scenario", "scenarios"), ("split", "splits")):
            for choice in getattr(page.context["facets"], choices):
                chosen = visitor.get("/items/", {**query, name: choice.value})
                assert chosen.context["page"].paginator.count == choice.count, (query, name, choice)
    assert codes(visitor.get("/items/", {"duplicates": "1"})) == ["obj-0020"]


def test_order_and_pages(version: BenchmarkVersion, visitor: Client) -> None:
    first, second = visitor.get("/items/"), visitor.get("/items/", {"page": 2})
    assert len(codes(first)) == 30
    assert codes(first) + codes(second) == [
        *PUBLIC, *DEV, "obj-0020", "obj-0021", "sub-0001", "sub-0002",
        *(f"sub-{n:04}" for n in range(4, 44)),
    ]  # fmt: skip


def test_search_marks_question_or_option(version: BenchmarkVersion, visitor: Client) -> None:
    question = visitor.get("/items/", {"q": "病历", "scenario": "palliative-care"}).content.decode()
    assert '<mark class="found">病历</mark>' in question
    # 做法 stands in the question too; the option holds more of what was asked for.
    option = visitor.get("/items/", {"q": "做法F之12"})
    assert codes(option) == ["obj-0012"] and '<mark class="found">做法F之12</mark>' in option.content.decode()


def test_data_is_never_markup(version: BenchmarkVersion, visitor: Client) -> None:
    for address in ("/items/?q=script", "/items/tiny/obj-0021/"):
        assert "<script>alert" not in visitor.get(address).content.decode()


def test_versions_and_benchmarks(
    version: BenchmarkVersion, browser: Callable[[str], Client], tmp_path: Path
) -> None:
    import_tiny(tmp_path / "draft", "draft", freeze=False)
    import_tiny(tmp_path / "second", "second")
    nobody, researcher = browser("nobody"), browser("researcher")
    assert nobody.get("/items/").context["version"].benchmark.slug == "second"
    assert nobody.get("/items/", {"benchmark": "tiny", "version": "1"}).context["version"] == version
    for query in ({"benchmark": "draft"}, {"benchmark": "unknown"}, {"benchmark": "tiny", "version": "2"}):
        assert nobody.get("/items/", query).status_code == 404
    assert nobody.get("/items/draft/obj-0001/").status_code == 404
    for ending in ("csv", "jsonl"):
        for client in (nobody, researcher):
            assert client.get(f"/items/draft/questions.{ending}").status_code == 404
    assert researcher.get("/items/").context["version"].benchmark.slug == "second"
    assert researcher.get("/items/", {"benchmark": "draft"}).context["facets"].total == 22
    assert researcher.get("/items/draft/obj-0001/").status_code == 200


@pytest.mark.parametrize(
    "query",
    ["?kind=x&split=y&dimension=z&scenario=%00&duplicates=yes", "?norm=x", "?norm=-1", "?norm=" + "9" * 30,
     "?norm=9223372036854775807", "?norm=²", "?page=0", "?page=" + "9" * 6000, "?q=%00", "?q=" + "知" * 5000],
)  # fmt: skip
def test_odd_addresses_do_no_harm(query: str, version: BenchmarkVersion, visitor: Client) -> None:
    assert visitor.get(f"/items/{query}").status_code == 200
    assert visitor.get(f"/items/tiny/obj-0001/{query}").status_code == 200


def test_the_number_of_queries_does_not_grow(version: BenchmarkVersion, visitor: Client) -> None:
    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            visitor.get(address)
        return len(captured)

    assert queries("/items/?q=做法F之12") == queries("/items/") <= 6
    assert queries("/items/tiny/obj-0002/") == queries("/items/tiny/sub-0001/?kind=subjective") <= 7


def test_htmx_gets_the_part_alone(version: BenchmarkVersion, visitor: Client) -> None:
    part = visitor.get("/items/?kind=objective", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part and 'class="filters"' in part


def test_an_empty_site_says_so(visitor: Client, db: None) -> None:
    page = visitor.get("/items/")
    assert page.status_code == 200 and 'class="empty"' in page.content.decode()
    assert visitor.get("/items/tiny/obj-0001/").status_code == 404
    assert visitor.get("/items/tiny/questions.csv").status_code == 404


# ---- one item ----


@pytest.mark.parametrize("role", OTHERS)
def test_keys_are_shown_on_dev_alone(
    role: str, version: BenchmarkVersion, browser: Callable[[str], Client]
) -> None:
    client = browser(role)
    for code in PUBLIC:
        page = client.get(f"/items/tiny/{code}/")
        assert page.context["detail"].key is None
        assert {option.right for option in page.context["detail"].options} == {None}
        assert KEYS[code] not in without_volatile(page.content.decode())
        assert 'class="right"' not in page.content.decode()
    for code in DEV:
        page = client.get(f"/items/tiny/{code}/")
        assert page.context["detail"].key == KEYS[code]
        assert f"<strong>{KEYS[code]}</strong>" in page.content.decode()
        assert page.content.decode().count('class="right"') == len(KEYS[code])


def test_a_researcher_sees_every_key(version: BenchmarkVersion, browser: Callable[[str], Client]) -> None:
    client = browser("researcher")
    for code, key in KEYS.items():
        assert f"<strong>{key}</strong>" in client.get(f"/items/tiny/{code}/").content.decode()


@pytest.mark.parametrize("role", OTHERS)
def test_a_hidden_item_is_like_one_that_is_not(
    role: str, version: BenchmarkVersion, browser: Callable[[str], Client]
) -> None:
    client = browser(role)

    def answer(code: str) -> tuple[int, str]:
        response = client.get(f"/items/tiny/{code}/")
        text = re.sub(r'"X-CSRFToken": "\w+"|csrfmiddlewaretoken" value="\w+"', "", response.content.decode())
        return response.status_code, text.replace(code, "CODE")

    unknown = answer("obj-9999")
    assert unknown[0] == 404
    for code in (*HIDDEN, "sub-0003"):
        assert answer(code) == unknown


def test_an_item_with_its_norm_template_and_double(version: BenchmarkVersion, visitor: Client) -> None:
    page = visitor.get("/items/tiny/obj-0001/")
    [other] = page.context["detail"].relatives
    assert (other.item.code, other.contradicts) == ("obj-0020", True)
    text = page.content.decode()
    assert "/items/tiny/obj-0020/" in text and "<details" in text and "【思考过程】" in text
    [first] = visitor.get("/items/tiny/obj-0020/").context["detail"].relatives
    assert (first.item.code, first.contradicts) == ("obj-0001", True)
    subjective = visitor.get("/items/tiny/sub-0001/").content.decode()
    norm = Norm.objects.get(code="norm-1")
    assert norm.text in subjective and f"/norms/{norm.pk}/" in subjective and "第一条" in subjective


def test_the_frozen_text_of_a_norm_stays(version: BenchmarkVersion, visitor: Client) -> None:
    before = Norm.objects.get(code="norm-1").text
    assert not visitor.get("/items/tiny/sub-0001/").context["detail"].norm_changed
    Norm.objects.filter(code="norm-1").update(text="改过的条文。")
    page = visitor.get("/items/tiny/sub-0001/")
    assert page.context["detail"].norm_changed and before in page.content.decode()


def test_neighbours_keep_to_the_filter(version: BenchmarkVersion, visitor: Client) -> None:
    def around(code: str, **query: str) -> tuple[str | None, str | None]:
        detail = visitor.get(f"/items/tiny/{code}/", query).context["detail"]
        return detail.previous, detail.next

    assert around("obj-0001") == (None, "obj-0002")
    assert around("obj-0016") == ("obj-0015", "obj-0020")  # past the hidden ones
    assert around("obj-0021") == ("obj-0020", "sub-0001")
    assert around("sub-0001", kind="subjective") == (None, "sub-0002")
    assert around("sub-0002") == ("sub-0001", "sub-0004")
    assert around("obj-0008", scenario="assisted-reproduction") == ("obj-0007", "obj-0013")
    assert around("obj-0012", q="做法F之12") == (None, None)
    page = visitor.get("/items/tiny/obj-0002/?kind=objective&scenario=assisted-reproduction")
    assert "/items/tiny/obj-0003/?kind=objective&amp;scenario=assisted-reproduction" in page.content.decode()


def test_that_a_hidden_item_has_the_same_question_is_not_told(
    tmp_path: Path, browser: Callable[[str], Client]
) -> None:
    hidden = next(row for row in benchmark_lines() if row["id"] == HIDDEN[0])
    folder = write_benchmark(tmp_path / "repeating")
    with (folder / "items.jsonl").open("a", encoding="utf-8") as file:
        file.write(
            json.dumps(
                {**hidden, "id": "obj-0030", "key": "AB", "split": "public", "norm": "norm-1"},
                ensure_ascii=False,
            )
            + "\n"
        )
    assert not import_benchmark(plan_import(str(folder))).rejected
    seen = {
        role: (
            len(browser(role).get("/items/tiny/obj-0030/").context["detail"].relatives),
            codes(browser(role).get("/items/?duplicates=1")),
            browser(role).get("/items/").context["facets"].duplicates,
            browser(role).get("/items/?q=17").content.decode().count(HIDDEN[0]),
        )
        for role in ("nobody", "researcher")
    }
    assert seen["nobody"] == (0, [], 0, 0)
    assert seen["researcher"][:3] == (1, ["obj-0030"], 1) and seen["researcher"][3] > 0


# ---- the download ----


@pytest.mark.parametrize("address", DOWNLOADS)
@pytest.mark.parametrize("role", (*OTHERS, "researcher"))
def test_the_download_is_the_same_for_everybody_and_closed_where_it_must_be(
    role: str, address: str, version: BenchmarkVersion, browser: Callable[[str], Client]
) -> None:
    data = downloaded(browser(role), address)
    assert data == downloaded(browser("nobody"), address)
    text = data.decode()
    assert HIDDEN_MARK not in text and not any(code in text for code in (*HIDDEN, "sub-0003"))
    assert not any(KEYS[code] in text for code in (*PUBLIC, *HIDDEN))
    for query in ("?split=hidden", "?kind=x", "?split=x", "?version=9", "?split=hidden&kind=objective"):
        assert browser(role).get(address + query).status_code == 404


def test_the_csv(version: BenchmarkVersion, visitor: Client) -> None:
    response = visitor.get(DOWNLOADS[0])
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"] == 'attachment; filename="tiny-1-questions.csv"'
    data = b"".join(response.streaming_content)
    assert data.startswith(
        b"\xef\xbb\xbfitem,kind,scenario,split,dimension,question,options,prompt,norm,key\r\n"
    )
    rows = {row["item"]: row for row in table(data)}
    assert list(rows) == [*PUBLIC, *DEV, "obj-0020", "obj-0021", "sub-0001", "sub-0002"] + [
        f"sub-{n:04}" for n in range(4, 44)
    ]
    first = rows["obj-0001"]
    assert (first["kind"], first["scenario"], first["split"]) == ("objective", "辅助生殖", "public")
    assert first["options"].split("\n")[:2] == ["A.做法A之1", "B.做法B之1"]
    assert (
        first["prompt"]
        == f"请作答，用{{方括号}}。\n题目：{first['question']}\n{first['options']}\n【思考过程】："
    )
    assert {code: row["key"] for code, row in rows.items() if row["key"]} == {
        code: KEYS[code] for code in DEV
    }
    assert {code: row["norm"] for code, row in rows.items() if row["norm"]} == {
        "sub-0002": Norm.objects.get(code="norm-2").text
    }
    assert rows["sub-0001"]["prompt"] == rows["sub-0001"]["question"]
    assert rows["obj-0021"]["question"] == "'" + FORMULA


def test_the_jsonl(version: BenchmarkVersion, visitor: Client) -> None:
    rows = [json.loads(line) for line in downloaded(visitor, DOWNLOADS[1]).decode().splitlines()]
    assert len(rows) == OPEN
    assert rows[0]["options"][0] == {"letter": "A", "text": "做法A之1"}
    assert [row["item"] for row in rows if "key" in row] == list(DEV)
    assert [row["item"] for row in rows if "norm" in row] == ["sub-0002"]


def test_the_download_heeds_kind_and_split(version: BenchmarkVersion, visitor: Client) -> None:
    rows = table(downloaded(visitor, DOWNLOADS[0] + "?kind=objective&split=dev"))
    assert [row["item"] for row in rows] == list(DEV)
    response = visitor.get(DOWNLOADS[1] + "?split=public&version=1")
    assert 'filename="tiny-1-public-questions.jsonl"' in response.headers["Content-Disposition"]
    page = visitor.get("/items/?kind=objective&split=dev").content.decode()
    assert "/items/tiny/questions.csv?kind=objective&amp;split=dev" in page


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_what_was_downloaded_can_be_answered_and_sent_in(
    ending: str, version: BenchmarkVersion, visitor: Client
) -> None:
    data = downloaded(visitor, f"/items/tiny/questions.{ending}")
    sink = io.StringIO(newline="")
    if ending == "csv":
        rows = table(data)
        writer = csv.DictWriter(sink, [*rows[0], "response"])
        writer.writeheader()
        writer.writerows({**row, "response": "最终答案：A"} for row in rows)
    else:
        for line in data.decode().splitlines():
            sink.write(json.dumps({**json.loads(line), "response": "最终答案：A"}, ensure_ascii=False) + "\n")
    file = io.BytesIO(sink.getvalue().encode("utf-8-sig"))
    catalogue = VersionCatalogue.load(version, with_hidden=False)
    summary = check_predictions(file, name=f"answers.{ending}", catalogue=catalogue)
    assert (summary.items, summary.blank_responses) == (OPEN, 0)
    replies = {row.item: row.response for row in read_predictions(file, name="a", catalogue=catalogue)}
    assert set(replies) == set(catalogue.ids) and set(replies.values()) == {"最终答案：A"}


def test_no_closed_key_is_even_fetched(version: BenchmarkVersion, visitor: Client) -> None:
    with CaptureQueriesContext(connection) as captured:
        downloaded(visitor, DOWNLOADS[0] + "?split=public")
    assert AnswerKey._meta.db_table not in str(captured.captured_queries)


def test_only_reading(version: BenchmarkVersion, visitor: Client) -> None:
    for address in ("/items/", "/items/tiny/obj-0001/", *DOWNLOADS):
        assert visitor.post(address).status_code == 405
        assert visitor.head(address).status_code == 200
