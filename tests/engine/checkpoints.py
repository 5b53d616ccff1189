"""Checkpoints as they come from elsewhere: several architectures from their configuration classes, random weights, a
byte-level BPE tokenizer trained on the demo's texts, and what real folders have of oddities. Nothing is downloaded."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

from tests.engine.tuning_scene import DEMO
from training.engine.tiny_policy import corpus_texts

WORDS = 1200
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
THINKING = (  # the last answer gets an empty thought that the prompt does not announce
    "{% for message in messages %}{{ '<|im_start|>' + message.role + '\n' }}"
    "{% if message.role == 'assistant' and loop.last %}{{ '<think>\n\n</think>\n\n' }}{% endif %}"
    "{{ message.content + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
NO_SYSTEM = (  # as Gemma's
    "{{ bos_token }}{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for message in messages %}{% if (message.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant') }}{% endif %}"
    "{{ '<start_of_turn>' + ('model' if message.role == 'assistant' else 'user') + '\n' + message.content | trim "
    "+ '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
SMALL: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
}
FEW_KEYS: dict[str, Any] = {**SMALL, "head_dim": 8}
ALIKE: dict[str, Any] = {key: value for key, value in SMALL.items() if key != "num_key_value_heads"}
CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "qwen2": ("Qwen2Config", {**SMALL, "tie_word_embeddings": True}),
    "qwen3": ("Qwen3Config", {**FEW_KEYS, "tie_word_embeddings": True}),
    "qwen3_moe": (
        "Qwen3MoeConfig",
        {**FEW_KEYS, "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32},
    ),
    "llama": ("LlamaConfig", SMALL),
    "mistral": ("MistralConfig", {**FEW_KEYS, "sliding_window": 64}),
    "gemma2": ("Gemma2Config", {**FEW_KEYS, "query_pre_attn_scalar": 8, "sliding_window": 64}),
    "gemma3": ("Gemma3TextConfig", {**FEW_KEYS, "query_pre_attn_scalar": 8, "sliding_window": 64}),
    "phi3": ("Phi3Config", {**SMALL, "original_max_position_embeddings": 512}),
    "phi": ("PhiConfig", SMALL),
    "glm4": ("Glm4Config", FEW_KEYS),
    "gpt2": ("GPT2Config", {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 160}),
    "gpt_neox": ("GPTNeoXConfig", ALIKE),
    "opt": (
        "OPTConfig",
        {
            "hidden_size": 32, "ffn_dim": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
            "max_position_embeddings": 160, "word_embed_proj_dim": 32, "do_layer_norm_before": True,
        },
    ),
    "bloom": ("BloomConfig", {"hidden_size": 32, "n_layer": 2, "n_head": 4}),
    "falcon": ("FalconConfig", {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}),
}  # fmt: skip
STYLES: dict[str, dict[str, Any]] = {
    "chatml": {"special": ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], "eos": "<|im_end|>",
               "pad": "<|endoftext|>", "template": CHATML},
    "thinking": {"special": ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], "eos": "<|im_end|>",
                 "pad": "<|endoftext|>", "template": THINKING},
    "no_system": {"special": ["<pad>", "<eos>", "<bos>", "<start_of_turn>", "<end_of_turn>"], "eos": "<eos>",
                  "bos": "<bos>", "pad": "<pad>", "template": NO_SYSTEM},
    "base": {"special": ["<|endoftext|>"], "eos": "<|endoftext|>", "bos": "<|endoftext|>"},
    "base_bos": {"special": ["<s>", "</s>"], "eos": "</s>", "bos": "<s>"},
    "pad_is_end": {"special": ["</s>"], "eos": "</s>", "pad": "</s>"},
    "stray_pad": {"special": ["<s>", "</s>"], "eos": "</s>", "bos": "<s>", "added_pad": "[PAD]"},
}  # fmt: skip


@cache
def words_of(special: tuple[str, ...]) -> Tokenizer:
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=WORDS,
        special_tokens=list(special),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator(corpus_texts([DEMO / "items.jsonl"]), trainer)
    return core


def tokenizer_of(style: str) -> PreTrainedTokenizerFast:
    said = STYLES[style]
    core = Tokenizer.from_str(words_of(tuple(said["special"])).to_str())
    named = {f"{name}_token": said[name] for name in ("eos", "bos", "pad") if name in said}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, clean_up_tokenization_spaces=False, **named)
    if "added_pad" in said:  # added later, and the embeddings were never made longer
        tokenizer.add_special_tokens({"pad_token": said["added_pad"]})
    if "template" in said:
        tokenizer.chat_template = said["template"]
    return tokenizer


def build_checkpoint(
    folder: Path,
    family: str,
    style: str,
    *,
    spare: int = 64,
    dtype: torch.dtype = torch.bfloat16,
    shard: str = "50GB",
    generation: dict[str, Any] | None = None,
    config: dict[str, Any] | None = None,
    odd: Callable[[Path], None] | None = None,
) -> Path:
    """`spare`: rows of the vocabulary that the tokenizer does not use. `odd` changes the folder afterwards."""
    tokenizer = tokenizer_of(style)
    name, numbers = CONFIGS[family]
    size = WORDS + spare
    torch.manual_seed(3)
    made = getattr(transformers, name)(
        **{**numbers, **(config or {})},
        vocab_size=size,
        pad_token_id=tokenizer.pad_token_id if (tokenizer.pad_token_id or size) < size else None,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    model = AutoModelForCausalLM.from_config(made, dtype=dtype)
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder, max_shard_size=shard)
    tokenizer.save_pretrained(folder)
    if generation is not None:
        change_json(folder / "generation_config.json", **generation)
    if odd is not None:
        odd(folder)
    return folder


def change_json(path: Path, **changes: Any) -> None:
    """A change to None takes the key out."""
    data = json.loads(path.read_text("utf-8")) if path.exists() else {}
    data = {key: value for key, value in {**data, **changes}.items() if value is not None}
    path.write_text(json.dumps(data), "utf-8")


def hub_cache(folder: Path) -> Path:
    """The folder as a hub's cache keeps it: blobs with names of hashes, and links to them in a snapshot; returns it."""
    cache_folder = folder.with_name(f"models--somebody--{folder.name}")
    blobs, snapshot = cache_folder / "blobs", cache_folder / "snapshots" / ("0" * 40)
    blobs.mkdir(parents=True)
    snapshot.mkdir(parents=True)
    for number, path in enumerate(sorted(folder.iterdir())):
        blob = blobs / f"{number:064x}"
        path.rename(blob)
        (snapshot / path.name).symlink_to(Path("../../blobs") / blob.name)
    return snapshot
