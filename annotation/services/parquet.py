"""The Parquet writer of exports: apart, because pyarrow is large and no web process imports it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from annotation.services.exporting import plain

GROUP = 10_000
_WHOLE = frozenset(
    {"label", "task", "response", "other_response", "seat", "revision", "guideline", "duration_ms", "position",
     "r1", "r2", "q1", "q2", "q3", "q4"}
)  # fmt: skip
_YES_NO = frozenset({"blind", "extra", "current", "undone", "swapped"})
_REAL = frozenset({"inclusion_probability", "priority"})


def write_parquet(target: BinaryIO, rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> None:
    """Writes row groups of 10,000 to an open file or pipe; nested columns are JSON text."""
    schema = pa.schema([(name, _type(name)) for name in columns])
    stream = iter(rows)
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        while group := [plain(row, columns) for row in islice(stream, GROUP)]:
            arrays = [
                pa.array([row[place] for row in group], type=field.type) for place, field in enumerate(schema)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _type(name: str) -> Any:
    if name in _WHOLE:
        return pa.int64()
    if name in _YES_NO:
        return pa.bool_()
    return pa.float64() if name in _REAL else pa.string()
