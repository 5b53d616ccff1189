"""The leaderboards: what a row says, sorting, filters, pages, exports, and who sees which row."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from benchmark.models import BenchmarkVersion, Board
from benchmark.services.boards import board_for
from benchmark.services.importing_responses import published_scorer
from tests.benchmark.cast import SCENARIOS, SECRET_NAME, Cast, import_tiny, make_cast
from tests.benchmark.rows import BOARD, SUBJECTIVE, models, published, second_version, stand, text_of

ClientOf = Callable[[Any], Client]
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _settings(settings: Any) -> None:
    settings.LANGUAGE_CODE = "en"
    settings.MEDES_DAILY_SUBMISSIONS = 50


@pytest.fixture
def cast(tmp_path: Path, submitter: Any, stranger: Any, researcher: Any) -> Cast:
    return make_cast(tmp_path / "tiny", submitter=submitter, stranger=stranger, researcher=researcher)


@pytest.fixture
def version(db: None, tmp_path: Path) -> BenchmarkVersion:
    return import_tiny(tmp_path / "tiny")


@pytest.fixture
def board(version: BenchmarkVersion) -> Board:
    """An objective board with nobody on it."""
    return Board.objects.create(
        version=version, kind="objective", split="public", scorer=published_scorer(), slug="objective"
    )


# ---- one row ----


def test_the_board_shows_the_score_with_its_interval_and_what_is_missing(cast: Cast, visitor: Client) -> None:
    score = cast.submissions["public"].scores.get(board=cast.board)
    assert (score.value, score.clusters) == (0.75, 12)  # nine of twelve
    page = visitor.get(BOARD)
    assert page.status_code == 200
    words = text_of(page)
    assert models(page) == ["Open Model 7B", "Other Model 3B"]
    assert "0.7500" in words
    assert f"{score.ci_low:.4f}–{score.ci_high:.4f}" in words
    assert "12 items in 12 clusters" in words
    label = f'aria-label="0.7500, 95% interval {score.ci_low:.4f} to {score.ci_high:.4f}"'
    assert label in page.content.decode()
    assert re.search(r"Organ transplantation 0\.\d\d, n=3", words)
    assert "How to read this table" in words
    assert 'href="/entries/open-model-7b/"' in page.content.decode()


def test_the_account_is_there_for_each_row(board: Board, visitor: Client) -> None:
    stand(board, "A", 0.5, scored=880, missing=120, account={"scored": 880, "truncated": 110, "refused": 10})
    words = text_of(visitor.get(BOARD))
    assert "12.0% scored 880 truncated 110 refused 10" in words
    assert "no reply" not in words.split("How to read")[0]


def test_below_ten_clusters_no_interval_and_a_mark(cast: Cast, visitor: Client) -> None:
    page = visitor.get("/leaderboard/tiny/objective-dev/")
    words = text_of(page)
    assert "too few clusters*" in words
    assert "* Fewer than 10 clusters" in words
    assert 'aria-label="0.0000, no interval"' in page.content.decode()


def test_ranks_are_intervals_and_stale_ones_are_not_shown(board: Board, visitor: Client) -> None:
    stand(board, "A", 0.6, rank_low=17, rank_high=17)
    stand(board, "B", 0.5, rank_low=18, rank_high=19)
    assert re.findall(r'<td class="nowrap">([^<]+)</td>', visitor.get(BOARD).content.decode()) == [
        "17",
        "18–19",
    ]
    Board.objects.filter(pk=board.pk).update(ranks_stale=True)
    words = text_of(visitor.get(BOARD))
    assert "17" not in words and "18" not in words
    assert "ranks are being recomputed" in words
    document = visitor.get(f"{BOARD}export.json").json()
    assert document["ranks_stale"] is True
    assert {row["rank_low"] for row in document["rows"]} == {None}


def test_names_are_escaped(board: Board, visitor: Client) -> None:
    stand(board, "<script>alert(1)</script>", 0.5, organisation='"><img src=x>')
    page = visitor.get(BOARD).content.decode()
    assert "<script>alert" not in page
    assert "<img" not in page
    assert not re.search(r"<[^>]+\s(?:style|on\w+)=", page)


# ---- sorting ----


def three(board: Board) -> None:
    """Three rows whose columns put them in different orders; B lacks what can be lacking."""
    stand(board, "A", 0.50, rank_low=2, rank_high=3, ci_low=0.40, answered_accuracy=0.90, missing=400, n=1000)
    stand(
        board, "B", 0.60, rank_low=None, ci_low=None, ci_high=None, answered_accuracy=None, missing=0,
        by_scenario={},
    )  # fmt: skip
    stand(board, "C", 0.55, rank_low=1, rank_high=2, ci_low=0.50, answered_accuracy=0.70, missing=300, n=500)


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("", "BCA"),
        ("-accuracy", "BCA"),
        ("accuracy", "ACB"),
        ("rank", "CAB"),
        ("-rank", "ACB"),
        ("entry", "ABC"),
        ("-entry", "CBA"),
        ("interval", "ACB"),
        ("-interval", "CAB"),
        ("answered", "CAB"),
        ("-answered", "ACB"),
        ("missing", "BAC"),  # 400 of 1,000 is less than 300 of 500
        ("-missing", "CAB"),
        ("scenario", "BCA"),  # no scenario chosen: as if not asked for
        ("nonsense", "BCA"),
        ("-value; DROP TABLE", "BCA"),
    ],
)
def test_sort_by_every_column_missing_last(board: Board, visitor: Client, sort: str, expected: str) -> None:
    three(board)
    assert "".join(models(visitor.get(BOARD, {"sort": sort}))) == expected


@pytest.mark.parametrize(("sort", "expected"), [("scenario", "ACB"), ("-scenario", "CAB")])
def test_sort_by_a_scenario(board: Board, visitor: Client, sort: str, expected: str) -> None:
    three(board)
    page = visitor.get(BOARD, {"sort": sort, "scenario": SCENARIOS[0]})
    assert "".join(models(page)) == expected


def test_every_head_links_its_sort_and_says_how_it_is_sorted(board: Board, visitor: Client) -> None:
    three(board)
    page = visitor.get(BOARD, {"sort": "answered"}).content.decode()
    heads = re.findall(r'<th scope="col"([^>]*)><a class="sort" id="[^"]+" href="([^"]+)"', page)
    assert len(heads) == 6
    assert [attributes for attributes, _url in heads if "aria-sort" in attributes] == [
        ' class="num" aria-sort="ascending"'
    ]
    for _attributes, url in heads:
        followed = visitor.get(unescape(url))
        assert followed.status_code == 200
        assert followed.content.decode().count("aria-sort=") == 1
    # A second click turns the order round.
    assert "sort=-answered" in page


SUBJECTIVE_COLUMNS = {
    "final": "value",
    "risk": "risk_rate",
    "quality": "quality",
    "final_mean": "final_mean",
    "r1": "r1",
    "r2": "r2",
    "q1": "q1",
    "q2": "q2",
    "q3": "q3",
    "q4": "q4",
    "abstained": "abstained",
}


@pytest.mark.parametrize(("column", "field"), SUBJECTIVE_COLUMNS.items())
def test_subjective_columns_sort(version: BenchmarkVersion, visitor: Client, column: str, field: str) -> None:
    board = board_for(version, "subjective", "public", published_scorer())
    for name, figure in (("A", 0.2), ("B", 0.9), ("C", 0.4)):
        stand(board, name, **{"value": 0.1, field: figure})
    assert "".join(models(visitor.get(SUBJECTIVE, {"sort": column}))) == "ACB"
    assert "".join(models(visitor.get(SUBJECTIVE, {"sort": f"-{column}"}))) == "BCA"


# ---- filters and pages ----


def test_filters_hide_rows_and_never_rerank(board: Board, visitor: Client) -> None:
    stand(board, "A", 0.9, type="general", rank_low=1, rank_high=1)
    stand(board, "B", 0.8, type="medical", rank_low=2, rank_high=3)
    page = visitor.get(BOARD, {"type": "medical"})
    assert models(page) == ["B"]
    assert "2–3" in text_of(page)
    assert 'aria-current="true">Medical</a>' in page.content.decode()
    assert models(visitor.get(BOARD, {"type": "unheard-of"})) == ["A", "B"]
    assert "No model of this type stands here" in text_of(visitor.get(BOARD, {"type": "baseline"}))


def test_a_scenario_adds_its_column(board: Board, visitor: Client) -> None:
    part = {"n": 73, "mean": 0.6123, "low": 0.55, "high": 0.67}
    stand(board, "A", 0.9, by_scenario={SCENARIOS[1]: part})
    words = text_of(visitor.get(BOARD, {"scenario": SCENARIOS[1]}))
    assert "0.6123 0.55–0.67, n=73" in words
    assert "0.6123" not in text_of(visitor.get(BOARD))
    assert visitor.get(BOARD, {"scenario": "no-such"}).status_code == 200


def test_htmx_gets_the_part_below_the_title(board: Board, visitor: Client) -> None:
    stand(board, "A", 0.9)
    part = visitor.get(BOARD, headers=HTMX)
    assert "HX-Request" in part["Vary"]
    assert part.content.decode().lstrip().startswith('<div id="board"')
    assert "<html" not in part.content.decode()
    whole = visitor.get(BOARD, headers={**HTMX, "HX-History-Restore-Request": "true"})
    assert "<html" in whole.content.decode()


def test_fifty_rows_a_page(board: Board, visitor: Client) -> None:
    for number in range(53):
        stand(board, f"Model {number:02}", 0.9 - number / 100, type="medical" if number % 2 else "general")
    first, second = visitor.get(BOARD), visitor.get(BOARD, {"page": "2"})
    assert [len(models(page)) for page in (first, second)] == [50, 3]
    assert models(second) == ["Model 50", "Model 51", "Model 52"]
    assert models(visitor.get(BOARD, {"page": "99"})) == models(second)
    assert models(visitor.get(BOARD, {"page": "x"})) == models(first)
    link = re.search(r'rel="next" href="([^"]+)"', visitor.get(BOARD, {"sort": "entry"}).content.decode())
    assert link and unescape(link[1]) == "?sort=entry&page=2#board"


def test_the_number_of_queries_does_not_grow(
    board: Board, visitor: Client, django_assert_max_num_queries: Any
) -> None:
    def page() -> None:
        cache.clear()
        with django_assert_max_num_queries(7):
            assert visitor.get(BOARD, {"type": "general"}).status_code == 200

    stand(board, "A", 0.5)
    page()
    for number in range(49):
        stand(board, f"Model {number}", 0.9 - number / 100)
    page()


def test_queries_of_somebody_logged_in(
    cast: Cast, client_of: ClientOf, submitter: Any, django_assert_max_num_queries: Any
) -> None:
    client = client_of(submitter)
    with django_assert_max_num_queries(11):  # the visitor's, session, user, roles, own rows
        client.get(BOARD)


# ---- who sees which row ----


def test_own_rows_that_are_not_public_are_shown_to_their_owner_alone(
    cast: Cast, client_of: ClientOf, visitor: Client, submitter: Any, stranger: Any, researcher: Any
) -> None:
    own = client_of(submitter).get(BOARD)
    assert models(own) == [SECRET_NAME] * 3 + ["Open Model 7B", "Other Model 3B"]
    assert "Only you see this" in text_of(own)
    rows = re.findall(r'<tr class="mine">.*?</tr>', own.content.decode(), re.DOTALL)
    assert len(rows) == 4  # the explanation, and private, in review, returned; not the withdrawn one
    assert all("no rank" in row for row in rows[1:])
    assert "checkbox" not in "".join(rows)
    for other in (visitor, client_of(stranger), client_of(researcher)):
        for address in (BOARD, f"{BOARD}export.csv", f"{BOARD}export.json", "/leaderboard/", "/"):
            page = other.get(address)
            assert page.status_code == 200
            assert "QZSecret" not in page.content.decode("utf-8-sig")
    export = client_of(submitter).get(f"{BOARD}export.csv")
    assert SECRET_NAME not in export.content.decode("utf-8-sig")


# ---- subjective boards and published rows ----


def test_published_rows_are_marked_unranked_and_explained(version: BenchmarkVersion, visitor: Client) -> None:
    board = board_for(version, "subjective", "public", published_scorer())
    published(board, "Fits", 0.85, remarks=[{"code": "identity_gap", "gap": 0.00003, "breaks": False}])
    published(board, "Breaks", 0.75, remarks=[{"code": "identity_gap", "gap": -0.007, "breaks": True}])
    page = visitor.get(SUBJECTIVE)
    words = text_of(page)
    assert models(page) == ["Fits", "Breaks"]
    assert words.count("as published not published") + words.count("not published") >= 2
    assert "1.0% 0.8700 – 1.0%" in words
    assert words.count("does not add up −0.0070") == 1
    assert "Rows marked “as published”" in words
    assert "checkbox" not in page.content.decode()
    rows = visitor.get(f"{SUBJECTIVE}export.json").json()["rows"]
    assert [row["origin"] for row in rows] == ["published"] * 2
    assert {row["rank_low"] for row in rows} | {row["ci_low"] for row in rows} == {None}


# ---- versions, frozen boards, lists ----


def test_the_plain_address_means_the_newest_version(board: Board, visitor: Client) -> None:
    stand(board, "Old", 0.5)
    newer = board_for(second_version(board.version), "objective", "public", board.scorer)
    stand(newer, "New", 0.6)
    assert models(visitor.get(BOARD)) == ["New"]
    old = visitor.get(BOARD, {"version": "1"})
    assert models(old) == ["Old"]
    assert "There is a newer version" in text_of(old)
    assert 'href="/leaderboard/tiny/objective/?version=2"' in old.content.decode()
    assert "There is a newer version" not in text_of(visitor.get(BOARD))
    # Sorting and filtering an old version stays there.
    links = re.findall(r'class="sort" id="[^"]+" href="([^"]+)"', old.content.decode())
    assert links and all("version=1" in link for link in links)
    assert visitor.get(f"{BOARD}export.json", {"version": "1"}).json()["version"] == "1"


def test_a_closed_board_says_so_and_leads_on(board: Board, visitor: Client) -> None:
    later = Board.objects.create(
        version=board.version, kind="objective", split="public", slug="objective-later",
        scorer=type(board.scorer).objects.create(type="extractor", name="later", version="2"),
    )  # fmt: skip
    assert "closed" not in text_of(visitor.get(BOARD))
    Board.objects.filter(pk=board.pk).update(frozen_at=timezone.now())
    page = visitor.get(BOARD)
    assert "This board is closed since" in text_of(page)
    assert 'href="/leaderboard/tiny/objective-later/?version=1"' in page.content.decode()
    assert "closed since" not in text_of(visitor.get(f"/leaderboard/tiny/{later.slug}/"))


@pytest.mark.parametrize(
    "address",
    [
        "/leaderboard/tiny/no-such/",
        "/leaderboard/no-such/objective/",
        f"{BOARD}?version=7",
        f"{BOARD}export.xlsx",
        "/leaderboard/tiny/no-such/export.csv",
    ],
)
def test_what_is_not_there_is_not_found(board: Board, visitor: Client, address: str) -> None:
    assert visitor.get(address).status_code == 404


@pytest.mark.parametrize("name", ["sort", "type", "scenario", "page"])
def test_nul_bytes_do_no_harm(board: Board, visitor: Client, name: str) -> None:
    stand(board, "A", 0.5)
    assert models(visitor.get(BOARD, {name: "\x00"})) == ["A"]
    assert visitor.get(BOARD, {"version": "\x00"}).status_code == 404
    assert visitor.get("/compare/", {"board": "tiny/objective", "entry": "\x00"}).status_code == 200
    assert visitor.get("/compare/", {"board": "tiny/\x00"}).status_code == 404


def test_a_scenario_without_a_mean_stands_last(board: Board, visitor: Client) -> None:
    stand(board, "A", 0.5)
    stand(board, "B", 0.4, by_scenario={SCENARIOS[0]: {"n": 0, "mean": None, "low": None, "high": None}})
    for sort in ("scenario", "-scenario"):
        assert models(visitor.get(BOARD, {"scenario": SCENARIOS[0], "sort": sort})) == ["A", "B"]


def test_a_draft_shows_no_board(board: Board, visitor: Client) -> None:
    draft = BenchmarkVersion.objects.create(benchmark=board.version.benchmark, label="3")
    board_for(draft, "subjective", "public", board.scorer)
    assert visitor.get(SUBJECTIVE).status_code == 404
    assert "Subjective" not in text_of(visitor.get("/leaderboard/"))
