"""What happens at every step of a run: its figures are told, a stop is obeyed, fixed prompts are answered."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from transformers import (
    PreTrainedTokenizerBase,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from training.engine.policy import answer
from training.engine.tuning_folder import RunFolder, RunRefused
from training.engine.tuning_rows import Turns

FIGURES: Mapping[str, str] = {
    "loss": "loss",
    "grad_norm": "grad_norm",
    "learning_rate": "learning_rate",
    "epoch": "epoch",
    "entropy": "entropy",
    "mean_token_accuracy": "token_accuracy",
    "rewards/margins": "margin",
    "rewards/accuracies": "accuracy",
    "rewards/chosen": "reward_chosen",
    "rewards/rejected": "reward_rejected",
    "logps/chosen": "logp_chosen",
    "logps/rejected": "logp_rejected",
}
"""The trainers' names for what they log, and ours."""

WINDOW = 20  # steps that the estimate of the remaining time looks back on
START_MARGIN = 0.05


class Watch(TrainerCallback):
    """Writes one line of progress a step, and ends training at the next step after a stop was asked for."""

    def __init__(self, run: RunFolder, rows_a_step: int, kind: str) -> None:
        self._run = run
        self._rows = rows_a_step
        self._kind = kind
        self._times: list[tuple[float, float]] = []  # (clock, tokens) at the end of each step
        self._begun = False
        self.stopped = False
        self.last: dict[str, Any] = {}
        self.evaluated: dict[str, Any] = {}
        self.evaluated_at = -1

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._times = [(time.monotonic(), 0.0)]
        self._begun = state.global_step == 0
        self._run.say("train", "training", state.global_step, state.max_steps)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if agreed(self._run.stop_asked()):
            self.stopped = True
            control.should_save = True
            control.should_training_stop = True

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        logs = logs or {}
        if "loss" in logs:
            self._step(state, logs)
        elif any(name.startswith("eval_") for name in logs):
            self.evaluated = figures_of(
                {
                    name.removeprefix("eval_"): value
                    for name, value in logs.items()
                    if name.startswith("eval_")
                }
            )
            self.evaluated_at = state.global_step
            self._run.say("eval", "evaluated", state.global_step, state.max_steps, **self.evaluated)

    def _step(self, state: TrainerState, logs: Mapping[str, float]) -> None:
        figures = figures_of(logs)
        if self._kind == "dpo" and self._begun and state.global_step == 1:
            refuse_wrong_start(figures.get("margin"))
        self._times.append((time.monotonic(), float(logs.get("num_tokens", 0.0))))
        del self._times[: -WINDOW - 1]
        (before, tokens_before), (now, tokens) = self._times[0], self._times[-1]
        steps, seconds = len(self._times) - 1, max(now - before, 1e-9)
        self.last = {
            **figures,
            "samples_per_second": steps * self._rows / seconds,
            "tokens_per_second": max(tokens - tokens_before, 0.0) / seconds,
            "eta_seconds": (state.max_steps - state.global_step) * seconds / steps,
            "gpu_memory": torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None,
        }
        message = f"step {state.global_step} of {state.max_steps}"
        self._run.say("train", message, state.global_step, state.max_steps, **self.last)

    def paused(self, seconds: float) -> None:
        """Time that did not go into steps is taken out of the speed."""
        self._times = [(at + seconds, tokens) for at, tokens in self._times]


class Samples(TrainerCallback):
    """The model's answers to fixed prompts: before the first step, every `every` steps, and at the end."""

    def __init__(
        self,
        run: RunFolder,
        watch: Watch,
        tokenizer: PreTrainedTokenizerBase,
        prompts: Sequence[tuple[str, Turns]],
        every: int,
        tokens: int,
    ) -> None:
        self._run = run
        self._watch = watch
        self._tokenizer = tokenizer
        self._prompts = prompts if tokens > 0 else []
        self._every = every
        self._tokens = tokens
        self._done = -1

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if state.global_step == 0:
            self._ask(state, kwargs["model"])

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        due = self._every and state.global_step % self._every == 0
        if (due or state.global_step >= state.max_steps) and not self._watch.stopped:
            self._ask(state, kwargs["model"])

    def _ask(self, state: TrainerState, model: Any) -> None:
        if not self._prompts or self._done == state.global_step or not self._run.writes:
            return
        begun = time.monotonic()
        answers = answer(model, self._tokenizer, [turns for _id, turns in self._prompts], self._tokens)
        self._done = state.global_step
        self._run.append(
            "samples.jsonl",
            [
                {"step": state.global_step, "id": name, "prompt": turns[-1]["content"], "answer": said.text}
                for (name, turns), said in zip(self._prompts, answers, strict=True)
            ],
        )
        self._run.say("sample", f"answered {len(answers)} fixed prompts", state.global_step, state.max_steps)
        self._watch.paused(time.monotonic() - begun)


def figures_of(logs: Mapping[str, float]) -> dict[str, float]:
    """A trainer's figures under our names."""
    return {ours: float(logs[theirs]) for theirs, ours in FIGURES.items() if theirs in logs}


def refuse_wrong_start(margin: float | None) -> None:
    """At the first step policy and reference are one model, so the margin is 0. Raises RunRefused if it is not."""
    if margin is not None and abs(margin) > START_MARGIN:
        raise RunRefused(
            f"DPO began with a rewards margin of {margin:.3f} instead of 0: the reference is not the model the run "
            "started from."
        )


def agreed(asked: bool) -> bool:
    """The first process decides for all, so that they stop at the same step."""
    if not torch.distributed.is_available() or not torch.distributed.is_initialized():
        return asked
    box = [asked]
    torch.distributed.broadcast_object_list(box, src=0)
    return bool(box[0])
