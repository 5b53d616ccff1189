"""CSV for export: cells that no spreadsheet takes for a formula, and the same bytes every time.

A spreadsheet runs a cell that begins with = + - or @, in quotation marks or not, and some also after white
space or in full-width form. Such text gets an apostrophe in front, the spreadsheets' own sign for "text".
Numbers that we wrote ourselves stay numbers. The danger is known as CSV injection (CWE-1236).
"""

from __future__ import annotations

import csv
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final

Cell = str | int | float | Decimal | date | None

# RFC 4180. It also makes the csv module quote every cell that holds a lone CR.
LINE_END: Final = "\r\n"

_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")
_TRIGGERS = frozenset("=+-@")
_LEADING_CONTROLS = ("\t", "\r", "\n")


def neutralise(cell: str) -> str:
    """`cell` with an apostrophe in front if a spreadsheet might run it, else unchanged.

    Prefixed is what begins with tab, CR or LF, and what begins with = + - @ (or a form that compatibility
    normalisation makes one, such as ＝ or ﹣) once white space, control and format characters are skipped.
    Idempotent; only ever adds one character.
    """
    if cell.startswith(_LEADING_CONTROLS):
        return "'" + cell
    first = next((character for character in cell if not _skipped(character)), "")
    return "'" + cell if unicodedata.normalize("NFKC", first) in _TRIGGERS else cell


def text_cell(text: str) -> str:
    """`neutralise`, after replacing what cannot be written as UTF-8 or read back: lone surrogates and NUL
    become U+FFFD."""
    return neutralise(_UNWRITABLE.sub("\ufffd", text))


def number_cell(number: int | float | Decimal) -> str:
    """A number as the shortest text that reads back the same, never neutralised: -1.5 stays -1.5.

    Decimals keep their places and are written without exponent. Raises ValueError for NaN and infinity:
    what is missing is exported as None.
    """
    if not math.isfinite(number):
        raise ValueError(f"not a finite number: {number}")
    return format(number, "f") if isinstance(number, Decimal) else repr(number)


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """Yield the lines of a CSV export, each with its CRLF: the header, then one for each row, lazily.

    Text is neutralised, numbers are written as numbers, None as an empty cell, True and False as true and
    false, dates and times in ISO 8601. Cells are quoted only where they must be. The same input gives
    the same text, whatever the locale. Raises ValueError for a row that is not as wide as the header,
    TypeError for a cell of another type. Who wants Excel to show Chinese encodes the result as utf-8-sig.
    """
    sink = _LastLine()
    writer = csv.writer(sink, lineterminator=LINE_END, quoting=csv.QUOTE_MINIMAL)
    writer.writerow([text_cell(name) for name in header])
    yield sink.line
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"a row of {len(row)} cells under a header of {len(header)}")
        writer.writerow([_written(cell) for cell in row])
        yield sink.line


class _LastLine:
    """What `csv.writer` writes to: it keeps the last line only."""

    line = ""

    def write(self, line: str) -> None:
        self.line = line


def _skipped(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) in ("Cc", "Cf")


def _written(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case str():
            return text_cell(str(cell))
        case int() | float() | Decimal():
            return number_cell(cell)
        case datetime() | date():
            return cell.isoformat()
        case _:
            raise TypeError(f"cannot be exported to CSV: {type(cell).__name__}")
