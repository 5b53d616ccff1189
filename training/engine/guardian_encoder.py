"""Training of the kind `encoder`: a checkpoint on disk, a fresh head, soft labels, plain torch.

One fold of norm groups is kept from the training; calibration and thresholds come from it alone, so they are honest
about new norms. `settings`: those of `training.rules.guardian_settings`; a run that was killed goes on from its newest
checkpoint as if nothing had happened.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import LoraConfig, TaskType, get_peft_model
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.optim.lr_scheduler import LambdaLR

from benchmark.guardians.base import CRITERIA, Case
from benchmark.guardians.encoder import DTYPES, TOKENS
from benchmark.guardians.encoder_model import (
    HEAD_FILE,
    MODEL_FOLDER,
    Network,
    batches,
    encode,
    load_body,
    load_tokenizer,
    save_head,
)
from benchmark.guardians.int8 import has_int8_instructions, in_int8
from training.engine.guardian_calibrating import Calibrated, calibrate
from training.engine.guardian_checkpoint import Checkpoint, forget
from training.engine.guardian_holding_out import learning_and_held
from training.engine.guardian_run import Config, Run, RunRefused, TrainingRow
from training.rules.guardian_settings import EncoderSettings, SettingsRefused, encoder_settings
from training.rules.guardian_targets import taught


def settings_of(config: Config) -> EncoderSettings:
    """Raises RunRefused for an unknown setting or a value that is not allowed."""
    try:
        return encoder_settings(config.settings)
    except SettingsRefused as error:
        raise RunRefused(str(error)) from None


def arithmetic_of(settings: EncoderSettings, device: torch.device) -> str:
    """What the guardian will judge in. Chosen once, here: its calibration holds for nothing else."""
    if settings.arithmetic != "auto":
        return settings.arithmetic
    return "int8" if device.type == "cpu" and has_int8_instructions() else "float"


def train(
    run: Run, rows: Sequence[TrainingRow], config: Config, folder: Path
) -> tuple[Calibrated, dict[str, Any]]:
    """Trains, writes weights into the artefact folder, and returns calibration and what the manifest says."""
    settings = settings_of(config)
    if not Path(config.base_model).is_dir():
        raise RunRefused(
            f"There is no checkpoint folder {config.base_model!r}: give base_model as a local path."
        )
    learning, held = learning_and_held(rows, config)
    torch.manual_seed(config.seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    tokenizer = load_tokenizer(config.base_model)
    network = _network(config, settings).to(device)
    _fit(run, network, tokenizer, learning, config, settings, device)
    network.eval()
    if settings.lora_r:
        network.body = network.body.merge_and_unload()  # type: ignore[operator]
    network.body.save_pretrained(folder / MODEL_FOLDER, safe_serialization=True)  # type: ignore[operator]
    tokenizer.save_pretrained(folder / MODEL_FOLDER)
    save_head(network, folder / HEAD_FILE)
    arithmetic = arithmetic_of(settings, device)
    if arithmetic == "int8":
        in_int8(network.body)
    run.say("calibration", f"{len(held)} held-out answers, in {arithmetic}")
    calibrated = calibrate(_margins(run, network, tokenizer, held, settings, device), held, config)
    forget(run.folder)
    manifest = {
        "max_length": settings.max_length,
        "dtype": settings.dtype,
        "arithmetic": arithmetic,
        "slopes": calibrated.slopes,
        "offsets": calibrated.offsets,
        "priors": calibrated.priors,
        "notes": calibrated.notes,
        "calibrated_on": len(held),
    }
    return calibrated, manifest


def _network(config: Config, settings: EncoderSettings) -> Network:
    """The checkpoint with a fresh head, and adapters where the settings ask for them; drawn from torch's seed."""
    body = load_body(config.base_model, dtype=DTYPES[settings.dtype])
    hidden = int(body.config.hidden_size)
    reads = getattr(body.config, "max_position_embeddings", None)
    if reads is not None and settings.max_length > reads:
        raise RunRefused(f"This checkpoint reads {reads} tokens; max_length asks for {settings.max_length}.")
    if settings.lora_r:
        body = get_peft_model(
            body,
            LoraConfig(
                task_type=TaskType.FEATURE_EXTRACTION,
                r=settings.lora_r,
                lora_alpha=2 * settings.lora_r,
                lora_dropout=0.0,
                target_modules="all-linear",
            ),
        )
    return Network(body, hidden)


def _fit(
    run: Run,
    network: Network,
    tokenizer: Any,
    rows: Sequence[TrainingRow],
    config: Config,
    settings: EncoderSettings,
    device: torch.device,
) -> None:
    """AdamW with a linear warm-up and decay; the order of the rows is shuffled by the seed."""
    encoded = encode(
        tokenizer, [Case(row.norm, row.question, row.response) for row in rows], settings.max_length
    )
    learnt = [[taught(row.target, row.weight, name) for name in CRITERIA] for row in rows]
    targets = torch.tensor([[t for t, _w in row] for row in learnt], dtype=torch.float32, device=device)
    weights = torch.tensor([[w for _t, w in row] for row in learnt], dtype=torch.float32, device=device)
    trainable = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trainable, lr=settings.learning_rate, weight_decay=settings.weight_decay)
    steps = -(-len(rows) // settings.batch_size) * settings.epochs
    schedule = _up_and_down(optimizer, steps, max(1, round(steps * settings.warmup)))
    order = list(range(len(rows)))
    shuffler = random.Random(config.seed)
    network.train()
    kept = Checkpoint(run, config, settings.checkpoint_seconds)
    done = kept.restore(network, optimizer, schedule)
    if done:
        run.say("resume", f"from the checkpoint of step {done}", done, steps)
    step = 0
    for epoch in range(settings.epochs):
        shuffler.shuffle(order)
        for start in range(0, len(order), settings.batch_size):
            step += 1
            if step <= done:
                continue
            chosen = order[start : start + settings.batch_size]
            [batch] = batches([encoded[i] for i in chosen], tokenizer.pad_token_id, 2**40, device)
            picked = torch.tensor([chosen[i] for i in batch.order], device=device)
            margins = network(batch.ids, batch.mask)
            losses = binary_cross_entropy_with_logits(margins, targets[picked], reduction="none")
            loss = (losses * weights[picked]).sum() / weights[picked].sum().clamp(min=1e-6)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trainable, 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            kept.save_if_due(step, network, optimizer, schedule)
            run.say("train", f"epoch {epoch + 1}", step, steps, loss=round(float(loss.detach()), 6))


def _up_and_down(optimizer: torch.optim.Optimizer, steps: int, warm: int) -> LambdaLR:
    """The rate rises over the first `warm` of the steps and then falls, both in a straight line."""
    return LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, max(0.0, (steps - step) / max(1, steps - warm + 1)))
    )


@torch.inference_mode()
def _margins(
    run: Run,
    network: Network,
    tokenizer: Any,
    rows: Sequence[TrainingRow],
    settings: EncoderSettings,
    device: torch.device,
) -> np.ndarray:
    encoded = encode(
        tokenizer, [Case(row.norm, row.question, row.response) for row in rows], settings.max_length
    )
    found = np.zeros((len(rows), len(CRITERIA)))
    for batch in batches(encoded, tokenizer.pad_token_id, TOKENS[device.type], device):
        run.check()
        found[batch.order] = network(batch.ids, batch.mask).cpu().numpy()
    return found
