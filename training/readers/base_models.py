"""Which base model a run may start from: a folder in an allowed place, or a hub id of an allowed owner.

Only safetensors weights, never code that comes with a model. Standard library only; nothing is loaded here.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HUB_ID = re.compile(r"^[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}$")
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "tokenizer.model", "vocab.json", "spiece.model")
TEMPLATE_FILES = ("chat_template.jinja", "chat_template.json")


class BaseModelError(ValueError):
    """A base model that cannot be used; the text is one sentence."""


@dataclass(frozen=True, slots=True)
class Base:
    """A base model on disk. `adapter`: the folder holds a LoRA adapter, and `folder` is the model under it."""

    folder: Path
    adapter: Path | None
    config: dict[str, Any]


def is_path(name: str) -> bool:
    """Whether a base model is named by a folder: absolute, relative with a dot, or simply there."""
    return name.startswith((os.sep, ".", "~")) or not HUB_ID.match(name) or Path(name).exists()


def hub_refusal(name: str, hubs: Sequence[str] | None) -> str | None:
    """Why this hub id may not be fetched; None if it may. `hubs`: owners ("Qwen") or ids; None allows all."""
    if hubs is None or name in hubs or name.split("/")[0] in hubs:
        return None
    return f"The hub model {name} is not among the allowed ones ({', '.join(hubs) or 'none are allowed'})."


def base_in(name: str, roots: Sequence[str] | None) -> Base:
    """The base model in a folder. Raises BaseModelError where it is missing, elsewhere, or not safetensors."""
    named = Path(os.path.abspath(Path(name).expanduser()))  # without dots, links not followed yet
    folder = named.resolve()
    if roots is not None and not any(_lies_in(Path(root).expanduser(), named, folder) for root in roots):
        raise BaseModelError(f"The base model {name} does not lie in one of the allowed folders.")
    if not folder.is_dir():
        raise BaseModelError(f"There is no base model {name}.")
    if (folder / "adapter_config.json").is_file() and not (folder / "config.json").is_file():
        return _under_adapter(folder, roots)
    config = _json(
        folder / "config.json", f"The folder {name} holds no model: config.json is missing or broken."
    )
    _check_weights(folder, name)
    if not any((folder / file).is_file() for file in TOKENIZER_FILES):
        raise BaseModelError(f"The folder {name} holds no tokenizer.")
    return Base(folder, None, config)


def _lies_in(root: Path, named: Path, folder: Path) -> bool:
    """Also by a link that lies in the root itself: whoever may put one there may put a model there."""
    return named.is_relative_to(Path(os.path.abspath(root))) or folder.is_relative_to(root.resolve())


def whole_safetensors(path: Path) -> bool:
    """Whether the file is as long as its own header says."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 0 < length <= size - 8:
                return False
            header = json.loads(file.read(length))
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return False
    return size == 8 + length + max(ends, default=0)


def count_parameters(folder: Path) -> int:
    """Numbers in the safetensors files of a folder, by their headers; 0 where they cannot be read."""
    count = 0
    try:
        for path in folder.glob("model*.safetensors"):
            with path.open("rb") as file:
                header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
            shapes = [entry["shape"] for name, entry in header.items() if name != "__metadata__"]
            count += sum(math.prod(shape) for shape in shapes)
    except (OSError, ValueError, KeyError, TypeError):
        return 0
    return count


def has_chat_template(folder: Path) -> bool:
    """Whether a tokenizer says how turns of a conversation are written, by any of the files that may hold it."""
    if any((folder / name).is_file() for name in TEMPLATE_FILES):
        return True
    try:
        told = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(told, dict) and bool(told.get("chat_template"))


def _under_adapter(folder: Path, roots: Sequence[str] | None) -> Base:
    broken = f"The adapter {folder} is broken: adapter_config.json names no base model."
    below = _json(folder / "adapter_config.json", broken).get("base_model_name_or_path")
    if not isinstance(below, str) or not below:
        raise BaseModelError(broken)
    if not whole_safetensors(folder / "adapter_model.safetensors"):
        raise BaseModelError(
            f"The adapter {folder} is broken: adapter_model.safetensors is missing or cut off."
        )
    base = base_in(below, roots)
    if base.adapter is not None:
        raise BaseModelError(f"The adapter {folder} lies on another adapter: merge that one first.")
    return Base(base.folder, folder, base.config)


def _check_weights(folder: Path, name: str) -> None:
    files = [folder / "model.safetensors"]
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        named = _json(index, f"The weights index in {name} is broken.").get("weight_map")
        if not isinstance(named, dict) or not named:
            raise BaseModelError(f"The weights index in {name} is broken.")
        files = [folder / str(file) for file in sorted(set(named.values()))]
    elif not files[0].is_file():
        if list(folder.glob("*.bin")) or list(folder.glob("*.pt")) or list(folder.glob("*.pth")):
            raise BaseModelError(f"The weights in {name} are not safetensors: convert them first.")
        raise BaseModelError(f"The folder {name} holds no weights: model.safetensors is missing.")
    for file in files:
        if not whole_safetensors(file):
            raise BaseModelError(f"The weights in {name} are incomplete: {file.name} is missing or cut off.")


def _json(path: Path, complaint: str) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        raise BaseModelError(complaint) from None
    if not isinstance(data, dict):
        raise BaseModelError(complaint)
    return data
