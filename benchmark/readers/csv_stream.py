"""CSV rows from lines of text, with limits that hold before the csv module sees a line.

The csv module keeps a whole cell in memory, so a quotation mark that is never closed would make it swallow
the file. Here every line goes through a gate that counts the characters and the cells of the row so far.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator

from benchmark.readers.columns import Columns, find_columns
from benchmark.readers.problem import Code, Limits, Problem, StopReading, as_mib, echo
from benchmark.readers.row import RawRow

DELIMITERS = (",", "\t", ";")

# A row may hold more cells than the header before it is called hopeless rather than of the wrong length:
# the gate's count of cells is a guess where a bare quotation mark stands inside an unquoted cell.
_CELL_ALLOWANCE = 10

# Characters of a line split up at a time: a line that is all quotation marks makes a part of each.
_PIECE = 64 * 1024


class CsvStream:
    """Iterate once over the rows of a CSV file; `columns` and `delimiter` are known from the start.

    `lines` begin with the header: blank lines before it are the caller's to drop.

    Yields RawRow, or Problem for a row that cannot be used. Rows without any text are skipped, and blank
    cells beyond the header are dropped (spreadsheets write both). Raises StopReading, also on construction:
    no usable header, too many columns, a row over the limit, or a misplaced quotation mark, after which
    nothing is certain.
    """

    def __init__(self, lines: Iterator[tuple[int, str]], limits: Limits) -> None:
        self._gate = _Gate(lines, limits)
        self._limits = limits
        self._allow_large_cells()
        self.delimiter = self._choose_delimiter()
        self._gate.delimiter = self.delimiter
        self._reader = csv.reader(self._gate, delimiter=self.delimiter, strict=True)
        self.columns = self._read_header()

    def __iter__(self) -> Iterator[RawRow | Problem]:
        width = len(self.columns.names)
        while (cells := self._next_row()) is not None:
            if not any(cell.strip() for cell in cells):
                continue
            while len(cells) > width and not cells[-1].strip():
                cells.pop()
            if len(cells) != width:
                yield Problem(
                    Code.WRONG_CELL_COUNT,
                    line=self._gate.first_line,
                    params={"expected": width, "found": len(cells)},
                )
                continue
            yield _row(self.columns, cells, self._gate.first_line)

    def _choose_delimiter(self) -> str:
        line = self._gate.peek()
        for delimiter in DELIMITERS:
            if line.count(delimiter) >= self._limits.columns:
                continue
            try:
                cells = next(csv.reader([line], delimiter=delimiter), [])
            except csv.Error:
                continue
            if isinstance(find_columns(cells), Columns):
                return delimiter
        return max(DELIMITERS, key=line.count)

    def _allow_large_cells(self) -> None:
        # The csv module knows one limit for the whole process, 131,072 characters unless raised; ours is
        # the gate. It is only ever raised, so that no reader running beside this one loses by it.
        if csv.field_size_limit() < self._limits.row:
            csv.field_size_limit(self._limits.row)

    def _read_header(self) -> Columns:
        cells = self._next_row() or []
        line = self._gate.first_line
        if len(cells) > self._limits.columns:
            raise StopReading(
                Problem(Code.TOO_MANY_COLUMNS, line=line, params={"limit": self._limits.columns})
            )
        found = find_columns(cells)
        if isinstance(found, Problem):
            raise StopReading(Problem(found.code, line=line, column=found.column, params=found.params))
        return found

    def _next_row(self) -> list[str] | None:
        self._gate.begin_row()
        try:
            return next(self._reader, None)
        except csv.Error:
            gate = self._gate
            if gate.exhausted:
                problem = Problem(Code.UNTERMINATED_QUOTE, line=gate.first_line)
            else:
                problem = Problem(Code.BAD_QUOTING, line=gate.last_line)
            raise StopReading(problem) from None


class _Gate:
    """Lines on their way into the csv module, counted per row."""

    def __init__(self, lines: Iterator[tuple[int, str]], limits: Limits) -> None:
        self._lines = lines
        self._limits = limits
        self._peeked: tuple[int, str] | None = None
        self.delimiter = ","
        self.exhausted = False
        self.first_line = 0
        self.last_line = 0
        self.begin_row()

    def begin_row(self) -> None:
        self._new_row = True
        self._size = 0
        self._cells = 0
        self._quoted = False

    def peek(self) -> str:
        """The next line without consuming it; "" at the end."""
        self._peeked = next(self._lines, None)
        return self._peeked[1] if self._peeked else ""

    def __iter__(self) -> _Gate:
        return self

    def __next__(self) -> str:
        if self._peeked is not None:
            (number, line), self._peeked = self._peeked, None
        else:
            try:
                number, line = next(self._lines)
            except StopIteration:
                self.exhausted = True
                raise
        if self._new_row:
            self.first_line, self._new_row = number, False
        self.last_line = number
        self._size += len(line)
        if self._size > self._limits.row:
            limit = {"limit_mib": as_mib(self._limits.row)}
            raise StopReading(Problem(Code.ROW_TOO_LONG, line=self.first_line, params=limit))
        self._cells += self._delimiters_outside_quotes(line)
        if self._cells > self._limits.columns * _CELL_ALLOWANCE:
            limit = {"limit": self._limits.columns}
            raise StopReading(Problem(Code.TOO_MANY_COLUMNS, line=self.first_line, params=limit))
        return line

    def _delimiters_outside_quotes(self, line: str) -> int:
        if '"' not in line:
            return 0 if self._quoted else line.count(self.delimiter)
        found = 0
        for start in range(0, len(line), _PIECE):
            parts = line[start : start + _PIECE].split('"')
            found += sum(part.count(self.delimiter) for part in parts[1 if self._quoted else 0 :: 2])
            self._quoted ^= len(parts) % 2 == 0
        return found


def _row(columns: Columns, cells: list[str], line: int) -> RawRow:
    return RawRow(
        line=line,
        key=cells[columns.key],
        by_question=columns.item is None,
        response=cells[columns.response],
        finish="" if columns.finish is None else cells[columns.finish],
        key_column=echo(columns.names[columns.key]),
        response_column=echo(columns.names[columns.response]),
    )
