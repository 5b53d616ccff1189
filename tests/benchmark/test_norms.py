"""/norms/ and /norms/<id>/ for every role."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from benchmark.models import BenchmarkVersion, Norm, NormGroup, Source
from benchmark.services.norms import UNSTATED
from tests.benchmark.cast import HIDDEN_MARK, import_tiny
from tests.benchmark.library import FAR, NEARLY, import_library

pytestmark = pytest.mark.django_db
OTHERS = ("nobody", "submitter", "expert", "referee")


@pytest.fixture
def version(tmp_path: Path, db: None) -> BenchmarkVersion:
    return import_library(tmp_path / "library")


@pytest.fixture
def browser(request: pytest.FixtureRequest, client_of: Callable[[Any], Client]) -> Callable[[str], Client]:
    """A client of each role."""

    def client(role: str) -> Client:
        return client_of(None if role == "nobody" else request.getfixturevalue(role))

    return client


def the_norm(ref: str) -> Norm:
    return Norm.objects.get(code=ref, source__corpus__slug="tiny-norms")


def codes(response: Any) -> list[str]:
    return [row.norm.code for row in response.context["rows"]]


@pytest.mark.parametrize("role", OTHERS)
def test_what_only_hidden_items_are_about_is_not_listed(
    role: str, version: BenchmarkVersion, browser: Callable[[str], Client]
) -> None:
    response = browser(role).get("/norms/")
    assert codes(response) == ["norm-1", "norm-2", "norm-4", "norm-5"]
    assert [row.items for row in response.context["rows"]] == [1, 1, 0, 40]
    assert HIDDEN_MARK not in response.content.decode()
    assert "《测试医院伦理守则》第一条" in response.content.decode()
    assert "2024-01-01" in response.content.decode()
    [source] = response.context["facets"].sources
    assert source.count == 4
    assert [choice.count for choice in response.context["facets"].scenarios] == [3]
    assert codes(browser(role).get("/norms/", {"q": HIDDEN_MARK})) == []


def test_a_researcher_sees_all(version: BenchmarkVersion, browser: Callable[[str], Client]) -> None:
    response = browser("researcher").get("/norms/")
    assert codes(response) == ["norm-1", "norm-2", "norm-3", "norm-4", "norm-5"]
    assert [row.items for row in response.context["rows"]] == [1, 1, 1, 0, 40]


def test_search_marks_what_it_found(version: BenchmarkVersion, visitor: Client) -> None:
    response = visitor.get("/norms/", {"q": "知情同意"})
    assert codes(response) == ["norm-5"]
    assert '<mark class="found">知情\n同意</mark>' in response.content.decode()
    escaped = visitor.get("/norms/", {"q": "<script>alert(1)</script>"})
    assert "<script>alert" not in escaped.content.decode() and escaped.context["page"].paginator.count == 0


def test_filters_and_their_counts(version: BenchmarkVersion, visitor: Client, tmp_path: Path) -> None:
    import_tiny(tmp_path / "second", "second")
    everything = visitor.get("/norms/")
    assert [(str(c.label), c.count) for c in everything.context["facets"].corpora] == [
        ("tiny-norms", 4),
        ("second-norms", 2),
    ]
    one = visitor.get("/norms/", {"corpus": "second-norms"})
    assert codes(one) == ["norm-1", "norm-2"]
    assert [choice.count for choice in one.context["facets"].sources] == [2]
    # The other corpus stays on offer with its own number, not with 0.
    assert [choice.count for choice in one.context["facets"].corpora] == [4, 2]
    source = Source.objects.get(corpus__slug="tiny-norms")
    scenario = {"scenario": "assisted-reproduction"}
    assert codes(visitor.get("/norms/", {"source": source.pk})) == ["norm-1", "norm-2", "norm-4", "norm-5"]
    both = visitor.get("/norms/", {**scenario, "source": source.pk})
    assert codes(both) == ["norm-1", "norm-2", "norm-5"]
    grouped = visitor.get("/norms/", scenario).content.decode()
    assert grouped.count('<li class="group">') == 2  # one heading for each of the two sources
    assert '<li class="group">' not in everything.content.decode()


@pytest.mark.parametrize(
    "query",
    ["?corpus=x", "?source=x", "?source=-1", "?source=99999999999999999999999", "?scenario=%00", "?page=x",
     "?page=99999999999999999999999", "?q=%00", "?q=%27%22%26%7C%21%28%29*%3A", "?q=" + "知" * 5000, "?q=%ff"],
)  # fmt: skip
def test_odd_addresses_do_no_harm(query: str, version: BenchmarkVersion, visitor: Client) -> None:
    assert visitor.get(f"/norms/{query}").status_code == 200


def test_the_number_of_queries_does_not_grow(version: BenchmarkVersion, visitor: Client) -> None:
    counts = []
    for query in ({}, {"q": "知情同意"}):
        with CaptureQueriesContext(
            connection,
        ) as captured:
            visitor.get("/norms/", query)
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 11


def test_htmx_gets_the_part_alone(version: BenchmarkVersion, visitor: Client) -> None:
    part = visitor.get("/norms/", headers={"HX-Request": "true"})
    assert "<html" not in part.content.decode() and 'class="filters"' in part.content.decode()
    assert "HX-Request" in part.headers["Vary"]
    back = visitor.get("/norms/", headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert "<html" in back.content.decode()


def test_an_empty_site_says_so(visitor: Client, db: None) -> None:
    page = visitor.get("/norms/")
    assert page.status_code == 200 and 'class="empty"' in page.content.decode()


def test_a_norm_with_its_group_and_its_items(version: BenchmarkVersion, visitor: Client) -> None:
    assert the_norm("norm-1").group_id == the_norm("norm-4").group_id
    page = visitor.get(f"/norms/{the_norm('norm-1').pk}/")
    text = page.content.decode()
    [other] = page.context["detail"].neighbours
    assert other.norm.text == NEARLY and not other.identical
    assert "<ins>；泄露的，依法处理</ins>" in text
    assert [row.item.code for row, _version in page.context["items"]] == ["sub-0001"]
    assert "/items/tiny/sub-0001/" in text and "测试医院" in text


def test_items_of_a_norm_come_in_pages(version: BenchmarkVersion, visitor: Client) -> None:
    address = f"/norms/{the_norm('norm-5').pk}/"
    first, second = visitor.get(address), visitor.get(address, {"page": 2})
    assert (len(first.context["items"]), len(second.context["items"])) == (30, 10)
    counts = []
    for target in (address, f"/norms/{the_norm('norm-2').pk}/"):
        with CaptureQueriesContext(connection) as captured:
            visitor.get(target)
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 7


@pytest.mark.parametrize("role", OTHERS)
def test_a_norm_of_hidden_items_is_like_one_that_is_not(
    role: str, version: BenchmarkVersion, browser: Callable[[str], Client]
) -> None:
    client = browser(role)
    address = f"/norms/{the_norm('norm-3').pk}/"
    assert client.get(address).status_code == client.get("/norms/987654/").status_code == 404
    assert HIDDEN_MARK not in client.get(address).content.decode()
    assert browser("researcher").get(address).status_code == 200


@pytest.mark.parametrize("role", (*OTHERS, "researcher"))
def test_only_researchers_see_audit_groups(
    role: str, version: BenchmarkVersion, browser: Callable[[str], Client]
) -> None:
    norm = the_norm("norm-1")
    pages = []
    for audit in (True, False):
        NormGroup.objects.filter(pk=norm.group_id).update(audit=audit)
        response = browser(role).get(f"/norms/{norm.pk}/")
        assert response.context["detail"].audit is (audit and role == "researcher")
        pages.append(response.content.decode().count("chip amber"))
    assert (pages[0] != pages[1]) is (role == "researcher")


def test_what_is_not_known_of_a_source_is_said_calmly(version: BenchmarkVersion, visitor: Client) -> None:
    Source.objects.update(kind=UNSTATED.kind, title=UNSTATED.title, status="unknown", in_force=None)
    page = visitor.get(f"/norms/{the_norm('norm-5').pk}/").content.decode()
    assert UNSTATED.title not in page and "《" not in page
    assert UNSTATED.title not in visitor.get("/norms/").content.decode()


@pytest.mark.parametrize(("status", "marks"), [("in_force", 0), ("amended", 1), ("repealed", 1)])
def test_a_source_out_of_force_marks_its_norms_and_items(
    status: str, marks: int, version: BenchmarkVersion, visitor: Client
) -> None:
    Source.objects.update(status=status)
    for address in (f"/norms/{the_norm('norm-1').pk}/", "/items/tiny/sub-0001/"):
        assert visitor.get(address).content.decode().count("notice warn") == marks


def test_only_reading(version: BenchmarkVersion, visitor: Client) -> None:
    for address in ("/norms/", f"/norms/{the_norm('norm-1').pk}/"):
        assert visitor.post(address).status_code == 405
        assert visitor.head(address).status_code == 200
    assert FAR in Norm.objects.get(code="norm-5").text
