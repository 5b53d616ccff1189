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

import torch  # noqa: E402

from benchmark.guardians.generative_local import LOOK_AFTER, NoObject, load_backend  # noqa: E402
from tests.guardians.checkpoints import tiny_causal, tokenizer  # noqa: E402
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


def test_a_model_that_babbles_is_not_listened_to_for_long(tmp_path: Path) -> None:
    place = tiny_causal(tmp_path / "artefact" / "model")
    backend = load_backend(place.parent)
    reply = backend.complete([{"role": "user", "content": "?"}], 0)
    assert len(backend.tokenizer(reply, add_special_tokens=False)["input_ids"]) <= LOOK_AFTER


@pytest.mark.parametrize(
    ("said", "over"),
    [
        ("The answer is fine, so I give it full marks.", True),
        ('{"token": "0123456789abcdef0123', False),
        (' \n  {"token": "0123456789abcdef', False),
        (" " * 40, True),
        ("```json", True),
    ],
)
def test_only_what_begins_as_an_object_is_waited_for(said: str, over: bool) -> None:
    """Looked at once, after so many tokens; before and after that it goes on."""
    words = tokenizer()
    prompt, ids = 3, words(f"{said:.<{LOOK_AFTER + 1}}", add_special_tokens=False)["input_ids"]
    looked = [
        bool(NoObject(words, prompt)(torch.tensor([[0] * prompt + ids[:made]]), torch.zeros(1, 1)))
        for made in (LOOK_AFTER - 1, LOOK_AFTER, LOOK_AFTER + 1)
    ]
    assert looked == [False, over, False]
