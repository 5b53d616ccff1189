"""What is closed stays closed: every page, export, API answer and error, read by everybody who is no researcher.

Two ways of looking. *Canaries*: strings that stand only in closed things are looked for in every answer.
*Two worlds*: all that is closed to a reader is changed behind the site's back, and every answer must stay the
same to the byte; that finds also what tells a secret without naming it, such as a class, a count or an order.
"""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from benchmark.models import AnswerKey, Entry, Extraction, Item, Norm, Score, Submission
from benchmark.rules.search_terms import index_terms
from tests.benchmark.cast import DEV, HIDDEN, HIDDEN_MARK, KEYS, PUBLIC, Cast, make_cast, predictions
from tests.benchmark.volatile import without_volatile

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
ROLES = ("visitor", "submitter", "stranger", "expert", "referee")
OUTSIDERS = tuple(role for role in ROLES if role != "submitter")
SECRET = "qzsecret"  # in the name, the slug, the organisation and the notes of the private entry
MOST_PAGES = 600
NEVER_FOLLOWED = (
    "/accounts/log",
    "/i18n/",
    "/static/",
    "/accounts/signup",
    "/accounts/password",
    "/api/docs",
)
LINK = re.compile(r"""(?:href|src|action|hx-get|data-[a-z-]+)=["']([^"'#]+)""")


@pytest.fixture
def cast(tmp_path: Path, submitter: Any, stranger: Any, researcher: Any) -> Cast:
    return make_cast(tmp_path / "tiny", submitter=submitter, stranger=stranger, researcher=researcher)


@pytest.fixture
def reader(request: pytest.FixtureRequest, client_of: Callable[..., Client]) -> Callable[[str], Client]:
    def log_in(role: str) -> Client:
        return client_of(None if role == "visitor" else request.getfixturevalue(role))

    return log_in


def addresses(cast: Cast) -> list[str]:
    """Where a crawl begins, and what a curious person types: everything that might be there."""
    items = [
        f"/{place}/{code}/"
        for code in (*KEYS, "sub-0003")
        for place in ("items/tiny", "api/v1/benchmarks/tiny/items")
    ]
    norms = [
        f"/{place}/{pk}/"
        for pk in Norm.objects.values_list("pk", flat=True)
        for place in ("norms", "api/v1/norms")
    ]
    submissions = [
        f"/{place}/{row.pk}/"
        for row in cast.submissions.values()
        for place in ("submissions", "api/v1/submissions")
    ]
    entries = [
        f"/{place}/{entry.slug}/{end}"
        for entry in Entry.objects.all()
        for place, end in (("entries", ""), ("entries", "edit/"), ("api/v1/entries", ""))
    ]
    # Words of hidden texts without the mark, which a search box would rightly echo.
    words = ("第17题", "做法A之17", "终末期患者的疼痛", "第3问", "费用", "hidden", "ABEFH", "70B")
    searches = [
        f"/{place}{name}={word}"
        for word in words
        for place, name in (
            ("items/?benchmark=tiny&", "q"), ("norms/?", "q"), ("entries/?", "q"),
            ("api/v1/norms/?", "search"), ("api/v1/benchmarks/tiny/items/?", "search"),
        )
    ]  # fmt: skip
    boards = [
        f"/{place}"
        for slug in ("objective", "objective-dev", "objective-hidden", "subjective")
        for place in (
            f"leaderboard/tiny/{slug}/", f"leaderboard/tiny/{slug}/export.csv", f"leaderboard/tiny/{slug}/export.json",
            f"api/v1/boards/tiny/{slug}/", f"leaderboard/tiny/{slug}/?scenario=palliative-care&sort=scenario",
            f"leaderboard/tiny/{slug}/?sort=-missing", f"api/v1/boards/tiny/{slug}/?sort=-answered",
            f"compare/?board=tiny/{slug}&entry={cast.secret.slug}&entry={cast.open.slug}&entry={cast.strangers.slug}",
        )
    ]  # fmt: skip
    files = [f"/items/tiny/questions.{end}{query}" for end in ("csv", "jsonl")
             for query in ("", "?split=hidden", "?kind=objective", "?split=public", "?split=dev")]  # fmt: skip
    filters = [f"/{place}split={split}" for split in ("dev", "public", "hidden")
               for place in ("items/?benchmark=tiny&", "api/v1/benchmarks/tiny/items/?")]  # fmt: skip
    norms_of_items = [f"/items/?benchmark=tiny&norm={pk}" for pk in Norm.objects.values_list("pk", flat=True)]
    lists = [
        "/", "/leaderboard/", "/entries/", "/compare/", "/submissions/", "/submissions/?tab=all",
        "/submissions/?tab=review", "/submissions/new/", "/norms/", "/items/", "/accounts/profile/",
        "/accounts/invitations/", "/admin/", "/admin/benchmark/answerkey/", "/admin/benchmark/item/",
        "/admin/benchmark/response/", "/metrics", "/healthz", "/api/schema/", "/nothing/here/",
        *(f"/api/v1/{name}/?limit=500" for name in
          ("benchmarks", "benchmarks/tiny/items", "norms", "entries", "submissions", "boards")),
    ]  # fmt: skip
    return [
        *lists,
        *items,
        *norms,
        *submissions,
        *entries,
        *searches,
        *boards,
        *files,
        *filters,
        *norms_of_items,
    ]


def crawl(client: Client, seeds: list[str]) -> dict[str, tuple[int, str]]:
    """Every address that can be reached from the seeds: status and body."""
    waiting, seen = list(seeds), {}
    while waiting:
        url = waiting.pop(0)
        if url in seen:
            continue
        assert len(seen) < MOST_PAGES, "the crawl does not end"
        cache.clear()  # throttles, and what was counted before
        response = client.get(url)
        parts = b"".join(response.streaming_content) if response.streaming else response.content
        headers = sorted(item for item in response.headers.items() if item[0] != "Expires")  # a time of day
        body = parts.decode("utf-8", "replace") + str(headers)
        assert response.status_code < 500, url
        seen[url] = (response.status_code, body)
        place = response.headers.get("Location")
        found = [place] if place else LINK.findall(body) if "html" in response["Content-Type"] else []
        waiting += list(_followed(url, found))
    return seen


def _followed(url: str, links: list[str]) -> Iterator[str]:
    for link in links:
        parts = urlsplit(urljoin(f"http://testserver{url}", html.unescape(link)))
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        # From a filtered page no further filter: their combinations would have no end.
        endless = "?" in url and "?" in path
        if parts.netloc == "testserver" and not path.startswith(NEVER_FOLLOWED) and not endless:
            yield path


def plain(body: str) -> str:
    """Without markup: letters that stand in elements of their own come together."""
    return html.unescape(re.sub(r"<[^>]*>", " ", body))


def key_pattern(key: str) -> re.Pattern[str]:
    """The letters of a key in a row, with no more than punctuation between them."""
    return re.compile(r"(?<![A-Z])" + r"[\s,;/、，；·\"'\[\]]*".join(key) + r"(?![A-Z])")


CLOSED_KEYS = {code: key for code, key in KEYS.items() if code in (*PUBLIC, *HIDDEN)}


def look_for_canaries(pages: dict[str, tuple[int, str]], role: str) -> None:
    """Hidden texts, closed keys, and for outsiders the names and notes of what is private."""
    patterns = [key_pattern(key) for key in CLOSED_KEYS.values()]
    for url, (_status, body) in pages.items():
        assert HIDDEN_MARK not in body, url
        text = plain(body)
        asked = url.rpartition("=")[2]
        for pattern in patterns:
            assert not [hit for hit in pattern.findall(text) if hit != asked], f"{url}: {pattern.pattern}"
        if role in OUTSIDERS and SECRET not in url:  # a page may repeat what the address says
            assert SECRET not in body.lower(), url


def lift_guards() -> None:
    """Lets this test, and its transaction alone, change what is frozen."""
    tables = ("benchmark_item", "benchmark_answerkey")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            if connection.vendor == "postgresql":
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_guard")
            else:
                cursor.execute(f"DROP TRIGGER {table}_guard_update")


def change_what_is_closed() -> None:
    """Other keys, hidden texts and results of items on closed splits."""
    lift_guards()
    for key in AnswerKey.objects.exclude(item__split="dev"):
        AnswerKey.objects.filter(pk=key.pk).update(letters="H" if key.letters[0] == "A" else "AB")
    for item in Item.objects.filter(split="hidden"):
        question = f"另一问题，药房与票据之事{item.pk}"
        Item.objects.filter(pk=item.pk).update(
            question=question,
            options=[{"letter": letter, "text": f"丙{letter}"} for letter in "AB"] if item.options else [],
            search_terms=index_terms(question),
            dimension="drug_safety",
            contradicts=True,
        )
    for norm in Norm.objects.filter(items__split="hidden"):
        text = "处方须由两人核对。"
        Norm.objects.filter(pk=norm.pk).update(
            text=text, search_terms=index_terms(text), article="第九十九条"
        )
    for row in Extraction.objects.exclude(response__item__split="dev"):
        Extraction.objects.filter(pk=row.pk).update(right=not row.right)


def change_what_is_private() -> None:
    """Another name, other notes, other scores of the entry that nobody but its owner may see."""
    Entry.objects.filter(name="QZSecret-70B").update(
        name="A-First-Place-1T", organisation="Elsewhere", type="baseline"
    )
    hidden = Submission.objects.exclude(state="public")
    hidden.update(note="other", file_name="other.csv", review_note="other", responses_count=3)
    Score.objects.filter(submission__in=hidden).update(
        value=1.0, right=12, missing=0, ci_low=0.9, ci_high=1.0, by_scenario={}
    )


@pytest.mark.parametrize("role", ROLES)
def test_nothing_closed_is_told(cast: Cast, reader: Callable[[str], Client], role: str) -> None:
    seeds = addresses(cast)
    before = crawl(reader(role), seeds)
    assert sum(status == 200 for status, _body in before.values()) > 60
    look_for_canaries(before, role)
    change_what_is_closed()
    if role in OUTSIDERS:
        change_what_is_private()
    after = crawl(reader(role), seeds)
    assert before.keys() == after.keys()
    different = [
        url
        for url, (status, body) in before.items()
        if (status, without_volatile(body)) != (after[url][0], without_volatile(after[url][1]))
    ]
    assert different == []


def test_the_second_world_is_another_one(
    cast: Cast, client_of: Callable[..., Client], researcher: Any
) -> None:
    """Else the test above could not fail: a researcher sees the difference on the very same pages."""
    client = client_of(researcher)
    pages = [
        "/api/v1/benchmarks/tiny/items/?limit=500",
        "/api/v1/norms/",
        f"/items/tiny/{PUBLIC[0]}/",
        "/api/v1/entries/",
        f"/submissions/{cast.submissions['public'].pk}/?board=objective",
    ]
    before = [client.get(url).content for url in pages]
    change_what_is_closed()
    change_what_is_private()
    after = [client.get(url).content for url in pages]
    assert [a != b for a, b in zip(before, after, strict=True)] == [True] * len(pages)


def test_whether_a_closed_key_agrees_with_an_open_one(cast: Cast, reader: Callable[[str], Client]) -> None:
    """A public item with the question of a dev item: that their keys agree would tell the closed one."""
    lift_guards()
    dev = Item.objects.get(code=DEV[0])
    pages = [f"/items/tiny/{code}/" for code in (PUBLIC[0], DEV[0])]
    pages += [
        "/items/?benchmark=tiny",
        "/api/v1/benchmarks/tiny/items/",
        f"/api/v1/benchmarks/tiny/items/{PUBLIC[0]}/",
    ]
    worlds: list[dict[str, tuple[int, str]]] = []
    for contradicts in (False, True):
        Item.objects.filter(code=PUBLIC[0]).update(duplicate_of=dev, contradicts=contradicts)
        answers = {url: reader("visitor").get(url).content.decode() for url in pages}
        worlds.append({url: (200, without_volatile(body)) for url, body in answers.items()})
        assert all(DEV[0] in body for body in answers.values())
    assert worlds[0] == worlds[1]


# -- refused files


def refusal(client: Client, url: str, data: bytes, **fields: Any) -> str:
    response = client.post(url, {**fields, "file": SimpleUploadedFile("replies.csv", data)})
    assert response.status_code == 422, response.content
    return without_volatile(response.content.decode())


@pytest.mark.parametrize("place", ["page", "api"])
def test_refusals_speak_of_hidden_items_as_of_nonsense(
    cast: Cast, reader: Callable[[str], Client], place: str
) -> None:
    client = reader("submitter")
    if place == "page":
        url = "/submissions/new/"
        fields: dict[str, Any] = {"entry": cast.open.pk, "version": cast.version.pk}
    else:
        url, fields = "/api/v1/submissions/", {"entry": cast.open.slug, "benchmark": "tiny"}
    for code in (*HIDDEN, "sub-0003", HIDDEN[0].upper(), f" {HIDDEN[0]} "):
        told = refusal(client, url, predictions({code: "A"}), **fields)
        nonsense = refusal(client, url, predictions({"obj-9999": "A"}), **fields)
        assert told.replace(code.strip(), "obj-9999") == nonsense

    def by_question(question: str) -> str:
        sink = io.StringIO()
        csv.writer(sink).writerows([("query", "response"), (question, "A")])
        told = refusal(client, url, sink.getvalue().encode(), **fields)
        return re.sub(r"“[^”]*”", "“…”", told)

    hidden = Item.objects.get(code=HIDDEN[0])
    options = "\n".join(f"{option['letter']}. {option['text']}" for option in hidden.options)
    nonsense = by_question("何谓正义？")
    assert by_question(hidden.question) == nonsense
    assert by_question(f"{hidden.question}\n{options}") == nonsense
    assert not Submission.objects.filter(responses__item__split="hidden").exists()


def test_names_of_closed_things_are_no_errors_of_their_own(
    cast: Cast, reader: Callable[[str], Client]
) -> None:
    """A 404 for what is closed is the 404 for what does not exist."""
    pairs = [
        (f"/items/tiny/{HIDDEN[0]}/", "/items/tiny/obj-9999/"),
        (f"/entries/{cast.secret.slug}/", "/entries/no-such-model/"),
        (f"/submissions/{cast.submissions['private'].pk}/", "/submissions/999999/"),
        (f"/norms/{Norm.objects.get(article='第三条').pk}/", "/norms/999999/"),
        (f"/api/v1/entries/{cast.secret.slug}/", "/api/v1/entries/no-such-model/"),
        (f"/api/v1/submissions/{cast.submissions['private'].pk}/", "/api/v1/submissions/999999/"),
    ]
    for role in OUTSIDERS:
        client = reader(role)
        for closed, absent in pairs:
            first, second = client.get(closed), client.get(absent)
            assert first.status_code == second.status_code == 404, closed
            texts = [
                without_volatile(answer.content.decode()).replace(url, "")
                for answer, url in ((first, closed), (second, absent))
            ]
            assert texts[0] == texts[1], closed


def test_private_attempts_of_a_public_entry(cast: Cast, reader: Callable[[str], Client]) -> None:
    """The private attempts of an entry that stands on the board are nobody's business either."""
    private = cast.submissions["private"]
    Submission.objects.filter(pk=private.pk).update(entry=cast.open.pk)
    Score.objects.filter(submission=private.pk).update(entry=cast.open.pk, value=0.987654)
    for url, (_status, body) in crawl(reader("stranger"), addresses(cast)).items():
        assert not re.search(r"98\.7|98\.8|0\.987", body), url
    own = reader("submitter").get("/leaderboard/tiny/objective/").content.decode()
    assert re.search(r"98\.8|0\.9877", own)


def test_small_groups_are_withheld_on_pages(cast: Cast, reader: Callable[[str], Client]) -> None:
    """The owner's own page and board show a group of a closed split from five answered items on."""
    private = cast.submissions["private"]
    client = reader("submitter")
    page = client.get(f"/submissions/{private.pk}/").context["results"]
    shown = {result.score.board.slug: {group.scenario.slug for group in result.scenarios} for result in page}
    assert shown["objective"] == {"assisted-reproduction"}
    own = client.get("/leaderboard/tiny/objective/").context["shown"].own
    row = next(row for row in own if row.score.submission_id == private.pk)
    assert set(row.score.by_scenario) == {"assisted-reproduction"}
