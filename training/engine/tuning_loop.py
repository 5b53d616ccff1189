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
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import datasets
import torch
from peft import LoraConfig
from transformers import PreTrainedModel, PreTrainedTokenizerBase, PrinterCallback, Trainer, TrainerCallback
from transformers.utils import logging as transformers_logging

from training.engine import policy
from training.engine.conversation import Speech, ids_of, load_speech
from training.engine.machine import out_of_memory_kills
from training.engine.tuning_artefact import finish
from training.engine.tuning_checkpoints import newest_whole, numbered
from training.engine.tuning_folder import RunFolder, RunRefused, Stopped, read_config
from training.engine.tuning_room import Room, batch_of, halve
from training.engine.tuning_rows import Prepared, Turns, as_dataset, prepare, read_prompts, read_rows
from training.engine.tuning_watch import Samples, Watch
from training.readers.base_models import Base
from training.readers.dataset_rows import row_file
from training.rules.tuning_config import Config, ConfigError, Kind

STOPPED = 3
FIXED_PROMPTS = 10
BESIDE_THE_RESULT = ("model_roots", "hubs", "lineage")


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
        model = policy.load_model(self.folder, self.dtype)
        if self.config.kind == "dpo" and self.config.extra.get("disable_dropout", True):
            policy.still(model)
        return model


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
    """On a full disk nothing can be said, and the exit code must not change for that."""
    with suppress(OSError):
        sys.stderr.write(sentence.rstrip() + "\n")
        sys.stderr.flush()


def sentence_for(error: BaseException) -> str | None:
    """What to tell whoever started the run; None for what is no failure of the run (Ctrl-C)."""
    if isinstance(error, RunRefused | ConfigError):
        return str(error)
    if _disk_is_full(error):
        return "The disk is full, or a limit on it is reached: the run needs more room than there is."
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
    rows = read_rows(row_file(run.path, "train"), kind)
    device = policy.device_of(config)
    precision = policy.precision_of(config, device)
    dtype = policy.weights_type(config, precision)
    room = Room(run, config, base, device, dtype)
    room.refuse_what_cannot_fit()
    run.say("prepare", f"{len(rows)} rows, {device}, {precision}", device=device, precision=precision)
    prompts = read_prompts(run.path / "prompts.jsonl")[:FIXED_PROMPTS]
    asked = [row["prompt"] for row in rows] + [turns for _id, turns in prompts]
    speech = load_speech(base, system=any(turns[0]["role"] == "system" for turns in asked))
    for _id, turns in prompts:
        ids_of(speech.tokenizer, turns, ask=True)
    for note in speech.notes:
        run.say("prepare", note)
    config = within_positions(run, config, base)
    tokenizer = speech.tokenizer
    prepared = prepare(rows, kind, speech, config.max_length, run.check)
    run.say("prepare", said_of(prepared), **prepared.counts())
    room.choose_batch(prepared.longest)
    judged = prepare_evaluation(run, kind, speech, config)
    run.check()
    material = Material(
        config=config,
        folder=policy.ground(base, run, tokenizer),
        tokenizer=tokenizer,
        train=as_dataset(prepared.rows, run.cache / "train"),
        evaluate=as_dataset(judged.rows, run.cache / "eval") if judged else None,
        lora=policy.lora_of(config),
        dtype=dtype,
        arguments=trainer_arguments(run, config, device, precision, judged is not None),
    )
    trainer, watch = train(run, material, build, checkpoint, prompts)
    if material.evaluate is not None and watch.evaluated_at != trainer.state.global_step:
        trainer.evaluate()
    finish(run, config, base, trainer, watch, speech, prepared, seconds=time.monotonic() - begun)
    run.say("done", "finished", trainer.state.global_step, trainer.state.max_steps)


def within_positions(run: RunFolder, config: Config, base: Base) -> Config:
    """A model reads only so many tokens; beyond them some fail and the others talk nonsense."""
    most = policy.positions_of(base.config)
    if not most or config.max_length <= most:
        return config
    run.say(
        "prepare",
        f"the model reads {most} tokens at most: max_length is {most} instead of {config.max_length}",
    )
    return replace(config, max_length=most)


def train(
    run: RunFolder,
    material: Material,
    build: Build,
    checkpoint: Path | None,
    prompts: Sequence[tuple[str, Turns]],
) -> tuple[Trainer, Watch]:
    """Trains to the end; out of memory, it halves the batch, doubles the accumulation and goes on.

    Raises Stopped after a stop, once the checkpoint is written.
    """
    config = material.config
    batch = batch_of(run, config)
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
        batch = halve(run, config, batch, "out of memory")
        if world > 1:
            raise RunRefused("Out of memory: resume the run, and it goes on with a smaller batch.")
        checkpoint, _complaints = newest_whole(run.checkpoints, remove_broken=True)


def stamp_of(config: Config) -> str:
    """SHA-256 of the settings that decide what comes out: not of where models may lie or come from, which the site may
    change while a run waits, nor of what is copied into its card."""
    deciding = {name: value for name, value in config.as_json().items() if name not in BESIDE_THE_RESULT}
    return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()


def starting_point(run: RunFolder, config: Config, resume: bool) -> Path | None:
    """The checkpoint to go on from. Raises RunRefused where going on, or starting over, would mix two runs."""
    stamp = stamp_of(config)
    rows = row_file(run.path, "train")
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
        run.write_json(
            "started.json", {"config": stamp, "data": data, "out_of_memory_kills": out_of_memory_kills()}
        )
        return None
    if before and (before.get("config"), before.get("data")) != (stamp, data):
        raise RunRefused(
            "The configuration or the dataset has changed since the run began: start a new run instead."
        )
    kills = out_of_memory_kills()
    # Each process starts here; the first one decides for all.
    if run.writes and kills is not None and kills > before.get("out_of_memory_kills", kills):
        halve(run, config, batch_of(run, config), "the machine ran out of memory and a program was killed")
    run.write_json("started.json", {"config": stamp, "data": data, "out_of_memory_kills": kills})
    checkpoint, complaints = newest_whole(run.checkpoints, remove_broken=run.writes)
    run.forget_after(int(checkpoint.name.split("-")[1]) if checkpoint else -1)
    for complaint in complaints:
        run.say("resume", f"a checkpoint is not whole and is left out: {complaint}")
    place = (
        f"going on from {checkpoint.name}"
        if checkpoint
        else "no whole checkpoint: starting from the beginning"
    )
    run.say("resume", place)
    return checkpoint


def prepare_evaluation(run: RunFolder, kind: str, speech: Speech, config: Config) -> Prepared | None:
    path = row_file(run.path, "eval")
    if not path.is_file() or not path.stat().st_size:
        return None
    return prepare(read_rows(path, kind), kind, speech, config.max_length, run.check)


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
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return True
    text = str(error)
    # torch's and safetensors' wordings; the writer of torch notices only at the end that bytes are missing
    full = ("No space left on device", "File too large", "Disk quota exceeded", "inline_container.cc")
    return any(words in text for words in full)
