"""Rows of a dataset as Parquet: a program of its own, because pyarrow is large and no web process imports it.

`python -m training.readers.parquet_rows write FOLDER NAME …` makes NAME.parquet from each NAME.jsonl;
`python -m training.readers.parquet_rows read FILE START COUNT` prints those rows as JSON lines. Turns are lists of
{role, content}, `margin` a number, everything that has no fixed form (lineage) JSON text.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

GROUP = 2_000
TURNS = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
TYPES = {"prompt": TURNS, "completion": TURNS, "chosen": TURNS, "rejected": TURNS, "margin": pa.float64()}
JSON = "json"  # in a column's metadata: its text is JSON


def write_rows(source: Path, target: Path) -> int:
    """Row groups of 2,000; the columns are those of the first row. Returns the number of rows."""
    with source.open(encoding="utf-8") as file:
        lines = map(json.loads, file)
        first = next(lines, None)
        schema = _schema(first or {})
        count = 0
        with pq.ParquetWriter(target, schema, compression="zstd") as writer:
            group = [first] if first is not None else []
            group += islice(lines, GROUP - len(group))
            while group:
                writer.write_table(_table(group, schema))
                count += len(group)
                group = list(islice(lines, GROUP))
    return count


def read_rows(path: Path, start: int = 0, count: int | None = None) -> Iterator[dict[str, Any]]:
    """Rows from number `start` on; row groups before it are not read."""
    with pq.ParquetFile(path) as file:
        coded = [
            field.name for field in file.schema_arrow if (field.metadata or {}).get(b"as") == JSON.encode()
        ]
        end = file.metadata.num_rows if count is None else start + count
        begun = 0
        for number in range(file.num_row_groups):
            held = file.metadata.row_group(number).num_rows
            if begun < end and begun + held > start:
                rows = file.read_row_group(number).slice(
                    max(0, start - begun), min(end, begun + held) - max(start, begun)
                )
                for row in rows.to_pylist():
                    yield {**row, **{name: json.loads(row[name]) for name in coded}}
            begun += held


def _schema(row: dict[str, Any]) -> Any:
    fields = []
    for name, value in row.items():
        if name in TYPES:
            fields.append(pa.field(name, TYPES[name]))
        elif isinstance(value, str):
            fields.append(pa.field(name, pa.string()))
        else:
            fields.append(pa.field(name, pa.string(), metadata={"as": JSON}))
    return pa.schema(fields)


def _table(rows: list[dict[str, Any]], schema: Any) -> Any:
    columns = []
    for field in schema:
        values = [row[field.name] for row in rows]
        if field.metadata:
            values = [json.dumps(value, ensure_ascii=False, sort_keys=True) for value in values]
        columns.append(pa.array(values, type=field.type))
    return pa.Table.from_arrays(columns, schema=schema)


def main(arguments: list[str]) -> None:
    act, *rest = arguments
    if act == "write":
        for name in rest[1:]:
            write_rows(Path(rest[0], f"{name}.jsonl"), Path(rest[0], f"{name}.parquet"))
    else:
        for row in read_rows(Path(rest[0]), int(rest[1]), int(rest[2])):
            sys.stdout.buffer.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")


if __name__ == "__main__":
    main(sys.argv[1:])
