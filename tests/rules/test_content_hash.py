from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.rules.content_hash import benchmark_hash, canonical_line

ONE = {
    "code": "obj-0001",
    "question": "é 甲",
    "options": [{"letter": "A", "text": "乙"}],
    "norm": None,
    "n": 1,
}
TWO = {"code": "obj-10000", "question": "乙"}
THREE = {"code": "obj-9999", "question": "丙"}


def test_the_lines_are_what_is_documented() -> None:
    lines = (
        '{"code":"obj-0001","n":1,"norm":null,"options":[{"letter":"A","text":"乙"}],"question":"é 甲"}\n'
        '{"code":"obj-9999","question":"丙"}\n'
        '{"code":"obj-10000","question":"乙"}\n'
    )
    assert benchmark_hash([TWO, ONE, THREE]) == hashlib.sha256(lines.encode()).hexdigest()
    assert benchmark_hash([]) == hashlib.sha256(b"").hexdigest()


def test_order_and_composition_do_not_count() -> None:
    decomposed = dict(reversed({**ONE, "question": "e\u0301 甲"}.items()))
    assert benchmark_hash([ONE, TWO]) == benchmark_hash([TWO, decomposed])


@pytest.mark.parametrize(
    "change",
    [{"question": "e 甲"}, {"options": []}, {"norm": ""}, {"n": 2}, {"extra": None}, {"code": "obj-0002"}],
)
def test_every_value_counts(change: dict[str, Any]) -> None:
    assert benchmark_hash([{**ONE, **change}]) != benchmark_hash([ONE])


RECORDS = st.dictionaries(
    st.integers(1, 99999),
    st.dictionaries(st.sampled_from("abc"), st.none() | st.booleans() | st.integers() | st.text()),
    max_size=6,
)


@given(RECORDS, st.randoms(use_true_random=False))
def test_insertion_order_never_counts(contents: dict[int, dict[str, Any]], random: object) -> None:
    records = [{"code": f"obj-{n:04d}", **rest} for n, rest in contents.items()]
    expected = benchmark_hash(records)
    random.shuffle(records)  # type: ignore[attr-defined]
    assert benchmark_hash(records) == expected


@pytest.mark.parametrize("records", [[{}], [{"code": ""}], [{"code": 1}], [ONE, ONE]])
def test_bad_codes(records: list[dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match="code"):
        benchmark_hash(records)


def test_values_that_json_does_not_know() -> None:
    with pytest.raises(ValueError):
        canonical_line({"code": "obj-0001", "share": float("nan")})
    with pytest.raises(TypeError):
        canonical_line({"code": "obj-0001", "letters": {"A"}})
    with pytest.raises(TypeError):
        canonical_line({"code": "obj-0001", "options": {1: "A"}})
