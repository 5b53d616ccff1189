"""python -m training.engine.sft RUN_DIR [--resume]: supervised fine-tuning with TRL. No Django, no database.

In: config.json (`training.rules.tuning_config`), train.jsonl and, if there are any, eval.jsonl and prompts.jsonl
(`training.engine.tuning_rows`). Out: progress.jsonl and samples.jsonl while it runs, checkpoints/, then artefact/ and
report.json. A file `stop` ends it at the next step with a checkpoint. Exit codes: `training.engine.tuning_loop`.
"""

from __future__ import annotations

import sys

from transformers import Trainer, TrainerCallback
from trl import SFTConfig, SFTTrainer

from training.engine.tuning_folder import RunRefused
from training.engine.tuning_loop import Material, main


def build(material: Material, callbacks: list[TrainerCallback]) -> Trainer:
    try:
        arguments = SFTConfig(**material.arguments, packing=material.config.packing)
    except (TypeError, ValueError) as error:
        raise RunRefused(f"The trainer refuses the configuration: {error}") from None
    return SFTTrainer(
        model=material.model(),
        args=arguments,
        train_dataset=material.train,
        eval_dataset=material.evaluate,
        processing_class=material.tokenizer,
        callbacks=callbacks,
        peft_config=material.lora,
    )


if __name__ == "__main__":
    sys.exit(main("sft", build))
