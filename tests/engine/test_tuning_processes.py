"""One run on two processes under `accelerate launch`: the same steps, exit codes, refusals, kills and resumption."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.engine.tuning_scene import DEMO, curve, make_run, progress
from training.engine import tiny_policy
from training.engine.launch import exit_code, launch_arguments, too_few_gpus
from training.engine.rank import ended_file, endings, patience, tell
from training.services.engine_process import EngineProcess

pytestmark = [pytest.mark.train, pytest.mark.one_database, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("base") / "tiny"
    tiny_policy.build(out, [DEMO / "items.jsonl"], steps=6, seed=1, budget=0, size=(1600, 32, 2))
    return out


def start(kind: str, folder: Path) -> EngineProcess:
    return start_module(f"training.engine.{kind}", folder)


def start_module(module: str, folder: Path) -> EngineProcess:
    return EngineProcess(module, folder, ["--resume"], processes=2)


def wait(engine: EngineProcess, seconds: float = 300) -> int:
    end = time.monotonic() + seconds
    while engine.exit_code is None:
        if time.monotonic() > end:
            engine.kill()
            pytest.fail("the engine did not end")
        time.sleep(0.1)
    return engine.exit_code


def wait_for_step(engine: EngineProcess, folder: Path, step: int) -> None:
    end = time.monotonic() + 300
    while max(curve(folder), default=0) < step:
        assert engine.exit_code is None and time.monotonic() < end, last_line(folder)
        time.sleep(0.05)


def last_line(folder: Path) -> str:
    return (folder / "engine.log").read_text("utf-8").strip().splitlines()[-1]


@pytest.mark.parametrize("kind", ["sft", "dpo"])
def test_two_processes_share_the_rows(kind: str, base: Path, tmp_path: Path) -> None:
    """24 rows on 2 processes, 2 rows each, twice a step: 3 steps an epoch."""
    settings = {"lora_r": 0} if kind == "dpo" else {}
    run = make_run(tmp_path / "run", kind, base, max_steps=-1, epochs=1, **settings)
    assert wait(start(kind, run)) == 0, last_line(run)
    told = progress(run)
    assert [line["step"] for line in told if "loss" in line] == [1, 2, 3]
    assert told[-1]["of"] == 3
    if kind == "dpo":
        assert curve(run, "margin")[1] == pytest.approx(0, abs=1e-4)
    report = json.loads((run / "report.json").read_text("utf-8"))
    assert report["steps"] == 3 and (run / "artefact" / "model" / "model.safetensors").is_file()
    assert not endings(run)


def test_a_stop_is_obeyed_by_both_and_the_rest_follows_on_the_same_curve(base: Path, tmp_path: Path) -> None:
    whole = make_run(tmp_path / "whole", "sft", base, max_steps=8, save_every=2)
    assert wait(start("sft", whole)) == 0
    run = make_run(tmp_path / "run", "sft", base, max_steps=8, save_every=2)
    assert wait(start_module("tests.engine.stopped_sft", run)) == 3
    assert last_line(run) == "Stopped on request."
    assert not (run / "stop").exists() and max(curve(run)) == 3
    assert wait(start("sft", run)) == 0
    assert curve(run) == pytest.approx(curve(whole), abs=1e-6)


def test_what_one_process_would_refuse_is_refused_in_the_same_words(base: Path, tmp_path: Path) -> None:
    """And at once: the second process does not wait half an hour for the first."""
    run = make_run(tmp_path / "run", "sft", base, rows=[])
    assert wait(start("sft", run)) == 1
    assert last_line(run) == "The dataset is empty: train.jsonl holds no row."


def test_no_process_outlives_the_one_that_was_started(base: Path, tmp_path: Path) -> None:
    """The launcher gives each process a session of its own, where no signal to the group reaches it."""
    run = make_run(tmp_path / "run", "sft", base, max_steps=2000, save_every=0)
    engine = start("sft", run)
    wait_for_step(engine, run, 1)
    found = [
        part for part in psutil.Process(engine.identity.pid).children(recursive=True)
        if "training.engine.rank" in part.cmdline()
    ]  # fmt: skip
    assert len(found) == 2
    engine.kill()
    _gone, alive = psutil.wait_procs(found, timeout=30)
    assert not [part for part in alive if part.status() != psutil.STATUS_ZOMBIE]


def test_a_process_that_is_killed_ends_the_run_as_killed(base: Path, tmp_path: Path) -> None:
    """So that the supervisor tries again, as it does for a single engine that the machine killed."""
    run = make_run(tmp_path / "run", "sft", base, max_steps=2000, save_every=0)
    engine = start("sft", run)
    wait_for_step(engine, run, 1)
    children = psutil.Process(engine.identity.pid).children(recursive=True)
    second = next(part for part in children if part.environ().get("RANK") == "1")
    second.send_signal(signal.SIGKILL)
    assert wait(engine, 60) == -signal.SIGKILL


def test_words_of_processes(tmp_path: Path, capsys: Any) -> None:
    """A stop outweighs the errors of those who were left waiting; else the first to fail has the word."""
    assert exit_code(tmp_path, None) == 0
    tell(tmp_path, 1, 1, "A first reason.")
    tell(tmp_path, 0, 1, "Connection closed by peer.")
    assert exit_code(tmp_path, None) == 1
    assert capsys.readouterr().err == "A first reason.\n"
    tell(tmp_path, 0, 3, "Stopped on request.")
    assert exit_code(tmp_path, None) == 3
    assert capsys.readouterr().err == "Stopped on request.\n"
    first, second = endings(tmp_path)
    assert (first["rank"], second["rank"]) == (0, 1)
    assert patience(first, 1) < patience({**first, "rank": 1}, 0)


def test_a_code_is_kept_that_the_launcher_would_lose(tmp_path: Path) -> None:
    """torchrun answers 1 for whatever code; here two small programs end with 3 and with 7."""
    for name, code in (("three", 3), ("seven", 7)):
        module = tmp_path / f"{name}.py"
        module.write_text(f"import sys\nsys.stderr.write('said by {name}\\n')\nsys.exit({code})\n", "utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "training.engine.launch", str(tmp_path), "2", name],
            env={"PATH": "", "PYTHONPATH": f"{Path.cwd()}:{tmp_path}", "OMP_NUM_THREADS": "1"},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == code
        assert done.stderr.strip().splitlines()[-1] == f"said by {name}"
        assert ended_file(tmp_path, 0).exists()


def test_each_process_needs_a_gpu_of_its_own(tmp_path: Path) -> None:
    assert (
        too_few_gpus(4, 2, tmp_path)
        == "The run asks for 4 processes, and this machine has 2 GPU(s), one for each."
    )
    assert not too_few_gpus(2, 2, tmp_path) and not too_few_gpus(4, 0, tmp_path)
    (tmp_path / "config.json").write_text('{"device": "cpu"}', "utf-8")
    assert not too_few_gpus(4, 2, tmp_path)


def test_every_launch_takes_a_free_port_and_no_ones_defaults() -> None:
    told = launch_arguments(3, "training.engine.sft", ["/run", "--resume"])
    assert told[told.index("--main_process_port") + 1] == "0"
    assert told[told.index("--num_processes") + 1] == "3"
    assert told[-3:] == ["training.engine.sft", "/run", "--resume"]
