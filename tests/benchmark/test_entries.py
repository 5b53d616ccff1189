"""Entries: who sees which, what their pages say, and changing the description."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from benchmark.models import Board, Entry, Submission
from tests.benchmark.cast import SECRET_NAME, Cast, make_cast
from tests.benchmark.rows import text_of

ClientOf = Callable[[Any], Client]
LIST = "/entries/"
OPEN = "/entries/open-model-7b/"
SECRET = "/entries/qzsecret-70b/"
FIELDS = {
    "organisation": "测试大学",
    "parameters_b": "7.5",
    "type": "medical",
    "licence": "MIT",
    "link": "https://example.org/model",
}


@pytest.fixture(autouse=True)
def _settings(settings: Any) -> None:
    settings.LANGUAGE_CODE = "en"
    settings.MEDES_DAILY_SUBMISSIONS = 50


@pytest.fixture
def cast(tmp_path: Path, submitter: Any, stranger: Any, researcher: Any) -> Cast:
    return make_cast(tmp_path / "tiny", submitter=submitter, stranger=stranger, researcher=researcher)


# ---- the list ----


def test_the_list_shows_public_entries_and_where_they_stand(cast: Cast, visitor: Client) -> None:
    page = visitor.get(LIST)
    words = text_of(page)
    assert "Open Model 7B Lab medical" in words
    assert "Objective questions 0.7500 rank 1" in words
    assert 'href="/leaderboard/tiny/objective/?version=1"' in page.content.decode()
    assert "QZSecret" not in words


def test_an_entry_without_anything_public_is_seen_by_its_owner_and_researchers(
    cast: Cast, client_of: ClientOf, submitter: Any, stranger: Any, researcher: Any, expert: Any
) -> None:
    for user in (submitter, researcher):
        page = client_of(user).get(LIST)
        assert f"{SECRET_NAME} not public" in text_of(page)
        assert client_of(user).get(SECRET).status_code == 200
    for user in (None, stranger, expert):
        assert "QZSecret" not in client_of(user).get(LIST).content.decode()
        assert client_of(user).get(SECRET).status_code == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "open"}, {"Open Model 7B"}),
        ({"q": "model LAB"}, {"Open Model 7B"}),
        ({"q": "lab"}, {"Open Model 7B"}),
        ({"type": "general"}, {"Other Model 3B"}),
        ({"type": "unheard-of"}, {"Open Model 7B", "Other Model 3B"}),
        ({"q": "nobody"}, set()),
        ({"q": "\x00"}, {"Open Model 7B", "Other Model 3B"}),
    ],
)
def test_search(cast: Cast, visitor: Client, query: dict[str, str], found: set[str]) -> None:
    page = visitor.get(LIST, query)
    names = re.findall(r'class="model"><a[^>]+>([^<]+)</a>', page.content.decode())
    assert set(names) == found
    assert ("No model found" in text_of(page)) is not bool(found)


def test_list_pages_with_few_queries(cast: Cast, visitor: Client, django_assert_max_num_queries: Any) -> None:
    rows = [Entry(name=f"M {n:03}", slug=f"m-{n}") for n in range(60)]
    for entry in Entry.objects.bulk_create(rows):
        Submission.objects.create(entry=entry, version=cast.version, method="imported", state="public")
    with django_assert_max_num_queries(3):
        first = visitor.get(LIST)
    second = visitor.get(LIST, {"page": "2"})
    assert [page.content.decode().count('class="model"') for page in (first, second)] == [50, 12]


def test_no_entry_yet(visitor: Client, db: None) -> None:
    assert "No model yet" in text_of(visitor.get(LIST))


# ---- one entry ----


def test_the_page_tells_standing_account_and_parts(
    cast: Cast, visitor: Client, django_assert_max_num_queries: Any
) -> None:
    Entry.objects.filter(pk=cast.open.pk).update(
        link="https://example.org/m", licence="MIT", parameters_b="7.50"
    )
    with django_assert_max_num_queries(6):
        page = visitor.get(OPEN)
    words = text_of(page)
    score = cast.submissions["public"].scores.get(board=cast.board)
    assert "7.5 billion" in words and "MIT" in words
    assert 'href="https://example.org/m" rel="nofollow noreferrer"' in page.content.decode()
    assert f"0.7500 95% interval {score.ci_low:.4f}–{score.ci_high:.4f}" in words
    assert "9 right of 12 answered" in words
    assert "scored 12 together 12" in words
    assert "ethics knowledge 12 0.750" in words
    # The weakest scenario first: all nine right answers came first.
    names = [name for name in ("Palliative care", "Organ transplantation", "Assisted reproduction")]
    places = [words.index(f"{name} {n}") for name, n in zip(names, (1, 3, 8), strict=True)]
    assert places == sorted(places)
    assert "too few clusters*" in words  # the single item of palliative care
    assert f'href="/submissions/{cast.submissions["public"].pk}/"' in page.content.decode()


def test_results_per_item_are_offered_where_a_dev_board_is(cast: Cast, visitor: Client) -> None:
    assert "results per item" in text_of(visitor.get(OPEN))
    assert "results per item" not in text_of(visitor.get("/entries/other-model-3b/"))


def test_stale_ranks_are_not_shown(cast: Cast, visitor: Client) -> None:
    assert "as far as the data can tell" in text_of(visitor.get(OPEN))
    Board.objects.update(ranks_stale=True)
    words = text_of(visitor.get(OPEN))
    assert "ranks are being recomputed" in words
    assert "as far as the data can tell" not in words
    assert "rank 1" not in text_of(visitor.get(LIST))


def test_private_submissions_are_listed_for_their_owner_with_state(
    cast: Cast, client_of: ClientOf, submitter: Any, researcher: Any
) -> None:
    for user in (submitter, researcher):
        words = text_of(client_of(user).get(SECRET))
        for state in ("private", "in review", "returned", "withdrawn"):
            assert state in words
        assert "It stands on no board" in words


def test_others_see_the_public_submissions_of_an_entry_alone(
    cast: Cast, client_of: ClientOf, visitor: Client, submitter: Any
) -> None:
    second = Submission.objects.create(
        entry=cast.open, version=cast.version, method="file", submitted_by=submitter, note="later"
    )
    link = f"/submissions/{second.pk}/"
    assert link in client_of(submitter).get(OPEN).content.decode()
    assert link not in visitor.get(OPEN).content.decode()


# ---- changing the description ----


@pytest.mark.parametrize("who", ["owner", "researcher"])
def test_owner_and_researcher_change_the_description(
    cast: Cast, client_of: ClientOf, submitter: Any, researcher: Any, who: str
) -> None:
    client = client_of(submitter if who == "owner" else researcher)
    assert "Edit the description" in text_of(client.get(OPEN))
    assert client.get(f"{OPEN}edit/").status_code == 200
    done = client.post(f"{OPEN}edit/", {**FIELDS, "name": "Another name", "slug": "x", "owner": ""})
    assert (done.status_code, done["Location"]) == (302, OPEN)
    entry = Entry.objects.get(pk=cast.open.pk)
    assert (entry.organisation, str(entry.parameters_b), entry.licence) == ("测试大学", "7.50", "MIT")
    assert (entry.name, entry.slug, entry.owner) == ("Open Model 7B", "open-model-7b", submitter)


@pytest.mark.parametrize(
    "wrong",
    [
        {"link": "javascript:alert(1)"},
        {"type": "best"},
        {"parameters_b": "-1"},
        {"parameters_b": "many"},
        {"licence": "x" * 121},
    ],
)
def test_what_is_wrong_is_refused_and_nothing_is_stored(
    cast: Cast, client_of: ClientOf, submitter: Any, wrong: dict[str, str]
) -> None:
    before = Entry.objects.values().get(pk=cast.open.pk)
    page = client_of(submitter).post(f"{OPEN}edit/", {**FIELDS, **wrong})
    assert page.status_code == 422
    assert "errorlist" in page.content.decode()
    assert Entry.objects.values().get(pk=cast.open.pk) == before


@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_else_changes_it(
    cast: Cast, client_of: ClientOf, visitor: Client, stranger: Any, expert: Any, method: str
) -> None:
    for user in (stranger, expert):
        client = client_of(user)
        assert getattr(client, method)(f"{OPEN}edit/", FIELDS).status_code == 403
        # Whether a name that is not public is registered is nobody's business.
        assert getattr(client, method)(f"{SECRET}edit/", FIELDS).status_code == 404
        assert "Edit the description" not in text_of(client.get(OPEN))
    for address in (f"{OPEN}edit/", f"{SECRET}edit/"):
        away = getattr(visitor, method)(address, FIELDS)
        assert away.status_code == 302 and away["Location"].startswith("/accounts/login/")
    assert Entry.objects.get(pk=cast.open.pk).licence == ""


@pytest.mark.parametrize("address", [LIST, OPEN])
@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_pages_are_only_read(cast: Cast, visitor: Client, address: str, method: str) -> None:
    assert getattr(visitor, method)(address).status_code == 405
