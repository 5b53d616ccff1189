"""Rows of a CSV file by column name, with the line on which each begins."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchmark.readers.problem import Code, Limits, Problem, StopReading, echo
from benchmark.readers.records import Rejected


class RowError(Exception):
    """A row cannot be used: column, code and params of the reject."""

    def __init__(self, column: str, code: str, **params: str | int) -> None:
        super().__init__(column, code)
        self.column = column
        self.code = code
        self.params = params

    def rejected(self, line: int, file: str = "") -> Rejected:
        return Rejected(line, self.column, self.code, self.params, file)


@dataclass(frozen=True, slots=True)
class Row:
    """`line`: first physical line, from 1. `number`: place among the rows of the file, from 1.
    `cells`: by column name in lower case."""

    line: int
    number: int
    cells: Mapping[str, str]

    def text(self, column: str) -> str:
        """The cell as it stands, "" where the file has no such column."""
        return self.cells.get(column, "")

    def required(self, column: str) -> str:
        """The cell as it stands. Raises RowError where it is blank."""
        cell = self.text(column)
        if not cell.strip():
            raise RowError(column, "missing")
        return cell

    def decimal(self, column: str) -> float | None:
        """The cell as a finite number; None where blank, "nan", "none" or "null". Else RowError."""
        cell = self.text(column).strip()
        if cell.casefold() in ("", "nan", "none", "null"):
            return None
        try:
            value = float(cell)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise RowError(column, "not_a_number", value=echo(cell))
        return value


class CsvRows:
    """Iterate once over the rows of a CSV file; `names` and `header_line` are known from the start.

    Yields Row, or Rejected for a row with too many or too few cells; rows without any text are skipped and
    not counted (`blank` keeps those that have cells), blank cells beyond the header are dropped. Raises
    StopReading, also on construction: no header, too many columns, two columns of one name, quotation marks
    after which nothing is certain.
    """

    def __init__(self, lines: Iterator[tuple[int, str]], limits: Limits, *, blank: bool = False) -> None:
        # One limit for the whole process, and only ever raised: another reader may run beside this one.
        if csv.field_size_limit() < limits.row:
            csv.field_size_limit(limits.row)
        self._blank = False  # the header is never blank
        self._lines = _CountedLines(lines)
        self._reader = csv.reader(self._lines, strict=True)
        self.header_line, header = next(self._filled(), (0, []))
        self.names = tuple(column_name(cell) for cell in header)
        self._blank = blank
        if not header:
            raise StopReading(Problem(Code.ONLY_WHITESPACE))
        if len(header) > limits.columns:
            raise StopReading(
                Problem(Code.TOO_MANY_COLUMNS, line=self.header_line, params={"limit": limits.columns})
            )
        for at, name in enumerate(self.names):
            if name and name in self.names[:at]:
                raise StopReading(
                    Problem(
                        Code.AMBIGUOUS_COLUMN,
                        line=self.header_line,
                        column=echo(name),
                        params={"names": echo(name)},
                    )
                )

    def __iter__(self) -> Iterator[Row | Rejected]:
        for number, (line, cells) in enumerate(self._filled(), start=1):
            while len(cells) > len(self.names) and not cells[-1].strip():
                cells.pop()
            if len(cells) == len(self.names):
                yield Row(line, number, dict(zip(self.names, cells, strict=True)))
            else:
                counts = {"expected": len(self.names), "found": len(cells)}
                yield Rejected(line, "", str(Code.WRONG_CELL_COUNT), counts)

    def _filled(self) -> Iterator[tuple[int, list[str]]]:
        while True:
            first = self._lines.number + 1
            try:
                cells = next(self._reader, None)
            except csv.Error:
                code = Code.UNTERMINATED_QUOTE if self._lines.exhausted else Code.BAD_QUOTING
                raise StopReading(Problem(code, line=first)) from None
            if cells is None:
                return
            if any(cell.strip() for cell in cells) or (self._blank and len(cells) > 1):
                yield first, cells


def column_name(cell: str) -> str:
    """A column's name as it is compared: without surrounding blanks, in lower case."""
    return cell.strip().casefold()


class _CountedLines:
    """Lines on their way into the csv module, remembering the number of the last one."""

    def __init__(self, lines: Iterator[tuple[int, str]]) -> None:
        self._source = lines
        self.number = 0
        self.exhausted = False

    def __iter__(self) -> _CountedLines:
        return self

    def __next__(self) -> str:
        try:
            self.number, text = next(self._source)
        except StopIteration:
            self.exhausted = True
            raise
        return text
