"""The settings of the guardians that are neural networks or language models: defaults, ranges, choices.

`encoder`: max_length (tokens), epochs, batch_size, learning_rate, warmup (share of steps), weight_decay, lora_r (0: all
weights are trained), dtype, arithmetic (how it computes when it judges), checkpoint_seconds (between two checkpoints).
`generative`, a checkpoint on disk (backend "local"): epochs, batch_size, learning_rate, max_length, lora_r, calibrate_on
(held-out rows at most), checkpoint_seconds. `generative` behind an endpoint (backend "endpoint"): url, model, key_name
(the variable that holds the key), timeout (seconds a call), tries (an answer), wait (seconds before the second try),
parallel (calls in flight), calibrate_on (rows at most). Values as they come from JSON; no Django, no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from benchmark.rules.judge_endpoints import KEY_NAME

Ranges = Mapping[str, tuple[float, float]]
S = TypeVar("S")

ENCODER_DEFAULTS: Mapping[str, Any] = {
    "max_length": 512,
    "epochs": 3,
    "batch_size": 16,
    "learning_rate": 2e-5,
    "warmup": 0.1,
    "weight_decay": 0.01,
    "lora_r": 0,
    "dtype": "float32",
    "arithmetic": "auto",
    "checkpoint_seconds": 60,
}
ENCODER_RANGES: Ranges = {
    "max_length": (16, 131_072),
    "epochs": (1, 100),
    "batch_size": (1, 4_096),
    "learning_rate": (1e-8, 1.0),
    "warmup": (0.0, 1.0),
    "weight_decay": (0.0, 1.0),
    "lora_r": (0, 1_024),
    "checkpoint_seconds": (0, 86_400),
}
ENCODER_CHOICES: Mapping[str, tuple[str, ...]] = {
    "dtype": ("float32", "bfloat16"),
    "arithmetic": ("float", "int8", "auto"),
}
GENERATIVE_DEFAULTS: Mapping[str, Any] = {
    "epochs": 2,
    "batch_size": 4,
    "learning_rate": 1e-4,
    "max_length": 8_192,
    "lora_r": 16,
    "calibrate_on": 200,
    "checkpoint_seconds": 60,
}
GENERATIVE_RANGES: Ranges = {
    "epochs": (1, 100),
    "batch_size": (1, 1_024),
    "learning_rate": (1e-8, 1.0),
    "max_length": (256, 131_072),
    "lora_r": (0, 1_024),
    "calibrate_on": (0, 100_000),
    "checkpoint_seconds": (0, 86_400),
}
ENDPOINT_DEFAULTS: Mapping[str, Any] = {
    "url": "",
    "model": "",
    "key_name": "",
    "timeout": 60.0,
    "tries": 4,
    "wait": 1.0,
    "parallel": 8,
    "calibrate_on": 200,
}
ENDPOINT_RANGES: Ranges = {
    "timeout": (1, 600),
    "tries": (1, 10),
    "wait": (0, 60),
    "parallel": (1, 64),
    "calibrate_on": (0, 100_000),
}
BACKENDS = ("local", "endpoint")
LONGEST_TEXT = 300
NO_URL = "Choose an endpoint."
NO_MODEL = "Name the model that the endpoint is to answer with."
KEY_NAMED_WRONGLY = "The key's variable must be called MEDES_JUDGE_KEY or MEDES_JUDGE_KEY_<NAME>."


class SettingsRefused(ValueError):
    """One sentence; `key` names the setting it is about."""

    def __init__(self, sentence: str, key: str) -> None:
        super().__init__(sentence)
        self.key = key


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    max_length: int
    epochs: int
    batch_size: int
    learning_rate: float
    warmup: float
    weight_decay: float
    lora_r: int
    dtype: str
    arithmetic: str
    checkpoint_seconds: int


@dataclass(frozen=True, slots=True)
class GenerativeSettings:
    epochs: int
    batch_size: int
    learning_rate: float
    max_length: int
    lora_r: int
    calibrate_on: int
    checkpoint_seconds: int


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    url: str
    model: str
    key_name: str
    timeout: float
    tries: int
    wait: float
    parallel: int
    calibrate_on: int


def encoder_settings(given: Mapping[str, Any]) -> EncoderSettings:
    """With the defaults for what is not given. Raises SettingsRefused for an unknown setting or a value not allowed."""
    return EncoderSettings(**_whole("An encoder", given, ENCODER_DEFAULTS, ENCODER_RANGES, ENCODER_CHOICES))


def generative_settings(given: Mapping[str, Any]) -> GenerativeSettings:
    """Of a checkpoint on disk; `backend` may say so. Raises as `encoder_settings`."""
    return GenerativeSettings(
        **_whole("A generative guardian", _without_backend(given), GENERATIVE_DEFAULTS, GENERATIVE_RANGES)
    )


def endpoint_settings(given: Mapping[str, Any]) -> EndpointSettings:
    """Of a model behind an endpoint. Whether it is allowed here is not asked. Raises as `encoder_settings`."""
    name = "A guardian behind an endpoint"
    found = EndpointSettings(**_whole(name, _without_backend(given), ENDPOINT_DEFAULTS, ENDPOINT_RANGES))
    for key in ("url", "model", "key_name"):
        value = getattr(found, key)
        if not isinstance(value, str) or len(value) > LONGEST_TEXT or not value.isprintable():
            raise SettingsRefused(
                f"The setting {key} is a text of at most {LONGEST_TEXT} characters in one line.", key
            )
    if not found.url:
        raise SettingsRefused(NO_URL, "url")
    if not found.model.strip():
        raise SettingsRefused(NO_MODEL, "model")
    if found.key_name and not KEY_NAME.match(found.key_name):
        raise SettingsRefused(KEY_NAMED_WRONGLY, "key_name")
    return found


def backend_of(kind: str, given: Mapping[str, Any]) -> str:
    """ "endpoint" or "local"; "" for a kind that has no choice. Raises SettingsRefused for another word."""
    if kind != "generative":
        return ""
    backend = given.get("backend", "local")
    if backend not in BACKENDS:
        raise SettingsRefused(_no_choice("backend", BACKENDS, backend), "backend")
    return str(backend)


def asks_an_endpoint(kind: str, given: Mapping[str, Any]) -> bool:
    """Whether nothing is trained on this machine, because the model lies behind an endpoint."""
    return kind == "generative" and given.get("backend") == "endpoint"


def check_settings(kind: str, given: Mapping[str, Any]) -> None:
    """Raises SettingsRefused unless an engine of this kind would take the settings."""
    if kind == "encoder":
        encoder_settings(given)
    elif backend_of(kind, given) == "endpoint":
        endpoint_settings(given)
    elif kind == "generative":
        generative_settings(given)
    elif given:
        key = sorted(map(str, given))[0]
        raise SettingsRefused(f"A linear guardian has no setting {key!r:.80}.", key)


def _without_backend(given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key != "backend"}


def _whole(
    who: str,
    given: Mapping[str, Any],
    defaults: Mapping[str, Any],
    ranges: Ranges,
    choices: Mapping[str, tuple[str, ...]] | None = None,
) -> dict[str, Any]:
    unknown = sorted(str(key) for key in set(given) - set(defaults))
    if unknown:
        raise SettingsRefused(f"{who} has no setting {unknown[0]!r:.80}.", unknown[0])
    values = {**defaults, **given}
    for name, (low, high) in ranges.items():
        value = values[name]
        whole = isinstance(defaults[name], int)
        good = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
        if not good or not low <= value <= high:  # which nan, inf and numbers beyond any float are not
            raise SettingsRefused(
                f"The setting {name} lies between {low:g} and {high:g}, not {_shown(value)}.", name
            )
    for name, allowed in (choices or {}).items():
        if values[name] not in allowed:
            raise SettingsRefused(_no_choice(name, allowed, values[name]), name)
    return values


def _no_choice(name: str, allowed: tuple[str, ...], value: object) -> str:
    return f"The setting {name} is one of {', '.join(allowed)}, not {_shown(value)}."


def _shown(value: object) -> str:
    try:
        return f"{value!r:.40}"
    except ValueError:  # a whole number of more digits than Python writes
        return "a number beyond all measure"
