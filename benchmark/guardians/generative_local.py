"""A local checkpoint as a judge: greedy decoding with transformers, one answer after the other."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, StoppingCriteria, StoppingCriteriaList

from benchmark.guardians.base import GuardianError
from benchmark.guardians.encoder_model import MODEL_FOLDER, load_tokenizer
from benchmark.guardians.endpoint import CallFailed

MAX_NEW_TOKENS = 800
LOOK_AFTER = 24
"""Tokens after which a reply must have begun as an object; the rest of one that has not is no use to anybody."""


class NoObject(StoppingCriteria):
    """Ends a reply that does not begin with a brace by then: a blank one never does, and `read_reply` refuses others."""

    def __init__(self, tokenizer: Any, prompt: int) -> None:
        self._tokenizer = tokenizer
        self._prompt = prompt

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **_more: Any) -> torch.Tensor:
        over = torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)
        if input_ids.shape[1] - self._prompt == LOOK_AFTER:
            for place, made in enumerate(input_ids[:, self._prompt :]):
                begun = str(self._tokenizer.decode(made, skip_special_tokens=True))
                over[place] = not begun.lstrip().startswith("{")
        return over


class LocalBackend:
    """Not more than one generation at a time: the model is one, the calls are many."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = model.to(self.device).eval()
        self.tokenizer = tokenizer
        self._turn = threading.Lock()

    @torch.inference_mode()
    def complete(self, messages: Sequence[dict[str, str]], seed: int) -> str:
        """Greedy on the first try, sampled at a low temperature by seed afterwards, or a bad reply would only come
        again. Raises CallFailed where the prompt does not fit."""
        encoded = self.tokenizer.apply_chat_template(
            list(messages), add_generation_prompt=True, return_tensors="pt", return_dict=True
        ).to(self.device)
        length = encoded["input_ids"].shape[1]
        reads = getattr(self.model.config, "max_position_embeddings", None)
        if reads is not None and length + MAX_NEW_TOKENS > reads:
            raise CallFailed("the answer is too long for this model", again=False)
        options: dict[str, Any] = (
            {"do_sample": False} if seed == 0 else {"do_sample": True, "temperature": 0.3}
        )
        with self._turn:
            torch.manual_seed(seed)
            made = self.model.generate(
                **encoded,
                max_new_tokens=MAX_NEW_TOKENS,
                pad_token_id=self.tokenizer.pad_token_id,
                stopping_criteria=StoppingCriteriaList([NoObject(self.tokenizer, length)]),
                **options,
            )
        return str(self.tokenizer.decode(made[0, length:], skip_special_tokens=True))


def load_backend(folder: Path) -> LocalBackend:
    """Raises GuardianError for a missing or damaged checkpoint; safetensors only, no code of its own is run."""
    place = folder / MODEL_FOLDER
    if not place.is_dir():
        raise GuardianError(f"The artefact has no folder {MODEL_FOLDER}.")
    try:
        model = AutoModelForCausalLM.from_pretrained(
            str(place), trust_remote_code=False, use_safetensors=True
        )
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        raise GuardianError(f"The checkpoint cannot be loaded: {str(error).splitlines()[0][:300]}") from error
    return LocalBackend(model, load_tokenizer(str(place)))
