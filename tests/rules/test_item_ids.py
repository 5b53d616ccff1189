from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.rules.item_ids import KINDS, code_order, item_code, parse_item_code


@pytest.mark.parametrize(
    ("kind", "row", "code"),
    [
        ("objective", 1, "obj-0001"),
        ("subjective", 4897, "sub-4897"),
        ("objective", 9999, "obj-9999"),
        ("objective", 10000, "obj-10000"),
    ],
)
def test_codes(kind: str, row: int, code: str) -> None:
    assert item_code(kind, row) == code
    assert parse_item_code(code) == (kind, row)


@given(st.sampled_from(KINDS), st.integers(1, 999_999_999))
def test_round_trip(kind: str, row: int) -> None:
    assert parse_item_code(item_code(kind, row)) == (kind, row)


@pytest.mark.parametrize(
    "code",
    [
        "",
        "obj-1",
        "obj-00001",
        "obj-0000",
        "OBJ-0001",
        "obj_0001",
        "obj-0001\n",
        "obj-٠٠٠١",
        "x-0001",
        "obj-0001 ",
    ],
)
def test_no_codes(code: str) -> None:
    with pytest.raises(ValueError, match="not an item id"):
        parse_item_code(code)


@pytest.mark.parametrize(("kind", "row"), [("essay", 1), ("objective", 0), ("objective", 1_000_000_000)])
def test_no_item(kind: str, row: int) -> None:
    with pytest.raises(ValueError):
        item_code(kind, row)


def test_order() -> None:
    codes = ["x", "sub-0001", "obj-10000", "obj-9999", "obj-0002"]
    assert sorted(codes, key=code_order) == ["obj-0002", "obj-9999", "obj-10000", "sub-0001", "x"]
