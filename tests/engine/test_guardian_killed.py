"""A training that is killed goes on from its last whole checkpoint, and makes the very weights it would have made."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medes_site.environment import ROOT
from tests.guardians.material import run_folder

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

from tests.engine.held_engine import StoppedRun  # noqa: E402
from tests.guardians.checkpoints import tiny_causal, tiny_encoder  # noqa: E402
from training.engine.guardian import main, train_guardian  # noqa: E402
from training.engine.guardian_checkpoint import FILE  # noqa: E402
from training.engine.guardian_run import Stopped  # noqa: E402
from training.engine.tuning_checkpoints import newest_whole  # noqa: E402

pytestmark = [pytest.mark.one_database, pytest.mark.train, pytest.mark.timeout(900)]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
WEIGHTS = {
    "encoder": ("head.safetensors", "model/model.safetensors"),
    "generative": ("model/model.safetensors",),
}
SETTINGS: dict[str, dict[str, Any]] = {
    "encoder": {"max_length": 128, "epochs": 6, "batch_size": 8, "learning_rate": 3e-3, "checkpoint_seconds": 0},
    "generative": {
        "epochs": 6, "lora_r": 4, "max_length": 2048, "calibrate_on": 0, "batch_size": 4, "checkpoint_seconds": 0,
    },
}  # fmt: skip


def progress(folder: Path) -> list[dict[str, Any]]:
    path = folder / "progress.jsonl"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def prepared(folder: Path, kind: str, base: Path) -> Path:
    groups = 24 if kind == "encoder" else 4
    return run_folder(
        folder, groups=groups, audit_groups=1, kind=kind, base_model=str(base), settings=SETTINGS[kind]
    )


def kill_amid(folder: Path, wanted: Callable[[], bool], last: int) -> None:
    """Starts the engine as a program, held at step `last`, and kills it as soon as `wanted`: anywhere before that step."""
    command = [sys.executable, "-m", "tests.engine.held_engine", str(folder), str(last)]
    process = subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 240
        while not wanted():
            assert process.poll() is None and time.monotonic() < end, "it ended before it could be killed"
            time.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def step_of(folder: Path) -> int:
    """Of an encoder's checkpoint, which is replaced whole and so can be read at any time."""
    return int(torch.load(folder / FILE, weights_only=True)["step"])


def newest_of(folder: Path, kind: str) -> str:
    """What the newest whole checkpoint is called when a run goes on from it."""
    if kind == "encoder":
        return f"the checkpoint of step {step_of(folder)}"
    found, _broken = newest_whole(folder / "trainer")
    assert found is not None
    return found.name


@pytest.mark.parametrize("kind", ["encoder", "generative"])
def test_killed_and_gone_on_is_never_killed(tmp_path: Path, kind: str) -> None:
    base = (tiny_encoder if kind == "encoder" else tiny_causal)(tmp_path / "base")
    whole, killed = (prepared(tmp_path / name, kind, base) for name in ("whole", "killed"))
    engine = [sys.executable, "-m", "training.engine.guardian"]
    subprocess.run([*engine, str(whole)], cwd=ROOT, env=ENVIRONMENT, check=True, stderr=subprocess.DEVNULL)

    def amid() -> bool:
        if kind == "generative":
            return any((killed / "trainer").glob("checkpoint-[3-9]/trainer_state.json"))
        return (killed / FILE).exists() and step_of(killed) > 5

    kill_amid(killed, amid, 10)
    assert not (killed / "report.json").exists()
    newest = newest_of(killed, kind)
    subprocess.run([*engine, str(killed)], cwd=ROOT, env=ENVIRONMENT, check=True, stderr=subprocess.DEVNULL)
    resumed = [line["message"] for line in progress(killed) if line["phase"] == "resume"]
    assert resumed[-1:] == [f"from {newest}"], "it began anew"
    for name in WEIGHTS[kind]:
        assert (killed / "artefact" / name).read_bytes() == (whole / "artefact" / name).read_bytes(), name
    assert (killed / "predictions.jsonl").read_bytes() == (whole / "predictions.jsonl").read_bytes()
    assert not (killed / FILE).exists() and not (killed / "trainer").exists(), "nothing is left behind"


def test_a_checkpoint_that_is_cut_off_or_anothers_is_not_gone_on_from(tmp_path: Path) -> None:
    base = tiny_encoder(tmp_path / "base")
    settings = SETTINGS["encoder"] | {"epochs": 1}
    runs = [
        run_folder(
            tmp_path / f"run{number}",
            groups=8,
            audit_groups=1,
            kind="encoder",
            base_model=str(base),
            settings=settings,
            seed=seed,
        )
        for number, seed in enumerate((1, 1, 2))
    ]
    (runs[0] / "stop").write_text("")  # what ends it leaves the checkpoint: here there is none yet
    assert main([str(runs[0])]) == 3
    (runs[0] / "stop").unlink()
    with pytest.raises(Stopped):
        train_guardian(StoppedRun(runs[2], 2))
    assert step_of(runs[2]) == 2
    (runs[0] / FILE).write_bytes((runs[2] / FILE).read_bytes()[:-1000])
    shutil.copy(runs[2] / FILE, runs[1] / FILE)  # of a run with another seed
    for run in runs[:2]:
        assert main([str(run)]) == 0
        assert not [line for line in progress(run) if line["phase"] == "resume"]
