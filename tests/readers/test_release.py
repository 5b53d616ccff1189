"""The counts of the real release. Its licence forbids shipping it, so they run only where it lies."""

from __future__ import annotations

import csv
import os
from collections import Counter
from functools import lru_cache
from pathlib import Path

import pytest

from benchmark.readers.records import (
    ItemRecord,
    JudgedRecord,
    LeaderboardRecord,
    NormRecord,
    Rejected,
    ResponseRecord,
    ScenarioRecord,
)
from benchmark.readers.released import read_released
from benchmark.rules.cleaning import clean_norm, norm_identity
from benchmark.rules.duplicates import mark_duplicates
from benchmark.rules.matching import OccurrenceMatcher, keys_of_item
from benchmark.rules.norm_groups import group_norms
from benchmark.rules.options import parse_question

SHARED = Path(os.environ.get("MEDES_SHARED") or Path(__file__).resolve().parents[3] / "shared")
RELEASE = SHARED / "medes"

pytestmark = pytest.mark.skipif(
    not (RELEASE / "objective_questions.csv").is_file(),
    reason="the released MedES files are not at hand (set MEDES_SHARED to the folder that holds medes/)",
)


@lru_cache(maxsize=8)
def records(name: str) -> tuple[object, ...]:
    return tuple(read_released(RELEASE / name))


def of_type(name: str, kind: type) -> list:
    return [record for record in records(name) if isinstance(record, kind)]


def objective() -> list[ItemRecord]:
    return of_type("objective_questions.csv", ItemRecord)


def subjective() -> list[ItemRecord]:
    return of_type("subjective_questions.csv", ItemRecord)


def raw_column(name: str, column: str) -> list[str]:
    with (RELEASE / name).open(encoding="utf-8-sig", newline="") as stream:
        return [row[column] for row in csv.DictReader(stream)]


def test_counts() -> None:
    assert not of_type("objective_questions.csv", Rejected)
    assert not of_type("subjective_questions.csv", Rejected)
    assert [item.code for item in objective()] == [f"obj-{n:04d}" for n in range(1, 1180)]
    assert [item.code for item in subjective()] == [f"sub-{n:04d}" for n in range(1, 4898)]
    scenarios = {
        record.slug: record.known
        for name in ("objective_questions.csv", "subjective_questions.csv")
        for record in of_type(name, ScenarioRecord)
    }
    assert len(scenarios) == 14
    assert all(scenarios.values())


def test_norms() -> None:
    texts = set(raw_column("subjective_questions.csv", "reference"))
    assert len(texts) == 1163
    assert len({norm_identity(text) for text in texts}) == 1157
    assert sum("_x000D_" in text for text in texts) == 151
    assert sum("x000d" in clean_norm(text).repairs for text in texts) == 151
    norms = of_type("subjective_questions.csv", NormRecord)
    assert len({norm.text for norm in norms}) == len({norm.ref for norm in norms}) == len(norms) == 1157
    # One of them is blank: twelve questions come without a norm text.
    (blank,) = (norm for norm in norms if not norm.text)
    assert sum(item.norm_ref == blank.ref for item in subjective()) == 12
    used = Counter(ref for ref, _ in {(item.norm_ref, item.scenario) for item in subjective()})
    assert len(used) == 1157
    assert sum(count > 1 for count in used.values()) == 47


def test_norm_groups() -> None:
    texts = [norm.text for norm in of_type("subjective_questions.csv", NormRecord)]
    assert len(set(group_norms(texts))) == 844


def test_one_template_and_the_text_comes_back() -> None:
    assert len({item.template for item in objective()}) == 1
    for raw in raw_column("objective_questions.csv", "query"):
        parsed = parse_question(raw)
        assert parsed.template.format(question=parsed.question) == raw


def test_options_and_keys() -> None:
    letters = Counter("".join(letter for letter, _ in item.options) for item in objective())
    # One question skips a letter in the source; answers name the letters as printed.
    assert letters.pop("ABCDF") == 1
    assert all("ABCDEFGH".startswith(run) and len(run) >= 2 for run in letters)
    assert sum(letters.values()) == 1178
    assert max(letter for item in objective() for letter in item.key) == "H"
    assert all(text and "\n" not in text for item in objective() for _, text in item.options)
    repairs = Counter(code for item in objective() for code in item.repairs)
    assert repairs["options_inline"] == 67
    assert repairs["option_letter_gap"] == repairs["text_after_options"] == 1
    assert repairs["no_options"] == 0


def test_duplicates() -> None:
    marks = mark_duplicates((keys_of_item(i.question, i.options).full, i.key) for i in objective())
    assert sum(mark.duplicate_of is not None for mark in marks) == 63
    assert sum(mark.contradicts for mark in marks) == 9


@pytest.mark.parametrize("model", ["claude", "deepseek-r1", "gpt5", "qwen3"])
def test_every_response_finds_its_item(model: str) -> None:
    items = objective()
    matcher = OccurrenceMatcher([keys_of_item(item.question, item.options) for item in items])
    rows = of_type(f"objective_{model}.csv", ResponseRecord)
    assert [matcher.match(row.query).index for row in rows] == list(range(1179))
    assert all(row.reference == item.key for row, item in zip(rows, items, strict=True))
    by_stem = OccurrenceMatcher([keys_of_item(item.question, item.options) for item in items])
    assert [by_stem.match(item.question).index for item in items] == list(range(1179))


def test_judged_sample() -> None:
    rows = of_type("judged_sample.csv", JudgedRecord)
    assert len(rows) == len(records("judged_sample.csv")) == 38
    questions = subjective()
    for row in rows:
        item = questions[row.item_number - 1]
        assert (row.query, row.scenario) == (item.question, item.scenario)
        assert norm_identity(row.norm_text) == norm_identity(item.norm_text)
    assert [row.problems for row in rows if row.problems] == []


def test_published_board() -> None:
    rows = of_type("subjective_leaderboard.csv", LeaderboardRecord)
    assert len(rows) == len(records("subjective_leaderboard.csv")) == 8
    assert all(len(row.values) == 13 for row in rows)
