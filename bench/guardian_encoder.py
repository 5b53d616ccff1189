"""The encoder guardian beside its bare network at the same batch shapes, and beside a naive pipeline() loop."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
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
from benchmark.guardians.loading import load_guardian
from benchmark.guardians.manifest import Manifest, write_manifest

MAX_LENGTH = 512
LAYERS, HIDDEN = 4, 256


def words(cases: Sequence[Case]) -> PreTrainedTokenizerFast:
    letters = sorted({letter for case in cases for letter in case.norm + case.question + case.response})
    special = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
    core = Tokenizer(models.WordLevel({t: i for i, t in enumerate((*special, *letters))}, unk_token="[UNK]"))
    core.pre_tokenizer = pre_tokenizers.Split(Regex("[\\s\\S]"), "isolated")
    core.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )


def artefact(folder: Path, cases: Sequence[Case]) -> Path:
    """A random encoder of a small real size, as training would leave it."""
    torch.manual_seed(0)
    tokenizer = words(cases)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        intermediate_size=4 * HIDDEN,
        max_position_embeddings=MAX_LENGTH,
    )
    body = BertModel(config)
    body.save_pretrained(folder / MODEL_FOLDER)
    tokenizer.save_pretrained(folder / MODEL_FOLDER)
    save_head(Network(body, HIDDEN), folder / HEAD_FILE)
    settings = {"max_length": MAX_LENGTH, "slopes": [1.0] * 6, "offsets": [-3.0, -3.0, 0.0, 0.0, 0.0, 0.0]}
    thresholds = dict.fromkeys(CRITERIA, 0.5)
    write_manifest(
        folder, Manifest("encoder", "bench", "1", thresholds, 0.02, 10.0, {"threshold": None}, {}, settings)
    )
    return folder


def measure(cases: Sequence[Case]) -> Iterable[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as place:
        folder = artefact(Path(place), cases)
        guardian = load_guardian(folder)
        assert isinstance(guardian, EncoderGuardian)
        made = batches(
            encode(guardian.tokenizer, cases, MAX_LENGTH),
            guardian.tokenizer.pad_token_id,
            guardian.tokens,
            guardian.device,
        )

        @torch.inference_mode()
        def bare() -> None:
            for batch in made:
                guardian.network(batch.ids, batch.mask)

        judged, forward = best_of(lambda: guardian.judge(cases)), best_of(bare)
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

        loop = best_of(one_by_one, 1)
    device = guardian.device.type
    yield {
        "what": f"judge, encoder ({LAYERS} layers of {HIDDEN}, {MAX_LENGTH} tokens, {device})",
        "figure": len(cases) / judged,
        "unit": "answers/s",
        "floor": len(cases) / forward,
        "ratio": forward / judged,
        "target": ">= 0.9 of the bare forward",
    }
    yield {
        "what": "the same beside a naive pipeline() loop",
        "figure": len(cases) / judged,
        "unit": "answers/s",
        "floor": len(cases) / loop,
        "ratio": loop / judged,
        "target": ">= 2",
    }
