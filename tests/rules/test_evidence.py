"""Evidence as it is stored: worked by hand."""

from __future__ import annotations

from typing import Any

import pytest

from annotation.rules.answers import AnswerProblem, clean_evidence

SAID = {"r1": 0, "r2": 0, "q1": 1, "q2": 0, "q3": 1, "q4": 0}


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({}, {}),
        ({"q2": {}}, {}),
        ({"q2": {"clause": " 第三条 "}}, {"q2": {"clause": "第三条", "spans": []}}),
        ({"q4": {"spans": [[7, 9], [0, 4]]}}, {"q4": {"clause": "", "spans": [[0, 4], [7, 9]]}}),
        ({"q2": {"clause": "第\0三\ud800条"}}, {"q2": {"clause": "第三条", "spans": []}}),
        ({"q2": {"clause": "𠮷"}}, {"q2": {"clause": "𠮷", "spans": []}}),
    ],
)
def test_what_is_kept(given: dict[str, Any], stored: dict[str, Any]) -> None:
    assert clean_evidence(given, SAID, length=9) == stored


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"q1": {"clause": "x"}}, "not_failed"),
        ({"q2": {"spans": [[0, 10]]}}, "bad_span"),
        ({"q2": {"spans": [[3, 3]]}}, "bad_span"),
        ({"q2": {"spans": [[0, 4], [3, 5]]}}, "bad_span"),
        ({"q2": {"clause": "x" * 2_001}}, "too_long"),
        ({"q9": {"clause": "x"}}, "unknown"),
        ({"q2": {"note": "x"}}, "unknown"),
    ],
)
def test_what_is_refused(given: dict[str, Any], code: str) -> None:
    with pytest.raises(AnswerProblem) as refused:
        clean_evidence(given, SAID, length=9)
    assert refused.value.code == code
