"""Cases to judge, from a CSV with a header or from JSON Lines: norm, question, response.

The format is told by the first character that is not blank: `{` begins JSON Lines. Other columns and keys are
ignored; the question may also be called `query` and the norm `reference`, as in the released files. A norm or a
response may be blank; columns for question and response must be there. Nothing in a text is changed, and a row
keeps its place: one that cannot be judged is a reject in that place, one with nothing in its cells a blank case.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmark.guardians.base import Case
from benchmark.readers.csv_rows import CsvRows, RowError
from benchmark.readers.json_objects import Fields, parse_object
from benchmark.readers.records import Rejected
from benchmark.readers.source_lines import IMPORT_LIMITS, numbered_lines

LIMITS = replace(IMPORT_LIMITS, nul=True)
OTHER_NAMES = {"question": "query", "norm": "reference"}
NEEDED = ("question", "response")


def read_cases(path: Path) -> Iterator[Case | Rejected]:
    """The cases in the order of the file, or why a row is none.

    Raises StopReading where the file as a whole, or from some line on, cannot be read; OSError of the path.
    """
    reader = _jsonl if _is_jsonl(path) else _csv
    with numbered_lines(path, LIMITS) as lines:
        yield from reader(lines)


def _is_jsonl(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(4096)
    return start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")


def _csv(lines: Iterator[tuple[int, str]]) -> Iterator[Case | Rejected]:
    rows = CsvRows(lines, LIMITS, blank=True)
    names = {wanted: _column(rows.names, wanted) for wanted in ("norm", *NEEDED)}
    for missing in NEEDED:
        if not names[missing]:
            yield Rejected(rows.header_line, missing, "missing_column", {})
            return
    for row in rows:
        if isinstance(row, Rejected):
            yield row
        else:
            yield Case(*(row.text(names[wanted]) for wanted in ("norm", *NEEDED)))


def _jsonl(lines: Iterator[tuple[int, str]]) -> Iterator[Case | Rejected]:
    for number, text in lines:
        if not text.strip():
            continue
        try:
            yield _from_object(parse_object(text, number))
        except RowError as error:
            yield error.rejected(number)


def _column(names: tuple[str, ...], wanted: str) -> str:
    other = OTHER_NAMES.get(wanted, "")
    return wanted if wanted in names else other if other in names else ""


def _from_object(fields: Fields) -> Case:
    for missing in NEEDED:
        if missing not in fields.values and OTHER_NAMES.get(missing) not in fields.values:
            raise RowError(missing, "missing")
    norm, question, response = (
        fields.string(_column(tuple(fields.values), wanted) or wanted, required=False)
        for wanted in ("norm", *NEEDED)
    )
    return Case(norm, question, response)
