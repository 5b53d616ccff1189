"""The learning curve of an encoder: trained again on parts of the norm groups, and never twice for one point."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from medes_site.environment import ROOT
from tests.guardians.material import rows, run_folder, write_lines

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

from tests.engine.held_engine import StoppedRun  # noqa: E402
from tests.guardians.checkpoints import tiny_encoder  # noqa: E402
from training.engine import guardian  # noqa: E402
from training.engine.guardian import main, train_guardian  # noqa: E402
from training.engine.guardian_checkpoint import FILE  # noqa: E402
from training.engine.guardian_curve import FOLDER, parts_of  # noqa: E402
from training.engine.guardian_run import Config, Run, Stopped, TrainingRow  # noqa: E402

pytestmark = [pytest.mark.one_database, pytest.mark.train, pytest.mark.timeout(600)]
SETTINGS = {"max_length": 96, "epochs": 1, "batch_size": 8, "learning_rate": 3e-3, "checkpoint_seconds": 0}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_encoder(tmp_path_factory.mktemp("base") / "tiny")


def encoder_run(folder: Path, base: Path, **more: Any) -> Path:
    config = {"groups": 20, "audit_groups": 12, "learning_curve": True, "settings": SETTINGS, **more}
    return run_folder(folder, kind="encoder", base_model=str(base), **config)


def program(module: str, folder: Path, *more: str) -> subprocess.Popen[bytes]:
    """On one thread: with another number of them the last digits differ."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", module, str(folder), *more],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.DEVNULL,
    )


def finish(folder: Path) -> None:
    assert program("training.engine.guardian", folder).wait(240) == 0


def kill_at(folder: Path, step: int, share: str) -> int:
    """Has the learning curve come so far and kills it; the step of its part's checkpoint."""
    held = program("tests.engine.held_engine", folder, str(step), "learning curve")
    checkpoint = folder / FOLDER / share / FILE
    try:
        end = time.monotonic() + 240
        while not checkpoint.exists():
            assert held.poll() is None and time.monotonic() < end
            time.sleep(0.01)
    finally:
        held.send_signal(signal.SIGKILL)
        held.wait()
    return int(torch.load(checkpoint, weights_only=True)["step"])


@pytest.fixture(scope="module")
def whole(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = encoder_run(tmp_path_factory.mktemp("whole"), base)
    finish(folder)
    return folder


def read(folder: Path, name: str = "report.json") -> Any:
    return json.loads((folder / name).read_text("utf-8"))


def told(folder: Path, phase: str) -> list[dict[str, Any]]:
    lines = (folder / "progress.jsonl").read_text("utf-8").splitlines()
    return [line for line in map(json.loads, lines) if line["phase"] == phase]


def test_parts_grow_and_each_lies_within_the_next(tmp_path: Path) -> None:
    run = Run(run_folder(tmp_path / "run", groups=10))
    parts = parts_of(run.rows(), run.config())
    assert [part.groups for part in parts] == [2, 4, 6, 8, 10]
    assert [len(part.rows) for part in parts] == [8, 16, 24, 32, 40], "four answers a group"
    ids = [{row.id for row in part.rows} for part in parts]
    assert all(a < b for a, b in zip(ids, ids[1:], strict=False))
    assert [part.title for part in parts][:2] == ["20% of the norm groups", "40% of the norm groups"]
    three = parts_of(run.rows()[:12], run.config())
    assert [(part.groups, part.share) for part in three] == [(2, 0.8), (3, 1.0)], "none is trained on twice"
    few = run.rows()[:4]
    assert len({row.group for row in few}) == 1 and parts_of(few, run.config()) == []


def test_a_point_for_each_share_and_the_last_is_the_guardian_itself(
    whole: Path, base: Path, tmp_path: Path
) -> None:
    report = read(whole)
    points = report["learning_curve"]
    assert [point["groups"] for point in points] == [4, 8, 12, 16, 20]
    assert [point["rows"] for point in points] == [16, 32, 48, 64, 80]
    assert points[-1]["macro_kappa"] == report["macro_kappa"]
    assert all(set(point["kappa"]) == {"r1", "r2", "q1", "q2", "q3", "q4"} for point in points)
    steps = [line["step"] for line in told(whole, "learning curve")]
    assert steps == sorted(steps) and steps[0] >= 0 and steps[-1] <= 100
    assert [line["step"] for line in told(whole, "train")][-1] == 8, (
        "the parts' steps are not told as its own"
    )
    assert not (whole / FOLDER).exists() and not list(whole.rglob(FILE)), "nothing is left behind"
    plain = encoder_run(tmp_path / "plain", base, learning_curve=None)
    finish(plain)
    assert read(plain)["learning_curve"] == [], "it is four trainings more: only where it is asked for"
    for name in ("head.safetensors", "model/model.safetensors"):
        assert (plain / "artefact" / name).read_bytes() == (whole / "artefact" / name).read_bytes()


def test_killed_amid_its_curve_it_trains_nothing_twice(whole: Path, base: Path, tmp_path: Path) -> None:
    """SIGKILL in the second of four trainings, and again in the third: the guardian stays as it was, and so do the points
    that were measured."""
    folder = encoder_run(tmp_path / "run", base)
    second = kill_at(folder, 18, "40")
    assert not (folder / "report.json").exists()
    first = (folder / FOLDER / "20.json").read_bytes()
    weights = {path: path.stat().st_mtime_ns for path in (folder / "artefact").rglob("*.safetensors")}
    trained, curve = len(told(folder, "train")), len(told(folder, "learning curve"))

    third = kill_at(folder, 40, "60")
    assert (folder / FOLDER / "20.json").read_bytes() == first and (folder / FOLDER / "40.json").exists()
    finish(folder)
    assert [line["message"] for line in told(folder, "resume")] == [
        "from the finished weights",
        f"from the checkpoint of step {second}",
        "from the finished weights",
        f"from the checkpoint of step {third}",
    ]
    assert len(told(folder, "train")) == trained
    assert all(line["step"] >= 10 for line in told(folder, "learning curve")[curve:])
    assert not (folder / FOLDER).exists()
    assert weights == {path: path.stat().st_mtime_ns for path in (folder / "artefact").rglob("*.safetensors")}
    for name in ("report.json", "predictions.jsonl", "artefact/guardian.json"):
        assert (folder / name).read_bytes() == (whole / name).read_bytes(), name


def test_finished_weights_of_another_run_are_not_taken_for_ones_own(base: Path, tmp_path: Path) -> None:
    folder = encoder_run(tmp_path / "run", base, learning_curve=None)
    with pytest.raises(Stopped):
        train_guardian(StoppedRun(folder, 0, "audit"))
    (folder / "stop").unlink()
    kept = (folder / "artefact" / "head.safetensors").read_bytes()
    write_lines(folder / "rows.jsonl", rows(20, seed=6))
    assert main([str(folder)]) == 0
    assert told(folder, "resume") == []
    assert (folder / "artefact" / "head.safetensors").read_bytes() != kept


def test_a_damaged_weight_is_trained_again(base: Path, tmp_path: Path) -> None:
    folder = encoder_run(tmp_path / "run", base, learning_curve=None)
    with pytest.raises(Stopped):
        train_guardian(StoppedRun(folder, 0, "audit"))
    (folder / "stop").unlink()
    head = folder / "artefact" / "head.safetensors"
    whole = head.read_bytes()
    head.write_bytes(whole[:-20])
    assert main([str(folder)]) == 0
    assert told(folder, "resume") == [] and head.read_bytes() == whole


def test_a_part_that_cannot_be_trained_on_costs_its_point_alone(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guardian itself stands; and the next attempt tries that part again."""
    folder = encoder_run(tmp_path / "run", base)
    train = guardian.train_kind

    def short_of_memory(run: Run, config: Config, given: Sequence[TrainingRow]) -> guardian.Trained:
        if run.folder.name == "40":
            raise RuntimeError("CUDA out of memory.\nTried to allocate 2 GiB")
        return train(run, config, given)

    monkeypatch.setattr(guardian, "train_kind", short_of_memory)
    assert main([str(folder)]) == 0
    assert [point["groups"] for point in read(folder)["learning_curve"]] == [4, 12, 16, 20]
    assert "left alone: CUDA out of memory." in [line["message"] for line in told(folder, "learning curve")]
    monkeypatch.undo()
    assert main([str(folder)]) == 0
    assert [point["groups"] for point in read(folder)["learning_curve"]] == [4, 8, 12, 16, 20]
