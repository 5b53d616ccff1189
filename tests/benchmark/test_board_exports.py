"""The lists of boards, what each language shows, and the exports."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from benchmark.models import BenchmarkVersion, Board, Score
from benchmark.services.boards import board_for
from benchmark.services.importing_responses import published_scorer
from tests.benchmark.cast import SCENARIOS, import_tiny
from tests.benchmark.rows import BOARD, SUBJECTIVE, published, second_version, stand, text_of

HOSTILE = "=cmd|'/c calc'!A1"


@pytest.fixture(autouse=True)
def _settings(settings: Any) -> None:
    settings.LANGUAGE_CODE = "en"
    settings.MEDES_DAILY_SUBMISSIONS = 50


@pytest.fixture
def version(db: None, tmp_path: Path) -> BenchmarkVersion:
    return import_tiny(tmp_path / "tiny")


@pytest.fixture
def board(version: BenchmarkVersion) -> Board:
    """An objective board with nobody on it."""
    return Board.objects.create(
        version=version, kind="objective", split="public", scorer=published_scorer(), slug="objective"
    )


def test_empty_states(board: Board, visitor: Client) -> None:
    assert "No model stands here yet" in text_of(visitor.get(BOARD))
    assert "No model stands here yet" in text_of(visitor.get("/leaderboard/"))
    Board.objects.all().delete()
    assert "No board yet" in text_of(visitor.get("/leaderboard/"))
    assert "No board yet" in text_of(visitor.get("/"))


@pytest.mark.parametrize("address", ["/leaderboard/", "/"])
def test_lists_of_boards_name_who_leads(
    board: Board, visitor: Client, address: str, django_assert_max_num_queries: Any
) -> None:
    for place, name in enumerate("ABCDE"):
        stand(board, f"Model {name}", 0.9 - place / 100, rank_low=1 if place < 4 else 5, rank_high=4)
    subjective = board_for(board.version, "subjective", "public", published_scorer())
    published(subjective, "Lower", 0.7)
    published(subjective, "Higher", 0.8)
    with django_assert_max_num_queries(4):
        words = text_of(visitor.get(address))
    assert "Model A 0.9000 [0.8800, 0.9200]" in words
    assert "and 1 more" in words
    assert "Model D" not in words and "Model E" not in words
    assert "Higher 0.8000" in words and "Lower" not in words
    Board.objects.filter(pk=board.pk).update(ranks_stale=True)
    assert "Ranks are being recomputed" in text_of(visitor.get(address))


def test_home_shows_the_newest_version_and_the_list_all(board: Board, visitor: Client) -> None:
    stand(board, "Old", 0.5, rank_low=1, rank_high=1)
    newer = board_for(second_version(board.version), "objective", "public", board.scorer)
    stand(newer, "New", 0.6, rank_low=1, rank_high=1)
    home, everything = text_of(visitor.get("/")), text_of(visitor.get("/leaderboard/"))
    assert "New 0.6" in home and "Old 0.5" not in home
    assert everything.index("New 0.6") < everything.index("Old 0.5")


def test_chinese_names(board: Board, visitor: Client) -> None:
    stand(board, "A", 0.61)
    visitor.cookies["django_language"] = "zh-hans"
    page = visitor.get(BOARD)
    assert "小基准 1" in text_of(page)
    assert "辅助生殖 0.61, n=8" in text_of(page)


# ---- exports ----


def csv_rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_csv_export_is_neutral_complete_and_the_same_twice(board: Board, visitor: Client) -> None:
    stand(
        board, HOSTILE, 0.5, organisation="@SUM(1+1)", account={"scored": 990, "refused": 10},
        by_scenario={SCENARIOS[0]: {"n": 8, "mean": 0.125, "low": None, "high": None}},
    )  # fmt: skip
    stand(board, "模型甲", 0.25, rank_low=1, rank_high=2)
    first, second = visitor.get(f"{BOARD}export.csv"), visitor.get(f"{BOARD}export.csv")
    assert first.content == second.content
    assert first.content.startswith(b"\xef\xbb\xbf")
    assert first["Content-Type"] == "text/csv; charset=utf-8"
    assert first["Content-Disposition"] == 'attachment; filename="tiny-1-objective.csv"'
    rows = csv_rows(first.content)
    assert [row["entry"] for row in rows] == [f"'{HOSTILE}", "模型甲"]
    assert rows[0]["organisation"] == "'@SUM(1+1)"
    assert (rows[0]["accuracy"], rows[0]["account:refused"], rows[0]["rank_low"]) == ("0.5", "10", "")
    assert rows[0][f"scenario:{SCENARIOS[0]}:mean"] == "0.125"
    assert rows[0][f"scenario:{SCENARIOS[0]}:low"] == ""
    assert rows[0][f"scenario:{SCENARIOS[1]}:n"] == ""
    assert (rows[1]["rank_low"], rows[1]["rank_high"]) == ("1", "2")
    assert all(cell[:1] not in tuple("=+@\t\r") for row in rows for cell in row.values())


def test_json_export_and_its_etag(board: Board, visitor: Client) -> None:
    stand(board, HOSTILE, 0.5)
    first = visitor.get(f"{BOARD}export.json")
    assert first["Content-Disposition"] == 'attachment; filename="tiny-1-objective.json"'
    document = json.loads(first.content)
    assert (document["benchmark"], document["version"], document["board"]) == ("tiny", "1", "objective")
    (row,) = document["rows"]
    assert (row["entry"], row["accuracy"], row["ci_low"]) == (HOSTILE, 0.5, 0.48)
    assert visitor.get(f"{BOARD}export.json").content == first.content
    again = visitor.get(f"{BOARD}export.json", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304
    Score.objects.update(value=0.51)
    changed = visitor.get(f"{BOARD}export.json", headers={"If-None-Match": first["ETag"]})
    assert changed.status_code == 200


def test_exports_follow_filters_and_order_and_hold_all_pages(board: Board, visitor: Client) -> None:
    for number in range(60):
        stand(board, f"Model {number:02}", number / 100, type="medical" if number < 55 else "general")
    rows = csv_rows(visitor.get(f"{BOARD}export.csv", {"type": "medical", "sort": "accuracy"}).content)
    assert [row["entry"] for row in rows] == [f"Model {number:02}" for number in range(55)]
    page = visitor.get(BOARD, {"type": "medical", "sort": "accuracy", "page": "2"}).content.decode()
    assert f'href="{BOARD}export.csv?type=medical&amp;sort=accuracy"' in page


def test_subjective_csv(version: BenchmarkVersion, visitor: Client) -> None:
    board = board_for(version, "subjective", "public", published_scorer())
    published(board, "P", 0.85, q4=0.5)
    (row,) = csv_rows(visitor.get(f"{SUBJECTIVE}export.csv").content)
    assert (row["final"], row["risk_rate"], row["q4"], row["abstained"], row["ci_low"]) == (
        "0.85", "0.0102", "0.5", "", "",
    )  # fmt: skip


ADDRESSES = ("/leaderboard/", BOARD, f"{BOARD}export.csv", f"{BOARD}export.json")


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_boards_are_only_read(board: Board, visitor: Client, address: str, method: str) -> None:
    assert getattr(visitor, method)(address).status_code == 405
