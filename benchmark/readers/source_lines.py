"""Lines of a trusted file (a benchmark, a released result) from a path or a binary stream.

The same checks as for an upload, by `encoding.scan`, with more room: an import by command may be large.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from benchmark.readers.encoding import scan, text_lines
from benchmark.readers.problem import Limits, StopReading
from benchmark.readers.records import Rejected

ByteSource = str | os.PathLike[str] | BinaryIO

IMPORT_LIMITS = Limits(bytes=2 * 1024 * 1024 * 1024, row=16 * 1024 * 1024)


@contextmanager
def numbered_lines(source: ByteSource, limits: Limits = IMPORT_LIMITS) -> Iterator[Iterator[tuple[int, str]]]:
    """Yield an iterator over (line number from 1, line with its line break).

    UTF-8 with or without byte order mark, or GB18030. A path is opened and closed; a stream must be
    seekable, is read from its beginning and left open. Raises StopReading, also while iterating, where the
    bytes are no text; OSError of the path.
    """
    if isinstance(source, (str, os.PathLike)):
        with open(source, "rb") as stream:
            yield text_lines(stream, scan(stream, limits).encoding, limits)
    else:
        yield text_lines(source, scan(source, limits).encoding, limits)


def rejected_by(stop: StopReading, file: str = "") -> Rejected:
    """The reject that stands for a file, or the rest of one, that cannot be read."""
    problem = stop.problem
    return Rejected(problem.line or 0, problem.column or "", str(problem.code), problem.params, file)
