"""JSON Lines: one object on each line, read with nothing that a hostile line could make expensive.

`json` alone would build whatever the line says: a million lists, a number of a million digits, `NaN`, the
second of two equal keys. Lines are checked for depth and number of values before they are parsed, for the
rest while they are.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import NoReturn

from benchmark.readers.columns import Columns, find_columns
from benchmark.readers.problem import Code, Limits, Problem, StopReading, echo
from benchmark.readers.row import RawRow

# A JSON string. Possessive and with an optional end, so that it matches from every quotation mark on and a
# string that never ends costs one scan, not one per escaped mark in it.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_MISSING = {Code.NO_ITEM_COLUMN: Code.MISSING_ITEM, Code.NO_RESPONSE_COLUMN: Code.MISSING_RESPONSE}
_BRACKET = re.compile(r"[\[\]{}]")


class _BadLine(Exception):
    """Carries the Problem out of the JSON parser's hooks."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


class JsonlStream:
    """Iterate once over the rows of a JSON Lines file.

    Yields RawRow, or Problem for a line that cannot be used; blank lines are skipped. `ignored` collects the
    keys that are not read (at most 50). Raises StopReading where the file is one JSON document spread over
    lines.
    """

    def __init__(self, lines: Iterator[tuple[int, str]], limits: Limits) -> None:
        self._lines = lines
        self._limits = limits
        self._known: Columns | Problem | None = None
        self._known_names: tuple[str, ...] = ()
        self.ignored: dict[str, None] = {}

    def __iter__(self) -> Iterator[RawRow | Problem]:
        first = True
        for number, line in self._lines:
            text = line.strip(" \t\r\n")
            if not text:
                continue
            if first and (text == "{" or text.startswith("[")):
                raise StopReading(Problem(Code.JSON_NOT_LINES, line=number))
            first = False
            try:
                yield self._row(number, self._parse(text))
            except _BadLine as error:
                found = error.problem
                yield Problem(found.code, line=number, column=found.column, params=found.params)

    def _parse(self, text: str) -> dict[str, object]:
        self._check_shape(text)
        try:
            value = json.loads(
                text,
                parse_int=self._number,
                parse_float=self._number,
                parse_constant=_refuse_constant,
                object_pairs_hook=_object,
            )
        except json.JSONDecodeError as error:
            raise _BadLine(Problem(Code.NOT_JSON, params={"position": error.pos + 1})) from None
        if not isinstance(value, dict):
            raise _BadLine(Problem(Code.NOT_AN_OBJECT))
        return value

    def _check_shape(self, text: str) -> None:
        limits = self._limits
        opened = text.count("[") + text.count("{")
        marks = opened + sum(text.count(mark) for mark in "]},")
        if opened <= limits.json_depth and marks <= limits.json_values:
            return
        bare = _STRING.sub("", text)
        values = sum(bare.count(mark) for mark in "[]{},")
        if values > limits.json_values:
            raise _BadLine(Problem(Code.JSON_TOO_MANY_VALUES, params={"limit": limits.json_values}))
        depth = 0
        for bracket in _BRACKET.finditer(bare):
            depth += 1 if bracket.group() in "[{" else -1
            if depth > limits.json_depth:
                raise _BadLine(Problem(Code.JSON_TOO_DEEP, params={"limit": limits.json_depth}))

    def _number(self, digits: str) -> float:
        if len(digits) > self._limits.json_digits:
            raise _BadLine(Problem(Code.JSON_HUGE_NUMBER, params={"limit": self._limits.json_digits}))
        return float(digits)

    def _columns(self, names: tuple[str, ...]) -> Columns:
        if self._known is None or names != self._known_names:
            if len(names) > self._limits.columns:
                raise _BadLine(Problem(Code.TOO_MANY_COLUMNS, params={"limit": self._limits.columns}))
            self._known, self._known_names = find_columns(names), names
            if isinstance(self._known, Columns) and len(self.ignored) < 50:
                self.ignored.update(dict.fromkeys(self._known.ignored[: 50 - len(self.ignored)]))
        if isinstance(self._known, Problem):
            code = _MISSING.get(self._known.code)
            raise _BadLine(self._known if code is None else Problem(code))
        return self._known

    def _row(self, number: int, record: dict[str, object]) -> RawRow:
        columns = self._columns(tuple(record))
        response = columns.names[columns.response]
        key = columns.names[columns.key]
        finish = None if columns.finish is None else columns.names[columns.finish]
        return RawRow(
            line=number,
            key=_text(record, key),
            by_question=columns.item is None,
            response=_text(record, response),
            finish="" if finish is None else _text(record, finish),
            key_column=echo(key),
            response_column=echo(response),
        )


def _text(record: dict[str, object], name: str) -> str:
    """A string value; null counts as blank, since that is how programs write "no answer came"."""
    value = record[name]
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _BadLine(Problem(Code.WRONG_TYPE, column=echo(name)))
    return value


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    record = dict(pairs)
    if len(record) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise _BadLine(Problem(Code.JSON_DUPLICATE_KEY, column=echo(twice), params={"key": echo(twice)}))
    return record


def _refuse_constant(name: str) -> NoReturn:
    raise _BadLine(Problem(Code.JSON_NOT_A_NUMBER, params={"value": name}))
