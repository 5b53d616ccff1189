"""A training that is killed goes on from its last whole checkpoint, and makes the very weights it would have made."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from medes_site.environment import ROOT
from tests.guardians.material import run_folder

pytest.importorskip("torch")
pytest.importorskip("trl")

from tests.guardians.checkpoints import tiny_causal, tiny_encoder  # noqa: E402
from training.engine.guardian import main  # noqa: E402

pytestmark = [pytest.mark.one_database, pytest.mark.train]
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


def kill_amid(folder: Path, wanted: Any) -> None:
    """Starts the engine as a program and kills it as soon as a checkpoint stands at a step in the middle."""
    command = [sys.executable, "-m", "training.engine.guardian", str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 180
        while not wanted():
            assert process.poll() is None and time.monotonic() < end, "it ended before it could be killed"
            time.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize("kind", ["encoder", "generative"])
def test_killed_and_gone_on_is_never_killed(tmp_path: Path, kind: str) -> None:
    base = (tiny_encoder if kind == "encoder" else tiny_causal)(tmp_path / "base")
    whole, killed = (prepared(tmp_path / name, kind, base) for name in ("whole", "killed"))
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for_all = [sys.executable, "-m", "training.engine.guardian"]
    subprocess.run([*for_all, str(whole)], cwd=ROOT, env=environment, check=True, stderr=subprocess.DEVNULL)

    def amid() -> bool:
        if kind == "generative":
            return any((killed / "trainer").glob("checkpoint-[3-9]/trainer_state.json"))
        return (killed / "checkpoint.pt").exists() and any(
            line["phase"] == "train" and line["step"] > 5 for line in progress(killed)
        )

    kill_amid(killed, amid)
    assert not (killed / "report.json").exists()
    subprocess.run([*for_all, str(killed)], cwd=ROOT, env=environment, check=True, stderr=subprocess.DEVNULL)
    assert [line["message"] for line in progress(killed) if line["phase"] == "resume"], "it began anew"
    for name in WEIGHTS[kind]:
        assert (killed / "artefact" / name).read_bytes() == (whole / "artefact" / name).read_bytes(), name
    assert (killed / "predictions.jsonl").read_bytes() == (whole / "predictions.jsonl").read_bytes()
    assert not (killed / "checkpoint.pt").exists() and not (killed / "trainer").exists(), (
        "nothing is left behind"
    )


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
    amid = runs[2] / "checkpoint.pt"
    kill_amid(runs[2], amid.exists)
    assert amid.exists()
    (runs[0] / "checkpoint.pt").write_bytes(amid.read_bytes()[:-1000])
    shutil.copy(amid, runs[1] / "checkpoint.pt")  # of a run with another seed
    for run in runs[:2]:
        assert main([str(run)]) == 0
        assert not [line for line in progress(run) if line["phase"] == "resume"]
