"""JSON lines as they are written: a line ends with a newline and with nothing else.

str.splitlines() ends a line at U+2028, U+2029, U+0085 and others too, which stand in answers as they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any


def lines_of(data: bytes) -> list[str]:
    """The lines that hold anything, in order, with or without a newline at the end; a carriage return, by which
    programs write over a line of theirs, ends one too. No JSON text holds either sign inside."""
    return [line for raw in data.splitlines() if (line := raw.decode("utf-8", "replace")).strip()]


def values_of(data: bytes) -> list[Any]:
    """One JSON value a line. Raises ValueError where a line is none, or is no UTF-8."""
    return [json.loads(raw.decode("utf-8")) for raw in data.splitlines() if raw.strip()]


def objects_of(data: bytes) -> Iterator[dict[str, Any]]:
    """The lines that are JSON objects; what is none, such as a line that is being written, is left out."""
    for line in lines_of(data):
        with suppress(ValueError):
            found = json.loads(line)
            if isinstance(found, dict):
                yield found
