"""Settings typed as YAML: plain values alone, numbers as people write them, nothing that grows."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.readers.settings_yaml import SettingsError, read_settings, write_settings


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("# nothing\n", {}),
        ("eval_every: 20\noptim: adafactor", {"eval_every": 20, "optim": "adafactor"}),
        ('{"eval_every": 20, "loss_weights": [1, 0.2]}', {"eval_every": 20, "loss_weights": [1, 0.2]}),
        ("weight_decay: 1e-4\nadam_epsilon: 1.5E-8\nx: -2e3", {"weight_decay": 1e-4, "adam_epsilon": 1.5e-8, "x": -2000.0}),
        ("tf32: false\ndata_seed: null", {"tf32": False, "data_seed": None}),
        ("name: 2024-05-01", {"name": "2024-05-01"}),
        ("lr_scheduler_kwargs:\n  num_cycles: 2", {"lr_scheduler_kwargs": {"num_cycles": 2}}),
        ("loss_type: [sigmoid, sft]", {"loss_type": ["sigmoid", "sft"]}),
    ],
)  # fmt: skip
def test_what_is_read(text: str, found: dict[str, Any]) -> None:
    assert read_settings(text) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- 1\n- 2", "one setting a line"),
        ("just words", "one setting a line"),
        ("a: 1\nb: [2", "line 2 cannot be read|line 3 cannot be read|no YAML"),
        ("a: 1\na: 2", "said twice"),
        ("a: {b: 1, b: 2}", "said twice"),
        ("1: 2", "no name of a setting"),
        ("a: .nan", "finite"),
        ("a: .inf", "finite"),
        ("a: !!python/object/apply:os.system ['true']", "Tags"),
        ("a: !!binary aGFsbG8=", "Tags"),
        ("a: !!set {b, c}", "Tags"),
        ("a: !!int ''", "Tags"),
        ("a: !!bool x", "Tags"),
        ("a: !!timestamp x", "Tags"),
        ("a: !!float ''", "Tags"),
        ("a: !own x", "Tags"),
        ("!!map {a: 1}", "Tags"),
        ("!!str a: 1", "Tags"),
        ("a: ! x", "Tags"),
        ("a: 0b_", "no YAML"),
        ("a: &x 1\nb: *x", "aliases"),
        ("a: &x [1]", "aliases"),
        ("<<: {a: 1}", "no YAML|no name"),
        ("a: [[[[[[[[1]]]]]]]]", "nested too deeply"),
        ("a: " + "x" * 10_001, "longer than"),
        ("a: 1\n--- \nb: 2", "no YAML"),
        ("a: \x00", "no YAML"),
    ],
)
def test_what_is_refused(text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        read_settings(text)


def test_a_bomb_is_refused_at_once() -> None:
    layers = "a: &a [x,x,x,x,x,x,x,x,x]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        layers += f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n"
    begun = time.process_time()
    with pytest.raises(SettingsError, match="aliases"):
        read_settings(layers)
    with pytest.raises(SettingsError):
        read_settings("[" * 9_000)
    assert time.process_time() - begun < 2


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.from_regex(r"\A[a-z_]{1,9}\Z"), parts, max_size=3),
    max_leaves=6,
)  # fmt: skip


def deep(value: Any) -> int:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max((deep(part) for part in parts), default=0)


@given(
    st.dictionaries(st.from_regex(r"\A[a-z][a-z_]{2,9}\Z"), plain.filter(lambda v: deep(v) < 5), max_size=4)
)
def test_what_is_written_is_read_back(settings: dict[str, Any]) -> None:
    assert read_settings(write_settings(settings)) == settings


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert isinstance(read_settings(text), dict)
    except SettingsError as error:
        assert str(error)
