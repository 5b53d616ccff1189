"""What a guardian says when it cannot be loaded or does not judge is told in the reader's language."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from benchmark.models import Judgement
from benchmark.names_guardians import sentence
from benchmark.services.guardians import artefact_folder, register_guardian
from benchmark.tasks import launch_judging
from medes_site.kit.jobs.core import run_job
from medes_site.kit.jobs.models import Job
from medes_site.kit.sentences import in_words
from tests.benchmark.fake_guardian import activated, write_artefact
from tests.benchmark.judged_scene import answers, handed_in, import_free
from tests.training.sentences import ROOT, filled, said_in

HAN = re.compile(r"[\u4e00-\u9fff]")
ERRORS = frozenset(("GuardianError", "JudgeFailed", "CallFailed", "ReplyRefused"))


def test_every_sentence_of_a_guardian_is_translated() -> None:
    places = [
        *sorted((ROOT / "benchmark/guardians").glob("*.py")),
        ROOT / "benchmark/rules/judge_protocol.py",
    ]
    said = [
        (f"{path.name}:{line}", filled(text, "7")) for path in places for line, text in said_in(path, ERRORS)
    ]
    assert len(said) > 40
    with translation.override("zh-hans"):
        assert not [(where, text) for where, text in said if not HAN.search(sentence(text))]
    with translation.override("en"):
        assert not [(where, text) for where, text in said if sentence(text) != text]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("There is no guardian.json in fake-1.", "fake-1 中没有 guardian.json。"),
        ("No judgement after 4 tries: the endpoint answered 429.", "尝试 4 次后仍没有评判结果：模型接口返回 429。"),
        ("No judgement after one try: the endpoint answered 401.", "只尝试了 1 次，没有评判结果：模型接口返回 401。"),
        ("No judgement after 2 tries: q3 is neither 0 nor 1.", "尝试 2 次后仍没有评判结果：Q3 既不是 0 也不是 1。"),
        ("No judgement after 2 tries: something new.", "尝试 2 次后仍没有评判结果：something new。"),
        ("The guardian gave something that is not a verdict.", "评审模型给出的内容不是有效判定。"),
        ("The training program ended with code 9.", "训练程序以代码 9 结束。"),
        ("something nobody knows", "something nobody knows"),
        ("", ""),
        (None, ""),
    ],
)  # fmt: skip
def test_whoever_said_it_is_found(said: str | None, found: str) -> None:
    with translation.override("zh-hans"):
        assert in_words(said) == found


@pytest.mark.django_db(transaction=True)
def test_a_submission_tells_in_chinese_why_nothing_was_judged(
    researcher: Any, tmp_path: Path, client_of: Callable[[Any], Client]
) -> None:
    version = import_free(tmp_path / "free")
    guardian = register_guardian(actor=None, folder=write_artefact(tmp_path / "fake-1"))
    activated(guardian, researcher)
    submission = handed_in(researcher, version, "Model One", answers({}))
    job = launch_judging(submission, guardian.scorer, wake=False)
    (artefact_folder(guardian) / "guardian.json").unlink()
    assert run_job(job.pk) == Job.State.FAILED
    job.refresh_from_db()
    assert job.error == "There is no guardian.json in fake-1."
    client = client_of(researcher)
    client.cookies["django_language"] = "zh-hans"
    address = f"/submissions/{submission.pk}/"
    shown = client.get(address).content.decode()
    assert "fake-1 中没有 guardian.json。" in shown and job.error not in shown

    failed = "No judgement after 4 tries: the endpoint was too slow."
    response = submission.responses.order_by("pk").first()
    assert response is not None
    Judgement.objects.create(
        response=response, scorer=guardian.scorer, outcome="judge_failed", rationale=failed, case_key=1
    )
    for page in (address, f"/responses/{response.pk}/"):
        shown = client.get(page).content.decode()
        assert "尝试 4 次后仍没有评判结果：模型接口响应过慢。" in shown and failed not in shown
    shutil.rmtree(artefact_folder(guardian), ignore_errors=True)
