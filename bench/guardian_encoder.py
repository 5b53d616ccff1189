"""The encoder guardian beside its bare network at the same batch shapes, and beside a naive pipeline() loop."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    PreTrainedTokenizerFast,
    pipeline,
)

from bench.guardians import best_of
from benchmark.guardians.base import CRITERIA, Case
from benchmark.guardians.encoder import EncoderGuardian
from benchmark.guardians.encoder_model import HEAD_FILE, MODEL_FOLDER, Network, batches, encode, save_head
from benchmark.guardians.int8 import has_int8_instructions
from benchmark.guardians.loading import load_guardian
from benchmark.guardians.manifest import Manifest, write_manifest

MAX_LENGTH = 512
SMALL, BASE = (4, 256), (12, 768)
"""Layers and width: one that trains on a processor, and the size that most published encoders have."""

COUNT = {SMALL: 64, BASE: 8}
TURNS = 4


def words(cases: Sequence[Case]) -> PreTrainedTokenizerFast:
    letters = sorted({letter for case in cases for letter in case.norm + case.question + case.response})
    special = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
    core = Tokenizer(models.WordLevel({t: i for i, t in enumerate((*special, *letters))}, unk_token="[UNK]"))
    core.pre_tokenizer = pre_tokenizers.Split(Regex("[\\s\\S]"), "isolated")
    core.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )


def artefact(folder: Path, cases: Sequence[Case], size: tuple[int, int], arithmetic: str) -> Path:
    """A random encoder of a real size, as training would leave it."""
    layers, hidden = size
    torch.manual_seed(0)
    tokenizer = words(cases)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=hidden // 64,
        intermediate_size=4 * hidden,
        max_position_embeddings=MAX_LENGTH,
    )
    body = BertModel(config)
    body.save_pretrained(folder / MODEL_FOLDER)
    tokenizer.save_pretrained(folder / MODEL_FOLDER)
    save_head(Network(body, hidden), folder / HEAD_FILE)
    settings = {"max_length": MAX_LENGTH, "slopes": [1.0] * 6, "offsets": [-3.0, -3.0, 0.0, 0.0, 0.0, 0.0]}
    settings["arithmetic"] = arithmetic
    thresholds = dict.fromkeys(CRITERIA, 0.5)
    write_manifest(
        folder, Manifest("encoder", "bench", "1", thresholds, 0.02, 10.0, {"threshold": None}, {}, settings)
    )
    return folder


def naive_loop(folder: Path, guardian: EncoderGuardian, cases: Sequence[Case]) -> Callable[[], None]:
    """The same architecture as one would first write it: one text after another through `pipeline()`."""
    config = BertConfig.from_pretrained(folder / MODEL_FOLDER, num_labels=len(CRITERIA))
    config.problem_type = "multi_label_classification"
    naive = pipeline(
        "text-classification",
        model=BertForSequenceClassification(config).eval(),
        tokenizer=guardian.tokenizer,
        top_k=None,
        function_to_apply="sigmoid",
        device=guardian.device,
    )

    def one_by_one() -> None:
        for case in cases:
            naive(
                case.norm + case.question + case.response,
                truncation=True,
                padding="max_length",
                max_length=MAX_LENGTH,
            )

    return one_by_one


def bare_forward(guardian: EncoderGuardian, cases: Sequence[Case]) -> Callable[[], None]:
    """The guardian's own network, in its own arithmetic, on the very batches that it makes."""
    made = batches(
        encode(guardian.tokenizer, cases, MAX_LENGTH),
        guardian.tokenizer.pad_token_id,
        guardian.tokens,
        guardian.device,
    )

    @torch.inference_mode()
    def forward() -> None:
        for batch in made:
            guardian.network(batch.ids, batch.mask).tolist()

    return forward


def measure_one(cases: Sequence[Case], size: tuple[int, int], arithmetic: str) -> Iterable[dict[str, Any]]:
    """Turn by turn, the quickest of each counts. Without a GPU in processor time of one core: several threads that wait
    for each other on a shared machine measure its company."""
    on_gpu = torch.cuda.is_available()
    clock = time.perf_counter if on_gpu else time.process_time
    torch.set_num_threads(torch.get_num_threads() if on_gpu else 1)
    with tempfile.TemporaryDirectory() as place:
        folder = artefact(Path(place), cases, size, arithmetic)
        guardian = load_guardian(folder)
        assert isinstance(guardian, EncoderGuardian)
        acts = [
            lambda: guardian.judge(cases),
            bare_forward(guardian, cases),
            naive_loop(folder, guardian, cases),
        ]
        acts[0]()  # the first call of all prepares what the others then find ready
        turns = [[best_of(act, 1, clock) for act in acts] for _ in range(TURNS)]
        judged, forward, loop = (min(turn[i] for turn in turns) for i in range(len(acts)))
    layers, hidden = size
    what = f"encoder ({layers} layers of {hidden}, {MAX_LENGTH} tokens, {arithmetic}, {'cuda' if on_gpu else 'a core'})"
    yield {
        "what": f"judge, {what}",
        "figure": len(cases) / judged,
        "unit": "answers/s",
        "floor": len(cases) / forward,
        "ratio": forward / judged,
        "target": ">= 0.9 of the bare forward",
    }
    yield {
        "what": f"{what} beside a naive pipeline() loop",
        "figure": len(cases) / judged,
        "unit": "answers/s",
        "floor": len(cases) / loop,
        "ratio": loop / judged,
        "target": ">= 2",
    }


def measure(cases: Sequence[Case]) -> Iterable[dict[str, Any]]:
    """In floating point, and in whole numbers where training here would choose them."""
    ways = ["float"]
    if not torch.cuda.is_available() and has_int8_instructions():
        ways.append("int8")
    for size in (SMALL, BASE):
        for arithmetic in ways:
            yield from measure_one(cases[: COUNT[size]], size, arithmetic)
