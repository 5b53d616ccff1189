"""What a tuning run will need, told before it starts, and why it cannot start where that is certain."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from training.names import sentence
from training.readers.base_models import BaseModelError, base_in, is_path
from training.rules import memory
from training.rules.tuning_config import Config, parse_config

ROOM = 16 * 2**20
"""Bytes for logs and small files, as the engine counts them."""


@dataclass(frozen=True, slots=True)
class RunEstimate:
    """Steps are certain, but for rows that the engine leaves out; bytes are good to about a third.

    `memory`: of one process with the batch asked for; `least`: with one row at a time, to which the engine falls back.
    `disk`: checkpoints and results. None where the base model is not on this machine, or its config.json says too
    little. `device`: memory of a training device, 0 where the site was not told. `free_disk`: beside the artefacts.
    `refusal`: one translated sentence, "" where nothing speaks against the run.
    """

    rows: int
    rows_a_step: int
    steps: int
    processes: int
    parameters: int | None = None
    trained: int | None = None
    memory: int | None = None
    least: int | None = None
    disk: int | None = None
    device: int = 0
    free_disk: int = 0
    refusal: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def estimate_of(kind: str, config: Mapping[str, Any], rows: int, processes: int = 1) -> RunEstimate:
    """Of a configuration that was checked. Raises ConfigError for one that was not."""
    parsed = parse_config(config, kind)  # type: ignore[arg-type]
    told: dict[str, Any] = {
        "rows": rows,
        "rows_a_step": parsed.batch_size * parsed.accumulation * processes,
        "processes": processes,
        "device": settings.MEDES_TRAIN_MEMORY,
        "free_disk": free_beside(Path(settings.MEDES_ARTEFACTS)),
    }
    if rows < 1:
        return RunEstimate(**told, steps=0, refusal=_("The dataset is empty."))
    told["steps"] = memory.steps_of(
        rows,
        batch=parsed.batch_size,
        accumulation=parsed.accumulation,
        processes=processes,
        epochs=parsed.epochs,
        max_steps=parsed.max_steps,
    )
    shape = _shape(parsed)
    if shape is None:
        return RunEstimate(**told)
    plan = memory.Plan(
        batch=parsed.batch_size,
        max_length=parsed.max_length,
        lora_r=parsed.lora_r,
        weight_bytes=4 if parsed.precision == "fp32" or not parsed.lora_r else 2,
        checkpointing=parsed.gradient_checkpointing,
        dpo=kind == "dpo",
        cpu=parsed.device == "cpu",
    )
    whole, least = memory.estimate(shape, plan), memory.least(shape, plan)
    disk = memory.disk_bytes(
        whole, lora=bool(parsed.lora_r), merge=parsed.merge, kept=parsed.keep_checkpoints
    )
    found = RunEstimate(
        **told,
        parameters=whole.parameters,
        trained=whole.trained,
        memory=whole.total,
        least=least.total,
        disk=disk + ROOM,
    )
    return RunEstimate(**{**found.as_json(), "refusal": _refusal(found, least)})


def free_beside(folder: Path) -> int:
    """Bytes free on the disk where `folder` lies, or will lie."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _shape(config: Config) -> memory.Shape | None:
    if not is_path(config.base_model):
        return None
    try:
        return memory.shape_of(base_in(config.base_model, None).config)
    except (BaseModelError, ValueError):
        return None


def _refusal(found: RunEstimate, least: memory.Estimate) -> str:
    if found.device:
        refused = memory.refusal(least, found.device, found.memory)
        if refused:
            return sentence(refused)
    if found.disk is not None and found.disk > found.free_disk:
        return _(
            "The disk has too little room: checkpoints and weights need about %(needed)s GiB, and %(free)s are free."
        ) % {"needed": f"{found.disk / 2**30:.2f}", "free": f"{found.free_disk / 2**30:.2f}"}
    return ""
