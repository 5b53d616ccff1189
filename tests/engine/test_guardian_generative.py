"""A generative guardian from a tiny random checkpoint: it runs to the end, and what it cannot do it does not claim."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmark.guardians.base import Case, JudgeFailed
from benchmark.guardians.loading import load_guardian
from benchmark.rules.judge_protocol import read_reply
from tests.guardians.material import rows, run_folder

pytest.importorskip("trl")

from tests.guardians.checkpoints import tiny_causal  # noqa: E402
from training.engine.guardian import main  # noqa: E402
from training.engine.guardian_generative import lesson  # noqa: E402
from training.engine.guardian_run import Run  # noqa: E402

pytestmark = [pytest.mark.one_database, pytest.mark.train]


def test_every_lesson_is_a_reply_the_protocol_accepts(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", groups=12)
    for row in Run(folder).rows():
        taught = lesson(row)
        token = json.loads(taught["completion"][0]["content"])["token"]
        reply = read_reply(taught["completion"][0]["content"], token)
        assert reply.values["r1"] == -int(row.target["r1"] or 0)
        assert row.response in taught["prompt"][1]["content"]


def test_trained_saved_loaded_and_silent_rather_than_wrong(tmp_path: Path) -> None:
    """Two epochs teach a random model of 100,000 weights no JSON: every judgement must fail, none be invented."""
    base = tiny_causal(tmp_path / "base")
    settings = {"epochs": 1, "lora_r": 4, "max_length": 2048, "calibrate_on": 1, "batch_size": 4}
    folder = run_folder(
        tmp_path / "run", groups=3, audit_groups=1, kind="generative", base_model=str(base), settings=settings
    )
    assert main([str(folder)]) == 0
    lines = [json.loads(line) for line in (folder / "progress.jsonl").open(encoding="utf-8")]
    assert any("loss" in line for line in lines)
    assert {path.suffix for path in (folder / "artefact").rglob("*") if path.is_file()} <= {
        ".json",
        ".safetensors",
        ".jinja",
    }
    report = json.loads((folder / "report.json").read_text("utf-8"))
    assert report["n"]["failed"] == report["n"]["rows"] == 4 and report["macro_kappa"]["value"] is None
    row = rows(1, audit=True)[0]
    [outcome] = load_guardian(folder / "artefact").judge(
        [Case(row["norm"], row["question"], row["response"])]
    )
    assert isinstance(outcome, JudgeFailed)
