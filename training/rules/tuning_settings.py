"""The engine's settings as a form shows them: some have fields of their own, the others are written in one box.

In the box the settings of the trainer's own class (`extra`) stand beside the engine's, without a level between.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Any

from training.rules.tuning_config import EXTRA, Config, ConfigError, Kind, parse_config

SITES_OWN = frozenset(("base_model", "kind", "name", "version", "model_roots", "hubs", "lineage"))
"""What the site says, or a field that every form has."""

KNOWN = frozenset(item.name for item in fields(Config)) - SITES_OWN - {"extra"}


def unboxed(kind: Kind, box: Mapping[str, Any], own: Collection[str]) -> dict[str, Any]:
    """The configuration that a box stands for. `own`: settings that have fields beside the box.

    Raises ConfigError, naming the key, for one that is unknown, is said beside the box, or is not allowed.
    """
    config: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for key, value in box.items():
        if key == "extra":
            if not isinstance(value, Mapping):
                raise ConfigError(f"extra must be a object, not {str(value)[:40]!r}.", "extra")
            extra.update(value)
        elif key in own:
            raise ConfigError(f"{key} has a field of its own.", key)
        elif key in KNOWN and not (kind == "sft" and key == "loss_type"):
            config[key] = value
        elif key in EXTRA[kind]:
            extra[key] = value
        else:
            raise ConfigError(
                f"{str(key)[:60]!r} is not among the allowed settings of {kind.upper()}.", str(key)
            )
    return {**config, **({"extra": extra} if extra else {})}


def boxed(config: Mapping[str, Any], own: Collection[str]) -> dict[str, Any]:
    """The other way round: what of a configuration stands in the box, sorted by name."""
    rest = {key: value for key, value in config.items() if key in KNOWN and key not in own}
    return dict(sorted({**rest, **config.get("extra", {})}.items()))


def differences(
    first: Mapping[str, Any], second: Mapping[str, Any], kinds: tuple[Kind, Kind]
) -> list[tuple[str, Any, Any]]:
    """(setting, of the first, of the second) where two configurations do not come to the same, by name.

    What is not said counts as its default, so that saying a default makes no difference.
    """
    one, two = (_whole(config, kind) for config, kind in zip((first, second), kinds, strict=True))
    names = sorted({*one, *two})
    return [(name, one.get(name), two.get(name)) for name in names if one.get(name) != two.get(name)]


def _whole(config: Mapping[str, Any], kind: Kind) -> dict[str, Any]:
    try:
        parsed = parse_config({**config, "kind": kind}, kind)
    except ConfigError:  # of an older version of the engine
        return dict(config)
    found = {**parsed.as_json(), "learning_rate": parsed.rate, **parsed.extra}
    for name in ("extra", "kind", "name", "version", "model_roots", "hubs", "lineage"):
        found.pop(name)
    return found
