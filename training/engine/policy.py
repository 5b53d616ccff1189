"""Loading, adapting, saving and asking the model that is tuned. Safetensors only; code of a model is never run."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError
from peft import LoraConfig, PeftModel
from transformers import AutoModelForCausalLM, GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from training.engine.conversation import ids_of, stops_of
from training.engine.tuning_folder import RunFolder, RunRefused
from training.readers.base_models import Base, BaseModelError, base_in, hub_refusal, is_path
from training.rules.tuning_config import Config

DOWNLOADS = ["*.safetensors", "*.safetensors.index.json", "*.json", "*.txt", "*.model", "*.jinja"]
ANSWERS_AT_ONCE = 5
MERGE_WAIT = 0.2
PROBE = "医生应当尊重患者的知情同意权。"


def find_base(config: Config) -> Base:
    """The base model on disk, fetched from the hub where it is named by an id. Raises RunRefused in one sentence."""
    base = _found_base(config)
    quantised = base.config.get("quantization_config")
    if quantised:
        method = quantised.get("quant_method", "") if isinstance(quantised, Mapping) else ""
        raise RunRefused(
            f"The weights of {config.base_model} are quantised ({method or 'in some way'}), and such weights are not "
            "tuned here: take the model as it was before."
        )
    return base


def _found_base(config: Config) -> Base:
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


def load_model(folder: Path, dtype: torch.dtype) -> PreTrainedModel:
    """Raises RunRefused for weights that do not load, or that would need code of their own."""
    try:
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=dtype, use_safetensors=True, trust_remote_code=False, local_files_only=True
        )
    except Exception as error:  # the loaders raise whatever the files provoke, an ImportError too
        if out_of_memory(error):
            raise
        raise RunRefused(f"The model in {folder} cannot be loaded: {_first_line(error)}") from None
    if any(parameter.is_meta for parameter in model.parameters()):
        raise RunRefused(f"The model in {folder} is incomplete: some of its weights are missing.")
    _settle_sampling(model)
    return model


def _settle_sampling(model: PreTrainedModel) -> None:
    """Some checkpoints name a temperature and forget to say that they sample: such settings load and cannot be saved."""
    settings = model.generation_config
    if settings is None:
        return
    try:
        settings.validate(strict=True)
    except ValueError:
        settings.do_sample = True
        try:
            settings.validate(strict=True)
        except ValueError:
            names = ("bos_token_id", "eos_token_id", "pad_token_id")
            model.generation_config = GenerationConfig(**{n: getattr(settings, n, None) for n in names})


def still(model: PreTrainedModel) -> None:
    """Dropout off also where a model keeps it as a number (OPT) instead of a layer, which DPO's trainer overlooks."""
    for module in model.modules():
        for name in ("dropout", "activation_dropout", "attention_dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)


def ground(base: Base, run: RunFolder, tokenizer: PreTrainedTokenizerBase) -> Path:
    """The folder of the model that is trained on; an adapter is merged into its base once, below the run.

    Merged on disk and not in memory, because DPO's reference is the model as it lies on disk.
    """
    if base.adapter is None:
        return base.folder
    merged = run.cache / "base"
    if not (merged / "whole").exists() and run.writes:
        shutil.rmtree(merged, ignore_errors=True)
        run.say("prepare", "merging the adapter of the base model into its weights")
        merge(base.folder, base.adapter, merged, torch.float32, tokenizer)
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


def merge(
    base: Path, adapter: Path, target: Path, dtype: torch.dtype, tokenizer: PreTrainedTokenizerBase
) -> float:
    """Writes base plus adapter as one model with its tokenizer; loads it again and returns how far the logits of a
    short text lie apart (largest absolute difference)."""
    model = PeftModel.from_pretrained(load_model(base, dtype), str(adapter)).eval()
    before = _logits(model, tokenizer)
    merged = model.merge_and_unload()
    end_answers(merged, tokenizer)
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
    config = model.config.get_text_config()
    # Left on by training; a mixture of experts then computes its balancing loss while it answers, and fails.
    routes = getattr(config, "output_router_logits", None)
    if routes:
        config.output_router_logits = False
    answers: list[Answered] = []
    try:
        for start in range(0, len(prompts), at_once):
            answers += _answer_some(model, tokenizer, prompts[start : start + at_once], tokens)
    finally:
        if routes:
            config.output_router_logits = routes
        tokenizer.padding_side = side
        model.train(was_training)
    return answers


def _answer_some(
    model: Any, tokenizer: PreTrainedTokenizerBase, prompts: Sequence[Sequence[dict[str, str]]], tokens: int
) -> list[Answered]:
    """A prompt that leaves no place for an answer has an empty one."""
    batch: Any = tokenizer.pad(
        {"input_ids": [ids_of(tokenizer, prompt, ask=True) for prompt in prompts]},
        padding=True,
        return_tensors="pt",
    ).to(next(model.parameters()).device)
    width = batch["input_ids"].shape[1]
    limit = positions_of(model.config.to_dict())
    room = min(tokens, limit - width) if limit else tokens
    if room < 1:
        if len(prompts) == 1:
            return [Answered("", cut_off=True)]
        return [said for prompt in prompts for said in _answer_some(model, tokenizer, [prompt], tokens)]
    stops = stops_of(model, tokenizer)
    with torch.no_grad():
        found = model.generate(
            input_ids=batch["input_ids"],
            attention_mask=batch["attention_mask"],
            max_new_tokens=room,
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            use_cache=True,
            eos_token_id=stops,
            pad_token_id=tokenizer.pad_token_id,
        )
    new = found[:, width:]
    texts = tokenizer.batch_decode(new, skip_special_tokens=True)
    over = {*stops, tokenizer.pad_token_id}
    return [Answered(text, over.isdisjoint(row)) for text, row in zip(texts, new.tolist(), strict=True)]


def end_answers(model: Any, tokenizer: PreTrainedTokenizerBase) -> None:
    """What is saved with the weights names all that ends an answer, for whoever serves them."""
    if model.generation_config is not None:
        model.generation_config.eos_token_id = stops_of(model, tokenizer)


def positions_of(config: Mapping[str, Any]) -> int:
    """The most tokens a model can read, by its config.json; 0 where it names no limit."""
    inner = config.get("text_config")
    numbers = {**config, **inner} if isinstance(inner, Mapping) else config
    for name in ("max_position_embeddings", "n_positions"):
        found = numbers.get(name)
        if isinstance(found, int) and found > 0:
            return found
    return 0


def out_of_memory(error: BaseException) -> bool:
    """Whether this is the device or the machine running out of memory, in any of torch's wordings."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and ("can't allocate memory" in text or "out of memory" in text)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().split("\n")[0] or type(error).__name__)[:200]
