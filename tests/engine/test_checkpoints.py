"""Checkpoints of many kinds, by their path alone: SFT, stopped and resumed, merged, loaded; DPO on what SFT left."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.engine.checkpoints import CONFIGS, NO_SYSTEM, build_checkpoint, change_json, hub_cache
from tests.engine.tuning_scene import (
    ask_to_stop,
    at_step,
    curve,
    demo_rows,
    make_run,
    progress,
    run_here,
    write_lines,
)
from training.engine.conversation import FOLD_NOTE, FOLD_SYSTEM, PLAIN_NOTE, PLAIN_TEMPLATE, end_of_turn
from training.engine.policy import answer, load_model
from training.readers.base_models import BaseModelError, base_in

pytestmark = [pytest.mark.train, pytest.mark.one_database, pytest.mark.timeout(600)]
SLOW = pytest.mark.exhaustive
Rows = list[dict[str, Any]]


def with_system(rows: Rows) -> Rows:
    """Every third row begins with a system message."""
    for row in rows[::3]:
        row["prompt"].insert(0, {"role": "system", "content": "你是医学伦理助手。"})
    return rows


def tune(folder: Path, kind: str, base: Path | str, *, stop_at: int = 0, **settings: Any) -> Path:
    """A finished run with defaults of length and LoRA; with `stop_at` it was stopped there and taken up again."""
    rows = with_system(demo_rows(kind)) if kind == "sft" else demo_rows(kind)
    chosen = {
        "max_steps": 4,
        "save_every": 2,
        "eval_every": 4,
        "sample_tokens": 6,
        "max_length": 2048,
        **settings,
    }
    run = make_run(folder, kind, Path("unused"), rows, **{**chosen, "base_model": str(base)})
    write_lines(
        run / "prompts.jsonl", [{"id": str(n), "prompt": row["prompt"]} for n, row in enumerate(rows[:2])]
    )
    if stop_at:
        with at_step(stop_at, ask_to_stop):
            assert run_here(kind, run) == 3
        assert run_here(kind, run, "--resume") == 0
    else:
        assert run_here(kind, run) == 0
    return run


def assert_whole(run: Path, steps: int) -> None:
    """Every step once in the curve, and what was left loads and answers alike as adapter and as merged model."""
    assert list(curve(run)) == list(range(1, steps + 1))
    artefact = run / "artefact"
    tokenizer = AutoTokenizer.from_pretrained(artefact / "model")
    below = base_in(str(artefact / "adapter"), None)
    assert below.adapter is not None
    merged = AutoModelForCausalLM.from_pretrained(artefact / "model", dtype=torch.float32).eval()
    plain = AutoModelForCausalLM.from_pretrained(below.folder, dtype=torch.float32)
    adapted = PeftModel.from_pretrained(plain, str(below.adapter)).eval()
    ids = tokenizer("患者有权知道自己的病情。", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        assert torch.allclose(merged(input_ids=ids).logits, adapted(input_ids=ids).logits, atol=1e-4)
        with adapted.disable_adapter():
            assert not torch.allclose(merged(input_ids=ids).logits, adapted(input_ids=ids).logits, atol=1e-5)


@pytest.mark.parametrize(
    ("family", "style"),
    [
        ("qwen2", "chatml"),
        ("gpt2", "base"),  # Conv1D, 160 positions, no template
        ("gemma2", "no_system"),
        pytest.param("qwen3", "thinking", marks=SLOW),
        pytest.param("qwen3_moe", "chatml", marks=SLOW),
        pytest.param("llama", "base_bos", marks=SLOW),
        pytest.param("mistral", "pad_is_end", marks=SLOW),
        pytest.param("gemma3", "no_system", marks=SLOW),
        pytest.param("phi3", "chatml", marks=SLOW),
        pytest.param("phi", "base", marks=SLOW),
        pytest.param("glm4", "chatml", marks=SLOW),
        pytest.param("gpt_neox", "base", marks=SLOW),
        pytest.param("opt", "base_bos", marks=SLOW),
        pytest.param("bloom", "base_bos", marks=SLOW),
        pytest.param("falcon", "base", marks=SLOW),
    ],
)
def test_sft_then_dpo_on_both_that_sft_left(family: str, style: str, tmp_path: Path) -> None:
    base = build_checkpoint(tmp_path / "base", family, style)
    sft = tune(tmp_path / "sft", "sft", base, stop_at=5, max_steps=20)
    assert_whole(sft, 20)
    for part in ("model", "adapter"):
        dpo = tune(tmp_path / f"dpo-{part}", "dpo", sft / "artefact" / part)
        assert_whole(dpo, 4)
        assert curve(dpo, "margin")[1] == pytest.approx(0, abs=1e-4)
    said = [line["message"] for line in progress(sft, "prepare")]
    card = (sft / "artefact" / "README.md").read_text("utf-8")
    template = AutoTokenizer.from_pretrained(sft / "artefact" / "adapter").chat_template
    assert (PLAIN_NOTE in said) == (PLAIN_NOTE in card) == (template == PLAIN_TEMPLATE) == (
        style in ("base", "base_bos", "pad_is_end")
    )  # fmt: skip
    assert (FOLD_NOTE in said) == (FOLD_NOTE in card) == (template == FOLD_SYSTEM + NO_SYSTEM) == (
        style == "no_system"
    )  # fmt: skip
    if CONFIGS[family][1].get("n_positions"):
        assert "the model reads 160 tokens at most: max_length is 160 instead of 2048" in said


def test_a_folder_as_hubs_and_people_leave_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards, links into a cache, Chinese letters and a space, settings in tokenizer_config.json alone, and a home."""

    def odd(folder: Path) -> None:
        (folder / "chat_template.jinja").rename(folder / "template")
        template = (folder / "template").read_text("utf-8")
        (folder / "template").unlink()
        change_json(folder / "tokenizer_config.json", chat_template=template)
        config = json.loads((folder / "config.json").read_text("utf-8"))
        change_json(folder / "config.json", torch_dtype=config["dtype"], dtype=None)

    plain = build_checkpoint(
        tmp_path / "家 里" / "模型 七",
        "qwen2",
        "chatml",
        shard="60KB",
        generation={"do_sample": None, "temperature": 0.6, "top_p": 0.9, "repetition_penalty": 1.05},
        odd=odd,
    )
    assert len(list(plain.glob("*.safetensors"))) > 1
    snapshot = hub_cache(plain)
    (tmp_path / "link").symlink_to(snapshot)
    for path in snapshot.parent.parent.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    monkeypatch.chdir(tmp_path / "家 里")
    monkeypatch.setenv("HOME", str(tmp_path))
    curves = []
    names = (
        str(snapshot) + os.sep,
        str(tmp_path / "link"),
        f"./{snapshot.relative_to(Path.cwd())}",
        "~/link",
    )
    for number, name in enumerate(names):
        run = tune(tmp_path / f"run-{number}", "sft", name, max_steps=2, model_roots=[str(tmp_path)])
        curves.append(curve(run))
    assert all(found == curves[0] for found in curves)
    saved = json.loads((run / "artefact" / "model" / "generation_config.json").read_text("utf-8"))
    assert saved["temperature"] == 0.6


def test_a_link_in_an_allowed_folder_is_allowed(tmp_path: Path) -> None:
    """Who may put a link into a root may put a model there; a name that leaves the root by dots is refused."""
    base = build_checkpoint(tmp_path / "disk" / "model", "qwen2", "chatml")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine").symlink_to(base)
    roots = [str(tmp_path / "models")]
    assert base_in(str(tmp_path / "models" / "mine"), roots).folder == base
    for name in (str(base), f"{tmp_path}/models/../disk/model", f"{tmp_path}/models/mine/../model"):
        with pytest.raises(BaseModelError):
            base_in(name, roots)


def test_padding_without_an_embedding(tmp_path: Path, capsys: Any) -> None:
    base = build_checkpoint(tmp_path / "base", "llama", "stray_pad", spare=0)
    run = tune(tmp_path / "run", "sft", base, max_steps=2)
    said = [line["message"] for line in progress(run, "prepare")]
    assert "the padding token [PAD] has no embedding: </s> pads instead" in said
    assert AutoTokenizer.from_pretrained(run / "artefact" / "model").pad_token == "</s>"
    shutil.copy(base / "tokenizer.json", tmp_path / "kept")
    config = {"vocab_size": 400}
    other = build_checkpoint(tmp_path / "other", "llama", "stray_pad", spare=400 - 1200)
    assert json.loads((other / "config.json").read_text("utf-8"))["vocab_size"] == config["vocab_size"]
    run = make_run(tmp_path / "no", "sft", other)
    assert run_here("sft", run) == 1
    assert "The tokenizer does not belong to the model" in capsys.readouterr().err


def test_an_answer_ends_where_the_template_ends_a_turn(tmp_path: Path) -> None:
    """As in base models of Qwen: the tokenizer's end token is another one than the end of a turn."""

    def odd(folder: Path) -> None:
        change_json(folder / "tokenizer_config.json", eos_token="<|endoftext|>")
        change_json(folder / "generation_config.json", eos_token_id=0)

    base = build_checkpoint(tmp_path / "base", "qwen2", "chatml", odd=odd)
    tokenizer = AutoTokenizer.from_pretrained(base)
    assert tokenizer.eos_token == "<|endoftext|>"
    turn = tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert end_of_turn(tokenizer) == turn
    model = load_model(base, torch.float32)
    with torch.no_grad():  # it says nothing but the end of turn
        model.get_input_embeddings().weight.zero_()[turn] = 1.0
        model.model.norm.weight.fill_(1.0)
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
    model.get_input_embeddings().weight.data[198] = 1.0
    model.get_input_embeddings().weight.data[turn] = 2.0
    said = answer(model, tokenizer, [[{"role": "user", "content": "?"}]], 5)
    assert not said[0].cut_off
    run = tune(tmp_path / "run", "sft", base, max_steps=2)
    saved = json.loads((run / "artefact" / "model" / "generation_config.json").read_text("utf-8"))
    assert turn in saved["eos_token_id"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"quantization_config": {"quant_method": "gptq", "bits": 4}}, "are quantised (gptq)"),
        ({"model_type": "nobody_knows", "auto_map": {"AutoConfig": "code.Config"}}, "cannot be loaded: "),
        ({"model_type": "t5"}, "cannot be loaded: "),
    ],
)
def test_what_is_no_model_to_tune_is_said_in_one_sentence(
    tmp_path: Path, capsys: Any, changes: dict[str, Any], sentence: str
) -> None:
    base = build_checkpoint(
        tmp_path / "base",
        "qwen2",
        "chatml",
        odd=lambda folder: change_json(folder / "config.json", **changes),
    )
    run = make_run(tmp_path / "run", "sft", base)
    assert run_here("sft", run) == 1
    said = capsys.readouterr().err.strip()
    assert sentence in said and len(said.splitlines()) == 1


def test_a_row_the_template_refuses_is_named(tmp_path: Path, capsys: Any) -> None:
    base = build_checkpoint(tmp_path / "base", "gemma2", "no_system")
    rows = demo_rows("sft", 3)
    rows[1]["prompt"].append(rows[1]["prompt"][0])
    assert run_here("sft", make_run(tmp_path / "run", "sft", base, rows)) == 1
    said = capsys.readouterr().err.strip()
    assert said.startswith("Row 2: the chat template of the base model refuses the turns: Conversation roles")
