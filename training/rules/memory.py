"""How much memory and how many steps a run will need, estimated before it starts.

An estimate for decoder-only transformers with gated feed-forward layers and grouped-query attention, from the numbers
in a model's config.json. Bytes a parameter: trained weights keep a gradient and two moments of Adam in fp32
(ZeRO, arXiv 1910.02054, section 3.1); frozen weights keep themselves alone. Activations a layer and token:
about 34 hidden-sized halves (arXiv 2205.05198, section 4.1, without the attention scores, which flash or
memory-efficient attention never stores), twice as many bytes in fp32; with checkpointing 2, plus one layer recomputed.
The logits are never whole: TRL projects tiles of at most 4,096 tokens by 32,768 words. On a GPU one such tile is kept;
on a CPU, where the tile's steps are separate operations, eight in fp32. Measured against the peak of whole runs on a CPU
(docs/tuning.md); for a GPU it is arithmetic, good to about a third. Running out there is handled by halving the batch; on a
CPU it would be a kill, so there the batch is chosen by this estimate beforehand.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

GIB = 2**30
OVERHEAD = 1 * GIB
"""CUDA context, kernels' workspaces and fragmentation."""

OVERHEAD_CPU = 600 * 2**20
"""Interpreter, libraries and workspaces, measured."""

ADAM_FP32 = 8
TILE_TOKENS = 4096
TILE_WORDS = 32_768
TILES_CPU = 8
HALVES_A_TOKEN = 34


@dataclass(frozen=True, slots=True)
class Shape:
    """What decides a model's size. `kv_width`: key and value heads times head size."""

    hidden: int
    layers: int
    feed_forward: int
    vocabulary: int
    attention_width: int
    kv_width: int
    tied: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What decides a run's appetite. `weight_bytes`: 2 (bf16, fp16) or 4 (fp32) for the stored weights."""

    batch: int
    max_length: int
    lora_r: int
    weight_bytes: int
    checkpointing: bool
    dpo: bool = False
    cpu: bool = False


@dataclass(frozen=True, slots=True)
class Estimate:
    """Bytes on one device."""

    parameters: int
    trained: int
    weights: int
    gradients: int
    optimizer: int
    activations: int
    logits: int
    overhead: int = OVERHEAD

    @property
    def total(self) -> int:
        return self.weights + self.gradients + self.optimizer + self.activations + self.logits + self.overhead


def shape_of(config: Mapping[str, Any]) -> Shape:
    """Reads a model's config.json. Raises ValueError naming the number that is missing."""
    inner = config.get("text_config")
    source = {**config, **inner} if isinstance(inner, Mapping) else config

    def number(*names: str, default: int | None = None) -> int:
        for name in names:
            value = source.get(name)
            if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                return value
        if default is None:
            raise ValueError(f"the model's config.json has no {names[0]}")
        return default

    hidden = number("hidden_size", "n_embd", "d_model")
    heads = number("num_attention_heads", "n_head")
    head = number("head_dim", default=max(1, hidden // heads))
    return Shape(
        hidden=hidden,
        layers=number("num_hidden_layers", "n_layer"),
        feed_forward=number("intermediate_size", "n_inner", "ffn_dim", default=4 * hidden),
        vocabulary=number("vocab_size"),
        attention_width=heads * head,
        kv_width=number("num_key_value_heads", default=heads) * head,
        tied=bool(source.get("tie_word_embeddings", False)),
    )


def parameters_of(shape: Shape) -> int:
    """Embeddings, projections, gated feed-forward and norms; biases are left out (far below a thousandth)."""
    layer = (
        2 * shape.hidden * shape.attention_width
        + 2 * shape.hidden * shape.kv_width
        + 3 * shape.hidden * shape.feed_forward
        + 2 * shape.hidden
    )
    tables = shape.vocabulary * shape.hidden * (1 if shape.tied else 2)
    return shape.layers * layer + tables + shape.hidden


def lora_parameters(shape: Shape, r: int) -> int:
    """Adapters on all seven linear layers of every block: r times what goes in and comes out of each."""
    pairs = (
        2 * (shape.hidden + shape.attention_width)
        + 2 * (shape.hidden + shape.kv_width)
        + 3 * (shape.hidden + shape.feed_forward)
    )
    return shape.layers * r * pairs


def estimate(shape: Shape, plan: Plan, counted: int | None = None) -> Estimate:
    """`counted`: the parameters, where somebody has counted them. Raises ValueError for a batch or length below 1."""
    if plan.batch < 1 or plan.max_length < 1:
        raise ValueError("batch and length start at 1")
    parameters = counted or parameters_of(shape)
    trained = lora_parameters(shape, plan.lora_r) if plan.lora_r else parameters
    # DPO sends chosen and rejected through together; the reference is read from a cache.
    tokens = plan.batch * plan.max_length * (2 if plan.dpo else 1)
    half = 4 if plan.cpu else 2  # what is computed in fp32 takes twice as much
    layer = HALVES_A_TOKEN * half * shape.hidden * tokens
    tile = min(tokens, TILE_TOKENS) * min(shape.vocabulary, TILE_WORDS) * 4
    if plan.checkpointing:
        activations = 2 * half * shape.hidden * tokens * shape.layers + layer
    else:
        activations = layer * shape.layers
    return Estimate(
        parameters=parameters,
        trained=trained,
        weights=parameters * plan.weight_bytes + (trained * 4 if plan.lora_r else 0),
        gradients=trained * 4,
        optimizer=trained * ADAM_FP32,
        activations=activations,
        logits=tile * TILES_CPU if plan.cpu else tile + tokens * shape.hidden * 4,
        overhead=OVERHEAD_CPU if plan.cpu else OVERHEAD,
    )


def refusal(needed: Estimate, available: int, largest: int | None = None) -> str | None:
    """Why a device with `available` bytes cannot hold the run at all; None if it may.

    The smallest batch decides, since a larger one is halved on the way: pass the estimate for one row. `largest`:
    names the estimate for the batch asked for, to be quoted.
    """
    if needed.total <= available:
        return None
    parts: Sequence[tuple[str, int]] = (
        ("weights", needed.weights),
        ("gradients", needed.gradients),
        ("optimizer", needed.optimizer),
        ("activations", needed.activations),
        ("logits", needed.logits),
    )
    name, size = max(parts, key=lambda part: part[1])
    asked = f" ({_gib(largest)} for the whole batch)" if largest and largest > needed.total else ""
    return (
        f"The run needs about {_gib(needed.total)} even with one row at a time{asked}, and the device has "
        f"{_gib(available)}; most of it, {_gib(size)}, are the {name}."
    )


def steps_of(
    rows: int, *, batch: int, accumulation: int, processes: int = 1, epochs: float, max_steps: int = -1
) -> int:
    """Optimizer steps of a run: `max_steps` where above 0, else by epochs; the last batch may be smaller.

    Raises ValueError where nothing can be trained: no rows, or a number below 1.
    """
    if min(batch, accumulation, processes) < 1:
        raise ValueError("batch, accumulation and processes start at 1")
    if rows < 1:
        raise ValueError("the dataset is empty")
    if max_steps > 0:
        return max_steps
    batches = math.ceil(math.ceil(rows / processes) / batch)
    return max(1, math.ceil(epochs * math.ceil(batches / accumulation)))


def least(shape: Shape, plan: Plan, counted: int | None = None) -> Estimate:
    """The estimate for one row at a time: what the run needs after halving its batch as far as it goes."""
    return estimate(shape, replace(plan, batch=1), counted)


def fitting_batch(shape: Shape, plan: Plan, available: int, counted: int | None = None) -> int:
    """The largest divisor of the batch, so that the rows a step stay the same, whose estimate leaves an eighth free;
    1 where none does."""
    fits = (
        part
        for part in range(plan.batch, 0, -1)
        if plan.batch % part == 0
        and estimate(shape, replace(plan, batch=part), counted).total <= available * 7 // 8
    )
    return next(fits, 1)


def disk_bytes(needed: Estimate, *, lora: bool, merge: bool, kept: int) -> int:
    """What checkpoints (one more than are kept, while the newest is written) and results take on disk.

    A checkpoint holds the trained weights and Adam's two moments in fp32.
    """
    frozen = needed.weights - needed.trained * 4 if lora else needed.weights
    trained = needed.trained * 4 if lora else needed.weights
    checkpoint = trained + needed.optimizer
    return checkpoint * (kept + 1) + trained + (frozen if lora and merge else 0)


def _gib(size: int | None) -> str:
    value = (size or 0) / GIB
    return f"{value:.1f} GiB" if value >= 0.1 else f"{(size or 0) / 2**20:.0f} MiB"
