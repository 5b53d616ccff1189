"""Writes a campaign to files: JSON Lines, CSV or Parquet, with a manifest of SHA-256 hashes.

The same state exported twice gives the same bytes. Parquet needs pyarrow, which only the command imports.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from annotation.errors import BadInput, NotAllowed
from annotation.models import Campaign
from annotation.policies import can_export
from annotation.queries.export import (
    LABEL_COLUMNS,
    NESTED,
    TASK_COLUMNS,
    campaign_head,
    label_rows,
    task_rows,
)
from benchmark.rules.export_cells import csv_lines

FORMATS = ("jsonl", "csv", "parquet")
SCHEMA = 1
Rows = Iterable[dict[str, Any]]
TableWriter = Callable[[Path, Rows, Sequence[str]], int]


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
    if actor is not None and not can_export(actor):
        raise NotAllowed()
    writers: dict[str, TableWriter] = {"jsonl": _write_jsonl, "csv": _write_csv}
    if write_parquet is not None:
        writers["parquet"] = write_parquet
    if file_format not in writers:
        raise BadInput(_("There is no export as %(format)s here.") % {"format": file_format})
    folder.mkdir(parents=True, exist_ok=True)
    write = writers[file_format]
    tables = (("labels", label_rows, LABEL_COLUMNS), ("tasks", task_rows, TASK_COLUMNS))
    files = []
    with _snapshot():
        for name, rows, columns in tables:
            target = folder / f"{name}.{file_format}"
            count = write(target, _counted(rows(campaign), progress), columns)
            files.append(_described(target, count))
        head = campaign_head(campaign)
    manifest = {"schema": SCHEMA, **head, "format": file_format, "files": [asdict(file) for file in files]}
    target = folder / "manifest.json"
    target.write_text(json.dumps(manifest, ensure_ascii=False, indent=2, sort_keys=True) + "\n", "utf-8")
    return [*files, _described(target, 1)]


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


def _write_jsonl(target: Path, rows: Rows, columns: Sequence[str]) -> int:
    count = 0
    with target.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            line = json.dumps(
                {name: row[name] for name in columns}, ensure_ascii=False, separators=(",", ":")
            )
            file.write(line.encode("utf-8", "replace").decode() + "\n")
            count += 1
    return count


def _write_csv(target: Path, rows: Rows, columns: Sequence[str]) -> int:
    count = -1  # the header
    with target.open("w", encoding="utf-8-sig", newline="") as file:
        for line in csv_lines(columns, (plain(row, columns) for row in rows)):
            file.write(line)
            count += 1
    return count


def _described(path: Path, rows: int) -> ExportedFile:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ExportedFile(path.name, rows, path.stat().st_size, digest)


def _counted(rows: Rows, progress: Callable[[int], None]) -> Iterator[dict[str, Any]]:
    for done, row in enumerate(rows, start=1):
        yield row
        if done % 1000 == 0:
            progress(done)
