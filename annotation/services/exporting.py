"""Writes a campaign to files or to a download: JSON Lines, CSV or Parquet, with a manifest of SHA-256 hashes.

The same state exported twice gives the same bytes, and a download the same as the command. Parquet needs
pyarrow, which only the command imports: a download of it comes from a child process (parquet_child).
"""

from __future__ import annotations

import codecs
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from annotation.errors import BadInput, NotAllowed
from annotation.models import Campaign, Label, Task
from annotation.policies import can_export
from annotation.queries.export import (
    LABEL_COLUMNS,
    NESTED,
    TASK_COLUMNS,
    campaign_head,
    label_rows,
    task_rows,
)
from annotation.services.parquet_child import parquet_stream
from benchmark.rules.export_cells import csv_lines
from benchmark.services.seeing import BATCH, note_seen

FORMATS = ("jsonl", "csv", "parquet")
SCHEMA = 1
Rows = Iterable[dict[str, Any]]
TableWriter = Callable[[BinaryIO, Rows, Sequence[str]], None]
TABLES: Mapping[str, tuple[Callable[[Campaign], Iterator[dict[str, Any]]], tuple[str, ...]]] = {
    "labels": (label_rows, LABEL_COLUMNS),
    "tasks": (task_rows, TASK_COLUMNS),
}
MANIFEST = "manifest"
CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """`sha256` is of the file's bytes, `rows` leaves out a header."""

    name: str
    rows: int
    bytes: int
    sha256: str


def export_campaign(
    *,
    actor: Any,
    campaign: Campaign,
    folder: Path,
    file_format: str = "jsonl",
    write_parquet: TableWriter | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> list[ExportedFile]:
    """Writes labels.*, tasks.* and manifest.json into `folder` and returns them.

    Everything is read in one snapshot on PostgreSQL. `actor` None: the command line. Raises NotAllowed,
    BadInput.
    """
    _allow(actor, file_format, write_parquet)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    with _snapshot():
        for table in TABLES:
            with (folder / f"{table}.{file_format}").open("wb") as file:
                files.append(_write_table(file, campaign, table, file_format, write_parquet, progress))
        manifest = manifest_bytes(campaign, file_format, files)
    (folder / "manifest.json").write_bytes(manifest)
    return [*files, ExportedFile("manifest.json", 1, len(manifest), hashlib.sha256(manifest).hexdigest())]


def write_part(
    file: BinaryIO,
    *,
    campaign: Campaign,
    part: str,
    file_format: str,
    write_parquet: TableWriter | None = None,
) -> None:
    """One table of an export, or (`part` "manifest") what the manifest says of both, to an open file or pipe."""
    with _snapshot():
        if part in TABLES:
            _write_table(file, campaign, part, file_format, write_parquet)
            return
        files = [_write_table(None, campaign, table, file_format, write_parquet) for table in TABLES]
        file.write(manifest_bytes(campaign, file_format, files))


def part_stream(*, actor: Any, campaign: Campaign, part: str, file_format: str) -> Iterator[bytes]:
    """The bytes of a table ("labels", "tasks") or of the "manifest", made as they are read; for a download.

    Raises NotAllowed, BadInput at the call, not at the first byte.
    """
    _allow(actor, file_format, None, known=FORMATS)
    if part not in (*TABLES, MANIFEST):
        raise BadInput(_("There is no export as %(format)s here.") % {"format": part})
    if part != MANIFEST:
        _note_reading(actor, campaign)
    if file_format == "parquet":
        return parquet_stream(campaign.slug, part)
    return _lines_stream(campaign, part, file_format)


def _note_reading(actor: Any, campaign: Campaign) -> None:
    """Whoever downloads what others said has read it; and the verdict, where it was shown to one of them."""
    said = Label.objects.filter(task=OuterRef("pk")).exclude(expert=actor)
    tasks = Task.objects.filter(Exists(said), campaign=campaign).order_by("pk")
    told = tasks.annotate(told=Exists(said.filter(reveal__isnull=False)))
    columns = told.values_list("pk", "told", "response", "other")
    last = 0
    while rows := list(columns.filter(pk__gt=last)[:BATCH]):  # however many there are, few at a time
        last = rows[-1][0]
        for verdict in (True, False):
            read = {pk for _task, told, *pair in rows if told is verdict for pk in pair if pk is not None}
            note_seen(actor, read, verdict=verdict)


def _lines_stream(campaign: Campaign, part: str, file_format: str) -> Iterator[bytes]:
    if part == MANIFEST:
        whole = io.BytesIO()
        write_part(whole, campaign=campaign, part=part, file_format=file_format)
        yield whole.getvalue()
        return
    with _snapshot():
        rows, columns = TABLES[part]
        waiting = bytearray()
        for line in _LINES[file_format](rows(campaign), columns):
            waiting += line
            if len(waiting) >= CHUNK_BYTES:
                yield bytes(waiting)
                waiting.clear()
        yield bytes(waiting)


def _allow(
    actor: Any, file_format: str, write_parquet: TableWriter | None, known: Sequence[str] = ()
) -> None:
    if actor is not None and not can_export(actor):
        raise NotAllowed()
    if file_format not in (known or (*_LINES, *(("parquet",) if write_parquet else ()))):
        raise BadInput(_("There is no export as %(format)s here.") % {"format": file_format})


def _write_table(
    file: BinaryIO | None,
    campaign: Campaign,
    table: str,
    file_format: str,
    write_parquet: TableWriter | None,
    progress: Callable[[int], None] = lambda done: None,
) -> ExportedFile:
    """Writes a table (`file` None: nowhere) and describes it."""
    rows, columns = TABLES[table]
    counter = _Counter(rows(campaign), progress)
    sink = _Hashing(file)
    if file_format == "parquet":
        assert write_parquet is not None
        write_parquet(cast("BinaryIO", sink), counter, columns)
    else:
        for line in _LINES[file_format](counter, columns):
            sink.write(line)
    return ExportedFile(f"{table}.{file_format}", counter.rows, sink.bytes, sink.digest.hexdigest())


def manifest_bytes(campaign: Campaign, file_format: str, files: Sequence[ExportedFile]) -> bytes:
    """The manifest as it is written: settings and guidelines of the campaign, and the files with their hashes."""
    manifest = {
        "schema": SCHEMA,
        **campaign_head(campaign),
        "format": file_format,
        "files": [asdict(file) for file in files],
    }
    return (json.dumps(manifest, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


@contextmanager
def _snapshot() -> Iterator[None]:
    """All tables as they stood at one moment. SQLite reads without a transaction, which would stop all writers."""
    if connection.vendor != "postgresql" or connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


def plain(row: dict[str, Any], columns: Sequence[str]) -> list[Any]:
    """The cells of a row for a format without nesting: objects and lists as JSON text."""
    return [to_json(row[name]) if name in NESTED and row[name] is not None else row[name] for name in columns]


def to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def jsonl_lines(rows: Rows, columns: Sequence[str]) -> Iterator[bytes]:
    for row in rows:
        line = json.dumps({name: row[name] for name in columns}, ensure_ascii=False, separators=(",", ":"))
        yield line.encode("utf-8", "replace") + b"\n"


def csv_bytes(rows: Rows, columns: Sequence[str]) -> Iterator[bytes]:
    yield codecs.BOM_UTF8  # Excel takes it for Chinese text then
    for line in csv_lines(columns, (plain(row, columns) for row in rows)):
        yield line.encode()


_LINES: Mapping[str, Callable[[Rows, Sequence[str]], Iterator[bytes]]] = {
    "jsonl": jsonl_lines,
    "csv": csv_bytes,
}


class _Hashing:
    """A file that counts and hashes what goes through it; Parquet asks it for its place."""

    closed = False

    def __init__(self, file: BinaryIO | None) -> None:
        self._file = file
        self.bytes = 0
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        self.bytes += len(data)
        if self._file is not None:
            self._file.write(data)
        return len(data)

    def tell(self) -> int:
        return self.bytes

    def flush(self) -> None:
        if self._file is not None:
            self._file.flush()

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        """The file belongs to whoever opened it."""


class _Counter:
    """Rows on their way, counted."""

    def __init__(self, rows: Rows, progress: Callable[[int], None]) -> None:
        self._source = rows
        self._progress = progress
        self.rows = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for row in self._source:
            self.rows += 1
            yield row
            if self.rows % 1000 == 0:
                self._progress(self.rows)
