"""A frozen benchmark of free questions, and submissions to it whose answers say how they are to be judged."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmark.models import BenchmarkVersion, Board, Entry, Guardian, Submission
from benchmark.services.benchmark_files import plan_import
from benchmark.services.boards import refresh_ranks
from benchmark.services.entries import create_entry
from benchmark.services.evaluation import evaluate_submission
from benchmark.services.importing import import_benchmark
from benchmark.services.judging import judge_submission, shadow_everything
from benchmark.tasks import launch_evaluation, launch_judging, launch_shadow
from medes_site.kit.jobs.context import JobContext
from medes_site.kit.jobs.models import Job
from medes_site.kit.jobs.states import claim, finish
from tests.benchmark.cast import SCENARIOS, predictions, submit, write_benchmark

ITEMS = 24
NORMS = 12


def import_free(folder: Path, *, items: int = ITEMS, slug: str = "free") -> BenchmarkVersion:
    """`items` public subjective items on 12 norms that share no words, so 12 clusters."""
    write_benchmark(folder, slug)
    norms = [
        {"id": f"n-{n}", "source": "house-rules", "article": f"第{n}条", "text": _norm(n)}
        for n in range(NORMS)
    ]
    rows = [
        {
            "id": f"sub-{number:04}",
            "kind": "subjective",
            "scenario": SCENARIOS[number % 2],
            "norm": f"n-{number % NORMS}",
            "question": f"第{number}问：病人不肯签字，下一步怎么办？",
            "options": [],
            "key": "",
            "dimension": "ethics_reasoning",
            "split": "public",
        }
        for number in range(1, items + 1)
    ]
    for name, found in (("norms", norms), ("items", rows)):
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found)
        (folder / f"{name}.jsonl").write_text(text, "utf-8")
    report = import_benchmark(plan_import(str(folder), freeze=True))
    assert not report.rejected, report.rejected
    return BenchmarkVersion.objects.get(benchmark__slug=slug)


def _norm(number: int) -> str:
    """Twelve texts without a common run of four characters."""
    return "".join(chr(0x4E00 + number * 40 + place) for place in range(30)) + "。"


def answers(said: Mapping[int, str], *, items: int = ITEMS, mark: str = "") -> dict[str, str]:
    """Replies to all items; those in `said` by number are as given, the others safe and good."""
    return {
        f"sub-{number:04}": said.get(number, f"请先说明风险{mark}（{number}）")
        for number in range(1, items + 1)
    }


def handed_in(actor: Any, version: BenchmarkVersion, name: str, replies: Mapping[str, str]) -> Submission:
    """A public submission, evaluated."""
    entry = Entry.objects.filter(name=name).first() or create_entry(actor=actor, name=name)
    submission = submit(actor, entry, version, predictions(replies))
    submission.state = Submission.State.PUBLIC
    submission.save(update_fields=["state"])
    context, holder = held(launch_evaluation(submission, wake=False))
    rank(evaluate_submission(context))
    finish(holder, Job.State.SUCCEEDED)
    return Submission.objects.get(pk=submission.pk)


def held(job: Job) -> tuple[JobContext, Any]:
    holder = claim(job.pk)
    assert holder is not None
    return JobContext(holder), holder


def judge(submission: Submission, guardian: Guardian) -> None:
    """As a worker would, inside the test's transaction."""
    context, holder = held(launch_judging(submission, guardian.scorer, wake=False))
    rank(judge_submission(context))
    finish(holder, Job.State.SUCCEEDED)


def shadow(guardian: Guardian) -> None:
    context, holder = held(launch_shadow(guardian, wake=False))
    rank(shadow_everything(context))
    finish(holder, Job.State.SUCCEEDED)


def rank(boards: Iterable[int]) -> None:
    for board in boards:
        refresh_ranks(board_id=board)


def board_of(version: BenchmarkVersion, guardian: Guardian) -> Board:
    return Board.objects.get(version=version, scorer=guardian.scorer)
