"""Every reason for refusing a file has a sentence, and every sentence can be filled in."""

from __future__ import annotations

import re

import pytest
from django.utils.translation import override

from benchmark.problems import MESSAGES, describe
from benchmark.readers.predictions import check_predictions
from benchmark.readers.problem import Code, FileRefused, Problem
from tests.readers.hostile import CASES, Case, ListedItems

NAMED = re.compile(r"%\((\w+)\)s")


def test_every_code_has_a_message_and_nothing_else_has() -> None:
    assert set(MESSAGES) == set(Code)


@pytest.mark.parametrize("code", list(Code), ids=str)
def test_messages_are_sentences_with_named_gaps_only(code: Code) -> None:
    with override("en"):
        message = str(MESSAGES[code])
    assert message[0].isupper()
    assert message.endswith((".", "%(found)s"))
    assert "%" not in NAMED.sub("", message)
    # What is wrong, and what to do: two sentences at least.
    assert len(re.findall(r"[.:)](?:\s|$)", message)) >= 2


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_hostile_file_can_be_explained(case: Case) -> None:
    with case.open() as stream, pytest.raises(FileRefused) as caught:
        check_predictions(stream, name=case.filename, catalogue=ListedItems())
    for problem in caught.value.problems:
        for language in ("en", "zh-hans"):
            with override(language):
                sentence = describe(problem)
            for text in problem.params.values():
                assert str(text) in sentence
                sentence = sentence.replace(str(text), "")
            assert NAMED.search(sentence) is None


def test_by_hand() -> None:
    with override("en"):
        problem = Problem(Code.DUPLICATE_ITEM, line=9, params={"item": "obj-0001", "first_line": 2})
        assert describe(problem) == (
            "The item “obj-0001” was answered before, on line 2. Keep one reply for each item."
        )


def test_text_from_the_file_is_no_format_string_and_is_not_escaped_here() -> None:
    with override("en"):
        text = describe(Problem(Code.UNKNOWN_ITEM, params={"item": "%(x)s%d<b>"}))
    assert "“%(x)s%d<b>”" in text
