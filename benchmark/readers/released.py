"""Read the released MedES CSV files: questions, responses, judged responses, board. The header says which.

Nothing is raised for what stands in a file: a row that cannot be used is a `Rejected` with its line, and so
is a file that is no readable CSV (codes of `problem.Code`). The further codes:

    unknown_header (found)                  columns of none of the four kinds; the file is given up
    missing                                 a required cell is blank
    unknown_type (value)                    neither 客观题 nor 主观题
    no_options                              an objective question without two options
    bad_key (value)                         an answer key that is not letters A to H
    key_not_among_options (key, options)
    not_a_number (value)                    a number was expected
    score_out_of_range (value)              a score that its criterion does not know

Rows are numbered from 1 as they stand in the file, rejected ones counted, blank lines not: so an item keeps
its id when another row is repaired.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

from benchmark.readers.csv_rows import CsvRows, Row, RowError, column_name
from benchmark.readers.judged import judged_record, leaderboard_record
from benchmark.readers.problem import Limits, StopReading, echo
from benchmark.readers.records import (
    ItemRecord,
    NormRecord,
    Rejected,
    ReleasedRow,
    ResponseRecord,
    ScenarioRecord,
)
from benchmark.readers.source_lines import IMPORT_LIMITS, ByteSource, numbered_lines, rejected_by
from benchmark.rules.cleaning import clean_norm, clean_text, norm_identity, text_hash
from benchmark.rules.item_ids import OBJECTIVE, SUBJECTIVE, item_code
from benchmark.rules.options import normal_key, parse_question
from benchmark.rules.scenario_names import Scenario, find_scenario, scenario_identity

# Repairs of an item beside those of its question; those of its norm come as "norm_" and their code.
SCENARIO_ALIAS = "scenario_alias"
NORM_MISSING = "norm_missing"
KEY_FORM = "key_form"

DIMENSIONS = {OBJECTIVE: "ethics_knowledge", SUBJECTIVE: "ethics_reasoning"}

_KINDS = {"客观题": OBJECTIVE, "主观题": SUBJECTIVE, OBJECTIVE: OBJECTIVE, SUBJECTIVE: SUBJECTIVE}


class FileKind(StrEnum):
    """What a released file holds."""

    QUESTIONS = "questions"
    RESPONSES = "responses"
    JUDGED = "judged"
    LEADERBOARD = "leaderboard"


# The first kind whose columns are all there counts: a judge file has the columns of a response file, too.
_REQUIRED: tuple[tuple[FileKind, frozenset[str]], ...] = (
    (FileKind.JUDGED, frozenset({"query", "model", "response", *(f"score{n}" for n in range(1, 7))})),
    (FileKind.RESPONSES, frozenset({"query", "model", "response"})),
    (FileKind.QUESTIONS, frozenset({"scene", "query", "reference"})),
    (FileKind.LEADERBOARD, frozenset({"model", "final_score", "risk_rate"})),
)


def detect_kind(header: Sequence[str]) -> FileKind | None:
    """What a file with this header holds, None if none of the four. Blanks and case do not count."""
    names = {column_name(cell) for cell in header}
    return next((kind for kind, required in _REQUIRED if required <= names), None)


def read_released(source: ByteSource, limits: Limits = IMPORT_LIMITS) -> Iterator[ReleasedRow | Rejected]:
    """Yield the records of one released file (a path, or a seekable binary stream), streaming.

    A question file gives items, each behind its scenario and its norm where these come for the first time;
    the other kinds give ResponseRecord, JudgedRecord or LeaderboardRecord. OSError of a path is raised.
    """
    try:
        with numbered_lines(source, limits) as lines:
            rows = CsvRows(lines, limits)
            kind = detect_kind(rows.names)
            if kind is None:
                found = {"found": echo(", ".join(rows.names))}
                yield Rejected(rows.header_line, "", "unknown_header", found)
                return
            yield from _records(rows, kind)
    except StopReading as stop:
        yield rejected_by(stop)


def _records(rows: CsvRows, kind: FileKind) -> Iterator[ReleasedRow | Rejected]:
    questions = _QuestionReader()
    for row in rows:
        if isinstance(row, Rejected):
            yield row
            continue
        try:
            if kind is FileKind.QUESTIONS:
                yield from questions.read(row)
            elif kind is FileKind.RESPONSES:
                yield _response(row)
            elif kind is FileKind.JUDGED:
                yield judged_record(row)
            else:
                yield leaderboard_record(row)
        except RowError as error:
            yield error.rejected(row.line)


def _response(row: Row) -> ResponseRecord:
    scenario = row.text("scene").strip()
    return ResponseRecord(
        number=row.number,
        scenario=find_scenario(scenario).slug if scenario_identity(scenario) else "",
        query=row.required("query"),
        reference=row.text("reference"),
        kind=_KINDS.get(row.text("type").strip().casefold(), ""),
        model=row.required("model").strip(),
        response=row.text("response"),
        published=row.text("answer_model").strip() if "answer_model" in row.cells else None,
        line=row.line,
    )


class _QuestionReader:
    """Turns the rows of a question file into items, remembering what was yielded before."""

    def __init__(self) -> None:
        self._scenarios: set[str] = set()
        # The text of each norm by its id, as first read: later spellings of the white space give way to it.
        self._norms: dict[str, str] = {}
        # One object for the text that all rows have in common.
        self._templates: dict[str, str] = {}

    def read(self, row: Row) -> Iterator[ScenarioRecord | NormRecord | ItemRecord]:
        """The item of a row, behind what it is the first to need. Raises RowError before yielding any."""
        name = row.required("scene").strip()
        row.required("query")
        if not scenario_identity(name):
            raise RowError("scene", "missing")
        scenario = find_scenario(name)
        norm: NormRecord | None = None
        if _kind(row) == OBJECTIVE:
            item = self._objective(row, scenario)
        else:
            norm = _norm(row)
            text = self._norms.get(norm.ref, norm.text)
            item = _subjective(row, scenario, norm, text)
        if scenario.slug not in self._scenarios:
            self._scenarios.add(scenario.slug)
            yield ScenarioRecord(
                scenario.slug, scenario.name_zh, scenario.name_en, scenario.aliases, row.line, scenario.known
            )
        if norm is not None and norm.ref not in self._norms:
            self._norms[norm.ref] = norm.text
            yield norm
        yield item

    def _objective(self, row: Row, scenario: Scenario) -> ItemRecord:
        parsed = parse_question(row.text("query"))
        if len(parsed.options) < 2:
            raise RowError("query", "no_options")
        written = row.required("reference")
        try:
            key = normal_key(written)
        except ValueError:
            raise RowError("reference", "bad_key", value=echo(written.strip())) from None
        if not set(key) <= set(parsed.letters):
            raise RowError("reference", "key_not_among_options", key=key, options=parsed.letters)
        template = None
        if parsed.template != "{question}":
            template = self._templates.setdefault(parsed.template, parsed.template)
        repairs = (*parsed.repairs, *_alias(row, scenario), *((KEY_FORM,) if key != written else ()))
        return ItemRecord(
            code=item_code(OBJECTIVE, row.number),
            kind=OBJECTIVE,
            number=row.number,
            scenario=scenario.slug,
            norm_ref=None,
            norm_text="",
            question=parsed.stem,
            options=parsed.options,
            key=key,
            dimension=DIMENSIONS[OBJECTIVE],
            split=None,
            template=template,
            line=row.line,
            repairs=repairs,
        )


def _norm(row: Row) -> NormRecord:
    """The norm that a row quotes. A blank one is a norm, too: what the source left out, once for all rows."""
    cleaned = clean_norm(row.text("reference"))
    repairs = cleaned.repairs if cleaned.text else (NORM_MISSING,)
    return NormRecord(norm_ref(cleaned.text), None, "", cleaned.text, row.line, repairs)


def _subjective(row: Row, scenario: Scenario, norm: NormRecord, norm_text: str) -> ItemRecord:
    question = clean_text(row.text("query"))
    of_norm = tuple(code if code == NORM_MISSING else f"norm_{code}" for code in norm.repairs)
    return ItemRecord(
        code=item_code(SUBJECTIVE, row.number),
        kind=SUBJECTIVE,
        number=row.number,
        scenario=scenario.slug,
        norm_ref=norm.ref,
        norm_text=norm_text,
        question=question.text,
        options=(),
        key="",
        dimension=DIMENSIONS[SUBJECTIVE],
        split=None,
        template=None,
        line=row.line,
        repairs=(*question.repairs, *_alias(row, scenario), *of_norm),
    )


def norm_ref(text: str) -> str:
    """The id of a norm that a file quotes without one: "norm-" and 16 hex digits of its identity's hash."""
    return f"norm-{text_hash(norm_identity(text))[:16]}"


def _alias(row: Row, scenario: Scenario) -> tuple[str, ...]:
    return (SCENARIO_ALIAS,) if scenario.known and row.text("scene") != scenario.name_zh else ()


def _kind(row: Row) -> str:
    """By the type column; where that is blank or absent, an answer key of letters makes it objective."""
    written = row.text("type").strip()
    if written:
        kind = _KINDS.get(written.casefold())
        if kind is None:
            raise RowError("type", "unknown_type", value=echo(written))
        return kind
    try:
        normal_key(row.text("reference"))
    except ValueError:
        return SUBJECTIVE
    return OBJECTIVE
