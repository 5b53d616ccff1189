"""What somebody would write without the platform: TRL in a few lines, the same settings. The yardstick of the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

COMMON: dict[str, Any] = {
    "learning_rate": 1e-3,
    "lr_scheduler_type": "cosine",
    "max_length": 160,
    "seed": 1,
    "bf16": False,
    "activation_checkpointing": False,
    "use_cpu": True,
    "dataloader_pin_memory": False,
    "logging_steps": 1,
    "save_strategy": "no",
    "report_to": [],
    "disable_tqdm": True,
}


def bare_losses(kind: str, base: Path, rows: list[dict[str, Any]], out: Path, **settings: Any) -> list[float]:
    """The loss of every step."""
    tokenizer = AutoTokenizer.from_pretrained(base)
    lora = settings.pop("lora_r", 0)
    trainer_class, config_class = (SFTTrainer, SFTConfig) if kind == "sft" else (DPOTrainer, DPOConfig)
    trainer = trainer_class(
        model=AutoModelForCausalLM.from_pretrained(base, dtype="float32"),
        args=config_class(output_dir=str(out), **{**COMMON, **settings}),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=LoraConfig(task_type="CAUSAL_LM", r=lora, lora_alpha=32, lora_dropout=0.0,
                               target_modules="all-linear") if lora else None,
    )  # fmt: skip
    trainer.train()
    return [logs["loss"] for logs in trainer.state.log_history if "loss" in logs]
