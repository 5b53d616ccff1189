"""Read a submitter's predictions file: CSV or JSON Lines, from anybody, of any content.

Accepted
    CSV with a header (comma, tab or semicolon, whichever makes the header make sense; cells may be quoted and
    span lines) or JSON Lines (one object on each line); told apart by content, the file's name only breaks
    ties. UTF-8 with or without byte order mark, or GB18030. Lines end in LF, CRLF or CR. Up to 64 MiB.
    Columns or keys, in any order, see `columns`: the item's id (`item`) and the reply (`response`); or, as in
    the released files, the question's text (`query`) and the reply: the n-th row with a text answers the n-th
    item with that text (so a partial file with repeated questions needs ids). A reply whose `finish_reason`
    is "length" or "max_tokens" is marked as cut off. Other columns are ignored and listed in the summary.
    Items may be missing and replies blank; both are counted, not refused. Blank rows are skipped.
Changed
    Line breaks in a reply become LF. Control characters other than tab and line breaks each become a space,
    since neither a database nor a web page has a use for them; the summary counts them. Nothing else changes.
Refused
    See `problem.Code`. The file is refused as a whole. Lone surrogates (half a character, written as an
    escape in JSON) are refused, since what the model said there cannot be known; so are NUL bytes in the
    file, since they mean that it is no text.

A file is meant to be read twice: `check_predictions` to learn whether it is sound, while nothing is stored,
then `read_predictions` to store it. Memory holds one row, one chunk of bytes and the ids seen, never the
whole file.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from benchmark.readers.csv_stream import CsvStream
from benchmark.readers.encoding import Scan, scan, text_lines
from benchmark.readers.jsonl_stream import JsonlStream
from benchmark.readers.problem import Code, FileRefused, Limits, Problem, StopReading, echo
from benchmark.readers.row import RawRow
from benchmark.rules.cleaning import clean_text

LONGEST_ITEM = 200
LONGEST_QUESTION = 20_000
CUT_OFF_REASONS = frozenset({"length", "max_tokens"})
JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Prediction:
    """One reply.

    `line` is the row's first line in the file, from 1; `item` the id as the catalogue gives it; `response` at
    most `Limits.response` characters, possibly blank; `cut_off` says that the file marks it as truncated.
    """

    line: int
    item: str
    response: str
    cut_off: bool


class ItemCatalogue(Protocol):
    """The items that a file may answer. Both methods return an item's id, or None where there is none.

    They are asked once per row, so they should answer from memory.
    """

    def resolve(self, code: str) -> str | None:
        """The item with this id; `code` has no surrounding white space, at most 200 characters."""

    def resolve_question(self, text: str, occurrence: int) -> str | None:
        """The `occurrence`-th (from 1) item, in the benchmark's order, whose question is `text`.

        `text` is `question_key` of what the file says; the catalogue counts its questions by the same key.
        """


@dataclass(frozen=True, slots=True)
class FileSummary:
    """What a sound file holds.

    `rows` replies to `items` different items (equal, since twice the same item is refused). `encoding` is
    "utf-8", "utf-8-sig" or "gb18030", `format` "csv" or "jsonl", `delimiter` "" for JSON Lines. `sha256` in
    hexadecimal and `bytes` describe the file itself. `control_characters` were replaced by spaces.
    """

    rows: int
    items: int
    encoding: str
    format: str
    delimiter: str
    sha256: str
    bytes: int
    blank_responses: int
    cut_off: int
    control_characters: int
    ignored_columns: tuple[str, ...]


def question_key(text: str) -> str:
    """The text by which questions are matched: cleaned of what spreadsheets add, NFC, LF line breaks."""
    return clean_text(text).text


def read_predictions(
    stream: BinaryIO, *, name: str, catalogue: ItemCatalogue, limits: Limits | None = None
) -> Iterator[Prediction]:
    """Yield the replies of `stream` in file order; at the end raise FileRefused if anything was wrong.

    `stream` must be seekable; it is read from its start and left open. `name` is the file's name as the
    submitter gave it, used only to guess the format and never opened. From the first problem on nothing is
    yielded any more, but reading goes on to find further problems, at most `limits.problems`. Whoever stores
    what is yielded must therefore do so in one transaction, or have checked the file before.
    """
    yield from _Reading(stream, name, catalogue, limits or Limits()).predictions()


def check_predictions(
    stream: BinaryIO, *, name: str, catalogue: ItemCatalogue, limits: Limits | None = None
) -> FileSummary:
    """Read the whole of `stream` and say what it holds, or raise FileRefused with what is wrong."""
    reading = _Reading(stream, name, catalogue, limits or Limits())
    for _ in reading.predictions():
        pass
    return reading.summary()


class _Reading:
    """One reading of one file: the problems, counts and ids met so far."""

    def __init__(self, stream: BinaryIO, name: str, catalogue: ItemCatalogue, limits: Limits) -> None:
        self._stream = stream
        self._name = name
        self._catalogue = catalogue
        self._limits = limits
        self._problems: list[Problem] = []
        self._scan: Scan | None = None
        self._source: CsvStream | JsonlStream | None = None
        self._first_lines: dict[str, int] = {}  # item -> line of its first row
        self._occurrences: Counter[str] = Counter()
        self._rows = self._good = self._blank = self._cut_off = self._controls = 0

    def predictions(self) -> Iterator[Prediction]:
        try:
            self._scan = scan(self._stream, self._limits)
            self._source = self._open(self._scan)
            for found in self._source:
                if isinstance(found, Problem):
                    self._rows += 1
                    self._report(found)
                    continue
                prediction = self._accept(found)
                if prediction is not None and not self._problems:
                    yield prediction
            if self._rows == 0:
                self._report(Problem(Code.NO_ROWS))
        except StopReading as stop:
            self._report(stop.problem)
        if self._problems:
            raise FileRefused(tuple(self._problems))

    def summary(self) -> FileSummary:
        """Only after `predictions` has ended without refusing the file."""
        assert self._scan is not None and self._source is not None
        if isinstance(self._source, CsvStream):
            form, delimiter, ignored = "csv", self._source.delimiter, self._source.columns.ignored
        else:
            form, delimiter, ignored = "jsonl", "", tuple(self._source.ignored)
        return FileSummary(
            rows=self._good,
            items=len(self._first_lines),
            encoding=self._scan.encoding,
            format=form,
            delimiter=delimiter,
            sha256=self._scan.sha256,
            bytes=self._scan.size,
            blank_responses=self._blank,
            cut_off=self._cut_off,
            control_characters=self._controls,
            ignored_columns=ignored,
        )

    def _report(self, problem: Problem) -> None:
        if len(self._problems) >= self._limits.problems:
            raise FileRefused(tuple(self._problems), more=True)
        self._problems.append(problem)

    def _open(self, scanned: Scan) -> CsvStream | JsonlStream:
        lines = text_lines(self._stream, scanned.encoding, self._limits)
        first = next((numbered for numbered in lines if numbered[1].strip()), None)
        if first is None:
            raise StopReading(Problem(Code.ONLY_WHITESPACE))
        start = first[1].lstrip()
        lines = itertools.chain((first,), lines)
        if start.startswith(("{", "[")) or self._name.lower().endswith(JSON_SUFFIXES):
            return JsonlStream(lines, self._limits)
        return CsvStream(lines, self._limits)

    def _accept(self, row: RawRow) -> Prediction | None:
        self._rows += 1
        if self._rows > self._limits.rows:
            raise StopReading(Problem(Code.TOO_MANY_ROWS, line=row.line, params={"limit": self._limits.rows}))
        item = self._item(row)
        response = self._response(row)
        if item is None or response is None:
            return None
        cut_off = row.finish.strip().casefold() in CUT_OFF_REASONS
        self._good += 1
        self._blank += not response.strip()
        self._cut_off += cut_off
        return Prediction(row.line, item, response, cut_off)

    def _item(self, row: RawRow) -> str | None:
        key = row.key.strip().strip("\ufeff\u200b")
        if not key:
            self._report(Problem(Code.MISSING_ITEM, line=row.line, column=row.key_column))
            return None
        item = self._by_question(row, key) if row.by_question else self._by_code(row, key)
        if item is None:
            return None
        first = self._first_lines.setdefault(item, row.line)
        if first != row.line:
            self._report(
                Problem(
                    Code.DUPLICATE_ITEM,
                    line=row.line,
                    column=row.key_column,
                    params={"item": echo(key), "first_line": first},
                )
            )
            return None
        return item

    def _by_code(self, row: RawRow, code: str) -> str | None:
        # What cannot be an id is not asked for: a database may choke on it.
        possible = len(code) <= LONGEST_ITEM and not (_CONTROL.search(code) or _SURROGATE.search(code))
        item = self._catalogue.resolve(code) if possible else None
        if item is None:
            self._report(
                Problem(Code.UNKNOWN_ITEM, line=row.line, column=row.key_column, params={"item": echo(code)})
            )
        return item

    def _by_question(self, row: RawRow, question: str) -> str | None:
        item, occurrence = None, 1
        if len(question) <= LONGEST_QUESTION and not _SURROGATE.search(question):
            text = question_key(question)
            occurrence = self._occurrences[text] + 1
            item = self._catalogue.resolve_question(text, occurrence)
            if item is not None:
                self._occurrences[text] = occurrence
        if item is None:
            code, params = Code.UNKNOWN_QUESTION, _params(question=echo(question))
            if occurrence > 1:
                code, params = Code.DUPLICATE_QUESTION, {**params, "occurrence": occurrence}
            self._report(Problem(code, line=row.line, column=row.key_column, params=params))
        return item

    def _response(self, row: RawRow) -> str | None:
        text = row.response
        if len(text) > self._limits.response:
            params = _params(length=len(text), limit=self._limits.response)
            self._report(
                Problem(Code.RESPONSE_TOO_LONG, line=row.line, column=row.response_column, params=params)
            )
            return None
        half = _SURROGATE.search(text)
        if half is not None:
            params = _params(position=half.start() + 1)
            self._report(
                Problem(Code.LONE_SURROGATE, line=row.line, column=row.response_column, params=params)
            )
            return None
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        text, replaced = _CONTROL.subn(" ", text)
        self._controls += replaced
        return text


def _params(**params: str | int) -> dict[str, str | int]:
    return params
