"""SFT and DPO for real, on a tiny model: the same curve every time, also across kills; what they leave loads again."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.engine.bare_scripts import bare_losses
from tests.engine.tuning_scene import (
    DEMO,
    ask_to_stop,
    at_step,
    curve,
    demo_rows,
    make_run,
    progress,
    run_here,
    start_engine,
    write_lines,
)
from training.engine import tiny_policy
from training.engine.tuning_checkpoints import newest_whole, what_is_wrong
from training.engine.tuning_folder import RunRefused, file_hash
from training.engine.tuning_watch import refuse_wrong_start

pytestmark = [pytest.mark.train, pytest.mark.one_database, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("base") / "tiny"
    tiny_policy.build(out, [DEMO / "items.jsonl"], steps=6, seed=1, budget=0, size=(1600, 32, 2))
    return out


@pytest.fixture(scope="module")
def done(base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A finished run of each kind: SFT with LoRA on the base, DPO with all weights on what SFT left."""
    folder = tmp_path_factory.mktemp("done")
    sft = make_run(folder / "sft", "sft", base, eval_every=3, sample_tokens=4)
    write_lines(sft / "prompts.jsonl", [{"id": "sub-0001", "prompt": demo_rows("sft")[0]["prompt"]}])
    write_lines(sft / "eval.jsonl", demo_rows("sft")[:4])
    assert run_here("sft", sft) == 0
    dpo = make_run(folder / "dpo", "dpo", sft / "artefact" / "model", lora_r=0)
    assert run_here("dpo", dpo) == 0
    return {"sft": sft, "dpo": dpo}


def settings_of(kind: str) -> dict[str, Any]:
    return {"lora_r": 0} if kind == "dpo" else {}


def base_of(kind: str, base: Path, done: dict[str, Path]) -> Path:
    return base if kind == "sft" else done["sft"] / "artefact" / "model"


@pytest.mark.parametrize("kind", ["sft", "dpo"])
def test_the_same_curve_twice_and_that_of_a_bare_script(
    kind: str, base: Path, done: dict[str, Path], tmp_path: Path
) -> None:
    below = base_of(kind, base, done)
    again = make_run(tmp_path / "again", kind, below, **settings_of(kind))
    assert run_here(kind, again) == 0
    assert list(curve(again)) == [1, 2, 3, 4, 5, 6]
    assert curve(again) == curve(done[kind])
    assert curve(again, "grad_norm") == curve(done[kind], "grad_norm")
    bare = bare_losses(
        kind, below, demo_rows(kind), tmp_path / "bare", max_steps=6, per_device_train_batch_size=2,
        gradient_accumulation_steps=2, lora_r=4 if kind == "sft" else 0,
    )  # fmt: skip
    assert list(curve(again).values()) == pytest.approx(bare, abs=1e-5)


@pytest.mark.parametrize(("kind", "lora_r"), [("sft", 0), ("dpo", 4)])
def test_the_other_way_of_training_has_the_curve_of_a_bare_script(
    kind: str, lora_r: int, base: Path, done: dict[str, Path], tmp_path: Path
) -> None:
    below = base_of(kind, base, done)
    runs = [make_run(tmp_path / name, kind, below, lora_r=lora_r, merge=False) for name in ("one", "two")]
    assert [run_here(kind, run) for run in runs] == [0, 0]
    assert curve(runs[0]) == curve(runs[1])
    bare = bare_losses(
        kind, below, demo_rows(kind), tmp_path / "bare", max_steps=6, per_device_train_batch_size=2,
        gradient_accumulation_steps=2, lora_r=lora_r,
    )  # fmt: skip
    assert list(curve(runs[0]).values()) == pytest.approx(bare, abs=1e-5)


@pytest.mark.parametrize("kind", ["sft", "dpo"])
def test_a_killed_run_goes_on_to_the_same_curve(
    kind: str, base: Path, done: dict[str, Path], tmp_path: Path
) -> None:
    run = make_run(tmp_path / "run", kind, base_of(kind, base, done), **settings_of(kind))
    engine = start_engine("tests.engine.held_tuning", kind, str(run), "5")
    try:
        wait_for(lambda: max(curve(run), default=0) >= 5, engine)
    finally:
        engine.send_signal(signal.SIGKILL)
        engine.wait()
    assert not (run / "artefact").exists()
    cached = {path.name for path in (run / "cache" / "train").iterdir()}
    assert run_here(kind, run, "--resume") == 0
    assert curve(run) == curve(done[kind])
    assert [line["step"] for line in progress(run) if "loss" in line] == [1, 2, 3, 4, 5, 6]
    assert any("going on from checkpoint-4" in line["message"] for line in progress(run, "resume"))
    if kind == "dpo":  # the reference's log-probabilities were not computed again
        assert {path.name for path in (run / "cache" / "train").iterdir()} == cached


def test_dpo_begins_at_a_margin_of_nothing(done: dict[str, Path]) -> None:
    first = next(line for line in progress(done["dpo"]) if line["step"] == 1)
    assert first["margin"] == 0
    assert first["loss"] == pytest.approx(0.693147, abs=1e-5)
    assert curve(done["dpo"], "margin")[6] > 0.01
    with pytest.raises(RunRefused, match="the reference is not the model"):
        refuse_wrong_start(0.4)


def test_a_stop_file_ends_it_with_a_checkpoint(done: dict[str, Path], base: Path, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", "sft", base, save_every=0)
    with at_step(2, ask_to_stop):
        assert run_here("sft", run) == 3
    assert not (run / "stop").exists()
    checkpoint, complaints = newest_whole(run / "checkpoints")
    assert checkpoint is not None and not complaints
    assert checkpoint.name == "checkpoint-3", "with the step that was under way"
    assert run_here("sft", run) == 1  # not by accident over what is there
    assert run_here("sft", run, "--resume") == 0
    assert curve(run) == curve(done["sft"])


@pytest.mark.parametrize("file", ["optimizer.pt", "adapter_model.safetensors", "trainer_state.json"])
def test_a_broken_checkpoint_is_left_out(done: dict[str, Path], tmp_path: Path, file: str) -> None:
    """A missing optimizer.pt alone would silently reset optimizer and learning rate."""
    folder = tmp_path / "checkpoints"
    for step in (4, 6):
        source = done["sft"] / "checkpoints" / f"checkpoint-{step}"
        (folder / source.name).mkdir(parents=True)
        for path in source.iterdir():
            (folder / source.name / path.name).write_bytes(path.read_bytes())
    assert newest_whole(folder)[0] == folder / "checkpoint-6"
    target = folder / "checkpoint-6" / file
    target.write_bytes(target.read_bytes()[:-20])
    assert what_is_wrong(target.parent) is not None
    target.unlink()
    checkpoint, complaints = newest_whole(folder, remove_broken=True)
    assert checkpoint == folder / "checkpoint-4"
    assert len(complaints) == 1
    assert not (folder / "checkpoint-6").exists()


def test_what_is_left_loads_again(done: dict[str, Path], base: Path) -> None:
    artefact = done["sft"] / "artefact"
    tokenizer = AutoTokenizer.from_pretrained(artefact / "model")
    ids = tokenizer("患者有权知道自己的病情。", return_tensors="pt")["input_ids"]
    merged = AutoModelForCausalLM.from_pretrained(artefact / "model")
    adapted = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), artefact / "adapter")
    plain = AutoModelForCausalLM.from_pretrained(base)
    with torch.no_grad():
        one, two, three = (model.eval()(input_ids=ids).logits for model in (merged, adapted, plain))
    assert torch.allclose(one, two, atol=1e-4)
    assert not torch.allclose(one, three, atol=1e-3)
    for kind, folder in done.items():
        manifest = json.loads((folder / "artefact" / "manifest.json").read_text("utf-8"))
        files = {
            p.relative_to(folder / "artefact").as_posix()
            for p in (folder / "artefact").rglob("*")
            if p.is_file()
        }
        assert files == {*manifest["files"], "manifest.json"}
        assert not [name for name in files if name.endswith((".bin", ".pt", ".pth", ".pkl"))]
        for name, said in manifest["files"].items():
            assert file_hash(folder / "artefact" / name) == said["sha256"]
        assert manifest["dataset"]["sha256"] == file_hash(folder / "train.jsonl")
        assert manifest["steps"] == 6
        assert f"({kind.upper()})" in (folder / "artefact" / "README.md").read_text("utf-8")


def test_progress_tells_figures_evaluation_and_samples(done: dict[str, Path]) -> None:
    last = progress(done["sft"])[-1]
    assert {
        "loss",
        "learning_rate",
        "samples_per_second",
        "tokens_per_second",
        "eta_seconds",
        "gpu_memory",
    } <= set(last)
    assert (last["step"], last["of"], last["eta_seconds"]) == (6, 6, 0)
    assert [line["step"] for line in progress(done["sft"], "eval")] == [3, 6]
    samples = [json.loads(line) for line in (done["sft"] / "samples.jsonl").read_text("utf-8").splitlines()]
    assert [(sample["step"], sample["id"]) for sample in samples] == [
        (0, "sub-0001"),
        (3, "sub-0001"),
        (6, "sub-0001"),
    ]
    report = json.loads((done["sft"] / "report.json").read_text("utf-8"))
    assert report["evaluation"]["loss"] == progress(done["sft"], "eval")[-1]["loss"]
    assert report["merge_difference"] < 1e-4


def test_dropped_rows_are_counted(base: Path, tmp_path: Path) -> None:
    rows = demo_rows("dpo", 8)
    for row in rows[:3]:
        row["prompt"][0]["content"] *= 6
    rows[3]["chosen"][0]["content"] *= 3
    run = make_run(
        tmp_path / "run", "dpo", base, rows, max_steps=1, max_length=220, save_every=0, merge=False
    )
    assert run_here("dpo", run) == 0
    report = json.loads((run / "report.json").read_text("utf-8"))
    counts = report["rows"]
    assert (counts["given"], counts["used"], counts["prompt_too_long"], counts["cut"]) == (8, 5, 3, 1)
    assert any("5 of 8 rows are used; 3 left out" in line["message"] for line in progress(run, "prepare"))
    assert not (run / "artefact" / "model").exists()


def test_dpo_on_an_adapter_starts_from_what_the_adapter_says(done: dict[str, Path], tmp_path: Path) -> None:
    run = make_run(
        tmp_path / "run", "dpo", done["sft"] / "artefact" / "adapter", lora_r=0, max_steps=2, save_every=0
    )
    assert run_here("dpo", run) == 0
    assert curve(run, "margin")[1] == 0
    merged = {step: loss for step, loss in curve(done["dpo"], "logp_chosen").items() if step == 1}
    assert curve(run, "logp_chosen")[1] == pytest.approx(merged[1], abs=1e-2)


def test_another_configuration_is_another_run(
    done: dict[str, Path], base: Path, tmp_path: Path, capsys: Any
) -> None:
    run = make_run(tmp_path / "run", "sft", base, max_steps=2, save_every=1, merge=False)
    assert run_here("sft", run) == 0
    config = json.loads((run / "config.json").read_text("utf-8"))
    (run / "config.json").write_text(json.dumps({**config, "learning_rate": 0.5}), "utf-8")
    assert run_here("sft", run, "--resume") == 1
    assert capsys.readouterr().err.strip().endswith("start a new run instead.")


def wait_for(happened: Any, engine: Any) -> None:
    end = time.monotonic() + 240
    while not happened():
        assert engine.poll() is None, engine.stdout.read()
        assert time.monotonic() < end, "the engine took too long"
        time.sleep(0.01)
