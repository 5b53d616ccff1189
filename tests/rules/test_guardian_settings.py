"""The settings of encoders and of language models that judge: what is taken, what is refused, and in which words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.rules.judge_endpoints import allowed_endpoints
from training.rules.guardian_settings import (
    ENCODER_CHOICES,
    ENCODER_DEFAULTS,
    ENCODER_RANGES,
    ENDPOINT_DEFAULTS,
    ENDPOINT_RANGES,
    GENERATIVE_DEFAULTS,
    GENERATIVE_RANGES,
    EncoderSettings,
    SettingsRefused,
    asks_an_endpoint,
    backend_of,
    check_settings,
    encoder_settings,
    endpoint_settings,
    generative_settings,
)

OURS = {"backend": "endpoint", "url": "https://judge.example/v1", "model": "m"}
KINDS: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "encoder": ({}, ENCODER_DEFAULTS, ENCODER_RANGES),
    "generative": ({}, GENERATIVE_DEFAULTS, GENERATIVE_RANGES),
    "endpoint": (OURS, ENDPOINT_DEFAULTS, ENDPOINT_RANGES),
}


def refusal(kind: str, settings: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(SettingsRefused) as caught:
        check_settings("generative" if kind == "endpoint" else kind, settings)
    return caught.value.key, str(caught.value)


def test_what_is_not_said_has_its_default() -> None:
    assert encoder_settings({"epochs": 7}) == EncoderSettings(
        max_length=512, epochs=7, batch_size=16, learning_rate=2e-5, warmup=0.1, weight_decay=0.01, lora_r=0,
        dtype="float32", arithmetic="auto", checkpoint_seconds=60,
    )  # fmt: skip
    assert generative_settings({"backend": "local"}).calibrate_on == 200
    found = endpoint_settings(OURS)
    assert (found.url, found.model, found.key_name, found.tries) == ("https://judge.example/v1", "m", "", 4)


@pytest.mark.parametrize(
    ("kind", "settings", "key", "sentence"),
    [
        ("encoder", {"surprise": 1}, "surprise", "An encoder has no setting 'surprise'."),
        ("encoder", {"epochs": 0}, "epochs", "The setting epochs lies between 1 and 100, not 0."),
        ("encoder", {"epochs": 2.0}, "epochs", "The setting epochs lies between 1 and 100, not 2.0."),
        ("encoder", {"epochs": True}, "epochs", "The setting epochs lies between 1 and 100, not True."),
        ("encoder", {"warmup": float("nan")}, "warmup", "The setting warmup lies between 0 and 1, not nan."),
        ("encoder", {"learning_rate": "1e-4"}, "learning_rate",
         "The setting learning_rate lies between 1e-08 and 1, not '1e-4'."),
        ("encoder", {"dtype": "float16"}, "dtype", "The setting dtype is one of float32, bfloat16, not 'float16'."),
        ("encoder", {"arithmetic": 8}, "arithmetic", "The setting arithmetic is one of float, int8, auto, not 8."),
        ("encoder", {"dtype": ["float32"]}, "dtype",
         "The setting dtype is one of float32, bfloat16, not ['float32']."),
        ("generative", {"warmup": 0.1}, "warmup", "A generative guardian has no setting 'warmup'."),
        ("generative", {"max_length": 255}, "max_length",
         "The setting max_length lies between 256 and 131072, not 255."),
        ("generative", {"backend": "cloud"}, "backend", "The setting backend is one of local, endpoint, not 'cloud'."),
        ("endpoint", {"backend": "endpoint", "model": "m"}, "url", "Choose an endpoint."),
        ("endpoint", {**OURS, "model": "  "}, "model", "Name the model that the endpoint is to answer with."),
        ("endpoint", {**OURS, "model": 7}, "model", "The setting model is a text of at most 300 characters in one line."),
        ("endpoint", {**OURS, "url": "https://x\nHost: y"}, "url",
         "The setting url is a text of at most 300 characters in one line."),
        ("endpoint", {**OURS, "key_name": "HOME"}, "key_name",
         "The key's variable must be called MEDES_JUDGE_KEY or MEDES_JUDGE_KEY_<NAME>."),
        ("endpoint", {**OURS, "lora_r": 8}, "lora_r", "A guardian behind an endpoint has no setting 'lora_r'."),
        ("linear", {"epochs": 3}, "epochs", "A linear guardian has no setting 'epochs'."),
    ],
)  # fmt: skip
def test_a_refusal_is_one_sentence_and_names_the_setting(
    kind: str, settings: dict[str, Any], key: str, sentence: str
) -> None:
    assert refusal(kind, settings) == (key, sentence)


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_has_a_default_in_its_range(kind: str) -> None:
    given_too, defaults, ranges = KINDS[kind]
    assert set(ranges) <= set(defaults)
    check_settings("generative" if kind == "endpoint" else kind, given_too)
    for name, allowed in ENCODER_CHOICES.items():
        assert ENCODER_DEFAULTS[name] in allowed


@given(
    kind=st.sampled_from(sorted(KINDS)),
    settings=st.dictionaries(
        st.sampled_from(
            sorted({*ENCODER_DEFAULTS, *GENERATIVE_DEFAULTS, *ENDPOINT_DEFAULTS, "x", "backend"})
        ),
        st.none()
        | st.booleans()
        | st.integers()
        | st.sampled_from([10**400, -(10**400), 16**9000])
        | st.floats()
        | st.text(max_size=8)
        | st.lists(st.integers()),
        max_size=4,
    ),
)
def test_whatever_is_taken_lies_in_range_and_survives_json(kind: str, settings: dict[str, Any]) -> None:
    """Nothing raises anything but SettingsRefused, whose text is one line and whose key is a name that was given."""
    own, _defaults, ranges = KINDS[kind]
    given_settings = {**settings, **own}
    name = "generative" if kind == "endpoint" else kind
    try:
        check_settings(name, given_settings)
    except SettingsRefused as error:
        assert error.key in given_settings and "\n" not in str(error) and str(error).endswith(".")
        return
    again = json.loads(json.dumps(given_settings))
    check_settings(name, again)
    for key, (low, high) in ranges.items():
        assert low <= given_settings.get(key, low) <= high


@given(
    kind=st.sampled_from(sorted(KINDS)),
    data=st.data(),
)
def test_every_number_of_the_range_is_taken_and_none_beside_it(kind: str, data: st.DataObject) -> None:
    own, defaults, ranges = KINDS[kind]
    name = data.draw(st.sampled_from(sorted(ranges)))
    low, high = ranges[name]
    numbers = st.integers(int(low), int(high)) if isinstance(defaults[name], int) else st.floats(low, high)
    engine = "generative" if kind == "endpoint" else kind
    check_settings(engine, {**own, name: data.draw(numbers)})
    for beside in (low - 1, high + 1):
        value = int(beside) if isinstance(defaults[name], int) else beside
        assert refusal(kind, {**own, name: value})[0] == name


def test_only_a_generative_guardian_may_stand_behind_an_endpoint() -> None:
    assert asks_an_endpoint("generative", OURS) and not asks_an_endpoint("generative", {})
    assert not asks_an_endpoint("encoder", OURS) and backend_of("encoder", {}) == ""
    assert refusal("encoder", OURS)[0] == "backend"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("https://a/v1", ["https://a/v1"]),
        (" https://a/v1/ ,\nhttp://b:8000/v1,https://a/v1", ["https://a/v1", "http://b:8000/v1"]),
        ("https://user:pass@a/v1 https://a/v1?key=b https://a/v1#c https://a:8443/v1", ["https://a:8443/v1"]),
        ("ftp://a, file:///etc/passwd, a/v1, https://, http:///x", []),
    ],
)
def test_an_allow_list_is_read(text: str, found: list[str]) -> None:
    assert allowed_endpoints(text) == found
