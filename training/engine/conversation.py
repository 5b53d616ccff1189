"""How a base model is spoken to: its tokenizer, its chat template (or a plain one), and what ends an answer.

Checkpoints come with oddities, and each is met in one place: no chat template (base models), a template that
refuses system messages (Gemma), no padding token or one beyond the embeddings, no end token, an end of turn
that is not the end token (base models of Qwen). What was done about one is told in `notes`, goes into progress and
card, and stays with the artefact, because the tokenizer is saved with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from training.engine.tuning_folder import RunRefused
from training.readers.base_models import TOKENIZER_FILES, Base

PLAIN_TEMPLATE = (
    "{% if bos_token %}{{ bos_token }}{% endif %}"
    "{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ message['content'] | trim }}{{ '\n\n' }}"
    "{% elif message['role'] == 'user' %}{{ 'User:\n' }}{{ message['content'] | trim }}{{ '\n\n' }}"
    "{% else %}{{ 'Assistant:\n' }}"
    "{% generation %}{{ message['content'] | trim }}{{ eos_token }}{% endgeneration %}{{ '\n\n' }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:\n' }}{% endif %}"
)
"""For models that bring none. Its marks are ordinary words, since a base model knows no special tokens for turns."""

FOLD_SYSTEM = (
    "{% if messages | length > 1 and messages[0]['role'] == 'system' %}"
    "{% set messages = [{'role': 'user', 'content': messages[0]['content'] ~ '\n\n' ~ messages[1]['content']}] "
    "+ messages[2:] %}{% endif %}"
)
"""Put before a template that has no place for a system message: it then opens the first question."""

PLAIN_NOTE = (
    "the base model has no chat template: turns are marked by the words User and Assistant, "
    "and this template is kept with the model"
)
FOLD_NOTE = "the chat template has no place for system messages: they open the first question"
PROBE = "知情同意"


@dataclass(frozen=True, slots=True)
class Speech:
    """A tokenizer that can hold a conversation. `vocabulary`: rows of the model's embeddings, 0 where unknown."""

    tokenizer: PreTrainedTokenizerBase
    notes: tuple[str, ...]
    vocabulary: int


def load_speech(base: Base, *, system: bool = False) -> Speech:
    """`system`: system messages will be said. An adapter's own tokenizer goes before that of the model below it.

    Raises RunRefused for a tokenizer that is broken, or that cannot end an answer.
    """
    folder, config = base.folder, base.config
    if base.adapter is not None and any((base.adapter / name).is_file() for name in TOKENIZER_FILES):
        folder = base.adapter
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # the loaders raise whatever the file's contents provoke
        said = (str(error).strip().split("\n")[0] or type(error).__name__)[:200]
        raise RunRefused(f"The tokenizer in {folder} cannot be loaded: {said}") from None
    inner = config.get("text_config")
    numbers = {**config, **inner} if isinstance(inner, Mapping) else config
    vocabulary = numbers.get("vocab_size")
    vocabulary = vocabulary if isinstance(vocabulary, int) else 0
    notes = [*_with_end(tokenizer, numbers, folder), *_with_padding(tokenizer, vocabulary)]
    if not tokenizer.chat_template:
        tokenizer.chat_template = PLAIN_TEMPLATE
        notes.append(PLAIN_NOTE)
    elif isinstance(tokenizer.chat_template, dict):  # several, by name
        tokenizer.chat_template = tokenizer.get_chat_template()
    if system and not _takes_system(tokenizer):
        tokenizer.chat_template = FOLD_SYSTEM + tokenizer.chat_template
        notes.append(FOLD_NOTE)
    return Speech(tokenizer, tuple(notes), vocabulary)


def ids_of(
    tokenizer: PreTrainedTokenizerBase, turns: Sequence[Mapping[str, str]], *, ask: bool = False
) -> list[int]:
    """Token ids of a conversation. Raises RunRefused where the template refuses the turns."""
    try:
        found: Any = tokenizer.apply_chat_template(
            [dict(turn) for turn in turns], add_generation_prompt=ask, tokenize=True, return_dict=True
        )
    except Exception as error:  # templates raise what they like
        said = (str(error).strip().split("\n")[0] or type(error).__name__)[:200]
        raise RunRefused(f"the chat template of the base model refuses the turns: {said}") from None
    return list(found["input_ids"])


def stops_of(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Ids that end an answer: the model's own, the tokenizer's end, and the end of turn in the template."""
    own = getattr(model.generation_config, "eos_token_id", None)
    stops = set(own if isinstance(own, list) else [] if own is None else [own])
    if tokenizer.eos_token_id is not None:
        stops.add(tokenizer.eos_token_id)
    turn = end_of_turn(tokenizer)
    return sorted(stops | ({turn} if turn is not None else set()))


def end_of_turn(tokenizer: PreTrainedTokenizerBase) -> int | None:
    """The special token that the template puts behind an answer; None where it puts ordinary text there."""
    turns = [{"role": "user", "content": PROBE}, {"role": "assistant", "content": PROBE}]
    try:
        text = str(tokenizer.apply_chat_template(turns, tokenize=False))
    except Exception:  # a template that refuses even this says nothing about ends
        return None
    behind = text.rpartition(PROBE)[2]
    ids: list[int] = tokenizer(behind, add_special_tokens=False)["input_ids"] if behind else []
    special = set(tokenizer.all_special_ids) | set(getattr(tokenizer, "added_tokens_decoder", {}))
    return ids[0] if ids and ids[0] in special else None


def _with_end(tokenizer: PreTrainedTokenizerBase, numbers: Mapping[str, Any], folder: Path) -> list[str]:
    if tokenizer.eos_token is not None:
        return []
    said = numbers.get("eos_token_id")
    number = said[0] if isinstance(said, list) and said else said
    if not isinstance(number, int):
        number = end_of_turn(tokenizer) if tokenizer.chat_template else None
    token = tokenizer.convert_ids_to_tokens(number) if number is not None else None
    if not isinstance(token, str):
        raise RunRefused(f"The tokenizer in {folder} names no end token, so no answer could end.")
    tokenizer.eos_token = token
    return [f"the tokenizer names no end token: {token} is taken"]


def _with_padding(tokenizer: PreTrainedTokenizerBase, vocabulary: int) -> list[str]:
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
        return []
    if vocabulary and tokenizer.pad_token_id >= vocabulary:
        stray, tokenizer.pad_token = tokenizer.pad_token, tokenizer.eos_token
        return [f"the padding token {stray} has no embedding: {tokenizer.eos_token} pads instead"]
    return []


def _takes_system(tokenizer: PreTrainedTokenizerBase) -> bool:
    turns = [{"role": "system", "content": PROBE}, {"role": "user", "content": "?"}]
    try:
        return PROBE in str(tokenizer.apply_chat_template(turns, tokenize=False))
    except Exception:  # templates raise what they like
        return False
