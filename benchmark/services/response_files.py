"""Which importer a file of responses goes to, by its header."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmark.errors import BadInput
from benchmark.models import BenchmarkVersion
from benchmark.readers.file_kinds import file_kind
from benchmark.readers.released import FileKind, read_released
from benchmark.services.benchmark_files import released_files
from benchmark.services.importing_responses import (
    import_judged,
    import_predictions,
    import_published_board,
    import_released_responses,
)
from benchmark.services.reports import ImportReport

RESPONSE_KINDS = {FileKind.RESPONSES, FileKind.JUDGED, FileKind.LEADERBOARD}


def import_responses(
    *,
    version: BenchmarkVersion,
    path: str,
    entry_name: str = "",
    progress: Callable[[int], None] = lambda count: None,
) -> ImportReport:
    """Imports one file, or every released response, judge and board file of a folder.

    Raises BadInput, FileRefused, VersionNotOpen, FileNotFoundError.
    """
    place = Path(path)
    if not place.exists():
        raise FileNotFoundError(2, "no such file", str(place))
    report = ImportReport(version.benchmark.slug, version.label, version.state, version.content_hash)
    if place.is_file() and file_kind(place) not in RESPONSE_KINDS:
        if not entry_name:
            raise BadInput("The file does not name its model: give --entry.")
        import_predictions(version=version, path=place, entry_name=entry_name, report=report)
        return report
    files = released_files(place, RESPONSE_KINDS)
    if not files:
        raise BadInput(f"{place} holds no file of responses.")
    for file in files:
        records = partial(read_released, file)
        match file_kind(file):
            case FileKind.RESPONSES:
                import_released_responses(
                    version=version,
                    path=file,
                    records=records,
                    entry_name=entry_name or None,
                    report=report,
                    progress=progress,
                )
            case FileKind.JUDGED:
                import_judged(version=version, path=file, records=records, report=report)
            case FileKind.LEADERBOARD:
                import_published_board(version=version, records=records, report=report)
    return report
