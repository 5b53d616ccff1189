"""The sheet of one seat: what is read on the left, what is asked on the right, and what was answered so far."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from annotation.errors import BadAnswers
from annotation.models import Campaign, Slot, Task
from annotation.rules.answers import failed_criteria, one_line_end
from annotation.services.answering import MESSAGES
from annotation.services.drafts import draft_of
from annotation.services.submitting import Submission
from annotation.views.questions import Option, Question, is_risky, option_of, questions_of
from benchmark.models import Response
from benchmark.rules.rubric import CRITERIA
from medes_site.kit.markdown import find_quote, render_located

_SPANS = re.compile(r"(\d{1,9})-(\d{1,9})")
_PLACES = ("first", "second")


@dataclass(frozen=True, slots=True)
class Filled:
    """Answers as a form holds them: `values` by question, evidence by criterion (`spans` as "3-9,12-20")."""

    values: Mapping[str, str] = field(default_factory=dict)
    rationale: str = ""
    clauses: Mapping[str, str] = field(default_factory=dict)
    spans: Mapping[str, str] = field(default_factory=dict)
    quotes: Mapping[str, str] = field(default_factory=dict)
    correction: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A question with what is chosen. `failed`: it asks for evidence. `shut`: not asked on a risky answer."""

    question: Question
    chosen: str
    clause: str
    spans: str
    quote: str
    failed: bool
    shut: bool
    heading: Promise | str
    error: str = ""
    shown: Option | None = None
    shown_silent: bool = False
    holds: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """One answer of a model: HTML whose spans say where they stand in the raw text, and its length there."""

    place: str
    html: SafeString
    length: int
    raw: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything a template needs. `version`: of the draft, 0 for none."""

    campaign: Campaign
    slot: Slot
    task: Task
    texts: tuple[Text, ...]
    rows: tuple[Row, ...]
    rationale: str
    version: int
    error: str = ""
    correction: str = ""

    @property
    def wide(self) -> bool:
        return len(self.texts) > 1


def seat_sheet(user: Any, slot: Slot) -> Sheet:
    """The sheet of a seat in hand, filled from its draft."""
    draft = draft_of(actor=user, slot=slot)
    filled = from_content(slot, draft.content) if draft else Filled()
    return make_sheet(slot, filled, version=draft.version if draft else 0)


def make_sheet(
    slot: Slot,
    filled: Filled,
    *,
    version: int = 0,
    error: BadAnswers | None = None,
    shown: Mapping[str, Any] | None = None,
    holds: Mapping[str, str] | None = None,
) -> Sheet:
    """`shown`: the guardian's verdict by criterion, only after a blind label. `holds`: "yes", "no" or ""."""
    questions = questions_of(slot.campaign, slot.task)
    risky = is_risky(filled.values)
    rows: list[Row] = []
    last: Promise | str = ""
    for question in questions:
        chosen = filled.values.get(question.name, "")
        verdict = None if shown is None else shown.get(question.name)
        rows.append(
            Row(
                question=question,
                chosen=chosen,
                clause=filled.clauses.get(question.name, ""),
                spans=filled.spans.get(question.name, ""),
                quote=filled.quotes.get(question.name, ""),
                failed=bool(question.failing)
                and chosen == question.failing
                and not (question.quality and risky),
                shut=_shut(question, filled.values, risky),
                heading="" if question.group == last else question.group,
                error=str(error) if error and error.details.get("field") == question.name else "",
                shown=None if verdict is None else option_of(question, verdict),
                shown_silent=shown is not None and verdict is None,
                holds=(holds or {}).get(question.name, ""),
            )
        )
        last = question.group
    return Sheet(
        campaign=slot.campaign,
        slot=slot,
        task=slot.task,
        texts=tuple(texts_of(slot.task)),
        rows=tuple(rows),
        rationale=filled.rationale,
        version=version,
        error="" if error is None else str(error),
        correction=filled.correction,
    )


def _shut(question: Question, values: Mapping[str, str], risky: bool) -> bool:
    return (question.quality and risky) or (question.name == "by" and values.get("better") == "tie")


def texts_of(task: Task) -> list[Text]:
    """The answers in the order in which they are shown."""
    shown: Sequence[Response | None] = (task.response, task.other)
    if task.swapped:
        shown = (task.other, task.response)
    found = [response for response in shown if response is not None]
    return [
        Text(
            place if len(found) > 1 else "",
            render_located(response.text).html,
            len(response.text),
            response.text,
        )
        for place, response in zip(_PLACES, found, strict=False)
    ]


def from_content(slot: Slot, content: Mapping[str, Any]) -> Filled:
    """What a draft holds, or a label that was taken back: stored values and spans, as a form shows them.

    A draft is whatever a browser sent: what does not fit is left out.
    """
    answers = content.get("answers")
    evidence = content.get("evidence")
    rationale = content.get("rationale")
    values = {}
    for question in questions_of(slot.campaign, slot.task):
        stored = answers.get(question.name) if isinstance(answers, Mapping) else None
        option = option_of(question, stored)
        if option is not None:
            values[question.name] = option.value
    clauses, spans = {}, {}
    for name, given in evidence.items() if isinstance(evidence, Mapping) else ():
        if name in CRITERIA and isinstance(given, Mapping):
            clause = given.get("clause")
            clauses[name] = clause if isinstance(clause, str) else ""
            spans[name] = _written(given.get("spans"))
    better = content.get("correction")
    return Filled(
        values,
        rationale if isinstance(rationale, str) else "",
        clauses,
        spans,
        correction=better if isinstance(better, str) else "",
    )


def _written(spans: Any) -> str:
    pairs = spans if isinstance(spans, Sequence) and not isinstance(spans, str) else ()
    return ",".join(
        f"{pair[0]}-{pair[1]}"
        for pair in pairs
        if isinstance(pair, Sequence) and len(pair) == 2 and all(isinstance(end, int) for end in pair)
    )


def from_post(slot: Slot, post: QueryDict) -> Filled:
    """What the form sent, as it was written: also to be shown again when it is refused."""
    names = [question.name for question in questions_of(slot.campaign, slot.task)]

    def text_of(name: str) -> str:
        return one_line_end(post.get(name, "")).replace("\0", "")  # which no database keeps in JSON

    def all_of(prefix: str) -> dict[str, str]:
        found = {name: text_of(f"{prefix}{name}") for name in names}
        return {name: text for name, text in found.items() if text}

    return Filled(
        all_of(""),
        text_of("rationale"),
        all_of("clause_"),
        all_of("spans_"),
        all_of("quote_"),
        text_of("correction"),
    )


def content_of(slot: Slot, filled: Filled) -> dict[str, Any]:
    """The form as a draft keeps it: stored values, every clause and span, also of what is met for now."""
    answers = {}
    for question in questions_of(slot.campaign, slot.task):
        chosen = filled.values.get(question.name, "")
        option = next((option for option in question.options if option.value == chosen), None)
        if option is not None:
            answers[question.name] = option.stored
    evidence = {
        name: {"clause": filled.clauses.get(name, ""), "spans": read_spans(filled.spans.get(name, ""))}
        for name in CRITERIA
        if filled.clauses.get(name) or filled.spans.get(name)
    }
    better = {"correction": filled.correction} if filled.correction else {}
    return {"answers": answers, "rationale": filled.rationale, "evidence": evidence, **better}


def submission_of(slot: Slot, filled: Filled, post: QueryDict) -> Submission:
    """What the service stores. Quality on a risky answer, and evidence of what is met, are not sent on.

    Raises BadAnswers for an answer that was not offered and for a quotation that the answer does not hold.
    """
    content = content_of(slot, filled)
    answers = content["answers"]
    for name, value in filled.values.items():
        if name not in answers:
            raise BadAnswers(str(MESSAGES["off_scale"]), field=name, code="off_scale", value=value[:40])
    if is_risky(filled.values):
        answers = {name: None if name.startswith("q") else value for name, value in answers.items()}
    if answers.get("better") == "tie":
        answers = {**answers, "by": 0}
    evidence = {}
    if slot.campaign.uses_rubric:
        failed = failed_criteria(answers)
        evidence = {name: value for name, value in content["evidence"].items() if name in failed}
        _add_quotes(slot, filled, failed, evidence)
    duration = post.get("duration_ms", "")
    return Submission(
        answers=answers,
        key=post.get("key", ""),
        rationale=filled.rationale,
        correction=filled.correction,
        evidence=evidence,
        duration_ms=int(duration) if duration.isdecimal() and len(duration) < 10 else None,
    )


def _add_quotes(
    slot: Slot, filled: Filled, failed: Sequence[str], evidence: dict[str, dict[str, Any]]
) -> None:
    """Passages that were written out instead of marked (without JavaScript)."""
    text = slot.task.response.text if slot.task.response else ""
    for name in failed:
        quote = filled.quotes.get(name, "").strip()
        if not quote:
            continue
        found = find_quote(text, quote)
        if found is None:
            raise BadAnswers(_("The answer does not hold this passage."), field=name, code="bad_span")
        given = evidence.setdefault(name, {"clause": "", "spans": []})
        if list(found) not in given["spans"]:
            given["spans"] = [*given["spans"], list(found)]


def read_spans(written: str) -> list[list[int]]:
    """ "3-9,12-20" as [[3, 9], [12, 20]]; what is written otherwise is left out."""
    return [[int(start), int(end)] for start, end in _SPANS.findall(written)]
