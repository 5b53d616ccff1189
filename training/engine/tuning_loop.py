"""The course of an SFT or DPO run, the same for both: prepare, train, survive, save.

Exit codes: 0 finished, 3 stopped on request (a checkpoint is kept), 2 wrong usage, 1 anything else, with one sentence on
stderr.
"""

from __future__ import annotations

import argparse
import errno
import gc
import hashlib
import json
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import psutil
import torch
from peft import LoraConfig
from transformers import PreTrainedModel, PreTrainedTokenizerBase, PrinterCallback, Trainer, TrainerCallback
from transformers.utils import logging as transformers_logging

from training.engine import policy
from training.engine.tuning_artefact import finish
from training.engine.tuning_checkpoints import newest_whole, numbered
from training.engine.tuning_folder import RunFolder, RunRefused, Stopped, read_config
from training.engine.tuning_rows import Prepared, as_dataset, prepare, read_prompts, read_rows
from training.engine.tuning_watch import Samples, Watch
from training.readers.base_models import Base
from training.rules import memory
from training.rules.tuning_config import Config, ConfigError, Kind

STOPPED = 3
FIXED_PROMPTS = 10
ROOM = 16 * 2**20  # bytes for logs and small files
SMALL = 20_000_000
"""Below this many parameters threads on a CPU wait for each other longer than they work."""


@dataclass(frozen=True, slots=True)
class Material:
    """All that a trainer is built from, whatever the batch size."""

    config: Config
    folder: Path
    tokenizer: PreTrainedTokenizerBase
    train: datasets.Dataset
    evaluate: datasets.Dataset | None
    lora: LoraConfig | None
    dtype: torch.dtype
    arguments: dict[str, Any]

    def model(self) -> PreTrainedModel:
        return policy.load_model(self.folder, self.dtype)


Build = Callable[[Material, list[TrainerCallback]], Trainer]
"""Makes a trainer; raises RunRefused where the trainer's own configuration class refuses."""


def main(kind: Kind, build: Build, arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog=f"python -m training.engine.{kind}")
    parser.add_argument("run_dir", type=Path, metavar="RUN_DIR")
    parser.add_argument(
        "--resume", action="store_true", help="go on from the newest whole checkpoint, if there is one"
    )
    given = parser.parse_args(arguments)
    use_one_gpu()
    run = RunFolder(given.run_dir, writes=os.environ.get("RANK", "0") == "0")
    before = signal.signal(signal.SIGTERM, lambda _number, _frame: (run.path / "stop").touch())
    datasets.disable_progress_bars()
    transformers_logging.disable_progress_bar()
    os.environ["TQDM_DISABLE"] = "1"
    try:
        tune(kind, build, run, resume=given.resume)
    except Stopped:
        run.stop_obeyed()
        complain("Stopped on request.")
        return STOPPED
    except BaseException as error:
        sentence = sentence_for(error)
        if sentence is None:
            raise
        if not isinstance(error, RunRefused | ConfigError | MemoryError) and not _disk_is_full(error):
            traceback.print_exc()
        complain(sentence)
        return 1
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0


def complain(sentence: str) -> None:
    sys.stderr.write(sentence.rstrip() + "\n")


def sentence_for(error: BaseException) -> str | None:
    """What to tell whoever started the run; None for what is no failure of the run (Ctrl-C)."""
    if isinstance(error, RunRefused | ConfigError):
        return str(error)
    if _disk_is_full(error):
        return "The disk is full: the run needs more room than there is."
    if policy.out_of_memory(error):
        return "The machine has too little memory for this run, even with one row at a time."
    if isinstance(error, OSError):
        return f"A file could not be read or written: {error}."
    if isinstance(error, Exception):
        return f"The run failed: {type(error).__name__}: {str(error).strip().splitlines()[0][:300] if str(error).strip() else ''}"
    return None


def tune(kind: Kind, build: Build, run: RunFolder, *, resume: bool) -> None:
    """The whole run. Raises ConfigError, RunRefused, Stopped, OSError and what the libraries raise."""
    begun = time.monotonic()
    if not run.path.is_dir():
        raise RunRefused(f"There is no run directory {run.path}.")
    config = read_config(run.path / "config.json", kind)
    run.check()
    checkpoint = starting_point(run, config, resume)
    base = policy.find_base(config)
    rows = read_rows(run.path / "train.jsonl", kind)
    device = policy.device_of(config)
    precision = policy.precision_of(config, device)
    dtype = policy.weights_type(config, precision)
    refuse_what_cannot_fit(run, config, base, device, dtype)
    run.say("prepare", f"{len(rows)} rows, {device}, {precision}", device=device, precision=precision)
    tokenizer = policy.load_tokenizer(base.folder)
    prepared = prepare(rows, kind, tokenizer, config.max_length)
    run.say("prepare", said_of(prepared), **prepared.counts())
    judged = prepare_evaluation(run, kind, tokenizer, config)
    run.check()
    material = Material(
        config=config,
        folder=policy.ground(base, run),
        tokenizer=tokenizer,
        train=as_dataset(prepared.rows, run.cache / "train"),
        evaluate=as_dataset(judged.rows, run.cache / "eval") if judged else None,
        lora=policy.lora_of(config),
        dtype=dtype,
        arguments=trainer_arguments(run, config, device, precision, judged is not None),
    )
    trainer, watch = train(run, material, build, checkpoint)
    if material.evaluate is not None and watch.evaluated_at != trainer.state.global_step:
        trainer.evaluate()
    finish(run, config, base, trainer, watch, tokenizer, prepared, seconds=time.monotonic() - begun)
    run.say("done", "finished", trainer.state.global_step, trainer.state.max_steps)


def train(run: RunFolder, material: Material, build: Build, checkpoint: Path | None) -> tuple[Trainer, Watch]:
    """Trains to the end; out of memory, it halves the batch, doubles the accumulation and goes on.

    Raises Stopped after a stop, once the checkpoint is written.
    """
    config = material.config
    batch = int(run.read_json("memory.json").get("batch_size", config.batch_size))
    prompts = read_prompts(run.path / "prompts.jsonl")[:FIXED_PROMPTS]
    world = int(os.environ.get("WORLD_SIZE", "1"))
    while True:
        accumulation = config.batch_size * config.accumulation // batch
        material.arguments.update(
            per_device_train_batch_size=batch,
            per_device_eval_batch_size=batch,
            gradient_accumulation_steps=accumulation,
        )
        watch = Watch(run, batch * accumulation * world, config.kind)
        samples = Samples(run, watch, material.tokenizer, prompts, config.eval_every, config.sample_tokens)
        trainer: Trainer | None = None
        try:
            trainer = build(material, [watch, samples])
            trainer.remove_callback(PrinterCallback)
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        except Exception as error:
            if not policy.out_of_memory(error):
                raise
            if batch == 1:
                raise RunRefused(
                    "Out of memory even with one row at a time: choose a smaller model, a shorter max_length or LoRA."
                ) from None
        else:
            if watch.stopped and trainer.state.global_step < trainer.state.max_steps:
                raise Stopped
            return trainer, watch
        # Outside the handler, whose traceback would keep the tensors alive.
        del trainer, watch, samples
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        batch = smaller(batch)
        accumulation = config.batch_size * config.accumulation // batch
        # Of several processes perhaps only this one ran out, so it writes, whichever it is.
        RunFolder(run.path).write_json("memory.json", {"batch_size": batch, "accumulation": accumulation})
        run.say(
            "memory",
            f"out of memory: batch size now {batch}, accumulation {accumulation}",
            batch_size=batch,
            accumulation=accumulation,
        )
        if world > 1:
            raise RunRefused("Out of memory: resume the run, and it goes on with a smaller batch.")
        checkpoint, _complaints = newest_whole(run.checkpoints, remove_broken=True)


def smaller(batch: int) -> int:
    """The largest proper divisor, so that the rows a step stay the same: half, where the batch is even."""
    return next(part for part in range(batch // 2, 0, -1) if batch % part == 0)


def starting_point(run: RunFolder, config: Config, resume: bool) -> Path | None:
    """The checkpoint to go on from. Raises RunRefused where going on, or starting over, would mix two runs."""
    stamp = hashlib.sha256(json.dumps(config.as_json(), sort_keys=True).encode()).hexdigest()
    rows = run.path / "train.jsonl"
    data = hashlib.sha256(rows.read_bytes()).hexdigest() if rows.is_file() else ""
    before = run.read_json("started.json")
    if not resume:
        if numbered(run.checkpoints):
            raise RunRefused(
                "The run has checkpoints already: give --resume to go on, or use a new run directory."
            )
        if run.writes:
            shutil.rmtree(run.cache, ignore_errors=True)
            for name in ("memory.json", "progress.jsonl", "samples.jsonl"):
                (run.path / name).unlink(missing_ok=True)
        run.write_json("started.json", {"config": stamp, "data": data})
        return None
    if before and (before.get("config"), before.get("data")) != (stamp, data):
        raise RunRefused(
            "The configuration or the dataset has changed since the run began: start a new run instead."
        )
    run.write_json("started.json", {"config": stamp, "data": data})
    checkpoint, complaints = newest_whole(run.checkpoints, remove_broken=run.writes)
    for complaint in complaints:
        run.say("resume", f"a checkpoint is not whole and is left out: {complaint}")
    place = (
        f"going on from {checkpoint.name}"
        if checkpoint
        else "no whole checkpoint: starting from the beginning"
    )
    run.say("resume", place)
    return checkpoint


def refuse_what_cannot_fit(
    run: RunFolder, config: Config, base: Base, device: str, dtype: torch.dtype
) -> None:
    """Raises RunRefused where memory or disk are too small, with the reason."""
    try:
        shape = memory.shape_of(base.config)
    except ValueError as error:
        run.say("prepare", f"memory cannot be estimated: {error}")
        return
    plan = memory.Plan(
        batch=config.batch_size,
        max_length=config.max_length,
        lora_r=config.lora_r,
        weight_bytes=dtype.itemsize,
        checkpointing=config.gradient_checkpointing,
        dpo=config.kind == "dpo",
    )
    whole, least = memory.estimate(shape, plan), memory.least(shape, plan)
    # Processes of one machine share its memory; each has a GPU of its own.
    beside = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    free = torch.cuda.mem_get_info()[0] if device == "cuda" else psutil.virtual_memory().available // beside
    run.say(
        "prepare",
        "memory estimated",
        needed=whole.total,
        least=least.total,
        free=free,
        parameters=whole.parameters,
    )
    if device == "cpu" and whole.parameters < SMALL and "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)
    refused = memory.refusal(least, free, whole.total)
    if refused:
        raise RunRefused(refused)
    room = (
        memory.disk_bytes(whole, lora=bool(config.lora_r), merge=config.merge, kept=config.keep_checkpoints)
        + ROOM
    )
    there = shutil.disk_usage(run.path).free
    if there < room:
        raise RunRefused(
            f"The disk is full: checkpoints and weights need about {room / 2**30:.2f} GiB, and {there / 2**30:.2f} are free."
        )


def prepare_evaluation(
    run: RunFolder, kind: str, tokenizer: PreTrainedTokenizerBase, config: Config
) -> Prepared | None:
    path = run.path / "eval.jsonl"
    if not path.is_file() or not path.stat().st_size:
        return None
    return prepare(read_rows(path, kind), kind, tokenizer, config.max_length)


def said_of(prepared: Prepared) -> str:
    return (
        f"{len(prepared.rows)} of {prepared.given} rows are used; {prepared.prompt_too_long} left out because the prompt alone "
        f"fills max_length; {prepared.cut} answers cut; the longest row has {prepared.longest} tokens"
    )


def trainer_arguments(
    run: RunFolder, config: Config, device: str, precision: str, evaluates: bool
) -> dict[str, Any]:
    """What both trainers' configuration classes are given. Nothing is reported to any service."""
    stepwise = evaluates and config.eval_every > 0
    return {
        "output_dir": str(run.checkpoints),
        "learning_rate": config.rate,
        "num_train_epochs": config.epochs,
        "max_steps": config.max_steps if config.max_steps > 0 else -1,
        "lr_scheduler_type": config.scheduler,
        "warmup_steps": config.warmup_steps,
        "weight_decay": config.weight_decay,
        "max_grad_norm": config.max_grad_norm,
        "max_length": config.max_length,
        "seed": config.seed,
        "bf16": precision == "bf16",
        "fp16": precision == "fp16",
        "activation_checkpointing": config.gradient_checkpointing,
        "use_cpu": device == "cpu",
        "dataloader_pin_memory": device == "cuda",
        "logging_steps": 1,
        "logging_strategy": "steps",
        "eval_strategy": "steps" if stepwise else "no",
        "eval_steps": config.eval_every if stepwise else None,
        "save_strategy": "steps" if config.save_every else "no",
        "save_steps": config.save_every or 500,
        "save_total_limit": config.keep_checkpoints,
        "report_to": [],
        "disable_tqdm": True,
        **config.extra,
    }


def use_one_gpu() -> None:
    """Without a launcher one process uses one GPU: the trainers would else spread over all visible ones."""
    if "WORLD_SIZE" not in os.environ:
        os.environ["CUDA_VISIBLE_DEVICES"] = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]


def _disk_is_full(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return "No space left on device" in str(error)
