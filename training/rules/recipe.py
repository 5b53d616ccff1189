"""What an SFT or DPO dataset is made of: the researcher's choices, checked, in one canonical form."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

Kind = Literal["sft", "dpo"]
SOURCES: Mapping[str, tuple[str, ...]] = {
    "sft": ("corrections", "labels", "guardian"),
    "dpo": ("corrections", "pairs", "labels", "guardian"),
}
HIGHEST_SEED = 2**31 - 1
FORMATS = ("jsonl", "parquet")


class RecipeError(ValueError):
    """`field` names the choice that is wrong; the text is one sentence."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True, slots=True)
class Recipe:
    """Defaults suit both kinds.

    `sources`: where judgements come from, all of the kind by default. `benchmarks`, `campaigns`: slugs, none means all.
    `guardian`: "name version", or "" for the active one. `quality`: lowest weighted score of an SFT answer. `risk`:
    highest probability of risk of an answer to be imitated or preferred. `margin`: see `pairs`. `per_prompt`, `per_norm`,
    `limit`: 0 is no bound. `length_ratio`, `length_bias`: see `pairs.bound_lengths`. `longest`: characters of an answer.
    `held_out`: share of norm groups kept for evaluation. `format`: of the files, jsonl or parquet.
    """

    kind: Kind
    sources: tuple[str, ...] = ()
    benchmarks: tuple[str, ...] = ()
    campaigns: tuple[str, ...] = ()
    guardian: str = ""
    quality: float = 0.6
    risk: float = 0.1
    margin: float = 0.1
    per_prompt: int = 4
    per_norm: int = 0
    limit: int = 0
    length_ratio: float = 3.0
    length_bias: float = 0.25
    longest: int = 8000
    held_out: float = 0.1
    seed: int = 1
    format: str = "jsonl"

    def as_json(self) -> dict[str, Any]:
        """The canonical form: every choice, lists sorted."""
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()
        }

    def canonical(self) -> str:
        return json.dumps(self.as_json(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


_SHARES = ("quality", "risk", "margin", "held_out")
_COUNTS = {
    "per_prompt": 1000,
    "per_norm": 100_000,
    "limit": 10_000_000,
    "longest": 1_000_000,
    "seed": HIGHEST_SEED,
}
_LISTS = ("sources", "benchmarks", "campaigns")


def parse_recipe(kind: str, data: Mapping[str, Any]) -> Recipe:
    """Raises RecipeError for an unknown choice or a value out of range."""
    if kind not in SOURCES:
        raise RecipeError("kind", "A recipe is for sft or dpo.")
    known = {item.name for item in fields(Recipe)}
    for name in data:
        if name not in known:
            raise RecipeError(str(name), f"A recipe has no setting {str(name)[:40]!r}.")
    if data.get("kind", kind) != kind:
        raise RecipeError("kind", "The recipe is of another kind.")
    chosen = {name: value for name, value in data.items() if name != "kind"}
    for name in _LISTS:
        if name in chosen:
            chosen[name] = _texts(name, chosen[name])
    unknown = [name for name in chosen.get("sources", ()) if name not in SOURCES[kind]]
    if unknown:
        raise RecipeError(
            "sources", f"There is no source {unknown[0][:40]!r}: choose from {', '.join(SOURCES[kind])}."
        )
    chosen["sources"] = chosen.get("sources") or tuple(sorted(SOURCES[kind]))
    if not isinstance(chosen.get("guardian", ""), str):
        raise RecipeError("guardian", "A guardian is named by its name and version.")
    if chosen.get("format", FORMATS[0]) not in FORMATS:
        raise RecipeError("format", f"format must be one of {', '.join(FORMATS)}.")
    for name in _SHARES:
        _number(chosen, name, 0, 1)
    _number(chosen, "length_ratio", 1, 1000)
    _number(chosen, "length_bias", 0, 10)
    for name, highest in _COUNTS.items():
        value = chosen.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= highest:
            raise RecipeError(name, f"{name} must be a whole number from 0 to {highest}.")
    return Recipe(kind=kind, **chosen)  # type: ignore[arg-type]


def _texts(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(part, str) and part for part in value):
        raise RecipeError(name, f"{name} must be a list of names.")
    return tuple(sorted(set(value)))


def _number(chosen: dict[str, Any], name: str, low: float, high: float) -> None:
    if name not in chosen:
        return
    value = chosen[name]
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or not low <= value <= high
    ):
        raise RecipeError(name, f"{name} must be a number from {low:g} to {high:g}.")
    chosen[name] = float(value)
