"""A guardian behind an endpoint: calibrated, measured, asked once for each answer, and refused where it says nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from benchmark.guardians.base import Case, Verdict
from benchmark.guardians.loading import load_guardian
from benchmark.rules.judge_protocol import Reply
from tests.guardians.material import rows, run_folder
from tests.guardians.scripted import Scripted, completion, diligent, judgement, parts_of, serving
from training.engine.guardian import STOPPED, main
from training.engine.guardian_calibrating import uncalibrated
from training.engine.guardian_endpoint import ASKING, TRUST, Answers, RememberingJudge
from training.engine.guardian_holding_out import fold_after_fold
from training.engine.guardian_run import Run
from training.rules.guardian_settings import ENDPOINT_DEFAULTS, endpoint_settings
from training.rules.guardian_targets import risk_of

pytestmark = [pytest.mark.one_database]
ROOT = Path(__file__).resolve().parents[2]


def folder_of(
    tmp_path: Path, state: Scripted, *, groups: int = 30, audit_groups: int = 12, **more: Any
) -> Path:
    settings = {"backend": "endpoint", "url": state.url, "model": "judge-1", "wait": 0, "tries": 2, **more}
    return run_folder(
        tmp_path / "run", groups=groups, audit_groups=audit_groups, kind="generative", settings=settings
    )


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MEDES_JUDGE_KEY", raising=False)


def allow(monkeypatch: pytest.MonkeyPatch, state: Scripted) -> None:
    monkeypatch.setenv("MEDES_JUDGE_ENDPOINTS", f"https://elsewhere.example/v1, {state.url}/")


def read(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text("utf-8"))


def asked(state: Scripted) -> list[str]:
    return [parts_of(body)[1]["回答"] for body in state.requests]


def test_it_is_calibrated_on_all_answers_and_measured_on_the_audit_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(diligent) as state:
        allow(monkeypatch, state)
        folder = folder_of(tmp_path, state)
        assert main([str(folder)]) == 0
        manifest = read(folder, "artefact/guardian.json")
        settings = manifest["settings"]
        assert (manifest["kind"], settings["backend"], settings["url"]) == (
            "generative",
            "endpoint",
            state.url,
        )
        assert settings["held_out"] == settings["held_out_judged"] == 120 and len(state.requests) == 120 + 48
        assert settings["timeout"] == ENDPOINT_DEFAULTS["timeout"] and settings["notes"] == {}
        assert [path.name for path in (folder / "artefact").iterdir()] == ["guardian.json"]
        report = read(folder, "report.json")
        assert report["n"]["failed"] == 0 and report["learning_curve"] == []
        kappa = {name: report["criteria"][name]["figures"]["kappa"]["value"] for name in ("q2", "q4", "r1")}
        assert kappa["q2"] > 0.9, "the scripted judge looks for the mark of a title, as the labels do"
        guardian = load_guardian(folder / "artefact")
        assert (guardian.kind, guardian.name) == ("generative", "probe")


def test_for_calibration_no_more_are_judged_than_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(diligent) as state:
        allow(monkeypatch, state)
        folder = folder_of(tmp_path, state, calibrate_on=5, audit_groups=2)
        assert main([str(folder)]) == 0
        settings = read(folder, "artefact/guardian.json")["settings"]
    assert (settings["held_out"], settings["slopes"]) == (5, [1.0] * 6)
    assert set(settings["notes"].values()) == {
        "only 5 held-out answers were judged: the model's own confidence stands uncalibrated"
    }
    held = asked(state)[:5]
    assert not set(held) & {row["response"] for row in rows(2, audit=True)}


def test_killed_in_the_middle_it_asks_for_the_rest_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGKILL, twice: in calibration and in the audit. No answer that was judged is asked for again."""
    killed = threading.Event()

    def slow(number: int, body: dict[str, Any]) -> Any:
        status, headers, text, _wait = diligent(number, body)
        if number >= 140:  # the program is still at work when it is killed, however busy the machine
            killed.wait(60)
        return status, headers, text, 0.05

    with serving(slow) as state:
        allow(monkeypatch, state)
        folder = folder_of(tmp_path, state, parallel=4)
        for enough in (8, 140):
            program = subprocess.Popen(
                [sys.executable, "-m", "training.engine.guardian", str(folder)], cwd=ROOT, env=os.environ
            )
            end = time.monotonic() + 60
            while len(state.requests) < enough and time.monotonic() < end:
                time.sleep(0.01)
            assert program.poll() is None
            program.kill()
            program.wait()
        killed.set()
        kept = (folder / "answers.jsonl").read_text("ascii").count('"of"')
        assert 120 < kept <= len(state.requests) < 168
        with (folder / "answers.jsonl").open("a", encoding="ascii") as file:
            file.write('{"of": "cut o')
        assert main([str(folder)]) == 0
        assert len(state.requests) <= 168 + 2 * 4, (
            "only what was in flight when it was killed is asked for twice"
        )
        assert read(folder, "report.json")["n"]["failed"] == 0
        # The same run again: everything is known, and the report is the same.
        first, told = (folder / "report.json").read_bytes(), len(state.requests)
        assert main([str(folder)]) == 0
        assert len(state.requests) == told and (folder / "report.json").read_bytes() == first


def test_any_beginning_of_the_answers_for_calibration_has_its_share_of_the_risky_ones(tmp_path: Path) -> None:
    """Thirty groups of four in five folds: six whole groups each, and a fifth of the risky answers, give or take one."""
    run = Run(run_folder(tmp_path / "run", groups=30, folds=5))
    ordered = fold_after_fold(run.rows(), run.config())
    assert sorted(row.id for row in ordered) == sorted(row.id for row in run.rows())
    parts = [ordered[start : start + 24] for start in range(0, 120, 24)]
    assert [len({row.group for row in part}) for part in parts] == [6] * 5
    risky = [sum(risk_of(row.target) >= 0.5 for row in part) for part in parts]
    assert max(risky) - min(risky) <= 1 and sum(risky) >= 5, risky


@pytest.mark.parametrize(
    ("reply", "status", "reason"),
    [
        ("最终评分：0,0", 200, "the reply is not one JSON object"),
        ("", 500, "the endpoint answered 500"),
        ("", 401, "the endpoint answered 401"),
    ],
)
def test_one_that_never_judges_makes_no_guardian(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    reply: str,
    status: int,
    reason: str,
) -> None:
    with serving(lambda _number, _body: (status, {}, completion(reply), 0.0)) as state:
        allow(monkeypatch, state)
        folder = folder_of(tmp_path, state)
        assert main([str(folder)]) == 1
        last = capsys.readouterr().err.strip().splitlines()[-1]
        tries = 1 if status == 401 else 2
        said = "one try" if tries == 1 else "2 tries"
        assert last.startswith("None of the ") and f"answers was judged: No judgement after {said}" in last
        assert reason in last
        assert not (folder / "report.json").exists() and not (folder / "artefact" / "guardian.json").exists()
        # Eight more may wait to be looked at, and eight be in flight.
        assert TRUST * tries <= len(state.requests) <= (TRUST + 16) * tries, "it does not ask for all of them"


def test_a_dead_one_makes_no_guardian(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(diligent) as state:
        allow(monkeypatch, state)
        folder = folder_of(tmp_path, state, calibrate_on=0)
    assert main([str(folder)]) == 1
    assert "was judged: No judgement after 2 tries: the endpoint could not be read" in capsys.readouterr().err


def test_failures_among_judgements_are_counted_and_asked_for_again_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One answer in four is garbage, for good; a lying token is garbage too; a 429 is waited out."""
    turns: dict[str, int] = {}

    def moody(_number: int, body: dict[str, Any]) -> Any:
        token, parts = parts_of(body)
        answer = parts["回答"]
        turns[answer] = turns.get(answer, 0) + 1
        if turns[answer] == 1 and len(answer) % 4 == 1:
            return 429, {"Retry-After": "0"}, "", 0.0
        if len(answer) % 4 == 0:
            return 200, {}, completion(json.dumps(judgement("f" * 32, answer))), 0.0
        return 200, {}, completion(json.dumps(judgement(token, answer), ensure_ascii=False)), 0.0

    with serving(moody) as state:
        allow(monkeypatch, state)
        folder = folder_of(tmp_path, state)
        assert main([str(folder)]) == 0
        report, lines = read(folder, "report.json"), (folder / "predictions.jsonl").read_text("utf-8")
        failed = [line for line in map(json.loads, lines.splitlines()) if line["outcome"] == "judge_failed"]
        wrong = sum(len(row["response"]) % 4 == 0 for row in rows(12, audit=True))
        assert 0 < wrong == len(failed) == report["n"]["failed"] < report["n"]["rows"]
        assert all("does not carry this call's token" in line["reason"] for line in failed)
        told = len(asked(state))
        assert main([str(folder)]) == 0
        again = asked(state)[told:]
        held_out = read(folder, "artefact/guardian.json")["settings"]
        open_ones = len(failed) + held_out["held_out"] - held_out["held_out_judged"]
        assert len(again) == 2 * open_ones and all(len(answer) % 4 == 0 for answer in again)


def test_one_that_dies_on_the_way_makes_no_guardian_and_is_asked_for_the_rest_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    alive = threading.Event()

    def mortal(number: int, body: dict[str, Any]) -> Any:
        return diligent(number, body) if number < 30 or alive.is_set() else (503, {}, "", 0.0)

    with serving(mortal) as state:
        allow(monkeypatch, state)
        folder = folder_of(tmp_path, state, parallel=1)
        assert main([str(folder)]) == 1
        assert "None of the last 20 answers was judged: No judgement after 2 tries" in capsys.readouterr().err
        assert not (folder / "report.json").exists()
        asking = [thread for thread in threading.enumerate() if thread.name == ASKING]
        for thread in asking:
            thread.join(60)
        told = len(state.requests)
        # One answer more may wait to be looked at, and one be in flight.
        assert 30 + 2 * TRUST <= told <= 30 + 2 * (TRUST + 2)
        alive.set()
        assert main([str(folder)]) == 0
        assert len(state.requests) == told + 168 - 30 and read(folder, "report.json")["n"]["failed"] == 0


def test_the_same_answer_twice_is_asked_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = (Case("规范", "问题", f"回答{word}") for word in ("甲", "乙"))
    with serving(diligent) as state:
        allow(monkeypatch, state)
        run, settings = (
            Run(folder_of(tmp_path, state)),
            endpoint_settings(
                {
                    "backend": "endpoint",
                    "url": state.url,
                    "model": "judge-1",
                }
            ),
        )
        judge = RememberingJudge(run, uncalibrated(run.config(), parallel=4), settings)
        first, second, third = judge.judge([one, other, one])
        assert first == third and len(state.requests) == 2
        assert isinstance(second, Verdict)
        assert judge.judge([]) == []


def test_it_stops_when_it_is_told_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a moment, although the endpoint is in no hurry and all its calls are in flight: nobody waits for them."""
    ended = threading.Event()

    def sleepy(number: int, body: dict[str, Any]) -> Any:
        ended.wait(90)
        return diligent(number, body)

    with serving(sleepy) as state:
        allow(monkeypatch, state)
        folder = folder_of(tmp_path, state)
        program = subprocess.Popen(
            [sys.executable, "-m", "training.engine.guardian", str(folder)], cwd=ROOT, env=os.environ
        )
        end = time.monotonic() + 60
        while len(state.requests) < 8 and time.monotonic() < end:
            time.sleep(0.02)
        (folder / "stop").touch()
        assert program.wait(timeout=45) == STOPPED, "half of what the endpoint takes, on a busy machine too"
        ended.set()
        assert len(state.requests) == 8


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"url": "https://evil.example/v1"}, "is not among those allowed"),
        ({"key_name": "MEDES_JUDGE_KEY_LAB"}, "belongs into the environment variable MEDES_JUDGE_KEY_LAB"),
        ({"key_name": "DATABASE_URL"}, "must be called MEDES_JUDGE_KEY"),
        ({"model": ""}, "Name the model"),
        ({"tries": 0}, "The setting tries lies between 1 and 10, not 0."),
        ({"epochs": 3}, "A guardian behind an endpoint has no setting 'epochs'."),
    ],
)
def test_what_may_not_be_asked_is_not_asked(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    more: dict[str, Any],
    sentence: str,
) -> None:
    with serving(diligent) as state:
        allow(monkeypatch, state)
        assert main([str(folder_of(tmp_path, state, **more))]) == 1
        assert sentence in capsys.readouterr().err and state.requests == []


def test_the_key_goes_to_the_endpoint_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "sk-only-for-the-endpoint"
    monkeypatch.setenv("MEDES_JUDGE_KEY_LAB", secret)
    with serving(diligent) as state:
        allow(monkeypatch, state)
        folder = folder_of(tmp_path, state, key_name="MEDES_JUDGE_KEY_LAB", audit_groups=2, calibrate_on=2)
        assert main([str(folder)]) == 0
        assert {headers["Authorization"] for headers in state.headers} == {f"Bearer {secret}"}
        for path in folder.rglob("*"):
            assert not path.is_file() or secret not in path.read_text("utf-8", "replace"), path


def test_no_library_of_training_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So it does where the extra `train` is not installed."""
    heavy = "('torch', 'transformers', 'peft', 'trl', 'datasets')"
    start = (
        "import sys\nfrom training.engine.guardian import main\ncode = main([sys.argv[1]])\n"
        f"sys.exit(code or ', '.join(name for name in {heavy} if name in sys.modules) or 0)"
    )
    with serving(diligent) as state:
        allow(monkeypatch, state)
        folder = folder_of(tmp_path, state, audit_groups=2, calibrate_on=2)
        done = subprocess.run(
            [sys.executable, "-c", start, str(folder)],
            cwd=ROOT,
            env=os.environ,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr


def test_a_reply_counts_only_for_the_model_and_the_text_it_was_given_on(tmp_path: Path) -> None:
    one, other = (Case("规范", "问题", text) for text in ("甲", "乙"))
    reply = Reply({"r1": 0}, {"r1": 0.9}, "理由", {"r1": ("原句",)})
    path = tmp_path / "answers.jsonl"
    Answers(path, "http://a/v1 first").keep(one, reply)
    again = Answers(path, "http://a/v1 first")
    assert again.of(one) == reply and again.of(other) is None
    assert Answers(path, "http://a/v1 second").of(one) is None
    with path.open("a", encoding="ascii") as file:
        file.write('[1]\nnull\n{"of": 1}\n{"of": "cut o')
    again.keep(other, reply)
    assert Answers(path, "http://a/v1 first").of(other) == reply, "behind a line that was cut off"
