"""Whether a run fits into memory and onto the disk, and with how many rows at a time."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass

import torch

from training.engine import machine
from training.engine.tuning_folder import RunFolder, RunRefused
from training.readers.base_models import Base, count_parameters
from training.rules import memory
from training.rules.tuning_config import Config

SPARE = 16 * 2**20  # bytes for logs and small files
SMALL = 20_000_000
"""Below this many parameters threads on a CPU wait for each other longer than they work."""


@dataclass(frozen=True, slots=True)
class Room:
    """What a run needs beside what there is. `dtype`: of the weights in memory."""

    run: RunFolder
    config: Config
    base: Base
    device: str
    dtype: torch.dtype

    def refuse_what_cannot_fit(self) -> None:
        """Before anything is loaded: by the shortest of rows. Raises RunRefused with the reason."""
        shape = self._shape()
        if shape is None:
            return
        counted = self._counted(shape)
        found = memory.least(shape, self._plan(1), counted)
        if self.device == "cpu" and found.parameters < SMALL:
            if "OMP_NUM_THREADS" not in os.environ:
                torch.set_num_threads(1)
        elif self.device == "cpu":
            machine.be_sparing()
        free = self._free()
        refused = memory.refusal(found, free)
        if refused:
            raise RunRefused(refused)
        config = self.config
        needed = SPARE + memory.disk_bytes(
            found, lora=bool(config.lora_r), merge=config.merge, kept=config.keep_checkpoints
        )
        there = shutil.disk_usage(self.run.path).free
        if there < needed:
            raise RunRefused(
                f"The disk is full: checkpoints and weights need about {needed / 2**30:.2f} GiB, "
                f"and {there / 2**30:.2f} are free."
            )

    def choose_batch(self, longest: int) -> None:
        """With the longest row known (tokens): refuses what cannot fit; on a CPU takes as many rows as will fit."""
        shape = self._shape()
        if shape is None:
            return
        length = self.config.max_length if self.config.packing else min(longest, self.config.max_length)
        plan, counted, free = self._plan(length), self._counted(shape), self._free()
        whole, least = memory.estimate(shape, plan, counted), memory.least(shape, plan, counted)
        self.run.say(
            "prepare",
            "memory estimated",
            needed=whole.total,
            least=least.total,
            free=free,
            parameters=whole.parameters,
        )
        refused = memory.refusal(least, free, whole.total)
        if refused:
            raise RunRefused(refused)
        if self.device != "cpu" or self.run.read_json("memory.json"):
            return  # a GPU says so itself when it runs out; and a resumed run goes on as it did
        batch = memory.fitting_batch(shape, plan, free, counted)
        if batch < self.config.batch_size and int(os.environ.get("WORLD_SIZE", "1")) > 1:
            # Each would decide by what it finds free at its moment, and all must take the same number.
            raise RunRefused(
                f"The processes together would need more memory than there is: choose {batch} rows at a time at most."
            )
        if batch < self.config.batch_size:
            set_batch(self.run, self.config, batch, f"{self.config.batch_size} rows at a time may not fit")

    def _shape(self) -> memory.Shape | None:
        try:
            return memory.shape_of(self.base.config)
        except ValueError as error:
            self.run.say("prepare", f"memory cannot be estimated: {error}")
            return None

    def _counted(self, shape: memory.Shape) -> int | None:
        """The weights on disk say it best, unless they are far fewer than the configuration announces."""
        counted = count_parameters(self.base.folder)
        return counted if counted * 2 > memory.parameters_of(shape) else None

    def _plan(self, length: int) -> memory.Plan:
        return memory.Plan(
            batch=self.config.batch_size,
            max_length=length,
            lora_r=self.config.lora_r,
            weight_bytes=self.dtype.itemsize,
            checkpointing=self.config.gradient_checkpointing,
            dpo=self.config.kind == "dpo",
            cpu=self.device == "cpu",
        )

    def _free(self) -> int:
        """Several processes on one machine share its memory; a GPU belongs to one."""
        free = machine.free_memory(self.device)
        return free // int(os.environ.get("LOCAL_WORLD_SIZE", "1")) if self.device == "cpu" else free


def batch_of(run: RunFolder, config: Config) -> int:
    """Rows at a time: as configured, or as memory has made it."""
    return int(run.read_json("memory.json").get("batch_size", config.batch_size))


def halve(run: RunFolder, config: Config, batch: int, why: str) -> int:
    """Half the rows at a time from now on, one at the least; returns how many.

    `batch`: as many as this process ran with. Of several that run out at once each says so, and they are halved once.
    """
    half = smaller(batch) if batch > 1 else 1
    return set_batch(run, config, min(half, batch_of(run, config)), why)


def set_batch(run: RunFolder, config: Config, batch: int, why: str) -> int:
    """Keeps and tells it; the accumulation makes up for it, so that the rows a step stay the same."""
    accumulation = config.batch_size * config.accumulation // batch
    # Of several processes perhaps only this one ran out, so it writes, whichever it is.
    RunFolder(run.path).write_json("memory.json", {"batch_size": batch, "accumulation": accumulation})
    run.say(
        "memory",
        f"{why}: batch size now {batch}, accumulation {accumulation}",
        batch_size=batch,
        accumulation=accumulation,
    )
    return batch


def smaller(batch: int) -> int:
    """The largest proper divisor, so that the rows a step stay the same: half, where the batch is even."""
    return next(part for part in range(batch // 2, 0, -1) if batch % part == 0)
