"""python -m training.engine.tiny_policy OUT --corpus FILE …: a tiny policy for trials and the demo, made from nothing.

A Qwen3-style model of under a million parameters with a character-level tokenizer, pre-trained on the texts of the corpus for
about a minute. It learns to put Chinese characters in a plausible order and nothing of medicine; what SFT and DPO do
to it is real all the same. The same corpus, seed and number of steps give the same weights on the same machine.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from training.readers.json_lines import lines_of, values_of

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] }}<|im_end|>{% endgeneration %}"
    "{% else %}{{ message['content'] }}<|im_end|>{% endif %}{{ '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TEXT_KEYS = ("text", "question", "response", "norm", "content")
WINDOW = 192
BATCH = 8
REPORT_EVERY = 20


def corpus_texts(files: Sequence[Path]) -> list[str]:
    """The texts of JSON lines (the known text keys of each object) and of plain text files (one a paragraph)."""
    texts: list[str] = []
    for path in files:
        if path.suffix == ".jsonl":
            texts += [text for value in values_of(path.read_bytes()) for text in _texts_of(value)]
        else:
            texts += [line.strip() for line in lines_of(path.read_bytes())]
    return list(dict.fromkeys(texts))


def _texts_of(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        found = [data[key] for key in TEXT_KEYS if isinstance(data.get(key), str) and data[key].strip()]
        yield from found
        if data.get("options"):
            yield "\n".join(f"{option['letter']}. {option['text']}" for option in data["options"])


def character_tokenizer(texts: Sequence[str], size: int) -> PreTrainedTokenizerFast:
    """One token a character, the most frequent ones; anything else falls back to its UTF-8 bytes, so that no text is
    unknown."""
    counts = Counter(character for text in texts for character in text)
    characters = sorted(counts, key=lambda character: (-counts[character], character))
    names = [*(f"<0x{byte:02X}>" for byte in range(256)), *SPECIAL, "\n"]
    names += [c for c in characters if c != "\n"][: max(0, size - len(names))]
    core = Tokenizer(
        models.BPE(vocab={name: i for i, name in enumerate(names)}, merges=[], byte_fallback=True)
    )
    core.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    core.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in SPECIAL])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def tiny_model(vocabulary: int, pad: int, end: int, *, hidden: int, layers: int) -> Qwen3ForCausalLM:
    return Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=vocabulary,
            hidden_size=hidden,
            intermediate_size=hidden * 3,
            num_hidden_layers=layers,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=hidden // 4,
            max_position_embeddings=4096,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=end,
            pad_token_id=pad,
        )
    )


def pretrain(model: Qwen3ForCausalLM, stream: torch.Tensor, steps: int, seed: int, budget: float) -> float:
    """Next-character training on random windows of a token stream (tokens,); returns the last loss.

    Ends after `steps`, or after `budget` seconds (0: no limit) on a slow machine.
    """
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=max(steps, 2), pct_start=0.1)
    window = min(WINDOW, len(stream) - 1)
    begun = time.monotonic()
    loss = torch.tensor(float("nan"))
    model.train()
    for step in range(1, steps + 1):
        starts = torch.randint(0, len(stream) - window, (BATCH,), generator=generator)
        batch = torch.stack([stream[start : start + window] for start in starts.tolist()])
        loss = model(input_ids=batch, labels=batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step % REPORT_EVERY == 0 or step == steps:
            sys.stderr.write(f"\rpre-training: step {step} of {steps}, loss {loss.item():.3f} ")
            sys.stderr.flush()
        if budget and time.monotonic() - begun > budget:
            break
    sys.stderr.write("\n")
    return float(loss.item())


def build(
    out: Path, corpus: Sequence[Path], *, steps: int, seed: int, budget: float, size: tuple[int, int, int]
) -> dict[str, Any]:
    """Builds, pre-trains and saves; returns what it made. `size`: (vocabulary, hidden, layers).

    Raises ValueError for a corpus without enough text.
    """
    vocabulary, hidden, layers = size
    texts = corpus_texts(corpus)
    tokenizer = character_tokenizer(texts, vocabulary)
    ids = [tokenizer(text + SPECIAL[2], add_special_tokens=False)["input_ids"] for text in texts]
    stream = torch.tensor([token for text in ids for token in text])
    if len(stream) < 64:
        raise ValueError("The corpus holds too little text to learn from.")
    torch.set_num_threads(1)  # a model this small gains nothing by more, and one thread sums in one order
    torch.manual_seed(seed)
    model = tiny_model(
        len(tokenizer), tokenizer.pad_token_id, tokenizer.eos_token_id, hidden=hidden, layers=layers
    )
    loss = pretrain(model, stream, steps, seed, budget)
    model.eval()
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out, safe_serialization=True)
    tokenizer.save_pretrained(out)
    return {
        "model": str(out),
        "parameters": sum(p.numel() for p in model.parameters()),
        "vocabulary": len(tokenizer),
        "texts": len(texts),
        "tokens": len(stream),
        "loss": round(loss, 4),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m training.engine.tiny_policy", description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--corpus", type=Path, nargs="+", required=True, metavar="FILE")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument(
        "--seconds", type=float, default=0, help="stop pre-training after this time; 0: never"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--vocabulary", type=int, default=4000)
    parser.add_argument("--hidden", type=int, default=96)
    parser.add_argument("--layers", type=int, default=2)
    given = parser.parse_args(arguments)
    try:
        made = build(
            given.out,
            given.corpus,
            steps=given.steps,
            seed=given.seed,
            budget=given.seconds,
            size=(given.vocabulary, given.hidden, given.layers),
        )
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps(made, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
