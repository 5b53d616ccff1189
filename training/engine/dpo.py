"""python -m training.engine.dpo RUN_DIR [--resume]: direct preference optimisation with TRL. No Django, no database.

Files and exit codes as of `training.engine.sft`. The reference is the base model itself: its log-probabilities of all
rows are computed once, before the first step, and kept below cache/ for a resumed run.
"""

from __future__ import annotations

import sys

from transformers import Trainer, TrainerCallback
from trl import DPOConfig, DPOTrainer

from training.engine.tuning_folder import RunRefused
from training.engine.tuning_loop import Material, main


def build(material: Material, callbacks: list[TrainerCallback]) -> Trainer:
    config = material.config
    try:
        arguments = DPOConfig(
            **material.arguments,
            beta=config.beta,
            loss_type=config.losses,
            loss_weights=config.loss_weights,
            precompute_ref_log_probs=True,
        )
    except (TypeError, ValueError) as error:
        raise RunRefused(f"The trainer refuses the configuration: {error}") from None
    return DPOTrainer(
        model=material.model(),
        args=arguments,
        train_dataset=material.train,
        eval_dataset=material.evaluate,
        processing_class=material.tokenizer,
        callbacks=callbacks,
        peft_config=material.lora,
    )


if __name__ == "__main__":
    sys.exit(main("dpo", build))
