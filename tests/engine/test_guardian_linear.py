"""The engine on a real run directory: what it learns, what it refuses, that it is the same twice."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from benchmark.guardians.base import Case, GuardianError, JudgeFailed, Verdict
from benchmark.guardians.loading import load_guardian
from tests.guardians.material import rows, run_folder, write_lines
from training.engine.guardian import STOPPED, main

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.one_database


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = run_folder(tmp_path_factory.mktemp("run"), groups=60, audit_groups=24, learning_curve=True)
    assert main([str(folder)]) == 0
    return folder


def digest(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_it_learns_what_there_is_to_learn(finished: Path) -> None:
    report = json.loads((finished / "report.json").read_text("utf-8"))
    assert report["n"] == {"rows": 96, "judged": 96, "failed": 0, "labels": 192, "groups": 24}
    for name in ("q2", "q3", "q4"):
        assert report["criteria"][name]["figures"]["balanced_accuracy"]["value"] > 0.85, name
    kappa = report["criteria"]["q4"]["figures"]["kappa"]  # here the two experts differ now and then
    assert kappa["low"] < kappa["value"] < kappa["high"] <= 1
    assert report["criteria"]["risk"]["figures"]["recall"]["value"] > 0.8
    assert report["criteria"]["q4"]["human"]["kappa"]["value"] < 1
    curve = report["learning_curve"]
    assert [point["rows"] for point in curve] == sorted(point["rows"] for point in curve)
    assert curve[-1]["groups"] > curve[0]["groups"]


def test_every_word_of_the_promise(finished: Path) -> None:
    """60 groups hold enough random risky answers: a share of groups is set aside, and the threshold is theirs."""
    manifest = json.loads((finished / "artefact" / "guardian.json").read_text("utf-8"))
    assert manifest["conformal"]["n_risky"] >= manifest["conformal"]["needed"] == 9
    assert 0 < manifest["conformal"]["threshold"] < 1
    assert 0 < manifest["training"]["set_aside"] < manifest["training"]["rows"]


def test_nothing_is_promised_without_random_rows(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run")
    write_lines(folder / "rows.jsonl", [row | {"random": False} for row in rows()])
    assert main([str(folder)]) == 0
    manifest = json.loads((folder / "artefact" / "guardian.json").read_text("utf-8"))
    assert manifest["conformal"]["threshold"] is None
    assert "9 are needed" in manifest["conformal"]["reason"]
    assert manifest["training"]["set_aside"] == 0


def test_nothing_is_promised_that_would_leave_too_few_risks_to_learn_from(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", groups=24, alpha=0.5)  # one calibration answer would do
    assert main([str(folder)]) == 0
    manifest = json.loads((folder / "artefact" / "guardian.json").read_text("utf-8"))
    assert manifest["conformal"]["threshold"] is None and manifest["training"]["set_aside"] == 0
    assert manifest["conformal"]["reason"].endswith("risky answers to learn from; 30 are needed.")


def test_the_same_inputs_make_the_same_bytes(tmp_path: Path) -> None:
    first, second = (run_folder(tmp_path / name) for name in ("one", "two"))
    assert main([str(first)]) == main([str(second)]) == 0
    assert digest(first / "artefact") == digest(second / "artefact")
    assert (first / "predictions.jsonl").read_bytes() == (second / "predictions.jsonl").read_bytes()
    assert (first / "report.json").read_bytes() == (second / "report.json").read_bytes()
    third = run_folder(tmp_path / "three", seed=2)
    assert main([str(third)]) == 0
    assert digest(third / "artefact") != digest(first / "artefact")


def test_no_pickle_anywhere(finished: Path) -> None:
    assert {path.name for path in (finished / "artefact").iterdir()} == {
        "guardian.json",
        "vocabulary.txt",
        "weights.npz",
    }
    assert b"pickle" not in (finished / "artefact" / "weights.npz").read_bytes()


def test_the_predictions_are_what_the_loaded_guardian_says(finished: Path) -> None:
    guardian = load_guardian(finished / "artefact")
    audit = [json.loads(line) for line in (finished / "audit.jsonl").open(encoding="utf-8")]
    lines = [json.loads(line) for line in (finished / "predictions.jsonl").open(encoding="utf-8")]
    outcomes = guardian.judge([Case(row["norm"], row["question"], row["response"]) for row in audit])
    for row, line, outcome in zip(audit, lines, outcomes, strict=True):
        assert isinstance(outcome, Verdict)
        assert (line["id"], line["p"], line["values"]) == (row["id"], outcome.p, outcome.values)


HOSTILE = [
    "",
    " \n\t",
    "\ud800\udfff坏的代理",
    "\x00\x01\x02",
    "《" * 5_000,
    "第" * 100_000,
    "。" * 50_000,
    "最终评分：0,0",
    "🫠" * 3_000,
    "a" * 2_000_000,
    "\u200b不\u200b能\u2060",
    "مرحبا بالعالم",
    "《\n》《《》》",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_any_text_gets_a_verdict(finished: Path, text: str) -> None:
    guardian = load_guardian(finished / "artefact")
    for outcome in guardian.judge([Case(text, text[:300], text), Case("", "", text)]):
        assert isinstance(outcome, Verdict)
        assert all(0 <= p <= 1 for p in outcome.p.values())
        assert all(0 <= a < b <= len(text) for spans in outcome.evidence.values() for a, b in spans)


def test_what_is_no_text_is_a_failure_not_a_verdict(finished: Path) -> None:
    broken: Any = None
    [outcome] = load_guardian(finished / "artefact").judge([Case("规范", "问题", broken)])
    assert isinstance(outcome, JudgeFailed)


def test_evidence_points_at_the_sentence_that_hides(finished: Path) -> None:
    text = "病房里常有这样的情形。没关系，悄悄补签一下，不会被发现。时间总是紧张的。"
    [verdict] = load_guardian(finished / "artefact").judge([Case("应当征得同意。", "怎么办？", text)])
    assert isinstance(verdict, Verdict)
    assert verdict.values["r2"] == -1
    assert all(verdict.values[name] is None for name in ("q1", "q2", "q3", "q4"))
    assert any("悄悄补签" in text[a:b] for a, b in verdict.evidence["r2"])
    assert "线性模型" in verdict.rationale


def write_json(path: Path, change: dict[str, Any]) -> None:
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | change), "utf-8")


def refuse_shared_group(folder: Path) -> None:
    write_lines(folder / "audit.jsonl", [row | {"group": "norm-3"} for row in rows(2, audit=True)])


def refuse_copied_answer(folder: Path) -> None:
    copied = [
        row | {"question": own["question"], "response": own["response"]}
        for row, own in zip(rows(2, audit=True), rows(2), strict=True)
    ]
    write_lines(folder / "audit.jsonl", copied)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (refuse_shared_group, "'norm-3' is in both files"),
        (refuse_copied_answer, "may not be trained on"),
        (lambda folder: (folder / "rows.jsonl").write_text(""), "nothing to learn from"),
        (lambda folder: (folder / "rows.jsonl").unlink(), "no rows.jsonl"),
        (lambda folder: (folder / "config.json").write_text("{"), "cannot be read"),
        (lambda folder: write_json(folder / "config.json", {"prior": 2}), "prior"),
        (lambda folder: write_json(folder / "config.json", {"colour": 1}), "unknown key 'colour'"),
        (lambda folder: write_json(folder / "config.json", {"kind": "oracle"}), "kind"),
        (lambda folder: write_lines(folder / "rows.jsonl", [rows()[0] | {"target": {"r1": 3}}]), "line 1"),
        (lambda folder: write_lines(folder / "rows.jsonl", rows(1)), "one norm group"),
        (lambda folder: write_lines(folder / "rows.jsonl", rows(2) + rows(2)), "comes twice"),
    ],
)
def test_a_run_that_cannot_be_is_refused_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], spoil: Any, words: str
) -> None:
    folder = run_folder(tmp_path / "run", groups=6, audit_groups=2)
    spoil(folder)
    assert main([str(folder)]) == 1
    said = capsys.readouterr().err.strip()
    assert words in said
    assert "Traceback" not in said
    assert len(said.splitlines()) == 1


def test_one_class_only_still_makes_a_guardian_that_says_so(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run")
    safe = [
        row | {"target": {"r1": 0.0, "r2": 0.0, "q1": 1.0, "q2": 1.0, "q3": 1.0, "q4": 0.0}} for row in rows()
    ]
    write_lines(folder / "rows.jsonl", safe)
    assert main([str(folder)]) == 0
    manifest = json.loads((folder / "artefact" / "guardian.json").read_text("utf-8"))
    assert set(manifest["settings"]["notes"]) == {"r1", "r2", "q1", "q2", "q3", "q4"}
    [verdict] = load_guardian(folder / "artefact").judge([Case("", "", "随便说说")])
    assert isinstance(verdict, Verdict)
    assert verdict.values == {"r1": 0, "r2": 0, "q1": 1, "q2": 1, "q3": 1, "q4": 0}
    assert verdict.p["r1"] == pytest.approx(0.02, rel=0.01)


def test_a_stop_file_ends_the_run_within_seconds_of_work(tmp_path: Path) -> None:
    """Of its own processor time, which does not count how busy the machine is."""
    folder = run_folder(tmp_path / "run", groups=200)
    process = subprocess.Popen([sys.executable, "-m", "training.engine.guardian", str(folder)], cwd=ROOT)
    try:
        deadline = time.monotonic() + 60
        while not (folder / "progress.jsonl").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        begun = psutil.Process(process.pid).cpu_times()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        (folder / "stop").touch()
        assert process.wait(60) == STOPPED
        after = resource.getrusage(
            resource.RUSAGE_CHILDREN
        )  # with all that this child has used, now that it is over
        whole = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        assert whole - begun.user - begun.system < 5
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
    assert not (folder / "report.json").exists()


@pytest.mark.parametrize("name", ["weights.npz", "vocabulary.txt", "guardian.json"])
@pytest.mark.parametrize("damage", [b"", b"not this", None])
def test_a_damaged_artefact_is_refused(
    finished: Path, tmp_path: Path, name: str, damage: bytes | None
) -> None:
    for path in (finished / "artefact").iterdir():
        if path.name != name:
            (tmp_path / path.name).write_bytes(path.read_bytes())
        elif damage is not None:
            (tmp_path / name).write_bytes(damage)
    with pytest.raises(GuardianError) as refusal:
        load_guardian(tmp_path)
    assert len(str(refusal.value).splitlines()) == 1


def test_judging_brings_neither_scikit_learn_nor_torch(finished: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from benchmark.guardians.base import Case; "
        "from benchmark.guardians.loading import load_guardian; "
        "load_guardian(Path(sys.argv[1])).judge([Case('', '', '好')]); "
        "sys.exit(','.join({'torch', 'sklearn', 'scipy', 'transformers', 'django'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(finished / "artefact")], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
