"""Folders of datasets: written aside, hashed, and put in their place whole or not at all."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from training.errors import TrainingError
from training.readers.dataset_rows import UnreadableRows, run_parquet

PROMPTS = "prompts.jsonl"
CONVERTING_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """`sha256` is of the file's bytes, `rows_sha256` of its rows as JSON lines: the same for JSONL, and for Parquet
    independent of the version that wrote it."""

    name: str
    rows: int
    bytes: int
    sha256: str
    rows_sha256: str = ""


class DatasetDraft:
    """A dataset on its way. Use as a context manager: what was not kept is deleted."""

    def __init__(self, kind: str, format: str = "jsonl") -> None:
        self.kind = kind
        self.format = format
        self.files: list[WrittenFile] = []
        self._root = Path(settings.MEDES_ARTEFACTS) / "datasets"

    def __enter__(self) -> DatasetDraft:
        self._root.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(dir=self._root, prefix=".draft-"))
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, name: str, rows: Iterable[Mapping[str, Any]]) -> WrittenFile:
        """One JSON object a line, keys sorted, so that the same rows are the same bytes. A name without a suffix is of the
        draft's format; Parquet is made of the lines by `finish`. Prompts are always lines, and so is a file without rows."""
        if "." not in name:
            name = f"{name}.jsonl"
        digest, count, size = hashlib.sha256(), 0, 0
        with (self.folder / name).open("wb") as file:
            for row in rows:
                text = json.dumps(
                    row, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
                )
                line = text.encode("utf-8", "replace") + b"\n"
                file.write(line)
                digest.update(line)
                count += 1
                size += len(line)
        written = WrittenFile(name, count, size, digest.hexdigest())
        self.files.append(written)
        return written

    def finish(self) -> None:
        """Turns the files of rows into the draft's format. Raises TrainingError."""
        if self.format != "parquet":
            return
        packed = [file for file in self.files if file.name != PROMPTS and file.rows]
        names = [file.name.removesuffix(".jsonl") for file in packed]
        try:
            run_parquet("write", str(self.folder), *names, seconds=CONVERTING_SECONDS)
        except UnreadableRows as error:
            raise TrainingError(
                _("The rows could not be written as Parquet: %(reason)s") % {"reason": error}
            ) from error
        for place, file in enumerate(self.files):
            if file not in packed:
                continue
            source = self.folder / file.name
            target = source.with_suffix(".parquet")
            source.unlink()
            with target.open("rb") as written:
                sha256 = hashlib.file_digest(written, "sha256").hexdigest()
            self.files[place] = WrittenFile(
                target.name, file.rows, target.stat().st_size, sha256, rows_sha256=file.sha256
            )

    @property
    def content_hash(self) -> str:
        """SHA-256 over the kind and the names and hashes of the files; of Parquet, the hash of its rows counts."""
        digest = hashlib.sha256(self.kind.encode())
        for file in sorted(self.files, key=lambda file: file.name):
            digest.update(f"\0{file.name}\0{file.rows_sha256 or file.sha256}".encode())
        return digest.hexdigest()

    @property
    def described(self) -> dict[str, dict[str, Any]]:
        return {
            file.name: {k: v for k, v in asdict(file).items() if k != "name" and v != ""}
            for file in self.files
        }

    def keep(self) -> str:
        """Puts the folder in its place, named by its hash; returns the place relative to MEDES_HOME/artefacts."""
        name = f"{self.kind}-{self.content_hash[:24]}"
        target = self._root / name
        self.folder.chmod(0o755)
        for file in self.folder.iterdir():
            file.chmod(0o444)
        with suppress(OSError):  # the same content lies there already
            self.folder.rename(target)
        return f"datasets/{name}"
