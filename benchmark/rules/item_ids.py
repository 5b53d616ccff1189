"""Item ids: kind and row number, such as obj-0001 and sub-4897. Source: the design, word `item`."""

from __future__ import annotations

import re

OBJECTIVE = "objective"
SUBJECTIVE = "subjective"
KINDS: tuple[str, ...] = (OBJECTIVE, SUBJECTIVE)
_PREFIXES = {OBJECTIVE: "obj", SUBJECTIVE: "sub"}
_KIND_OF = {prefix: kind for kind, prefix in _PREFIXES.items()}
_CODE = re.compile(r"(obj|sub)-([0-9]{4}|[1-9][0-9]{4,8})")


def item_code(kind: str, row: int) -> str:
    """Return the id of the item in data row `row` (from 1): four digits, more beyond 9999.

    Raises ValueError on an unknown kind or a row outside 1 … 999,999,999.
    """
    prefix = _PREFIXES.get(kind)
    if prefix is None:
        raise ValueError(f"unknown kind {kind!r}: choose from {', '.join(KINDS)}")
    if not 1 <= row <= 999_999_999:
        raise ValueError(f"rows count from 1, not {row}")
    return f"{prefix}-{row:04d}"


def parse_item_code(code: str) -> tuple[str, int]:
    """Return (kind, row) of an id, the inverse of `item_code`. Raises ValueError on anything else."""
    found = _CODE.fullmatch(code)
    if found is None or int(found[2]) == 0:
        raise ValueError(f"not an item id: {code[:40]!r}")
    return _KIND_OF[found[1]], int(found[2])


def code_order(code: str) -> tuple[str, int, str]:
    """Sort key: ids by kind and number (obj-10000 behind obj-9999), anything else behind them by name."""
    try:
        kind, row = parse_item_code(code)
    except ValueError:
        return ("~", 0, code)
    return (kind, row, code)
