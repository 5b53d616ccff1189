"""The demo's 200 free answers: complete, of believable length, and no two alike."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import pytest

DEMO = Path(__file__).resolve().parents[2] / "benchmark" / "demo"
ENTRIES = ("baize-mini", "qingyuan-32b", "suixin-7b", "wentian-think")


def lines(name: str) -> list[dict]:
    return [json.loads(line) for line in (DEMO / name).read_text("utf-8").splitlines()]


def answers(entry: str) -> dict[str, str]:
    return {row["item"]: row["response"] for row in lines(f"answers/{entry}.jsonl")}


def test_each_entry_answers_every_open_item() -> None:
    items = {row["id"]: row for row in lines("items.jsonl")}
    answered = {entry: list(answers(entry)) for entry in ENTRIES}
    wanted = sorted(
        code for code, row in items.items() if row["kind"] == "subjective" and row["split"] != "hidden"
    )
    assert len(wanted) == 50
    assert {items[code]["split"] for code in wanted} == {"dev", "public"}
    assert answered == dict.fromkeys(ENTRIES, wanted)
    for entry in ENTRIES:  # a line for each, none of them twice
        assert len(lines(f"answers/{entry}.jsonl")) == 50


@pytest.mark.parametrize("entry", ENTRIES)
def test_lengths_are_those_of_real_answers(entry: str) -> None:
    assert all(200 <= len(text) <= 1500 for text in answers(entry).values())


def test_no_two_answers_share_a_long_run() -> None:
    """Statute titles and quotations may recur; sixty equal characters would be a template."""
    texts = [text for entry in ENTRIES for text in answers(entry).values()]
    runs = [{text[i : i + 60] for i in range(len(text) - 59)} for text in texts]
    shared = [run for one, other in combinations(runs, 2) for run in one & other]
    assert shared == []
