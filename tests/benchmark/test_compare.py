"""Comparing entries: the paired figures by hand, the words for them, and the picker."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client

from benchmark.models import Board, Entry, Score, Submission
from benchmark.queries.compare import comparable_scores, compare_scores
from benchmark.rules.ranks import pairwise
from benchmark.services.boards import store_vector
from tests.benchmark.cast import SECRET_NAME, Cast, make_cast
from tests.benchmark.rows import stand, text_of

BOARD = {"board": "tiny/objective"}
# The twelve public items, each a cluster of its own.
STRONG = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]
WEAK = [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
MIDDLE = [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1]


@pytest.fixture(autouse=True)
def _settings(settings: Any) -> None:
    settings.LANGUAGE_CODE = "en"
    settings.MEDES_DAILY_SUBMISSIONS = 50


@pytest.fixture
def cast(tmp_path: Path, submitter: Any, stranger: Any, researcher: Any) -> Cast:
    return make_cast(tmp_path / "tiny", submitter=submitter, stranger=stranger, researcher=researcher)


@pytest.fixture
def board(cast: Cast) -> Board:
    """The tiny public board with three models whose answers are known item by item, and no others."""
    cast.board.scores.filter(designated=True).update(designated=False)
    for name, values in (("Strong", STRONG), ("Middle", MIDDLE), ("Weak", WEAK)):
        add(cast.board, name, values)
    return cast.board


def add(board: Board, name: str, values: list[int]) -> Score:
    score = stand(board, name, sum(values) / len(values), n=12, scored=12)
    store_vector(score, np.array(values, dtype=float))
    return score


def slug(name: str) -> str:
    return Entry.objects.get(name=name).slug


def compare(client: Client, *names: str, **more: str) -> Any:
    return client.get("/compare/", {**BOARD, "entry": [slug(name) for name in names], **more})


def test_the_figures_are_those_of_the_rule(board: Board) -> None:
    scores = [score for score in comparable_scores(board) if score.entry.name in ("Strong", "Weak")]
    (pair,) = compare_scores(board, scores).pairs
    # Ten ones and two zeros: mean 10/12; s² = 12·(10/12·2/12)/11, se = s/√12 = 0.11237.
    assert pair.estimate.difference == pytest.approx(10 / 12)
    assert pair.estimate.se == pytest.approx(0.112367, abs=1e-6)
    assert (pair.estimate.n, pair.estimate.clusters) == (12, 12)
    # t with 11 degrees of freedom: 2.20099 · 0.112367 = 0.247318.
    assert pair.estimate.low == pytest.approx(10 / 12 - 0.247318, abs=1e-5)
    assert pair.estimate.high == pytest.approx(10 / 12 + 0.247318, abs=1e-5)
    assert (pair.first.entry.name, pair.verdict) == ("Strong", "better")


def test_p_is_corrected_for_the_pairs_shown(board: Board) -> None:
    compared = compare_scores(board, list(comparable_scores(board)))
    raw = {
        (a, b): pairwise(x, y, list(range(12))).p
        for a, x, b, y in (
            ("Strong", STRONG, "Middle", MIDDLE),
            ("Strong", STRONG, "Weak", WEAK),
            ("Middle", MIDDLE, "Weak", WEAK),
        )
    }
    found = {(pair.first.entry.name, pair.second.entry.name): pair for pair in compared.pairs}
    assert found.keys() == raw.keys()
    lowest, second, third = sorted(raw, key=lambda pair: raw[pair] or 0)
    assert found[lowest].p == pytest.approx(3 * raw[lowest])
    assert found[second].p == pytest.approx(max(3 * raw[lowest], 2 * raw[second]))
    assert found[third].verdict == "same" and third == ("Strong", "Middle")


def test_whoever_is_better_stands_first(board: Board) -> None:
    by_name = {score.entry.name: score for score in comparable_scores(board)}
    forward = compare_scores(board, [by_name["Strong"], by_name["Weak"]]).pairs[0]
    backward = compare_scores(board, [by_name["Weak"], by_name["Strong"]]).pairs[0]
    assert forward == backward
    assert forward.estimate.low is not None and 0 < forward.estimate.low < forward.estimate.high


def test_the_words(board: Board, visitor: Client, django_assert_max_num_queries: Any) -> None:
    asked = {**BOARD, "entry": [slug("Strong"), slug("Weak")]}
    with django_assert_max_num_queries(6):
        page = visitor.get("/compare/", asked)
    words = text_of(page)
    assert "Strong is better than Weak by 0.833 (0.586 to 1.081)" in words
    assert "+0.8333" in words and "<0.001" in words
    assert 'aria-label="+0.8333, 95% interval +0.5860 to +1.0807"' in page.content.decode()
    words = text_of(compare(visitor, "Middle", "Strong"))
    assert "Strong and Middle cannot be told apart" in words
    assert "is better than" not in words
    assert "Assisted reproduction 8" in words


def test_below_ten_clusters_nothing_is_said(cast: Cast, visitor: Client) -> None:
    dev = Board.objects.get(version=cast.version, slug="objective-dev")
    for name, values in (("Dev A", [1, 1, 1, 1]), ("Dev B", [0, 0, 0, 0])):
        store_vector(stand(dev, name, sum(values) / 4, n=4), np.array(values, dtype=float))
    names = [slug("Dev A"), slug("Dev B")]
    words = text_of(visitor.get("/compare/", {"board": "tiny/objective-dev", "entry": names}))
    assert "Dev A and Dev B: too few shared clusters to say" in words
    assert "is better than" not in words


def test_fewer_than_two_chosen_gives_the_picker(board: Board, visitor: Client) -> None:
    for page in (visitor.get("/compare/", BOARD), compare(visitor, "Strong")):
        assert page.status_code == 200
        assert "Choose 2 to 6 models" in text_of(page)
        assert page.content.decode().count('name="entry"') == 3
    assert re.findall(r'value="([^"]+)" checked', page.content.decode()) == [slug("Strong")]


def test_without_a_board_the_boards_are_offered(board: Board, visitor: Client) -> None:
    page = visitor.get("/compare/").content.decode()
    assert "?board=tiny/objective&amp;version=1" in page
    assert visitor.get("/compare/?board=tiny/objective&version=1").status_code == 200


@pytest.mark.parametrize(
    "query", [{"board": "tiny"}, {"board": "tiny/none"}, {"board": "/"}, {**BOARD, "version": "9"}]
)
def test_a_board_that_is_not_there(board: Board, visitor: Client, query: dict[str, str]) -> None:
    assert visitor.get("/compare/", query).status_code == 404


def test_at_most_six(board: Board, visitor: Client) -> None:
    names = [f"Extra {n}" for n in range(5)]
    for number, name in enumerate(names):
        add(board, name, [1] * number + [0] * (12 - number))
    page = compare(visitor, "Strong", "Middle", "Weak", *names)
    words = text_of(page)
    assert "At most 6 models" in words
    assert page.content.decode().count('class="verdict"') == 15
    assert "At most 6" not in text_of(compare(visitor, "Strong", "Middle", "Weak", *names[:3]))


def test_names_that_do_not_stand_are_left_out_and_named(board: Board, visitor: Client) -> None:
    asked = [slug("Strong"), slug("Weak"), "<b>x</b>", "qzsecret-70b"]
    page = visitor.get("/compare/", {**BOARD, "entry": asked})
    assert "Strong is better than Weak" in text_of(page)
    assert "<b>x</b>" not in page.content.decode()
    assert SECRET_NAME not in unescape(page.content.decode())


def test_private_rows_are_never_compared(cast: Cast, client: Client, submitter: Any) -> None:
    client.force_login(submitter, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get("/compare/", {**BOARD, "entry": ["open-model-7b", "qzsecret-70b"]})
    assert "Choose 2 to 6 models" in text_of(page)
    assert SECRET_NAME not in unescape(page.content.decode())


def test_published_rows_have_no_values_to_compare(board: Board, visitor: Client) -> None:
    entry = Entry.objects.create(name="Printed", slug="printed")
    Score.objects.create(
        board=board, entry=entry, origin="published", designated=True, n=1, scored=1, missing=0, value=1
    )
    words = text_of(compare(visitor, "Strong", "Printed"))
    assert "Left out, since no computed row of that name stands on this board: printed" in words


def test_nothing_to_compare(board: Board, visitor: Client) -> None:
    Submission.objects.filter(entry__name="Weak").update(state="withdrawn")
    board.scores.exclude(entry__name="Strong").update(designated=False)
    assert "Nothing to compare yet" in text_of(visitor.get("/compare/", BOARD))


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_comparisons_are_only_read(board: Board, visitor: Client, method: str) -> None:
    assert getattr(visitor, method)("/compare/").status_code == 405
