"""The pages of submissions: the whole way of one, the lists, who sees what, and every act."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import translation

from benchmark.models import Board, Entry, Judgement, Kind, Response, Score, Scorer, Submission
from benchmark.services.entries import create_entry
from benchmark.tasks import launch_evaluation
from medes_site.kit.jobs.core import run_job
from medes_site.kit.jobs.models import Job, JobLogLine
from tests.benchmark.cast import (
    DEV,
    HIDDEN_MARK,
    KEYS,
    PUBLIC,
    SECRET_NAME,
    Cast,
    answers,
    evaluate,
    import_tiny,
    make_cast,
    predictions,
    submit,
)
from tests.benchmark.volatile import without_volatile

ClientOf = Callable[[Any], Client]
HTMX = {"HX-Request": "true"}
NEW = "/submissions/new/"


@pytest.fixture(autouse=True)
def _settings(settings: Any) -> None:
    settings.LANGUAGE_CODE = "en"
    settings.MEDES_DAILY_SUBMISSIONS = 50


@pytest.fixture
def cast(tmp_path: Path, submitter: Any, stranger: Any, researcher: Any) -> Cast:
    return make_cast(tmp_path / "tiny", submitter=submitter, stranger=stranger, researcher=researcher)


def form(version: Any, data: bytes | None, **fields: Any) -> dict[str, Any]:
    chosen = {"version": version.pk, "name": "", "note": "", **fields}
    if data is not None:
        chosen["file"] = SimpleUploadedFile("replies.csv", data)
    return chosen


def page(pk: int) -> str:
    return reverse("benchmark:submission", args=[pk])


def act(pk: int, name: str) -> str:
    return reverse(f"benchmark:submission_{name}", args=[pk])


def counts() -> tuple[int, int, int]:
    return Entry.objects.count(), Submission.objects.count(), Response.objects.count()


@pytest.mark.django_db(transaction=True)
def test_the_whole_way_to_the_board(
    tmp_path: Path, submitter: Any, researcher: Any, client_of: ClientOf
) -> None:
    version = import_tiny(tmp_path)
    client = client_of(submitter)
    reply = client.post(
        NEW,
        form(
            version,
            predictions(answers((*PUBLIC, *DEV), 9)),
            name="Way Model",
            organisation="Lab",
            parameters_b="7.5",
            type="medical",
            licence="MIT",
            link="https://example.org/m",
            note="greedy",
        ),
    )
    submission = Submission.objects.get()
    assert reply.status_code == 302 and reply.url == page(submission.pk)
    entry = submission.entry
    assert (entry.name, entry.owner, entry.type, str(entry.parameters_b)) == (
        "Way Model",
        submitter,
        "medical",
        "7.50",
    )
    assert (submission.note, submission.responses_count, submission.state) == ("greedy", 16, "private")

    job = Job.objects.get(kind="evaluate", subject_id=submission.pk)
    waiting = client.get(page(submission.pk)).content.decode()
    assert "wait to be scored" in waiting and 'hx-trigger="every 1s"' in waiting
    assert run_job(job.pk) == Job.State.SUCCEEDED

    shown = client.get(page(submission.pk)).content.decode()
    assert "hx-trigger" not in shown
    assert "0.7500" in shown  # 9 of the 12 public items are right
    assert "replies.csv" in shown and submission.file_sha256 in shown
    assert client.post(act(submission.pk, "review")).status_code == 302
    assert client.post(act(submission.pk, "publish")).status_code == 403
    reviewer = client_of(researcher)
    assert "Way Model" in reviewer.get("/submissions/?tab=review").content.decode()
    assert reviewer.post(act(submission.pk, "publish"), {"note": "fine"}).status_code == 302
    for ranking in Job.objects.filter(kind="rank"):
        assert run_job(ranking.pk) == Job.State.SUCCEEDED
    score = Score.objects.get(board__slug="objective", submission=submission)
    assert score.designated and (score.rank_low, score.rank_high) == (1, 1)
    public = client_of(None).get(page(submission.pk)).content.decode()
    assert "stands on the board" in public and "0.7500" in public


@pytest.mark.django_db(transaction=True)
def test_polling_shows_progress_and_stops(tmp_path: Path, submitter: Any, client_of: ClientOf) -> None:
    version = import_tiny(tmp_path)
    entry = create_entry(actor=submitter, name="Polled")
    submission = submit(submitter, entry, version, predictions(answers(PUBLIC, 3)))
    job = launch_evaluation(submission, wake=False)
    Job.objects.filter(pk=job.pk).update(progress_done=4, progress_total=12, state="running")
    client, headers = client_of(submitter), {**HTMX, "HX-Target": "progress"}
    polled = client.get(page(submission.pk), headers=headers)
    text = polled.content.decode()
    assert polled.templates[0].name == "benchmark/submissions/_progress.html"
    assert 'max="12"' in text and 'value="4"' in text and "4 of 12 replies read" in text
    assert "<html" not in text and 'hx-swap-oob="true"' in text
    Job.objects.filter(pk=job.pk).update(state="queued")
    run_job(job.pk)
    last = client.get(page(submission.pk), headers=headers)
    assert last.headers["HX-Retarget"] == "#live"
    text = last.content.decode()
    assert "hx-trigger" not in text and "0.2500" in text


def test_a_job_nobody_takes_is_explained(cast: Cast, submitter: Any, client_of: ClientOf) -> None:
    pk = cast.submissions["private"].pk
    job = launch_evaluation(cast.submissions["private"], wake=False)
    client = client_of(submitter)
    assert "No worker has taken it" not in client.get(page(pk)).content.decode()
    Job.objects.filter(pk=job.pk).update(created_at="2026-01-01T00:00:00Z")
    assert "No worker has taken it" in client.get(page(pk)).content.decode()
    assert client.post(act(pk, "cancel")).status_code == 302
    assert Job.objects.get(pk=job.pk).state == "cancelled"
    assert client.post(act(pk, "cancel")).status_code == 409


def test_a_failed_scoring_says_why_and_can_be_tried_again(
    cast: Cast, submitter: Any, researcher: Any, client_of: ClientOf
) -> None:
    found = cast.submissions["private"]
    job = launch_evaluation(found, wake=False)
    sentence = "The job stopped on an unexpected error; the log has the details."
    Job.objects.filter(pk=job.pk).update(state="failed", error=sentence)
    leak = "Traceback (most recent call last):\n  key is ACFH"
    JobLogLine.objects.create(job=job, at=job.created_at, attempt=1, text=leak)
    client = client_of(submitter)
    text = client.get(page(found.pk)).content.decode()
    assert sentence in text and act(found.pk, "evaluate") in text
    assert "ACFH" not in without_volatile(text), "a traceback may quote answer keys"
    assert "ACFH" in client_of(researcher).get(page(found.pk)).content.decode()
    assert client.post(act(found.pk, "evaluate")).status_code == 302
    assert Job.objects.filter(kind="evaluate", subject_id=found.pk, state="queued").count() == 1
    assert client.post(act(found.pk, "evaluate")).status_code == 409


def test_who_sees_a_submission(
    cast: Cast, submitter: Any, stranger: Any, expert: Any, researcher: Any, client_of: ClientOf
) -> None:
    for state, found in cast.submissions.items():
        everybody = state in ("public", "strangers")
        for user in (None, stranger, expert, submitter, researcher):
            reply = client_of(user).get(page(found.pk))
            seen = everybody or user in (submitter, researcher)
            assert reply.status_code == (200 if seen else 404), (state, user)
    assert client_of(None).get(page(999_999)).status_code == 404


ACTS = ("review", "publish", "return", "withdraw", "designate", "evaluate", "cancel")


@pytest.mark.parametrize("name", ACTS)
def test_acts_of_others_are_refused(
    name: str, cast: Cast, submitter: Any, stranger: Any, client_of: ClientOf
) -> None:
    before = list(Submission.objects.order_by("pk").values_list("pk", "state"))
    private, public = cast.submissions["private"].pk, cast.submissions["public"].pk
    assert client_of(stranger).post(act(private, name)).status_code == 404
    assert client_of(stranger).post(act(public, name)).status_code == 403
    anonymous = client_of(None).post(act(public, name))
    assert anonymous.status_code == 302 and "/accounts/login/" in anonymous.url
    assert client_of(submitter).get(act(private, name)).status_code == 405
    assert list(Submission.objects.order_by("pk").values_list("pk", "state")) == before


def test_review_return_and_withdrawal(
    cast: Cast, submitter: Any, researcher: Any, client_of: ClientOf
) -> None:
    owner, reviewer = client_of(submitter), client_of(researcher)
    pk = cast.submissions["in_review"].pk
    without = reviewer.post(act(pk, "return"), {"note": " "})
    assert without.status_code == 409 and "Say why" in without.content.decode()
    assert reviewer.post(act(pk, "return"), {"note": "Which <b>prompt</b>?"}).status_code == 302
    text = owner.get(page(pk)).content.decode()
    assert "Which &lt;b&gt;prompt&lt;/b&gt;?" in text
    assert owner.post(act(pk, "review")).status_code == 302
    public = cast.submissions["public"]
    assert "Withdraw for good" in owner.get(page(public.pk)).content.decode()
    assert owner.post(act(public.pk, "withdraw")).status_code == 302
    assert not Score.objects.filter(submission=public, designated=True).exists()
    assert Job.objects.filter(kind="rank", subject_id=cast.board.pk).exists()
    assert client_of(None).get(page(public.pk)).status_code == 404
    assert owner.post(act(public.pk, "withdraw")).status_code == 409


def test_another_submission_can_stand_on_the_board(
    cast: Cast, submitter: Any, researcher: Any, client_of: ClientOf
) -> None:
    second = evaluate(submit(submitter, cast.open, cast.version, predictions(answers(PUBLIC, 11))))
    owner = client_of(submitter)
    owner.post(act(second.pk, "review"))
    client_of(researcher).post(act(second.pk, "publish"), {"note": ""})
    standing = Score.objects.get(board=cast.board, entry=cast.open, designated=True)
    assert standing.submission_id == cast.submissions["public"].pk
    assert "Let this one stand" in owner.get(page(second.pk)).content.decode()
    assert owner.post(act(second.pk, "designate")).status_code == 302
    assert Score.objects.get(board=cast.board, entry=cast.open, designated=True).submission_id == second.pk


def test_results_with_what_is_missing(cast: Cast, submitter: Any, client_of: ClientOf) -> None:
    replies = {PUBLIC[0]: "最终答案：ACFH", PUBLIC[1]: "", PUBLIC[2]: "最终答案：A"}
    found = evaluate(submit(submitter, cast.secret, cast.version, predictions(replies)))
    text = client_of(submitter).get(page(found.pk)).content.decode()
    cell = r'<th scope="row">([^<]+)<small>[^<]+</small></th><td class="num">(\d+)</td>'
    assert {name: int(count) for name, count in re.findall(cell, text)} == {
        "scored": 2,
        "no reply": 10,
        "truncated": 0,
        "unparseable": 0,
        "refused": 0,
    }
    assert "0.0833" in text and "0.5000" in text and "83.3%" in text  # 1 of 12; 1 of 2 answered; 10 missing


def test_right_and_wrong_on_dev_only(
    cast: Cast, submitter: Any, researcher: Any, client_of: ClientOf
) -> None:
    found = cast.submissions["public"]
    for user in (None, submitter):
        client = client_of(user)
        for query in ("", "?board=objective", "?board=objective&outcome=right", "?board=objective-hidden"):
            text = client.get(page(found.pk) + query).content.decode()
            assert all(code in text for code in DEV) or "outcome=right" in query
            assert not any(code in text for code in PUBLIC), query
            assert not any(KEYS[code] in text for code in PUBLIC), query
            assert HIDDEN_MARK not in text
    text = client_of(researcher).get(page(found.pk) + "?board=objective&outcome=wrong").content.decode()
    shown = set(re.findall(r"obj-\d{4}", text))
    assert shown == set(PUBLIC[9:])  # the first nine of them are right


def test_item_table_filters_and_marks_the_answer(cast: Cast, submitter: Any, client_of: ClientOf) -> None:
    replies = {DEV[0]: "分析<script>x</script>。最终答案：A", DEV[1]: "最终答案：H", DEV[2]: ""}
    found = evaluate(submit(submitter, cast.secret, cast.version, predictions(replies)))
    client = client_of(submitter)

    def codes(outcome: str) -> list[str]:
        text = client.get(f"{page(found.pk)}?board=objective-dev&outcome={outcome}").content.decode()
        return sorted(set(re.findall(r"obj-\d{4}", text)))

    assert codes("right") == [DEV[0]]
    assert codes("wrong") == [DEV[1]]
    assert codes("no_reply") == [DEV[2], DEV[3]]
    assert codes("refused") == []
    assert codes("nonsense") == list(DEV)
    text = client.get(page(found.pk)).content.decode()
    assert '<mark class="found">A</mark>' in text
    assert "<script>x" not in text and "&lt;script&gt;x" in text


def test_lists(cast: Cast, submitter: Any, stranger: Any, researcher: Any, client_of: ClientOf) -> None:
    assert client_of(None).get("/submissions/").status_code == 302
    own = client_of(submitter).get("/submissions/").content.decode()
    assert own.count(SECRET_NAME) == 4 and "Open Model 7B" in own and "Other Model 3B" not in own
    for tab in ("all", "review"):
        others = client_of(stranger).get(f"/submissions/?tab={tab}").content.decode()
        assert SECRET_NAME not in others and "Open Model 7B" not in others
    review = client_of(researcher).get("/submissions/?tab=review").content.decode()
    assert review.count(SECRET_NAME) == 1
    everything = client_of(researcher).get("/submissions/?tab=all&page=99").content.decode()
    assert everything.count(SECRET_NAME) == 4 and "Other Model 3B" in everything


def test_a_list_costs_a_fixed_number_of_queries(
    cast: Cast, researcher: Any, client_of: ClientOf, django_assert_max_num_queries: Any
) -> None:
    client = client_of(researcher)
    with django_assert_max_num_queries(12):
        answer = client.get("/submissions/?tab=all")
    assert answer.status_code == 200 and SECRET_NAME in answer.content.decode()


def test_published_judgements_of_visible_items(cast: Cast, submitter: Any, client_of: ClientOf) -> None:
    found = cast.submissions["public"]
    scorer = Scorer.objects.create(name="published", version="2026", type=Scorer.Type.PUBLISHED)
    guardian = Scorer.objects.create(name="guardian", version="1", type=Scorer.Type.GUARDIAN)
    for item in cast.version.items.filter(kind=Kind.SUBJECTIVE):
        response = Response.objects.create(
            submission=found, item=item, text=f"<i>reply to {item.split}</i>", text_hash="0"
        )
        because = f"because {item.split}"
        Judgement.objects.create(response=response, scorer=scorer, r1=0, r2=-1, rationale=because)
        Judgement.objects.create(response=response, scorer=guardian, r1=0, r2=0, rationale="not to be shown")
    text = client_of(None).get(page(found.pk)).content.decode()
    assert "because public" in text and "because dev" in text and "&lt;i&gt;reply" in text
    assert "because hidden" not in text and HIDDEN_MARK not in text and "not to be shown" not in text
    assert text.count('class="chip risk"') == 2 and text.count("not judged") == 8


def test_command_submits_scores_and_refuses(
    tmp_path: Path, submitter: Any, expert: Any, capsys: Any, transactional_db: None
) -> None:
    import_tiny(tmp_path / "tiny")
    file = tmp_path / "replies.csv"
    file.write_bytes(predictions(answers(PUBLIC, 6)))
    command = ["create_submission", str(file), "--benchmark", "tiny", "--entry", "From the shell"]
    call_command(*command, "--user", submitter.username, "--json")
    result = json.loads(capsys.readouterr().out)
    assert result["scores"] == {"objective": 0.5} and result["state"] == "succeeded"
    with pytest.raises(CommandError, match=f"as submission {result['submission']}"):
        call_command(*command, "--user", submitter.username)
    with pytest.raises(CommandError, match="may not"):
        call_command(*command[:-1], "Another", "--user", expert.username)
    with pytest.raises(CommandError, match="no user nobody"):
        call_command(*command, "--user", "nobody")
    file.write_bytes(b"item,response\nobj-9999,A\nobj-0017,A\n")
    before = counts()
    with pytest.raises(CommandError) as refused:
        call_command(*command[:-1], "Never stored", "--user", submitter.username)
    lines = str(refused.value).splitlines()
    assert [line.split(":")[0] for line in lines[1:]] == ["  line 2, column item", "  line 3, column item"]
    assert counts() == before
    file.write_bytes(predictions(answers(PUBLIC, 7)))
    call_command(*command, "--user", submitter.username, "--queue")
    assert Job.objects.filter(kind="evaluate", state="queued").count() == 1


def test_admin_reads_and_publishes(
    cast: Cast, submitter: Any, researcher: Any, superuser: Any, client_of: ClientOf
) -> None:
    client = client_of(researcher)
    names = ("submission", "entry", "item", "benchmarkversion", "score", "board", "response", "judgement")
    for name in names:
        assert client.get(reverse(f"admin:benchmark_{name}_changelist")).status_code == 200, name
        row = f"admin:benchmark_{name}_add"
        assert client.get(reverse(row)).status_code == 403, name
    for name in ("answerkey", "extraction"):
        address = reverse(f"admin:benchmark_{name}_changelist")
        assert client.get(address).status_code == 403
        assert client_of(superuser).get(address).status_code == 200
    found, private = cast.submissions["in_review"], cast.submissions["private"]
    chosen = {"action": "publish", "_selected_action": [found.pk, private.pk]}
    client.post(reverse("admin:benchmark_submission_changelist"), chosen)
    states = dict(Submission.objects.values_list("pk", "state"))
    assert (states[found.pk], states[private.pk]) == ("public", "private")
    item = cast.version.items.first()
    assert client.post(reverse("admin:benchmark_item_change", args=[item.pk]), {}).status_code == 403
    address = reverse("admin:benchmark_entry_change", args=[cast.open.pk])
    client.post(address, {"organisation": "New Lab", "type": "medical", "licence": "", "link": ""})
    assert Entry.objects.get(pk=cast.open.pk).organisation == "New Lab"


def test_both_languages(cast: Cast, submitter: Any, client_of: ClientOf) -> None:
    client = client_of(submitter)
    with translation.override(None):
        english = client.get(page(cast.submissions["public"].pk), headers={"Accept-Language": "en"})
        chinese = client.get(page(cast.submissions["public"].pk), headers={"Accept-Language": "zh-hans"})
    assert "Tiny benchmark" in english.content.decode()
    assert "小基准" in chinese.content.decode()


def test_boards_are_shown_public_first(cast: Cast, submitter: Any, client_of: ClientOf) -> None:
    text = client_of(submitter).get(page(cast.submissions["public"].pk)).content.decode()
    boards = [int(pk) for pk in re.findall(r'aria-labelledby="board-(\d+)"', text)]
    assert [Board.objects.get(pk=pk).split for pk in boards] == ["public", "dev"]
