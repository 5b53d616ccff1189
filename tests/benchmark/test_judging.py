"""Judging: what is written, what is not judged twice, what fails, and what the board makes of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from benchmark.models import BenchmarkVersion, Judgement, Judging, Score, Submission
from benchmark.queries.boards import BoardFilter, board_document
from benchmark.services.judging import forget_failures
from benchmark.tasks import launch_judging, sweep
from medes_site.kit.jobs.models import Job
from tests.benchmark.fake_guardian import activated, registered
from tests.benchmark.judged_scene import (
    ITEMS,
    answers,
    board_of,
    handed_in,
    import_free,
    judge,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(db: None, tmp_path: Path) -> BenchmarkVersion:
    return import_free(tmp_path / "free")


def score_of(submission: Submission) -> Score:
    return submission.scores.select_related("board").get(board__scorer__name="fake")


def test_answers_become_judgements_and_a_row(
    version: BenchmarkVersion, researcher: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Worked by hand: 24 items; one risky, one without Q2 (0.7), one that abstains on Q1 at 0.5 (0.8)."""
    guardian, _fake = registered(tmp_path, monkeypatch)
    activated(guardian, researcher)
    said = {1: "r2=-1 直接去做", 2: "q2=0 没有依据", 3: "q1=?:0.50 也许"}
    submission = handed_in(researcher, version, "Model One", answers(said))
    judge(submission, guardian)
    score = score_of(submission)
    assert (score.n, score.scored, score.missing) == (ITEMS, ITEMS, 0)
    assert score.account == {
        "scored": 23, "no_reply": 0, "truncated": 0, "unparseable": 0, "refused": 0,
        "judge_failed": 0, "abstained": 1,
    }  # fmt: skip
    assert score.final == pytest.approx((-1 + 0.7 + 0.8 + 21) / 24)
    assert score.final == score.value == score.worst == score.best
    assert score.final_mean == pytest.approx((-1 + 0.75 + 0.875 + 21) / 24)
    assert score.risk_rate == pytest.approx(1 / 24) and score.r1 == 0 and score.r2 == pytest.approx(1 / 24)
    assert score.quality == pytest.approx((0.7 + 0.8 + 21) / 23)
    assert score.quality_mean == pytest.approx((0.75 + 0.875 + 21) / 23)
    assert (score.q1, score.q2) == (pytest.approx(22.5 / 23), pytest.approx(22 / 23))
    assert score.abstained == pytest.approx(1 / 24)
    assert score.clusters == 12 and score.ci_low is not None and score.ci_low < score.final
    assert score.intervals["risk_rate"]["method"] == "wilson"
    assert sum(part["n"] for part in score.by_scenario.values()) == ITEMS
    found = Judgement.objects.get(response__submission=submission, response__item__number=2)
    assert found.evidence == {"q2": [[0, 4]]} and found.p["q2"] == 0.9 and found.rationale.startswith("依据")
    assert board_of(version, guardian).slug == "subjective"
    row = board_document(board_of(version, guardian), BoardFilter())["rows"][0]
    wanted = {"risk_rate", "quality", "final", "quality_mean", "final_mean", "abstained", "worst", "best"}
    assert wanted | {"r1", "r2", "q1", "q2", "q3", "q4"} <= row.keys()


def test_the_same_text_is_judged_once_and_a_failure_is_never_a_score(
    version: BenchmarkVersion, researcher: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guardian, fake = registered(tmp_path, monkeypatch)
    activated(guardian, researcher)
    replies = answers({1: "FAIL", 2: "LIE"})
    first = handed_in(researcher, version, "Model One", replies)
    judge(first, guardian)
    assert len(fake.seen) == ITEMS
    score = score_of(first)
    assert (score.scored, score.missing, score.account["judge_failed"]) == (22, 2, 2)
    assert score.final == 1.0 and score.worst == pytest.approx((22 - 2) / 24) and score.best == 1.0
    reasons = Judgement.objects.filter(outcome="judge_failed").values_list("rationale", "r1", "p")
    assert sorted(reasons) == [
        ("The guardian gave something that is not a verdict.", None, None),
        ("the endpoint gave no JSON", None, None),
    ]
    # Another model that says the same: only what failed is tried again.
    second = handed_in(researcher, version, "Model Two", {**replies, "sub-0003": "别的回答"})
    judge(second, guardian)
    assert sorted(fake.seen[ITEMS:]) == ["FAIL", "LIE", "别的回答"]
    assert score_of(second).final == 1.0
    # Judged again: nothing left to do.
    judge(first, guardian)
    assert len(fake.seen) == ITEMS + 3
    assert forget_failures(submission=first, scorer=guardian.scorer) == 2
    judge(first, guardian)
    assert sorted(fake.seen[ITEMS + 3 :]) == ["FAIL", "LIE"]
    assert Judgement.objects.filter(response__submission=first).count() == ITEMS


def test_no_reply_counts_minus_one_and_is_not_judged(
    version: BenchmarkVersion, researcher: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guardian, fake = registered(tmp_path, monkeypatch)
    activated(guardian, researcher)
    replies = answers({})
    del replies["sub-0001"], replies["sub-0002"]
    submission = handed_in(researcher, version, "Model One", {**replies, "sub-0003": "  "})
    judge(submission, guardian)
    score = score_of(submission)
    assert len(fake.seen) == 21
    assert (score.account["no_reply"], score.missing, score.scored) == (3, 3, 21)
    assert score.final == pytest.approx((21 - 3) / 24)
    assert score.risk_rate == 0 and score.quality == pytest.approx(1)


def test_a_sweep_finds_what_was_never_launched_and_does_not_repeat_itself(
    version: BenchmarkVersion, researcher: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guardian, _fake = registered(tmp_path, monkeypatch)
    submission = handed_in(researcher, version, "Model One", answers({}))
    sweep()
    assert not Job.objects.filter(kind="judge").exists()  # a candidate judges nothing by itself
    judge(submission, guardian)
    Judging.objects.all().delete()
    Judgement.objects.all().delete()
    Job.objects.all().delete()
    guardian.state, guardian.promoted_at = "active", submission.created_at
    guardian.save()
    sweep()
    job = Job.objects.get(kind="judge")
    assert Judging.objects.get(pk=job.subject_id).submission == submission
    sweep()
    assert Job.objects.filter(kind="judge").count() == 1


def test_the_owner_stops_the_judging_and_scores_again(
    version: BenchmarkVersion, researcher: Any, submitter: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    client_of: Callable[[Any], Client], settings: Any,
) -> None:  # fmt: skip
    settings.LANGUAGE_CODE = "en"
    guardian, _fake = registered(tmp_path, monkeypatch)
    activated(guardian, researcher)
    submission = handed_in(researcher, version, "Model One", answers({}))
    Submission.objects.filter(pk=submission.pk).update(submitted_by=submitter)
    job = launch_judging(submission, guardian.scorer, wake=False)
    client = client_of(submitter)
    page = client.get(f"/submissions/{submission.pk}/").content.decode()
    assert "The answers wait to be judged." in page and 'hx-trigger="every 2s"' in page
    htmx = {"HX-Request": "true", "HX-Target": "guardian-verdicts"}
    part = client.get(f"/submissions/{submission.pk}/", headers=htmx).content.decode()
    assert part.lstrip().startswith("<section") and "Stop judging" in part
    assert client.post(f"/submissions/{submission.pk}/cancel/").status_code == 302
    job.refresh_from_db()
    assert job.state == "cancelled"
    over = client.get(f"/submissions/{submission.pk}/", headers=htmx)
    assert over["HX-Retarget"] == "#live" and "The judging was cancelled" in over.content.decode()
    sweep()
    assert Job.objects.filter(kind="judge").count() == 1  # what somebody stopped stays stopped
    judge(submission, guardian)
    done = client.get(f"/submissions/{submission.pk}/").content.decode()
    assert "24 answers" in done and "Stop judging" not in done
