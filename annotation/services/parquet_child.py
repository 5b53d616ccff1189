"""Parquet for a download, made by a child process: no web process ever loads pyarrow."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHUNK_BYTES = 64 * 1024


class ExportBroken(RuntimeError):
    """The child ended before its time. The download is cut off rather than ended as if it were whole."""


def parquet_stream(campaign: str, part: str) -> Iterator[bytes]:
    """What `export_labels CAMPAIGN --format parquet --part PART` writes. Ends the child with itself."""
    command = ("-m", "django", "export_labels", campaign, "--format", "parquet", "--part", part)
    with subprocess.Popen(
        (sys.executable, *command), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        try:
            while chunk := child.stdout.read(CHUNK_BYTES):
                yield chunk
            if child.wait():
                raise ExportBroken(f"export_labels ended with {child.returncode}")
        finally:
            if child.poll() is None:
                child.kill()
