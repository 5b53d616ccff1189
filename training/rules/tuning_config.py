"""`config.json` of an SFT or DPO run, checked before anything heavy is loaded.

So a form, a command and the engine refuse the same nonsense with the same sentence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

Kind = Literal["sft", "dpo"]
PRECISIONS = ("auto", "fp32", "bf16", "fp16")
DEVICES = ("auto", "cpu", "cuda")
SCHEDULERS = ("linear", "cosine", "constant", "constant_with_warmup")
DPO_LOSSES = ("sigmoid", "hinge", "ipo", "robust", "apo_zero", "apo_down", "sft")

COMMON_EXTRA = frozenset(
    (
        "activation_offloading",
        "adam_beta1",
        "adam_beta2",
        "adam_epsilon",
        "data_seed",
        "dataloader_num_workers",
        "dataset_num_proc",
        "full_determinism",
        "gradient_checkpointing_kwargs",
        "lr_scheduler_kwargs",
        "neftune_noise_alpha",
        "optim",
        "pad_to_multiple_of",
        "tf32",
        "torch_empty_cache_steps",
        "train_sampling_strategy",
        "truncation_mode",
    )
)
EXTRA: Mapping[str, frozenset[str]] = {
    "sft": COMMON_EXTRA
    | frozenset(
        ("assistant_only_loss", "completion_only_loss", "eval_packing", "loss_type", "packing_strategy")
    ),
    "dpo": COMMON_EXTRA
    | frozenset(("disable_dropout", "f_divergence_type", "label_smoothing", "ld_alpha", "use_weighting")),
}
"""What `extra` may hold: settings of the trainer that neither name files nor code nor the network."""


class ConfigError(ValueError):
    """A configuration that cannot be run; the text is one sentence for whoever wrote it. `key`: the setting, if one."""

    def __init__(self, sentence: str, key: str = "") -> None:
        super().__init__(sentence)
        self.key = key


@dataclass(frozen=True, slots=True)
class Config:
    """What a run is asked to do. Defaults suit a 7B model with LoRA on one GPU of 80 GB.

    `base_model`: a folder with safetensors weights, or a hub id `owner/name`. `model_roots`: folders that it may lie
    in, and `hubs`: owners or ids that may be fetched; None means whoever starts the engine by hand may choose.
    `lora_r` 0 trains all weights. `epochs` counts unless `max_steps` is above 0. `eval_every`, `save_every`: steps;
    0 means at the end alone. `batch_size` rows a device and step, times `accumulation`. `max_length`: tokens of
    prompt and answer together. `extra`: allow-listed settings of the trainer's own configuration class. `lineage`
    is copied into the card and the manifest.
    """

    base_model: str
    kind: str = ""
    name: str = "tuned"
    version: str = "1"
    model_roots: list[str] | None = None
    hubs: list[str] | None = None
    learning_rate: float = 0.0  # 0: the kind's own default
    epochs: float = 1.0
    max_steps: int = -1
    batch_size: int = 4
    accumulation: int = 4
    max_length: int = 2048
    packing: bool = False
    lora_r: int = 16
    lora_alpha: int = 32
    lora_dropout: float = 0.0
    lora_targets: str | list[str] = "all-linear"
    merge: bool = True
    precision: str = "auto"
    gradient_checkpointing: bool = True
    scheduler: str = "cosine"
    warmup_steps: int = 0
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    beta: float = 0.1
    loss_type: str | list[str] = "sigmoid"
    loss_weights: list[float] | None = None
    seed: int = 1
    device: str = "auto"
    eval_every: int = 0
    save_every: int = 50
    keep_checkpoints: int = 2
    sample_tokens: int = 256
    extra: dict[str, Any] = field(default_factory=dict)
    lineage: dict[str, Any] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """The learning rate, with the kind's default: SFT 1e-4, DPO 5e-6 (with LoRA 1e-5)."""
        if self.learning_rate:
            return self.learning_rate
        if self.kind == "sft":
            return 1e-4
        return 1e-5 if self.lora_r else 5e-6

    @property
    def losses(self) -> list[str]:
        return [self.loss_type] if isinstance(self.loss_type, str) else list(self.loss_type)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


_TYPES: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(
        [
            "max_steps",
            "batch_size",
            "accumulation",
            "max_length",
            "lora_r",
            "lora_alpha",
            "warmup_steps",
            "seed",
            "eval_every",
            "save_every",
            "keep_checkpoints",
            "sample_tokens",
        ],
        (int,),
    ),
    **dict.fromkeys(
        ["learning_rate", "epochs", "lora_dropout", "weight_decay", "max_grad_norm", "beta"], (int, float)
    ),
    **dict.fromkeys(["packing", "merge", "gradient_checkpointing"], (bool,)),
    **dict.fromkeys(["base_model", "kind", "name", "version", "precision", "scheduler", "device"], (str,)),
    **dict.fromkeys(["extra", "lineage"], (dict,)),
    **dict.fromkeys(["model_roots", "hubs", "loss_weights"], (list, type(None))),
    **dict.fromkeys(["lora_targets", "loss_type"], (str, list)),
}
RANGES: Mapping[str, tuple[float, float]] = {
    "learning_rate": (0, 1),
    "epochs": (1e-6, 1000),
    "max_steps": (-1, 10_000_000),
    "batch_size": (1, 4096),
    "accumulation": (1, 65_536),
    "max_length": (8, 1_048_576),
    "lora_r": (0, 4096),
    "lora_alpha": (1, 65_536),
    "lora_dropout": (0, 0.99),
    "warmup_steps": (0, 10_000_000),
    "weight_decay": (0, 10),
    "max_grad_norm": (0, 1000),
    "beta": (1e-6, 100),
    "seed": (0, 2**32 - 1),
    "eval_every": (0, 10_000_000),
    "save_every": (0, 10_000_000),
    "keep_checkpoints": (1, 1000),
    "sample_tokens": (0, 8192),
}
_CHOICES = {"precision": PRECISIONS, "device": DEVICES, "scheduler": SCHEDULERS}


def parse_config(data: object, kind: Kind) -> Config:
    """Returns the checked configuration. Raises ConfigError with one sentence for anything unknown or out of range."""
    if not isinstance(data, Mapping):
        raise ConfigError("The configuration must be one JSON object.")
    known = {item.name for item in fields(Config)}
    for key in data:
        if key not in known:
            raise ConfigError(f"The configuration has an unknown key {str(key)[:60]!r}.", str(key))
    if not data.get("base_model"):
        raise ConfigError("The configuration names no base_model.", "base_model")
    for key, value in data.items():
        _check_type(key, value)
    config = Config(**{**data, "kind": data.get("kind") or kind})
    if config.kind != kind:
        raise ConfigError(f"This is a configuration for {config.kind[:20]}, not for {kind}.")
    for key, (low, high) in RANGES.items():
        value = getattr(config, key)
        if not low <= value <= high:
            raise ConfigError(f"{key} must lie between {low:g} and {high:g}, not {value!r}.", key)
    for key, choices in _CHOICES.items():
        if getattr(config, key) not in choices:
            raise ConfigError(
                f"{key} must be one of {', '.join(choices)}, not {getattr(config, key)[:40]!r}.", key
            )
    _check_lists(config)
    _check_extra(config)
    return config


def _check_type(key: str, value: object) -> None:
    wanted = _TYPES[key]
    if isinstance(value, bool) and bool not in wanted:
        raise ConfigError(f"{key} must be a {_word(wanted)}, not {str(value).lower()}.", key)
    if not isinstance(value, wanted):
        raise ConfigError(f"{key} must be a {_word(wanted)}, not {str(value)[:40]!r}.", key)
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{key} must be a finite number.", key)


def _word(types: tuple[type, ...]) -> str:
    words = {
        int: "whole number",
        float: "number",
        bool: "yes or no",
        str: "text",
        dict: "object",
        list: "list",
    }
    names = [words[kind] for kind in types if kind in words]
    return "number" if types == (int, float) else " or ".join(names)


def _check_lists(config: Config) -> None:
    for key in ("model_roots", "hubs", "lora_targets", "loss_type"):
        value = getattr(config, key)
        if isinstance(value, list) and not all(isinstance(part, str) and part for part in value):
            raise ConfigError(f"{key} must be a list of texts.", key)
    if not config.lora_targets:
        raise ConfigError("lora_targets is empty: name modules, or say all-linear.", "lora_targets")
    targets = config.lora_targets if isinstance(config.lora_targets, list) else [config.lora_targets]
    if "lm_head" in targets and config.kind == "dpo":
        raise ConfigError("DPO cannot train the output layer lm_head with LoRA.", "lora_targets")
    if config.kind != "dpo":
        return
    for loss in config.losses:
        if loss not in DPO_LOSSES:
            raise ConfigError(
                f"loss_type must be among {', '.join(DPO_LOSSES)}, not {loss[:40]!r}.", "loss_type"
            )
    if not config.losses:
        raise ConfigError("loss_type is empty.", "loss_type")
    if config.packing:
        raise ConfigError("Packing is for SFT alone.", "packing")
    weights = config.loss_weights
    if weights is not None and (
        len(weights) != len(config.losses)
        or any(isinstance(w, bool) or not isinstance(w, int | float) or not math.isfinite(w) for w in weights)
    ):
        raise ConfigError("loss_weights must hold one number for each loss_type.", "loss_weights")


def _check_extra(config: Config) -> None:
    for key in config.extra:
        if key not in EXTRA[config.kind]:
            raise ConfigError(
                f"extra must not hold {str(key)[:60]!r}: that setting is not on the list of allowed ones."
            )
