"""Settings that somebody typed as YAML (JSON is YAML too): one flat mapping of plain values, and nothing clever.

Only the safe constructors, and no tags, which say that a text is a number where it is none; no anchors and aliases, by
which a few lines become gigabytes; no key twice, of which the reader would silently keep the last; 1e-4 is a number,
which YAML 1.1 takes for a text.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Hashable, Mapping
from typing import Any

import yaml

MOST_CHARACTERS = 10_000
DEEPEST = 6


class SettingsError(ValueError):
    """Text that is no settings; the message is one sentence."""


class _Loader(yaml.SafeLoader):
    """Refuses aliases, tags, depth and doubled keys."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent) or getattr(self.peek_event(), "anchor", None):
            raise SettingsError("Anchors and aliases are not allowed here.")
        if getattr(self.peek_event(), "tag", None) is not None:
            raise SettingsError("Tags, such as !!str, are not allowed here.")
        self.depth += 1
        if self.depth > DEEPEST:
            raise SettingsError("These settings are nested too deeply.")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _value in node.value:
            name = self.construct_object(key, deep=True)
            if not isinstance(name, str):
                raise SettingsError(f"{str(name)[:60]!r} is no name of a setting.")
            if name in seen:
                raise SettingsError(f"{name[:60]!r} is said twice.")
            seen.add(name)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
)


def read_settings(text: str) -> dict[str, Any]:
    """Raises SettingsError in one sentence for what is too long, no YAML, no mapping, or holds no plain values."""
    if len(text) > MOST_CHARACTERS:
        raise SettingsError(f"These settings are longer than {MOST_CHARACTERS} characters.")
    try:
        found = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader made stricter
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SettingsError(f"This is no YAML: line {line} cannot be read.") from None
    except (yaml.YAMLError, ValueError, LookupError, RecursionError) as error:
        if isinstance(error, SettingsError):
            raise
        raise SettingsError("This is no YAML.") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise SettingsError("Write one setting a line, such as “eval_every: 20”.")
    _check_plain(found)
    return found


def write_settings(settings: Mapping[str, Any]) -> str:
    """YAML that `read_settings` reads back to the same; empty for no settings."""
    return "".join(f"{name}: {_written(value)}\n" for name, value in settings.items())


def _written(value: Any) -> str:
    """JSON, with what YAML does not take as it stands escaped."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else _escaped(ord(sign)) for sign in text)


def _escaped(number: int) -> str:
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _check_plain(value: Any) -> None:
    if isinstance(value, dict):
        for part in value.values():
            _check_plain(part)
    elif isinstance(value, list):
        for part in value:
            _check_plain(part)
    elif isinstance(value, float) and not math.isfinite(value):
        raise SettingsError("A setting must be a finite number.")
    elif not isinstance(value, str | int | float | bool | None):
        raise SettingsError("Settings are numbers, texts, yes or no, and lists of them.")
