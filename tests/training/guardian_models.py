"""Folders that look like models, an endpoint that is allowed, and what is posted for a guardian's run."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.test import Client

URL = "https://judge.example/v1"
SHAPE = {
    "architectures": ["Qwen3ForCausalLM"], "hidden_size": 64, "num_hidden_layers": 2, "intermediate_size": 128,
    "vocab_size": 500, "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 4096,
}  # fmt: skip


def model(folder: Path, *, chat: bool = True) -> Path:
    """A folder that looks like a model, with one empty tensor."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(SHAPE), "utf-8")
    (folder / "tokenizer.json").write_text("{}", "utf-8")
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", 2) + b"{}")
    if chat:
        (folder / "chat_template.jinja").write_text("{{ messages }}", "utf-8")
    return folder


def endpoint(**more: Any) -> dict[str, Any]:
    settings = {"backend": "endpoint", "url": URL, "model": "judge-1", **more}
    return {"kind": "generative", "settings": settings}


def text(page: Any) -> str:
    return re.sub(r"\s+", " ", page.content.decode())


def english(client_of: Callable[[Any], Client], user: Any) -> Client:
    client = client_of(user)
    client.cookies["django_language"] = "en"
    return client


def form(kind: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "url": URL, "model": "judge-1", **more}
