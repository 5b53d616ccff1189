"""Cases to judge, from a CSV with a header or from JSON Lines: norm, question, response.

The format is told by the first character that is not blank: `{` begins JSON Lines. Other columns and keys are
ignored; the question may also be called `query` and the norm `reference`, as in the released files. A norm or a
response may be blank; columns for question and response must be there. Nothing in a text is changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmark.guardians.base import Case
from benchmark.readers.csv_rows import CsvRows, RowError
from benchmark.readers.json_objects import Fields, read_objects
from benchmark.readers.problem import StopReading
from benchmark.readers.records import Rejected
from benchmark.readers.source_lines import IMPORT_LIMITS, numbered_lines, rejected_by

OTHER_NAMES = {"question": "query", "norm": "reference"}


def read_cases(path: Path) -> Iterator[Case | Rejected]:
    """The cases in the order of the file, or why a row is none. Raises OSError of the path."""
    if _is_jsonl(path):
        for fields in read_objects(path, path.name, IMPORT_LIMITS):
            yield _from_object(fields) if isinstance(fields, Fields) else fields
        return
    try:
        with numbered_lines(path) as lines:
            rows = CsvRows(lines, IMPORT_LIMITS)
            names = {wanted: _column(rows.names, wanted) for wanted in ("norm", "question", "response")}
            for missing in ("question", "response"):
                if not names[missing]:
                    yield Rejected(rows.header_line, missing, "missing_column", {}, path.name)
                    return
            for row in rows:
                if isinstance(row, Rejected):
                    yield row
                else:
                    yield Case(*(row.text(names[wanted]) for wanted in ("norm", "question", "response")))
    except StopReading as stop:
        yield rejected_by(stop, path.name)


def _is_jsonl(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(4096)
    return start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")


def _column(names: tuple[str, ...], wanted: str) -> str:
    other = OTHER_NAMES.get(wanted, "")
    return wanted if wanted in names else other if other in names else ""


def _from_object(fields: Fields) -> Case | Rejected:
    try:
        for missing in ("question", "response"):
            if missing not in fields.values and OTHER_NAMES.get(missing) not in fields.values:
                raise RowError(missing, "missing")
        norm, question, response = (
            fields.string(_column(tuple(fields.values), wanted) or wanted, required=False)
            for wanted in ("norm", "question", "response")
        )
    except RowError as error:
        return error.rejected(fields.line)
    return Case(norm, question, response)
