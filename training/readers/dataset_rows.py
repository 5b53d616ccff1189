"""Rows of a dataset's file whatever its format, without loading pyarrow: a child process reads Parquet."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

from training.readers.child_environment import child_environment
from training.readers.json_lines import values_of

ROOT = Path(__file__).resolve().parents[2]
PARQUET = "training.readers.parquet_rows"
SECONDS = 60


class UnreadableRows(RuntimeError):
    """The file is damaged, or its reader failed."""


def row_file(folder: Path, name: str) -> Path:
    """`name` as Parquet in a dataset's or a run's folder, else as JSONL, whether it is there or not."""
    packed = folder / f"{name}.parquet"
    return packed if packed.is_file() else folder / f"{name}.jsonl"


def rows_between(path: Path, start: int, count: int) -> list[dict[str, Any]]:
    """Rows `start` to `start + count`, from 0. Raises UnreadableRows."""
    try:
        if path.suffix == ".jsonl":
            with path.open(encoding="utf-8") as file:
                return [json.loads(line) for line in islice(file, start, start + count)]
        printed = run_parquet("read", str(path), str(start), str(count))
        return values_of(printed)
    except (OSError, ValueError) as error:
        raise UnreadableRows(f"{path.name} cannot be read") from error


def run_parquet(*arguments: str, seconds: int = SECONDS) -> bytes:
    """What the Parquet program prints. Raises UnreadableRows with its last line."""
    try:
        done = subprocess.run(
            (sys.executable, "-m", PARQUET, *arguments),
            cwd=ROOT, env=child_environment(), stdin=subprocess.DEVNULL, capture_output=True, check=True,
            timeout=seconds,
        )  # fmt: skip
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode("utf-8", "replace").strip().splitlines()
        raise UnreadableRows(said[-1] if said else "the Parquet program failed") from error
    except subprocess.TimeoutExpired as error:
        raise UnreadableRows("the Parquet program took too long") from error
    return done.stdout
