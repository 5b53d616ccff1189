"""The content hash of a benchmark version: what "frozen" means, in one number."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from benchmark.rules.item_ids import code_order


def benchmark_hash(records: Iterable[Mapping[str, Any]]) -> str:
    """Return the SHA-256, 64 hex digits, of the items' canonical lines in code order.

    Each record is JSON-like and has a "code" of its own. Its line is JSON with sorted keys, no blanks,
    UTF-8 and every string in NFC, ended by "\\n". So neither the order of the records nor of their keys
    counts; every value does. Raises ValueError on a missing or repeated code or a number that is not finite,
    TypeError on a value that JSON does not know.
    """
    lines: dict[str, str] = {}
    for record in records:
        code = record.get("code")
        if not isinstance(code, str) or not code:
            raise ValueError("every record needs a code")
        if code in lines:
            raise ValueError(f"code {code} comes twice")
        lines[code] = canonical_line(record)
    digest = hashlib.sha256()
    for code in sorted(lines, key=code_order):
        digest.update(lines[code].encode("utf-8") + b"\n")
    return digest.hexdigest()


def canonical_line(record: Mapping[str, Any]) -> str:
    """One record as canonical JSON, without the line break."""
    return json.dumps(
        _normalised(record), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )


def _normalised(value: Any) -> Any:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("keys of a record are strings")
        return {unicodedata.normalize("NFC", key): _normalised(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_normalised(item) for item in value]
    return value
