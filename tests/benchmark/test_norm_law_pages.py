"""The pages about where norms come from, with and without JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from benchmark.models import BenchmarkVersion, Norm, Succession, Trace
from tests.benchmark.statute_book import (
    NEW_56,
    import_quotations,
    import_statutes,
    norm,
    trace,
    write_statutes,
)

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def version(tmp_path: Path) -> BenchmarkVersion:
    import_statutes(write_statutes(tmp_path / "statutes"))
    found = import_quotations(tmp_path / "quoting")
    trace()
    return found


@pytest.fixture
def client(client_of: Callable[[Any], Client], researcher: Any) -> Client:
    found = client_of(researcher)
    found.cookies["django_language"] = "en"
    return found


def test_the_queue_is_worked_off(version: BenchmarkVersion, client: Client, researcher: Any) -> None:
    page = client.get("/norms/traces/")
    queue = page.context["queue"]
    assert (queue.left, queue.decided, queue.current.trace.level) == (2, 0, "excerpt")
    assert "<ins>（一）泄露隐私；" in page.content.decode().replace("<br>", "")
    first = queue.current.trace
    part = client.post(f"/norms/traces/{first.pk}/", {"act": "confirm"}, headers=HTMX)
    assert part.status_code == 200 and "<html" not in part.content.decode()
    assert (part.context["queue"].left, part.context["last"]) == (1, first)
    second = part.context["queue"].current.trace
    assert second.level == "near"
    client.post(f"/norms/traces/{second.pk}/", {"act": "reject"}, headers=HTMX)
    states = dict(Trace.objects.exclude(state="certain").values_list("level", "state"))
    assert states == {"excerpt": "confirmed", "near": "rejected"}
    empty = client.get("/norms/traces/")
    assert 'class="empty"' in empty.content.decode() and empty.context["queue"].decided == 2
    back = client.post(f"/norms/traces/{second.pk}/", {"act": "undo"}, headers=HTMX)
    assert back.context["queue"].current.trace == second
    assert norm("q-excerpt").standing == "current" and first.norm.standing == "untraced"


def test_the_queue_without_javascript(version: BenchmarkVersion, client: Client) -> None:
    first = client.get("/norms/traces/").context["queue"].current.trace
    later = client.post(f"/norms/traces/{first.pk}/", {"act": "skip"}, follow=True)
    assert later.redirect_chain == [(f"/norms/traces/?skip={first.pk}", 302)]
    second = later.context["queue"].current.trace
    assert second != first
    done = client.post(f"/norms/traces/{second.pk}/", {"act": "confirm", "skip": str(first.pk)}, follow=True)
    assert done.context["last"] == second and done.context["queue"].current.trace == first


@pytest.mark.parametrize("act", ["", "nonsense"])
def test_odd_acts_are_refused(version: BenchmarkVersion, client: Client, act: str) -> None:
    pk = norm("q-excerpt").traces.get().pk
    assert client.post(f"/norms/traces/{pk}/", {"act": act}).status_code == 404
    assert client.get("/norms/traces/?skip=x,,-1,%00&last=y").status_code == 200
    certain = norm("q-old").traces.get().pk
    refused = client.post(f"/norms/traces/{certain}/", {"act": "reject"}, headers=HTMX)
    assert refused.status_code == 422 and "nothing to decide" in refused.content.decode()


def test_a_succession_is_decided(version: BenchmarkVersion, client: Client) -> None:
    page = client.get("/norms/sources/")
    assert "《器官移植条例》同时废止" in page.content.decode()
    row = Succession.objects.get(state="proposed")
    done = client.post(f"/norms/successions/{row.pk}/", {"act": "confirm"}, follow=True)
    assert "superseded law only: 2" in done.content.decode()
    assert norm("q-living").standing == "outdated"
    client.post(f"/norms/successions/{row.pk}/", {"act": "reject"})
    assert norm("q-living").standing == "current"
    certain = Succession.objects.get(state="certain")
    assert client.post(f"/norms/successions/{certain.pk}/", {"act": "reject"}).status_code == 400


def test_the_list_for_renewal(version: BenchmarkVersion, client: Client, visitor: Client) -> None:
    page = client.get("/norms/outdated/")
    text = page.content.decode()
    [row] = page.context["rows"]
    assert row.norm == norm("q-old") and row.items == 3
    assert row.wordings[0].text == NEW_56.replace("\n\n", "\n")
    assert "<del>科学技术</del><ins>卫生健康</ins>" in text
    assert "3 of 15 items rest on outdated law" in text
    assert "/campaigns/new/?outdated=1" in text
    assert "/campaigns/new/" not in visitor.get("/norms/outdated/").content.decode()
    refused = client.post(f"/norms/{row.norm.pk}/renew/", {"text": row.norm.text})
    assert refused.status_code == 422
    assert "The new wording is the old one." in refused.content.decode()
    client.post(f"/norms/{row.norm.pk}/renew/", {"text": NEW_56, "article": row.wordings[0].article.pk})
    assert norm("q-old").renewal is not None


def test_a_norms_page(version: BenchmarkVersion, visitor: Client) -> None:
    visitor.cookies["django_language"] = "en"
    text = visitor.get(f"/norms/{norm('q-old').pk}/").content.decode()
    assert "《中华人民共和国生物法》第五十六条" in text and "superseded version" in text
    assert "What the law says today" in text and "<ins>卫生健康</ins>" in text
    new = Norm.objects.get(source__version_date="2024-04-26", article="第五十六条")
    article = visitor.get(f"/norms/{new.pk}/").content.decode()
    assert "Versions of the article" in article and "What changed" in article
    old = Norm.objects.get(source__version_date="2020-10-17", article="第五十六条")
    assert "Norms that quote this article" in visitor.get(f"/norms/{old.pk}/").content.decode()
    none = visitor.get(f"/norms/{norm('q-none').pk}/").content.decode()
    assert "Where it stands in the law" not in none


def test_items_and_norms_are_marked_and_filtered(version: BenchmarkVersion, visitor: Client) -> None:
    visitor.cookies["django_language"] = "en"
    found = visitor.get("/items/?benchmark=quoting&outdated=1")
    assert [row.item.code for row in found.context["rows"]] == ["obj-0001", "sub-0002", "sub-0003"]
    assert found.content.decode().count(">outdated law<") == 3
    facets = visitor.get("/items/?benchmark=quoting").context["facets"]
    assert (facets.outdated, facets.total) == (3, 15)
    item = visitor.get("/items/quoting/sub-0002/").content.decode()
    assert "superseded version of the law only" in item
    norms = visitor.get("/norms/?standing=outdated")
    assert [row.norm.code for row in norms.context["rows"]] == ["q-old"]
    assert norms.context["rows"][0].origin.article == "第五十六条"


def test_coverage(version: BenchmarkVersion, visitor: Client) -> None:
    [row] = visitor.get("/norms/coverage/").context["rows"]
    assert (row.items, row.with_norm, row.traced, row.outdated) == (15, 15, 9, 3)
    # Articles: old and new 第五十六条 once, 第一条 in both versions, privacy 第一条, the old regulation's 第十条.
    assert (row.sources, row.articles) == (4, 5)
    page = visitor.get("/norms/coverage/?scenario=routine-care")
    asked = {str(found.source.version_date): found for found in page.context["map"].asked}
    old = asked["2020-10-17"]
    assert [(cell.label, cell.items) for cell in old.cells] == [
        ("第一条", 2),
        ("第五十六条", 3),
        ("第八十八条", 0),
    ]
    assert [source.title for source, _count in page.context["map"].silent] == ["器官捐献和移植条例"]
    assert visitor.get("/norms/coverage/?scenario=nothing").status_code == 404
    part = visitor.get("/norms/coverage/?scenario=routine-care", headers=HTMX).content.decode()
    assert "<html" not in part


def test_the_pages_ask_few_questions(version: BenchmarkVersion, visitor: Client) -> None:
    counts = {}
    for address in ("/norms/coverage/?scenario=routine-care", "/norms/sources/", "/norms/outdated/"):
        with CaptureQueriesContext(connection) as captured:
            assert visitor.get(address).status_code == 200
        counts[address] = len(captured)
    assert max(counts.values()) <= 16, counts


def test_empty_sites_say_so(visitor: Client, client: Client) -> None:
    for address in ("/norms/coverage/", "/norms/sources/", "/norms/outdated/"):
        assert 'class="empty"' in visitor.get(address).content.decode(), address
    assert 'class="empty"' in client.get("/norms/traces/").content.decode()
