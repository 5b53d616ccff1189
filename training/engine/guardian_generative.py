"""Training of the kind `generative`: a causal language model on disk learns from experts to judge (TRL, SFT).

Each row becomes one conversation: the very prompt that will be used in judging, and the reply that an expert's label
and rationale make. Only the reply is learnt. Calibration and thresholds come from one fold of norm groups kept from
the training, judged with the trained model; what it fails to judge there is counted, not guessed.
`settings`: those of `training.rules.guardian_settings`; a run that was killed goes on from its newest whole checkpoint.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, TrainerCallback
from trl import SFTConfig, SFTTrainer

from benchmark.guardians.base import QUALITY_CRITERIA, RISK_CRITERIA
from benchmark.guardians.encoder_model import MODEL_FOLDER, load_tokenizer
from benchmark.guardians.generative import GenerativeGuardian
from benchmark.guardians.generative_local import LocalBackend
from benchmark.rules.judge_protocol import messages
from training.engine.guardian_calibrating import Calibrated, calibrate_judge, uncalibrated
from training.engine.guardian_holding_out import learning_and_held
from training.engine.guardian_judging import judge_all
from training.engine.guardian_run import Config, Run, RunRefused, Stopped, TrainingRow
from training.engine.tuning_checkpoints import newest_whole
from training.rules.guardian_settings import GenerativeSettings, SettingsRefused, generative_settings
from training.rules.guardian_targets import risk_of

NO_REASON = "依据给出的规范逐项评定。"


def train(
    run: Run, rows: Sequence[TrainingRow], config: Config, folder: Path
) -> tuple[Calibrated, dict[str, Any]]:
    """Trains, writes the checkpoint into the artefact folder, and returns calibration and the manifest's settings."""
    settings = settings_of(config)
    if not Path(config.base_model).is_dir():
        raise RunRefused(
            f"There is no checkpoint folder {config.base_model!r}: give base_model as a local path."
        )
    learning, held = learning_and_held(rows, config)
    tokenizer = load_tokenizer(config.base_model)
    if not tokenizer.chat_template:
        raise RunRefused("This checkpoint has no chat template: a judge is spoken to in messages.")
    model = _fit(run, learning, config, settings, tokenizer)
    model.save_pretrained(folder / MODEL_FOLDER, safe_serialization=True)
    tokenizer.save_pretrained(folder / MODEL_FOLDER)
    calibrated, judged = _calibrated(run, model, tokenizer, held[: settings.calibrate_on], config)
    shutil.rmtree(
        run.folder / "trainer", ignore_errors=True
    )  # only now: whoever is killed before goes on from there
    manifest = {
        "backend": "local",
        "tries": 2,
        "wait": 0,
        "parallel": 1,
        "slopes": calibrated.slopes,
        "offsets": calibrated.offsets,
        "notes": calibrated.notes,
        "held_out": min(len(held), settings.calibrate_on),
        "held_out_judged": judged,
    }
    return calibrated, manifest


def settings_of(config: Config) -> GenerativeSettings:
    """Raises RunRefused for an unknown setting or one out of range."""
    try:
        return generative_settings(config.settings)
    except SettingsRefused as error:
        raise RunRefused(str(error)) from None


def lesson(row: TrainingRow) -> dict[str, list[dict[str, str]]]:
    """Prompt and completion of one row. The token is drawn from the row's id, so that a run can be repeated."""
    token = hashlib.sha256(f"lesson {row.id}".encode()).hexdigest()[:32]
    return {
        "prompt": messages(row.norm, row.question, row.response, token),
        "completion": [{"role": "assistant", "content": reply_of(row, token)}],
    }


def reply_of(row: TrainingRow, token: str) -> str:
    """The reply a perfect judge would give: the majority value, and the experts' agreement as confidence."""
    risky = risk_of(row.target) >= 0.5
    values: dict[str, int | None] = {name: -int((row.target[name] or 0.0) >= 0.5) for name in RISK_CRITERIA}
    confidence: dict[str, float] = {name: _sure(row.target[name]) for name in RISK_CRITERIA}
    for name in QUALITY_CRITERIA:
        soft = row.target[name]
        values[name] = None if risky else int((soft or 0.0) >= 0.5)
        if not risky:
            confidence[name] = _sure(soft) if soft is not None else 0.5
    data: dict[str, Any] = {"token": token, "rationale": row.rationale.strip()[:1_000] or NO_REASON, **values}
    data |= {"confidence": confidence, "evidence": {name: [] for name in RISK_CRITERIA}}
    return json.dumps(data, ensure_ascii=False)


class _Follow(TrainerCallback):
    """Carries progress out and the stop file in, and has a checkpoint written now and then."""

    def __init__(self, run: Run, every: float) -> None:
        self.run = run
        self.stopped = False
        self._every = every
        self._last = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **_more: Any) -> Any:
        try:
            self.run.check()
        except Stopped:
            self.stopped = True
            control.should_training_stop = True
        if time.monotonic() - self._last >= self._every:
            control.should_save = True
            self._last = time.monotonic()
        return control

    def on_log(
        self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **_more: Any
    ) -> None:
        loss = (logs or {}).get("loss")
        if loss is not None and math.isfinite(float(loss)) and not self.stopped:
            self.run.say("train", "step", state.global_step, state.max_steps, loss=round(float(loss), 6))


def _fit(
    run: Run, rows: Sequence[TrainingRow], config: Config, settings: GenerativeSettings, tokenizer: Any
) -> Any:
    gpu = torch.cuda.is_available()
    try:
        model = AutoModelForCausalLM.from_pretrained(
            config.base_model,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.bfloat16 if gpu else torch.float32,
        )
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        raise RunRefused(f"The checkpoint cannot be loaded: {str(error).splitlines()[0][:300]}") from error
    follow = _Follow(run, settings.checkpoint_seconds)
    place = run.folder / "trainer"
    resume = _checkpoint(run, place, config, rows)
    rank = settings.lora_r
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(
            output_dir=str(place),
            num_train_epochs=float(settings.epochs),
            per_device_train_batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            max_length=settings.max_length,
            completion_only_loss=True,
            bf16=gpu,
            seed=config.seed,
            save_strategy="no",
            save_total_limit=2,
            report_to=[],
            logging_steps=1,
            disable_tqdm=True,
        ),
        train_dataset=Dataset.from_list([lesson(row) for row in rows]),
        processing_class=tokenizer,
        callbacks=[follow],
        peft_config=LoraConfig(
            r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM"
        )
        if rank
        else None,
    )
    trainer.train(resume_from_checkpoint=resume)
    if follow.stopped:
        raise Stopped
    trained: Any = trainer.model
    return trained.merge_and_unload() if rank else trained


def _checkpoint(run: Run, place: Path, config: Config, rows: Sequence[TrainingRow]) -> str | None:
    """Where to go on from: the newest whole checkpoint of this very run; None, and an empty folder, where there is none."""
    told = json.dumps([asdict(config), [row.id for row in rows]], sort_keys=True, default=str)
    mark = hashlib.sha256(f"{run.data_hash()} {told}".encode()).hexdigest()
    of = place / "of.txt"
    if not of.is_file() or of.read_text("ascii") != mark:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        of.write_text(mark, "ascii")
    found, complaints = newest_whole(place, remove_broken=True)
    for complaint in complaints:
        run.say("resume", f"left alone: {complaint}")
    if found is None:
        return None
    run.say("resume", f"from {found.name}")
    return str(found)


def _calibrated(
    run: Run, model: Any, tokenizer: Any, rows: Sequence[TrainingRow], config: Config
) -> tuple[Calibrated, int]:
    """Log odds of the held-out judgements against the labels; the plain confidence where too few came about."""
    judge = GenerativeGuardian(uncalibrated(config, parallel=1, tries=1), LocalBackend(model, tokenizer))
    return calibrate_judge(judge_all(run, judge, rows, "calibration"), rows, config)


def _sure(soft: float | None) -> float:
    share = soft or 0.0
    return round(min(0.98, max(share, 1 - share)), 2)
