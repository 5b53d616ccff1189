"""What cannot run is refused in one clear sentence; what runs out of memory goes on with a smaller batch."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.engine.tuning_scene import DEMO, ROOT, curve, demo_rows, make_run, progress, run_here
from training.engine import generate, machine, tiny_policy
from training.engine.tuning_folder import RunFolder

pytestmark = [pytest.mark.train, pytest.mark.one_database, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("base") / "tiny"
    tiny_policy.build(out, [DEMO / "items.jsonl"], steps=2, seed=1, budget=0, size=(1600, 32, 2))
    return out


def refused(capsys: Any, kind: str, run: Path) -> str:
    """The one sentence on stderr."""
    assert run_here(kind, run) == 1
    said = capsys.readouterr().err.strip()
    assert "Traceback" not in said
    assert len(said.splitlines()) == 1
    assert not (run / "artefact").exists()
    return str(said)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"base_model": ""}, "The configuration names no base_model."),
        ({"learning_rat": 1}, "The configuration has an unknown key 'learning_rat'."),
        ({"learning_rate": "fast"}, "learning_rate must be a number, not 'fast'."),
        ({"learning_rate": 3}, "learning_rate must lie between 0 and 1, not 3."),
        ({"batch_size": 0}, "batch_size must lie between 1 and 4096, not 0."),
        ({"batch_size": True}, "batch_size must be a whole number, not true."),
        ({"epochs": float("inf")}, "epochs must be a finite number."),
        ({"precision": "int3"}, "precision must be one of auto, fp32, bf16, fp16, not 'int3'."),
        ({"precision": "fp16"}, "Half precision fp16 needs a GPU: choose fp32 or bf16."),
        ({"extra": {"output_dir": "/etc"}}, "extra must not hold 'output_dir': that setting is not on the list of allowed ones."),
        ({"extra": {"hub_token": "x"}}, "extra must not hold 'hub_token': that setting is not on the list of allowed ones."),
        ({"extra": {"optim": "no such"}}, "The trainer refuses the configuration: no such is not a valid OptimizerNames"),
        ({"base_model": "/no/such/model"}, "There is no base model /no/such/model."),
        ({"model_roots": ["/srv/models"]}, "does not lie in one of the allowed folders."),
        ({"base_model": "Evil/Model", "hubs": ["Qwen"]}, "The hub model Evil/Model is not among the allowed ones (Qwen)."),
        ({"lora_targets": ["no_such_layer"]}, "no_such_layer"),
    ],
)  # fmt: skip
def test_nonsense_is_refused(
    base: Path, tmp_path: Path, capsys: Any, settings: dict[str, Any], sentence: str
) -> None:
    run = make_run(tmp_path / "run", "sft", base, **settings)
    if "lora_targets" in settings:  # found by PEFT, once the model is there; a traceback goes before
        assert run_here("sft", run) == 1
        assert sentence in capsys.readouterr().err.strip().splitlines()[-1]
    else:
        assert sentence in refused(capsys, "sft", run)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([], "The dataset is empty: train.jsonl holds no row."),
        ([{"prompt": "text"}], "train.jsonl, line 1: prompt must be a list of turns."),
        (
            [{"prompt": [{"role": "robot", "content": "x"}]}],
            "train.jsonl, line 1: a turn of prompt has no role or no text.",
        ),
    ],
)
def test_rows_that_are_none(base: Path, tmp_path: Path, capsys: Any, rows: list[Any], sentence: str) -> None:
    assert refused(capsys, "dpo", make_run(tmp_path / "run", "dpo", base, rows)) == sentence


def test_a_configuration_of_the_other_kind(base: Path, tmp_path: Path, capsys: Any) -> None:
    run = make_run(tmp_path / "run", "sft", base)
    config = json.loads((run / "config.json").read_text("utf-8"))
    (run / "config.json").write_text(json.dumps({**config, "kind": "dpo"}), "utf-8")
    assert refused(capsys, "sft", run) == "This is a configuration for dpo, not for sft."
    (run / "config.json").write_text("{", "utf-8")
    assert refused(capsys, "sft", run).startswith("config.json cannot be read: ")
    (run / "config.json").unlink()
    assert refused(capsys, "sft", run).startswith("There is no config.json in ")
    assert refused(capsys, "sft", run / "nowhere").startswith("There is no run directory ")


def test_rows_that_are_all_too_long(base: Path, tmp_path: Path, capsys: Any) -> None:
    run = make_run(tmp_path / "run", "dpo", base, max_length=8)
    assert refused(capsys, "dpo", run).startswith(
        "The prompts of all 24 rows alone reach max_length (8 tokens)"
    )


def test_a_pair_of_equals_is_no_pair(base: Path, tmp_path: Path, capsys: Any) -> None:
    rows = demo_rows("dpo", 2)
    rows[1]["rejected"] = rows[1]["chosen"]
    run = make_run(tmp_path / "run", "dpo", base, rows)
    assert refused(capsys, "dpo", run) == "train.jsonl, line 2: chosen and rejected are the same."


def test_weights_that_are_not_safetensors_or_not_whole(base: Path, tmp_path: Path, capsys: Any) -> None:
    pickled = tmp_path / "pickled"
    shutil.copytree(base, pickled)
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    assert "are not safetensors" in refused(capsys, "sft", make_run(tmp_path / "one", "sft", pickled))
    cut = tmp_path / "cut"
    shutil.copytree(base, cut)
    (cut / "model.safetensors").write_bytes((base / "model.safetensors").read_bytes()[:-100])
    assert "model.safetensors is missing or cut off" in refused(
        capsys, "sft", make_run(tmp_path / "two", "sft", cut)
    )


def test_a_model_that_cannot_fit(base: Path, tmp_path: Path, capsys: Any) -> None:
    """Seven trillion parameters, by its config: refused before anything is loaded."""
    huge = tmp_path / "huge"
    shutil.copytree(base, huge)
    config = json.loads((huge / "config.json").read_text("utf-8"))
    config |= {"hidden_size": 65_536, "intermediate_size": 262_144, "num_hidden_layers": 100}
    (huge / "config.json").write_text(json.dumps(config), "utf-8")
    sentence = refused(capsys, "sft", make_run(tmp_path / "run", "sft", huge))
    assert sentence.startswith("The run needs about ")
    assert sentence.endswith("are the weights.")


def test_a_full_disk(base: Path, tmp_path: Path) -> None:
    """A real one: a file system of one megabyte."""
    mount = tmp_path / "small"
    mount.mkdir()
    inside = f'mount -t tmpfs -o size=1m none "{mount}" && cp -r "{tmp_path}/run" "{mount}/run" && exec "{sys.executable}" '
    own = ["unshare", "--user", "--map-root-user", "--mount"] if os.geteuid() else ["unshare", "--mount"]
    if subprocess.run(
        [*own, "sh", "-c", f'mount -t tmpfs -o size=1m none "{mount}"'], capture_output=True
    ).returncode:
        pytest.skip("this machine lets nobody mount a small file system")
    make_run(tmp_path / "run", "sft", base)
    done = subprocess.run(
        [*own, "sh", "-c", f'{inside} -m training.engine.sft "{mount}/run"'],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("The disk is full:")


def test_a_disk_that_fills_up_in_the_middle(base: Path, tmp_path: Path) -> None:
    """A limit on the size of files lets logs and weights pass and ends the optimizer's file half-way."""
    run = make_run(tmp_path / "run", "sft", base, lora_r=0, save_every=2)
    limit = (base / "model.safetensors").stat().st_size * 3 // 2
    program = (
        "import resource, sys\n"
        "from training.engine import sft\n"
        "from training.engine.tuning_loop import main\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
        "sys.exit(main('sft', sft.build, sys.argv[1:]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(run)],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("The disk is full, or a limit on it is reached:")
    assert "Traceback" not in done.stderr
    assert run_here("sft", run, "--resume") == 0  # with room again; what was written half is left out
    assert [line["step"] for line in progress(run) if "loss" in line] == [1, 2, 3, 4, 5, 6]


def test_a_machine_with_little_memory_takes_fewer_rows_at_a_time(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit of a container is what counts. The loss is the same, but for rounding."""
    group = tmp_path / "group"
    group.mkdir()
    (group / "memory.max").write_text(str(3 * 2**30), "ascii")
    (group / "memory.current").write_text(str(2**30 + 2**30), "ascii")
    (group / "memory.stat").write_text("anon 5\ninactive_file 1024\n", "ascii")
    assert machine.free_memory("cpu", group) == 2**30 + 1024
    curves = []
    for name, free in (("much", 2**40), ("little", 2**30 * 62 // 100)):
        monkeypatch.setattr(machine, "free_memory", lambda _device, free=free: free)
        run = make_run(tmp_path / name, "dpo", base, batch_size=8, accumulation=1, max_steps=3)
        assert run_here("dpo", run) == 0
        curves.append(curve(run))
    said = progress(run, "memory")[0]
    assert said["message"].startswith("8 rows at a time may not fit: batch size now ")
    assert said["batch_size"] * said["accumulation"] == 8
    assert said["batch_size"] < 8
    assert curves[0] == pytest.approx(curves[1], abs=1e-4)


def test_a_kill_for_want_of_memory_halves_the_batch_on_resume(base: Path, tmp_path: Path) -> None:
    (tmp_path / "vmstat").write_text("pgfault 7\noom_kill 3\n", "ascii")
    assert machine.out_of_memory_kills(tmp_path, tmp_path / "vmstat") == 3
    if machine.out_of_memory_kills() is None:
        pytest.skip("this kernel does not count them")
    run = make_run(tmp_path / "run", "sft", base, max_steps=4)
    assert run_here("sft", run) == 0
    shutil.rmtree(run / "checkpoints" / "checkpoint-4")
    started = json.loads((run / "started.json").read_text("utf-8"))
    started["out_of_memory_kills"] -= 1
    (run / "started.json").write_text(json.dumps(started), "utf-8")
    assert run_here("sft", run, "--resume") == 0
    assert progress(run, "memory")[0]["batch_size"] == 1


def test_out_of_memory_halves_the_batch(tmp_path: Path) -> None:
    """A real shortage: the process may only take so much more memory than it has after its libraries are loaded."""
    base = tmp_path / "tiny"
    tiny_policy.build(base, [DEMO / "items.jsonl"], steps=1, seed=1, budget=0, size=(2000, 32, 1))
    rows = demo_rows("sft", 16)
    for row in rows:
        row["completion"][0]["content"] = (row["completion"][0]["content"] * 20)[:900]
    run = make_run(
        tmp_path / "run", "sft", base, rows, batch_size=16, accumulation=1, max_steps=1, max_length=1024, merge=False,
        save_every=0,
    )  # fmt: skip
    program = (
        "import resource, sys, psutil, torch\n"
        "from training.engine import sft\n"
        "from training.engine.tuning_loop import main\n"
        "torch.set_num_threads(1); torch.randn(64, 64) @ torch.randn(64, 64)\n"
        "room = psutil.Process().memory_info().vms + 600 * 2**20\n"
        "resource.setrlimit(resource.RLIMIT_AS, (room, room))\n"
        "sys.exit(main('sft', sft.build, [sys.argv[1]]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(run)],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    said = progress(run, "memory")
    assert said[0]["message"] == "out of memory: batch size now 8, accumulation 2"
    report = json.loads((run / "report.json").read_text("utf-8"))
    assert report["batch_size"] * report["accumulation"] == 16
    assert report["batch_size"] < 16
    assert report["steps"] == 1


def test_the_tiny_policy_is_the_same_twice_and_knows_every_text(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        tiny_policy.build(
            tmp_path / name, [DEMO / "items.jsonl"], steps=3, seed=7, budget=0, size=(500, 32, 1)
        )
        made.append((tmp_path / name / "model.safetensors").read_bytes())
    assert made[0] == made[1]
    tokenizer = tiny_policy.character_tokenizer(["知情同意"], 300)
    for text in ("知情同意《民法典》第1007条 🌷\n\ttab", "", "　全角"):
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    with pytest.raises(ValueError, match="too little text"):
        (tmp_path / "little.txt").write_text("短", "utf-8")
        tiny_policy.build(
            tmp_path / "no", [tmp_path / "little.txt"], steps=1, seed=1, budget=0, size=(300, 32, 1)
        )
    assert torch.get_num_threads() >= 1


def test_answers_with_line_separators_are_taken_up_again(tmp_path: Path) -> None:
    """As a kill left them: two whole lines, and one that is cut off and goes."""
    run = RunFolder(tmp_path)
    said = [{"item": name, "question": "一\u2028二", "response": "三\u2029四\x85五"} for name in ("a", "b")]
    run.append("responses.jsonl", said)
    whole = (tmp_path / "responses.jsonl").read_bytes()
    (tmp_path / "responses.jsonl").write_bytes(whole + '{"item": "c", "response": "六\u2028'.encode())
    assert generate.whole_answers(run) == said == generate.read_lines(tmp_path / "responses.jsonl")
    assert (tmp_path / "responses.jsonl").read_bytes() == whole
