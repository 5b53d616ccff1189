"""JSON objects of our own format: parsed strictly, their fields fetched with the reason why one is wrong.

Source of the checks: what `json` lets pass and a database or a page must not see (NaN, a key given twice,
half of a surrogate pair, a value of another type than agreed).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from benchmark.readers.csv_rows import RowError
from benchmark.readers.problem import Code, Limits, StopReading, echo
from benchmark.readers.records import Rejected
from benchmark.readers.source_lines import ByteSource, numbered_lines, rejected_by


@dataclass(frozen=True, slots=True)
class Fields:
    """One object with the line on which it stands. The getters raise RowError naming the field."""

    line: int
    values: Mapping[str, Any]
    prefix: str = ""

    def string(self, name: str, *, required: bool = True) -> str:
        """A string as it stands; "" where it is absent or null and not required. Never blank if required."""
        value = self.values.get(name)
        if value is None and not required:
            return ""
        if value is None:
            raise RowError(self.prefix + name, "missing")
        if not isinstance(value, str):
            raise self._wrong_type(name, "string", value)
        if required and not value.strip():
            raise RowError(self.prefix + name, "missing")
        _refuse_surrogates(self.prefix + name, value)
        return value

    def choice(self, name: str, allowed: tuple[str, ...], default: str = "") -> str:
        """One of `allowed`; `default` where absent or null; required where there is no default."""
        if default and self.values.get(name) is None:
            return default
        value = self.string(name)
        if value not in allowed:
            raise RowError(self.prefix + name, "not_a_choice", value=echo(value), choices=", ".join(allowed))
        return value

    def objects(self, name: str) -> list[Fields]:
        """A list of objects; empty where absent or null."""
        members = self._list(name, dict)
        return [Fields(self.line, member, f"{self.prefix}{name}[{at}].") for at, member in enumerate(members)]

    def strings(self, name: str) -> tuple[str, ...]:
        """A list of strings; empty where absent or null."""
        return tuple(self._list(name, str))

    def child(self, name: str) -> Fields:
        """An object that has to be there."""
        value = self.values.get(name)
        if value is None:
            raise RowError(self.prefix + name, "missing")
        if not isinstance(value, dict):
            raise self._wrong_type(name, "object", value)
        return Fields(self.line, value, f"{self.prefix}{name}.")

    def _list(self, name: str, kind: type) -> list[Any]:
        value = self.values.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self._wrong_type(name, "list", value)
        for at, member in enumerate(value):
            if not isinstance(member, kind):
                raise self._wrong_type(f"{name}[{at}]", _TYPE_NAMES[kind], member)
            if isinstance(member, str):
                _refuse_surrogates(f"{self.prefix}{name}[{at}]", member)
        return value

    def _wrong_type(self, name: str, expected: str, value: object) -> RowError:
        found = _TYPE_NAMES.get(type(value), "null")
        return RowError(self.prefix + name, str(Code.WRONG_TYPE), expected=expected, found=found)


def parse_object(text: str, line: int) -> Fields:
    """Parse one JSON object. Raises RowError (no column, or the repeated key) where it is none."""
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise RowError("", str(Code.NOT_JSON), position=error.pos + 1) from None
    except RecursionError:
        raise RowError("", str(Code.JSON_TOO_DEEP)) from None
    except ValueError:
        # Python refuses to convert a number of thousands of digits.
        raise RowError("", str(Code.JSON_HUGE_NUMBER)) from None
    if not isinstance(value, dict):
        raise RowError("", str(Code.NOT_AN_OBJECT))
    return Fields(line, value)


def read_objects(source: ByteSource, file: str, limits: Limits) -> Iterator[Fields | Rejected]:
    """The object of every line that is not blank, or why the line is none. Raises OSError of a path."""
    try:
        with numbered_lines(source, limits) as lines:
            for number, text in lines:
                if not text.strip():
                    continue
                try:
                    yield parse_object(text, number)
                except RowError as error:
                    yield error.rejected(number, file)
    except StopReading as stop:
        yield rejected_by(stop, file)


_SURROGATE = re.compile("[\ud800-\udfff]")
_TYPE_NAMES = {str: "string", bool: "boolean", int: "number", float: "number", list: "list", dict: "object"}


def _refuse_surrogates(column: str, text: str) -> None:
    found = _SURROGATE.search(text)
    if found is not None:
        raise RowError(column, str(Code.LONE_SURROGATE), position=found.start() + 1)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        repeated = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise RowError(echo(repeated), str(Code.JSON_DUPLICATE_KEY), key=echo(repeated))
    return values


def _refuse_constant(name: str) -> NoReturn:
    raise RowError("", str(Code.JSON_NOT_A_NUMBER), value=name)
