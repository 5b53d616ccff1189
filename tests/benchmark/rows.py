"""Made-up rows of boards for the tests of the board's pages, and ways to read a page."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from django.utils import timezone

from benchmark.models import BenchmarkVersion, Board, Entry, Score, Submission
from tests.benchmark.cast import SCENARIOS

BOARD = "/leaderboard/tiny/objective/"
SUBJECTIVE = "/leaderboard/tiny/subjective/"
MODEL = re.compile(r'<th scope="row" class="model"><a href="/entries/[^"]+">([^<]+)</a>')


def stand(board: Board, name: str, value: float, **fields: Any) -> Score:
    """A public row of a made-up model; `type`, `organisation` are its entry's."""
    told = {key: fields.pop(key) for key in ("type", "organisation") if key in fields}
    entry = Entry.objects.create(name=name, slug=f"m-{Entry.objects.count()}", **told)
    submission = Submission.objects.create(
        entry=entry, version=board.version, method="imported", state=fields.pop("state", "public")
    )
    stored = {
        "n": 1000,
        "scored": 1000,
        "missing": 0,
        "value": value,
        "answered_accuracy": value,
        "ci_low": value - 0.02,
        "ci_high": value + 0.02,
        "clusters": 400,
        "designated": True,
        "by_scenario": {SCENARIOS[0]: {"n": 8, "mean": value, "low": None, "high": None}},
    }
    return Score.objects.create(board=board, entry=entry, submission=submission, **{**stored, **fields})


def models(response: Any) -> list[str]:
    """The names in the table, from top to bottom."""
    return [unescape(name) for name in MODEL.findall(response.content.decode())]


def text_of(response: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def published(board: Board, name: str, final: float, **fields: Any) -> Score:
    entry = Entry.objects.create(name=name, slug=f"p-{Entry.objects.count()}")
    return Score.objects.create(
        board=board, entry=entry, origin="published", designated=True, n=100, scored=99, missing=1,
        value=final, final=final, risk_rate=0.0102, quality=0.87, **fields,
    )  # fmt: skip


def second_version(first: BenchmarkVersion) -> BenchmarkVersion:
    return BenchmarkVersion.objects.create(
        benchmark=first.benchmark, label="2", state="frozen", content_hash="2" * 64, frozen_at=timezone.now()
    )
