"""The extraction rule on the released replies: agreement with the authors and the published counts.

The data are not part of the project (their licence forbids it). They are looked for in the folder that
MEDES_SHARED names, or in `../shared` beside the repository; without them these tests skip and say so.
"""

from __future__ import annotations

import csv
import os
from collections import Counter
from pathlib import Path

import pytest

from benchmark.rules.extraction import Extraction, Outcome, extract, is_right
from benchmark.rules.options import parse_question

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("MEDES_SHARED") or ROOT.parent / "shared") / "medes"
QUESTIONS = 1179
# Right answers as published; DeepSeek-R1's 704 left out 11 right ones among 16 readable replies.
RIGHT = {"claude": 709, "gpt5": 734, "qwen3": 720, "deepseek-r1": 715}
PUBLISHED_RIGHT = {"claude": 709, "gpt5": 734, "qwen3": 720, "deepseek-r1": 704}
OUTCOMES = {
    # Of the 110 replies without a published answer, 109 stop early and one says that no option is right.
    "claude": {Outcome.SCORED: 1069, Outcome.TRUNCATED: 109, Outcome.UNPARSEABLE: 1},
    "gpt5": {Outcome.SCORED: 1175, Outcome.UNPARSEABLE: 4},
    "qwen3": {Outcome.SCORED: 1178, Outcome.NO_REPLY: 1},
    "deepseek-r1": {Outcome.SCORED: 1175, Outcome.NO_REPLY: 1, Outcome.UNPARSEABLE: 3},
}

pytestmark = pytest.mark.skipif(
    not (DATA / "objective_questions.csv").is_file(), reason=f"released data not found at {DATA}"
)


def rows(model: str) -> list[dict[str, str]]:
    with (DATA / f"objective_{model}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def options_of(row: dict[str, str]) -> str:
    return parse_question(row["query"]).letters


@pytest.fixture(scope="module", params=sorted(RIGHT))
def model(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def read(model: str) -> list[tuple[dict[str, str], Extraction]]:
    return [(row, extract(row["response"], options_of(row))) for row in rows(model)]


def test_agrees_with_every_published_extraction(read: list[tuple[dict[str, str], Extraction]]) -> None:
    assert len(read) == QUESTIONS
    published = [(number, row["answer_model"].strip(), found) for number, (row, found) in enumerate(read)]
    differing = [
        (number, theirs, found) for number, theirs, found in published if theirs and theirs != found.letters
    ]
    assert differing == []


def test_right_answers(model: str, read: list[tuple[dict[str, str], Extraction]]) -> None:
    assert sum(is_right(found.letters, row["reference"]) for row, found in read) == RIGHT[model]
    assert sum(is_right(row["answer_model"], row["reference"]) for row, _ in read) == PUBLISHED_RIGHT[model]


def test_account_of_outcomes(model: str, read: list[tuple[dict[str, str], Extraction]]) -> None:
    assert Counter(found.outcome for _, found in read) == OUTCOMES[model]


def test_replies_left_blank_by_the_authors(model: str, read: list[tuple[dict[str, str], Extraction]]) -> None:
    blank = Counter(found.outcome for row, found in read if not row["answer_model"].strip())
    expected = dict(OUTCOMES[model])
    expected[Outcome.SCORED] = 16 if model == "deepseek-r1" else 0
    assert blank == Counter(expected)


def test_places_show_the_letters(read: list[tuple[dict[str, str], Extraction]]) -> None:
    for row, found in read:
        if found.outcome is Outcome.SCORED:
            shown = row["response"][found.start : found.end]
            assert {letter for letter in shown if "A" <= letter <= "H"} == set(found.letters)


@pytest.mark.parametrize(
    ("label", "item", "separator"),
    [
        ("【最终答案】：", "{}. {}", "；"),
        ("【最终答案】：\n", "{}. {}", "\n"),
        ("**最终答案**：\n", "- **{}**：{}", "\n"),
        ("【最终答案】：", "{}.{}", " "),
        ("【最终答案】：", "{}、{}", "，"),
        ("【最终答案】：", "{}（{}）", "、"),
        ("最终答案：", "{} {}", "；"),
    ],
)
def test_every_key_echoed_with_its_option_texts(label: str, item: str, separator: str) -> None:
    """Real option texts hold CT, ICU, 维生素C and the like; echoing them must not change the letters."""
    for number, row in enumerate(rows("questions")):
        question = parse_question(row["query"])
        chosen = [(letter, text) for letter, text in question.options if letter in row["reference"]]
        reply = label + separator.join(item.format(letter, text) for letter, text in chosen)
        assert extract(reply, question.letters).letters == "".join(letter for letter, _ in chosen), number
