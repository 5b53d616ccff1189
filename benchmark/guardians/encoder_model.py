"""The network of an encoder guardian: a transformers checkpoint, its mean hidden state, six outputs.

Weights are read from safetensors files only, and code that comes with a checkpoint is never run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer

from benchmark.guardians.base import CRITERIA, Case, GuardianError
from benchmark.rules.truncation import fit

MODEL_FOLDER = "model"
HEAD_FILE = "head.safetensors"
MAX_CHARACTERS = 100_000
"""Both ends of a longer text go to the tokenizer: no model here reads more."""


class Network(nn.Module):
    """`body` is any model with a `last_hidden_state`; `head` maps its mean over real tokens to six margins."""

    def __init__(self, body: nn.Module, hidden: int) -> None:
        super().__init__()
        self.body = body
        self.head = nn.Linear(hidden, len(CRITERIA))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Margins (batch, 6) in float32 of token ids and mask (batch, length); padding changes nothing but rounding."""
        states = self.body(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        real = mask.unsqueeze(-1).float()
        pooled = (states * real).sum(dim=1) / real.sum(dim=1).clamp(min=1.0)
        return self.head(pooled)


@dataclass(frozen=True, slots=True)
class Batch:
    """`order`: which cases, longest first; `ids`, `mask` (batch, length)."""

    order: list[int]
    ids: Tensor
    mask: Tensor


def load_body(folder: str, *, dtype: torch.dtype = torch.float32) -> Any:
    """A checkpoint without a task head. Raises GuardianError with one sentence where it cannot be had safely."""
    try:
        return AutoModel.from_pretrained(folder, trust_remote_code=False, use_safetensors=True, dtype=dtype)
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        raise GuardianError(
            f"The checkpoint {Path(folder).name} cannot be loaded: {_first_line(error)}"
        ) from error


def load_tokenizer(folder: str) -> Any:
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise GuardianError(
            f"The tokenizer of {Path(folder).name} cannot be loaded: {_first_line(error)}"
        ) from error
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.sep_token
    if tokenizer.pad_token_id is None:
        raise GuardianError(f"The tokenizer of {Path(folder).name} has no token to pad with.")
    return tokenizer


def save_head(network: Network, path: Path) -> None:
    save_file(
        {name: value.detach().cpu().contiguous() for name, value in network.head.state_dict().items()}, path
    )


def load_head(network: Network, path: Path) -> None:
    """Raises GuardianError for a damaged file or one of another shape."""
    try:
        network.head.load_state_dict(load_file(path))
    except (OSError, RuntimeError, SafetensorError) as error:
        raise GuardianError(f"The head of this guardian cannot be read: {_first_line(error)}") from None


def encode(tokenizer: Any, cases: Sequence[Case], limit: int) -> list[list[int]]:
    """Token ids of each case, at most `limit`: start, norm, separator, question, separator, answer, separator."""
    start = [i for i in [tokenizer.cls_token_id or tokenizer.bos_token_id] if i is not None]
    between = [i for i in [tokenizer.sep_token_id or tokenizer.eos_token_id] if i is not None]
    room = limit - len(start) - 3 * len(between)
    texts = [part for case in cases for part in (case.norm, case.question, case.response)]
    parts = (
        tokenizer([clean(text) for text in texts], add_special_tokens=False, verbose=False)["input_ids"]
        if texts
        else []
    )
    encoded = []
    for i in range(len(cases)):
        norm, question, answer = fit(parts[3 * i], parts[3 * i + 1], parts[3 * i + 2], room)
        encoded.append([*start, *norm, *between, *question, *between, *answer, *between])
    return encoded


def batches(encoded: Sequence[Sequence[int]], pad: int, tokens: int, device: torch.device) -> list[Batch]:
    """Length-sorted batches of at most `tokens` padded tokens (a case longer than that goes alone)."""
    order = sorted(range(len(encoded)), key=lambda i: (-len(encoded[i]), i))
    groups: list[list[int]] = []
    for i in order:
        if groups and len(encoded[groups[-1][0]]) * (len(groups[-1]) + 1) <= tokens:
            groups[-1].append(i)
        else:
            groups.append([i])
    return [_batch(group, encoded, pad, device) for group in groups]


def clean(text: str) -> str:
    """Without lone surrogates, which no tokenizer takes, and not longer than MAX_CHARACTERS."""
    if len(text) > MAX_CHARACTERS:
        text = text[: MAX_CHARACTERS // 2] + text[-MAX_CHARACTERS // 2 :]
    return text.encode("utf-8", "replace").decode("utf-8")


def _batch(group: list[int], encoded: Sequence[Sequence[int]], pad: int, device: torch.device) -> Batch:
    width = len(encoded[group[0]])
    ids = torch.full((len(group), width), pad, dtype=torch.long)
    mask = torch.zeros((len(group), width), dtype=torch.long)
    for line, i in enumerate(group):
        ids[line, : len(encoded[i])] = torch.tensor(encoded[i], dtype=torch.long)
        mask[line, : len(encoded[i])] = 1
    return Batch(group, ids.to(device), mask.to(device))


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
