"""What may be answered to each kind of task, checked before anything is stored.

Kinds: "rubric" (a response; also in guardian campaigns), "items", "pairs". Answers are a mapping:

- rubric: r1, r2 in {-1, 0}; q1..q4 in {0, 1}, all None on a risky answer (benchmark.rules.rubric).
- items: realistic, norm_right in {True, False}; key_right in {True, False}, None where the item has no key.
- pairs: better in {"first", "second", "tie"} of the two *as shown*, by in {1, 2, 3} (slightly, clearly, much),
  0 for a tie. Stored with `better` in {"a", "b", "tie"}: the task's own two, whatever order they were shown in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from benchmark.rules.rubric import CRITERIA, QUALITY_CRITERIA, RISK_CRITERIA, RubricVerdict

Kind = Literal["rubric", "items", "pairs"]
Code = Literal["missing", "unknown", "off_scale", "risky_has_quality", "bad_span", "not_failed", "too_long"]

ITEM_FIELDS = ("realistic", "norm_right", "key_right")
PAIR_FIELDS = ("better", "by")
SPANS_MAX = 20
CLAUSE_MAX = 2_000
RATIONALE_MAX = 10_000
CORRECTION_MAX = 8_000
_CHOICES = {"a": -1, "tie": 0, "b": 1}


class AnswerProblem(ValueError):
    """`code` says what is wrong, `field` with which answer ("" for the whole)."""

    def __init__(self, code: Code, field: str = "") -> None:
        super().__init__(f"{field}: {code}" if field else code)
        self.code: Code = code
        self.field = field


def plain_text(text: str) -> str:
    """What was typed, as it is kept: lines end with \\n, whatever the browser sends; no NUL, no surrounding space."""
    return one_line_end(text).replace("\0", "").strip()


def one_line_end(text: str) -> str:
    """Browsers send every line of a form with \\r\\n; models would learn to write it."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def clean_answers(
    kind: Kind, answers: Mapping[str, Any], *, has_key: bool = True, swapped: bool = False
) -> dict[str, Any]:
    """The answers as they are stored, all fields present. Raises AnswerProblem.

    `has_key`: whether an item has an answer key to judge. `swapped`: whether a pair was shown the other way
    round.
    """
    if kind == "rubric":
        return _clean_rubric(answers)
    return _clean_item(answers, has_key) if kind == "items" else _clean_pair(answers, swapped)


def failed_criteria(answers: Mapping[str, Any]) -> tuple[str, ...]:
    """The rubric criteria that rubric answers call failed: r = -1, q = 0."""
    risks = [name for name in RISK_CRITERIA if answers.get(name) == -1]
    return (*risks, *(name for name in QUALITY_CRITERIA if answers.get(name) == 0))


def clean_evidence(
    evidence: Mapping[str, Any], answers: Mapping[str, Any], *, length: int
) -> dict[str, dict[str, Any]]:
    """Per failed criterion {"clause": text, "spans": [[start, end], …]}, spans sorted, in a text of `length`.

    Criteria with neither clause nor span are left out. Raises AnswerProblem for a criterion that is not
    failed, a span outside the text, empty, or overlapping another of its criterion, and for too much of it.
    """
    failed = failed_criteria(answers)
    cleaned: dict[str, dict[str, Any]] = {}
    for name in (name for name in CRITERIA if name in evidence):
        given = evidence[name]
        if not isinstance(given, Mapping) or set(given) - {"clause", "spans"}:
            raise AnswerProblem("unknown", name)
        clause, spans = given.get("clause", ""), given.get("spans", [])
        if not clause and not spans:
            continue
        if name not in failed:
            raise AnswerProblem("not_failed", name)
        if not isinstance(clause, str) or len(clause) > CLAUSE_MAX:
            raise AnswerProblem("too_long", name)
        cleaned[name] = {"clause": _storable(clause), "spans": _clean_spans(name, spans, length)}
    unknown = sorted(set(evidence) - set(CRITERIA))
    if unknown:
        raise AnswerProblem("unknown", unknown[0][:40])
    return cleaned


def _storable(text: str) -> str:
    """Without surrounding space, NUL and halves of surrogate pairs: no database stores those as JSON."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode().strip()


def values_of(answers: Mapping[str, Any]) -> dict[str, int | None]:
    """The answers as numbers per criterion, for agreement: yes 1, no 0; a better -1, tie 0, b better 1.

    How much better a pair's better one is counts as no criterion: experts agree on the choice or do not.
    """
    if "better" in answers:
        return {"better": _CHOICES[answers["better"]]}
    return {name: None if value is None else int(value) for name, value in answers.items()}


def _clean_rubric(answers: Mapping[str, Any]) -> dict[str, Any]:
    _only(answers, CRITERIA)
    for name in RISK_CRITERIA:
        if answers.get(name) is None:
            raise AnswerProblem("missing", name)
    risky = any(answers[name] == -1 for name in RISK_CRITERIA)
    for name in QUALITY_CRITERIA:
        if risky and answers.get(name) is not None:
            raise AnswerProblem("risky_has_quality", name)
        if not risky and answers.get(name) is None:
            raise AnswerProblem("missing", name)
    for name in CRITERIA:
        allowed = (-1, 0) if name in RISK_CRITERIA else (None,) if risky else (0, 1)
        if isinstance(answers.get(name), bool) or answers.get(name) not in allowed:
            raise AnswerProblem("off_scale", name)
    values: dict[str, Any] = {name: answers.get(name) for name in CRITERIA}
    RubricVerdict(**values)  # the ground floor has the last word on what a verdict is
    return values


def _clean_item(answers: Mapping[str, Any], has_key: bool) -> dict[str, Any]:
    _only(answers, ITEM_FIELDS)
    for name in ITEM_FIELDS:
        value = answers.get(name)
        if name == "key_right" and not has_key:
            if value is not None:
                raise AnswerProblem("off_scale", name)
        elif value is None:
            raise AnswerProblem("missing", name)
        elif not isinstance(value, bool):
            raise AnswerProblem("off_scale", name)
    return {name: answers.get(name) for name in ITEM_FIELDS}


def _clean_pair(answers: Mapping[str, Any], swapped: bool) -> dict[str, Any]:
    _only(answers, PAIR_FIELDS)
    better, by = answers.get("better"), answers.get("by")
    if better is None:
        raise AnswerProblem("missing", "better")
    if better == "tie":
        if by not in (None, 0) or isinstance(by, bool):
            raise AnswerProblem("off_scale", "by")
        return {"better": "tie", "by": 0}
    if better not in ("first", "second"):
        raise AnswerProblem("off_scale", "better")
    if by is None:
        raise AnswerProblem("missing", "by")
    if isinstance(by, bool) or by not in (1, 2, 3):
        raise AnswerProblem("off_scale", "by")
    return {"better": "a" if (better == "first") != swapped else "b", "by": by}


def _clean_spans(name: str, spans: Any, length: int) -> list[list[int]]:
    if not isinstance(spans, Sequence) or isinstance(spans, str) or len(spans) > SPANS_MAX:
        raise AnswerProblem("bad_span", name)
    found: list[list[int]] = []
    for span in spans:
        whole = isinstance(span, Sequence) and not isinstance(span, str) and len(span) == 2
        if not whole or any(not isinstance(end, int) or isinstance(end, bool) for end in span):
            raise AnswerProblem("bad_span", name)
        if not 0 <= span[0] < span[1] <= length:
            raise AnswerProblem("bad_span", name)
        found.append([span[0], span[1]])
    found.sort()
    if any(after[0] < before[1] for before, after in zip(found, found[1:], strict=False)):
        raise AnswerProblem("bad_span", name)
    return found


def _only(answers: Mapping[str, Any], names: Sequence[str]) -> None:
    unknown = sorted(str(name) for name in set(answers) - set(names))
    if unknown:
        raise AnswerProblem("unknown", unknown[0][:40])
