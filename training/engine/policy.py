"""Loading, adapting, saving and asking the model that is tuned. Safetensors only; code of a model is never run."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError
from peft import LoraConfig, PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from training.engine.tuning_folder import RunFolder, RunRefused
from training.readers.base_models import Base, BaseModelError, base_in, hub_refusal, is_path
from training.rules.tuning_config import Config

DOWNLOADS = ["*.safetensors", "*.safetensors.index.json", "*.json", "*.txt", "*.model", "*.jinja"]
ANSWERS_AT_ONCE = 5
MERGE_WAIT = 0.2
PROBE = "医生应当尊重患者的知情同意权。"


def find_base(config: Config) -> Base:
    """The base model on disk, fetched from the hub where it is named by an id. Raises RunRefused in one sentence."""
    try:
        if is_path(config.base_model):
            return base_in(config.base_model, config.model_roots)
        refused = hub_refusal(config.base_model, config.hubs)
        if refused:
            raise BaseModelError(refused)
        folder = snapshot_download(config.base_model, allow_patterns=DOWNLOADS, etag_timeout=10)
        return base_in(folder, None)
    except BaseModelError as error:
        raise RunRefused(str(error)) from None
    except RepositoryNotFoundError:
        raise RunRefused(f"The hub has no model {config.base_model}.") from None
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        reason = str(error).strip().split("\n")[0][:160]
        raise RunRefused(
            f"The model {config.base_model} could not be fetched from the hub: {reason}"
        ) from None


def device_of(config: Config) -> str:
    """ "cuda" or "cpu". Raises RunRefused for a GPU that is not there."""
    if config.device == "cuda" and not torch.cuda.is_available():
        raise RunRefused("The configuration asks for a GPU, and this machine has none.")
    return "cuda" if config.device != "cpu" and torch.cuda.is_available() else "cpu"


def precision_of(config: Config, device: str) -> str:
    """ "fp32", "bf16" or "fp16"; auto: bf16 where the GPU has it, else fp32. Raises RunRefused for fp16 on a CPU."""
    if config.precision == "fp16" and device == "cpu":
        raise RunRefused("Half precision fp16 needs a GPU: choose fp32 or bf16.")
    if config.precision != "auto":
        return config.precision
    return "bf16" if device == "cuda" and torch.cuda.is_bf16_supported() else "fp32"


def weights_type(config: Config, precision: str) -> torch.dtype:
    """How the weights lie in memory: frozen ones under LoRA in the run's precision, trained ones in fp32."""
    if not config.lora_r:
        return torch.float32
    return {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[precision]


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """Raises RunRefused for a broken tokenizer or one without a chat template."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # the loaders raise whatever the file's contents provoke
        raise RunRefused(f"The tokenizer in {folder} cannot be loaded: {_first_line(error)}") from None
    if not tokenizer.chat_template:
        raise RunRefused(f"The tokenizer in {folder} has no chat template, so it cannot hold a conversation.")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_model(folder: Path, dtype: torch.dtype) -> PreTrainedModel:
    """Raises RunRefused for weights that do not load, or that would need code of their own."""
    try:
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=dtype, use_safetensors=True, trust_remote_code=False, local_files_only=True
        )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        if out_of_memory(error):
            raise
        raise RunRefused(f"The model in {folder} cannot be loaded: {_first_line(error)}") from None
    if any(parameter.is_meta for parameter in model.parameters()):
        raise RunRefused(f"The model in {folder} is incomplete: some of its weights are missing.")
    return model


def ground(base: Base, run: RunFolder) -> Path:
    """The folder of the model that is trained on; an adapter is merged into its base once, below the run.

    Merged on disk and not in memory, because DPO's reference is the model as it lies on disk.
    """
    if base.adapter is None:
        return base.folder
    merged = run.cache / "base"
    if not (merged / "whole").exists() and run.writes:
        shutil.rmtree(merged, ignore_errors=True)
        run.say("prepare", "merging the adapter of the base model into its weights")
        merge(base.folder, base.adapter, merged, torch.float32)
        (merged / "whole").touch()
    while not (merged / "whole").exists():  # the first of several processes merges
        time.sleep(MERGE_WAIT)
    return merged


def lora_of(config: Config) -> LoraConfig | None:
    if not config.lora_r:
        return None
    return LoraConfig(
        r=config.lora_r,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        target_modules=config.lora_targets,
        task_type="CAUSAL_LM",
    )


def merge(base: Path, adapter: Path, target: Path, dtype: torch.dtype) -> float:
    """Writes base plus adapter as one model with its tokenizer; loads it again and returns how far the logits of a
    short text lie apart (largest absolute difference)."""
    tokenizer = load_tokenizer(base)
    model = PeftModel.from_pretrained(load_model(base, dtype), str(adapter)).eval()
    before = _logits(model, tokenizer)
    merged = model.merge_and_unload()
    target.mkdir(parents=True, exist_ok=True)
    merged.save_pretrained(target, safe_serialization=True)
    tokenizer.save_pretrained(target)  # not saved along with the model
    del model, merged
    again = load_model(target, dtype).eval()
    return float((_logits(again, tokenizer) - before).abs().max())


def _logits(model: torch.nn.Module, tokenizer: PreTrainedTokenizerBase) -> torch.Tensor:
    ids = tokenizer(PROBE, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        return model(input_ids=ids).logits.float()


@dataclass(frozen=True, slots=True)
class Answered:
    """`cut_off`: the model had not ended when its tokens were used up."""

    text: str
    cut_off: bool


def answer(
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Sequence[dict[str, str]]],
    tokens: int,
    at_once: int = ANSWERS_AT_ONCE,
) -> list[Answered]:
    """The model's greedy answers, in order. Leaves training mode and random state as they were."""
    was_training = model.training
    side = tokenizer.padding_side
    tokenizer.padding_side = "left"
    model.eval()
    answers: list[Answered] = []
    try:
        for start in range(0, len(prompts), at_once):
            batch: Any = tokenizer.apply_chat_template(
                [list(prompt) for prompt in prompts[start : start + at_once]],
                add_generation_prompt=True,
                padding=True,
                return_tensors="pt",
                return_dict=True,
            )
            batch = batch.to(next(model.parameters()).device)
            with torch.no_grad():
                found = model.generate(
                    input_ids=batch["input_ids"],
                    attention_mask=batch["attention_mask"],
                    max_new_tokens=tokens,
                    do_sample=False,
                    temperature=None,
                    top_p=None,
                    top_k=None,
                    use_cache=True,
                    pad_token_id=tokenizer.pad_token_id,
                )
            width = batch["input_ids"].shape[1]
            new = found[:, width:]
            texts = tokenizer.batch_decode(new, skip_special_tokens=True)
            ended = [tokenizer.eos_token_id in row or tokenizer.pad_token_id in row for row in new.tolist()]
            answers += [Answered(text, not over) for text, over in zip(texts, ended, strict=True)]
    finally:
        tokenizer.padding_side = side
        model.train(was_training)
    return answers


def out_of_memory(error: BaseException) -> bool:
    """Whether this is the device or the machine running out of memory, in any of torch's wordings."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and ("can't allocate memory" in text or "out of memory" in text)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().split("\n")[0] or type(error).__name__)[:200]
