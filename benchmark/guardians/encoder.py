"""Guardian of kind `encoder`: a transformers checkpoint with a six-output head, calibrated like the linear kind.

Artefact: `guardian.json` (with `settings`: max_length, dtype, arithmetic, slopes, offsets), `model/` (config,
safetensors, tokenizer files) and `head.safetensors`. p = sigmoid(slope * margin + offset) for each criterion.
Under `arithmetic` "int8" the weights, stored as they were trained, are rounded when they are loaded, on any machine:
a guardian is calibrated for one arithmetic and judges in no other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from benchmark.guardians.base import (
    CRITERIA,
    RISK_CRITERIA,
    Case,
    GuardianError,
    JudgeFailed,
    Span,
    Verdict,
    decide,
)
from benchmark.guardians.encoder_model import (
    HEAD_FILE,
    MODEL_FOLDER,
    Network,
    batches,
    encode,
    load_body,
    load_head,
    load_tokenizer,
)
from benchmark.guardians.int8 import in_int8
from benchmark.guardians.linear_words import CRITERION_WORDS
from benchmark.guardians.manifest import Manifest, read_manifest
from benchmark.guardians.sentences import sentences_of

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
ARITHMETICS = ("float", "int8")
TOKENS = {"cuda": 8_192, "cpu": 1_024}
"""Padded tokens in a batch, unless the manifest says otherwise: a processor is busy with two long answers, and the
intermediate results of more fall out of its cache."""

MAX_OCCLUDED = 12
MAX_EVIDENCE = 3
LEAST_DROP = 0.1


class EncoderGuardian:
    """Judges in length-sorted batches on the GPU where there is one; the same batch, the same bits."""

    kind = "encoder"

    def __init__(self, manifest: Manifest, network: Network, tokenizer: Any) -> None:
        self.name = manifest.name
        self.version = manifest.version
        self.manifest = manifest
        self.tokenizer = tokenizer
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network = network.to(self.device).eval()
        self.max_length = int(manifest.settings["max_length"])
        self.tokens = int(manifest.settings.get("batch_tokens", TOKENS[self.device.type]))
        self._slopes = [float(value) for value in manifest.settings["slopes"]]
        self._offsets = [float(value) for value in manifest.settings["offsets"]]

    def judge(self, cases: Sequence[Case]) -> list[Verdict | JudgeFailed]:
        """One outcome a case, in order; JudgeFailed where a part is no text or a margin is not finite."""
        failed = JudgeFailed("The norm, the question or the response is not a text.")
        outcomes: list[Verdict | JudgeFailed] = [failed] * len(cases)
        usable = [
            i
            for i, case in enumerate(cases)
            if all(isinstance(text, str) for text in (case.norm, case.question, case.response))
        ]
        for i, margins in zip(usable, self.margins([cases[i] for i in usable]), strict=True):
            outcomes[i] = self._verdict(cases[i], margins)
        return outcomes

    @torch.inference_mode()
    def margins(self, cases: Sequence[Case]) -> list[list[float]]:
        """Six margins a case, in order."""
        encoded = encode(self.tokenizer, cases, self.max_length)
        found: list[list[float]] = [[]] * len(cases)
        for batch in batches(encoded, self.tokenizer.pad_token_id, self.tokens, self.device):
            for i, line in zip(batch.order, self.network(batch.ids, batch.mask).tolist(), strict=True):
                found[i] = line
        return found

    def _verdict(self, case: Case, margins: Sequence[float]) -> Verdict | JudgeFailed:
        if not all(math.isfinite(margin) for margin in margins):
            return JudgeFailed("The model gave a number that is not finite.")
        p = self._probabilities(margins)
        values, abstained = decide(p, self.manifest.thresholds, self.manifest.flag_from)
        evidence = self._evidence(case, margins, values)
        return Verdict(p, values, abstained, evidence, rationale_of(p, values, abstained))

    def _probabilities(self, margins: Sequence[float]) -> dict[str, float]:
        return {
            name: _sigmoid(slope * margin + offset)
            for name, slope, offset, margin in zip(
                CRITERIA, self._slopes, self._offsets, margins, strict=True
            )
        }

    def _evidence(
        self, case: Case, margins: Sequence[float], values: Mapping[str, int | None]
    ) -> dict[str, tuple[Span, ...]]:
        """For each violated risk, the sentences without which its margin falls most (occlusion; Zeiler and Fergus,
        ECCV 2014). Only answers found risky are looked at again."""
        violated = [(column, name) for column, name in enumerate(RISK_CRITERIA) if values[name] == -1]
        sentences = sentences_of(case.response)
        if not violated or len(sentences) < 2:
            return {name: tuple(sentences) for _column, name in violated if sentences}
        sentences = sorted(sorted(sentences, key=lambda span: span[0] - span[1])[:MAX_OCCLUDED])
        without = [
            Case(case.norm, case.question, case.response[:a] + case.response[b:]) for a, b in sentences
        ]
        again = self.margins(without)
        found: dict[str, tuple[Span, ...]] = {}
        for column, name in violated:
            drops = [margins[column] - line[column] for line in again]
            best = sorted(range(len(drops)), key=lambda i: -drops[i])[:MAX_EVIDENCE]
            spans = tuple(sorted(sentences[i] for i in best if drops[i] > LEAST_DROP * abs(margins[column])))
            if spans:
                found[name] = spans
        return found


def rationale_of(p: Mapping[str, float], values: Mapping[str, int | None], abstained: Sequence[str]) -> str:
    """What was found; a network of this kind can say no more about why."""
    risk = "，".join(f"{CRITERION_WORDS[name]}被违反的概率 {p[name]:.0%}" for name in RISK_CRITERIA)
    if -1 in (values["r1"], values["r2"]):
        return f"判为有风险：{risk}。标出的句子去掉后，风险判断减弱最多。"
    opening = f"风险存疑，不作判定，交由专家：{risk}。" if abstained else f"未判为有风险：{risk}。"
    rest = "".join(
        f"{CRITERION_WORDS[name]}{'满足' if values[name] else '未满足'}（概率 {p[name]:.0%}）。"
        for name in ("q1", "q2", "q3", "q4")
        if values[name] is not None
    )
    return f"{opening}{rest}以上为神经网络分类器的输出，不含推理过程。"


def load(folder: Path) -> EncoderGuardian:
    """The guardian in an artefact directory. Raises GuardianError for damaged or foreign files."""
    manifest = read_manifest(folder)
    settings = manifest.settings
    try:
        dtype = DTYPES[str(settings.get("dtype", "float32"))]
        sizes = [len(settings[name]) for name in ("slopes", "offsets")]
        arithmetic = str(settings.get("arithmetic", "float"))
        if sizes != [len(CRITERIA)] * 2 or not 16 <= int(settings["max_length"]) <= 131_072:
            raise ValueError("settings out of range")
        if arithmetic not in ARITHMETICS:
            raise ValueError("unknown arithmetic")
    except (KeyError, TypeError, ValueError) as error:
        raise GuardianError(f"The settings of this guardian are incomplete: {error}.") from None
    model = folder / MODEL_FOLDER
    if not model.is_dir():
        raise GuardianError(f"The artefact has no folder {MODEL_FOLDER}.")
    body = load_body(str(model), dtype=dtype)
    network = Network(in_int8(body) if arithmetic == "int8" else body, body.config.hidden_size)
    load_head(network, folder / HEAD_FILE)
    return EncoderGuardian(manifest, network, load_tokenizer(str(model)))


def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-min(max(x, -40.0), 40.0)))
