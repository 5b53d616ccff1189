"""Judging in a real Celery worker that is killed in the middle, and finished by the next one."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmark.models import Board, Judgement, Judging, Score
from benchmark.services.guardians import activate_guardian, begin_shadow, register_guardian
from benchmark.tasks import launch_judging
from medes_site.demo.private_redis import PrivateRedis
from medes_site.kit.jobs import reconcile
from medes_site.kit.jobs.models import Job
from tests.benchmark.fake_guardian import write_artefact
from tests.benchmark.judged_scene import answers, handed_in, import_free
from tests.kit.processes import start, use_broker, wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
ITEMS = 120
BATCH = 10
COMMAND = ("-m", "celery", "-A", "medes_site", "worker", "-I", "tests.benchmark.fake_guardian")


@pytest.fixture
def broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with PrivateRedis(tmp_path) as server:
        use_broker(monkeypatch, server.url)
        yield server.url


def kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_killed_in_the_middle_it_is_finished_and_nothing_is_judged_twice(
    broker: str, tmp_path: Path, researcher: Any
) -> None:
    version = import_free(tmp_path / "free", items=ITEMS)
    guardian = register_guardian(actor=None, folder=write_artefact(tmp_path / "fake-1"))
    begin_shadow(actor=researcher, guardian=guardian)
    activate_guardian(actor=researcher, guardian=guardian)
    submission = handed_in(researcher, version, "Model One", answers({1: "r1=-1", 2: "q1=0"}, items=ITEMS))
    judged = tmp_path / "judged.txt"
    environment = {
        "REDIS_URL": broker,
        "MEDES_TEST_FAKE_GUARDIAN": str(BATCH),
        "MEDES_TEST_JUDGED": str(judged),
    }
    held = {"MEDES_TEST_PAUSE": "0.2", "MEDES_TEST_HOLD": str(7 * BATCH)}  # killed somewhere before that
    job = launch_judging(submission, guardian.scorer)
    first = start(*COMMAND, "-Q", "default,evaluate", "-c", "1", **environment, **held)
    try:
        wait_for(lambda: Judgement.objects.count() >= 3 * BATCH, 180)
    finally:
        kill(first)
    kept = dict(Judgement.objects.values_list("pk", "response_id"))
    assert 3 * BATCH <= len(kept) <= 7 * BATCH < ITEMS
    job.refresh_from_db()
    assert (job.state, job.attempt) == (Job.State.RUNNING, 1)
    assert not Score.objects.exists()

    second = start(*COMMAND, "-Q", "default,evaluate", "-c", "1", **environment)
    try:
        wait_for(lambda: reconcile.reconcile(resend_all=True).requeued == (job.pk,))  # once all of it is gone
        wait_for(lambda: Job.objects.get(pk=job.pk).state == Job.State.SUCCEEDED, 180)
        board = Board.objects.get(scorer=guardian.scorer)
        wait_for(lambda: not Board.objects.get(pk=board.pk).ranks_stale)
    finally:
        kill(second)
    assert dict(Judgement.objects.filter(pk__in=kept).values_list("pk", "response_id")) == kept
    assert Judgement.objects.count() == ITEMS == Judgement.objects.values("response").distinct().count()
    # What the kill cut off was one batch that had been judged and not yet written; nothing else came twice.
    times = Counter(judged.read_text("utf-8").splitlines())
    assert set(times) == {text for text in answers({1: "r1=-1", 2: "q1=0"}, items=ITEMS).values()}
    assert sum(times.values()) <= ITEMS + BATCH and max(times.values()) <= 2
    score = Score.objects.get()
    assert (score.n, score.scored, score.missing) == (ITEMS, ITEMS, 0)
    assert score.final == pytest.approx((ITEMS - 2 - 1 + 0.6) / ITEMS)
    assert Judging.objects.get().finished_at is not None
    assert Job.objects.get(pk=job.pk).attempt == 2
