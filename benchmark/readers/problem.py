"""What can be wrong with a predictions file, as data: codes, places, numbers, and no sentences.

The sentences live in `benchmark.problems`, which knows Django and translation; the readers here do not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

ECHO_LENGTH = 80

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Code(StrEnum):
    """Every reason for refusing a file; `params` of the Problem in brackets."""

    EMPTY_FILE = "empty_file"
    ONLY_WHITESPACE = "only_whitespace"
    NO_ROWS = "no_rows"
    TOO_LARGE = "too_large"  # limit_mib
    TOO_MANY_LINES = "too_many_lines"  # limit
    TOO_MANY_ROWS = "too_many_rows"  # limit
    ROW_TOO_LONG = "row_too_long"  # limit_mib
    ZIP_ARCHIVE = "zip_archive"
    EXCEL_WORKBOOK = "excel_workbook"
    COMPRESSED_FILE = "compressed_file"  # kind
    PDF_FILE = "pdf_file"
    WEB_PAGE = "web_page"
    BINARY_FILE = "binary_file"  # kind
    UTF16 = "utf16"
    NUL_BYTE = "nul_byte"  # offset
    WRONG_ENCODING = "wrong_encoding"  # offset
    TOO_MANY_COLUMNS = "too_many_columns"  # limit
    NO_ITEM_COLUMN = "no_item_column"  # found
    NO_RESPONSE_COLUMN = "no_response_column"  # found
    AMBIGUOUS_COLUMN = "ambiguous_column"  # names
    WRONG_CELL_COUNT = "wrong_cell_count"  # expected, found
    UNTERMINATED_QUOTE = "unterminated_quote"
    BAD_QUOTING = "bad_quoting"
    JSON_NOT_LINES = "json_not_lines"
    NOT_JSON = "not_json"  # position
    NOT_AN_OBJECT = "not_an_object"
    JSON_TOO_DEEP = "json_too_deep"  # limit
    JSON_TOO_MANY_VALUES = "json_too_many_values"  # limit
    JSON_NOT_A_NUMBER = "json_not_a_number"  # value
    JSON_HUGE_NUMBER = "json_huge_number"  # limit
    JSON_DUPLICATE_KEY = "json_duplicate_key"  # key
    WRONG_TYPE = "wrong_type"
    MISSING_ITEM = "missing_item"
    MISSING_RESPONSE = "missing_response"
    UNKNOWN_ITEM = "unknown_item"  # item
    UNKNOWN_QUESTION = "unknown_question"  # question
    DUPLICATE_QUESTION = "duplicate_question"  # question, occurrence (2 or more)
    DUPLICATE_ITEM = "duplicate_item"  # item, first_line
    RESPONSE_TOO_LONG = "response_too_long"  # length, limit
    LONE_SURROGATE = "lone_surrogate"  # position


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason for refusing a file.

    `line` counts lines of the file from 1 (a row of several lines is named by its first); None where the
    whole file is meant. `column` is the column or JSON key as the file writes it. Texts in `params` come
    from the file, shortened to 80 characters and with unprintable characters replaced, but NOT escaped
    for HTML: whoever shows them escapes them.
    """

    code: Code
    line: int | None = None
    column: str | None = None
    params: Mapping[str, str | int] = field(default_factory=dict)


class FileRefused(Exception):
    """The file was refused as a whole, for at most `Limits.problems` problems.

    `more` is True where reading stopped because there were more problems than that.
    """

    def __init__(self, problems: tuple[Problem, ...], more: bool = False) -> None:
        super().__init__(problems, more)
        self.problems = problems
        self.more = more

    def __str__(self) -> str:
        codes = ", ".join(dict.fromkeys(str(problem.code) for problem in self.problems))
        return f"{len(self.problems)}{'+' if self.more else ''} problems: {codes}"


class StopReading(Exception):
    """A problem after which the rest of the file cannot be read reliably."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a file may ask of the machine. Defaults fit a benchmark of some 10,000 items.

    `row` bounds a line in bytes and a row of several lines in characters: 200,000 characters that are all
    written as JSON escapes take 1.2 million bytes (2.4 million beyond the basic plane), so 4 MiB leaves
    room for a question and further columns. `nul`: whether NUL bytes may stand in a text.
    """

    bytes: int = 64 * 1024 * 1024
    row: int = 4 * 1024 * 1024
    lines: int = 3_000_000
    rows: int = 1_000_000
    columns: int = 500
    response: int = 200_000
    problems: int = 50
    json_depth: int = 20
    json_values: int = 20_000
    json_digits: int = 40
    nul: bool = False


def echo(text: str, length: int = ECHO_LENGTH) -> str:
    """`text` for showing in a message: at most `length` characters, unprintable ones as U+FFFD.

    Direction-changing characters are replaced too, since they could make a message read backwards.
    """
    shown = _UNPRINTABLE.sub("\ufffd", text[: length + 1])
    return shown if len(shown) <= length else shown[: length - 1] + "…"


def as_mib(count: int) -> int:
    """Bytes as whole MiB for a message, at least 1."""
    return max(1, count // (1024 * 1024))
