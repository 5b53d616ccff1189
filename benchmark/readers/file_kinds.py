"""What a file on disk is, by its header, without reading the rest of it into memory."""

from __future__ import annotations

from pathlib import Path

from benchmark.readers.csv_rows import CsvRows
from benchmark.readers.problem import StopReading
from benchmark.readers.released import FileKind, detect_kind
from benchmark.readers.source_lines import IMPORT_LIMITS, numbered_lines


def file_kind(path: Path) -> FileKind | None:
    """The kind of released file, None for anything else (also for what is no text or no CSV)."""
    try:
        with numbered_lines(path) as lines:
            return detect_kind(CsvRows(lines, IMPORT_LIMITS).names)
    except StopReading:
        return None
