"""A tiny benchmark, entries and submissions for tests, all made through the real services.

The benchmark `tiny` has objective items with options A–H: 12 public, 4 dev, 3 hidden; a subjective item in
each split; one norm for each split. Whatever of it is closed carries a mark: every text of a hidden item,
and of the norm that only hidden items are about, holds HIDDEN_MARK; the keys of public and hidden items are
letters that stand together nowhere else.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from benchmark.models import Benchmark, BenchmarkVersion, Board, Entry, Submission
from benchmark.services.benchmark_files import plan_import
from benchmark.services.boards import refresh_ranks
from benchmark.services.entries import create_entry
from benchmark.services.evaluation import evaluate_submission
from benchmark.services.importing import import_benchmark
from benchmark.services.submissions import (
    create_submission,
    publish_submission,
    request_review,
    return_submission,
    withdraw_submission,
)
from benchmark.tasks import launch_evaluation
from medes_site.kit.jobs.context import JobContext
from medes_site.kit.jobs.models import Job
from medes_site.kit.jobs.states import claim, finish

HIDDEN_MARK = "ZQHIDDEN"
LETTERS = "ABCDEFGH"
KEYS: Mapping[str, str] = {
    **dict(zip((f"obj-{n:04}" for n in range(1, 13)), (
        "ACFH", "BDFG", "ADEH", "BCEG", "CDFH", "ABGH", "ACEG", "BDEH", "AEFG", "BCFH", "ADFG", "CEGH",
    ), strict=True)),
    **dict(zip((f"obj-{n:04}" for n in range(13, 17)), ("A", "B", "CD", "ABD"), strict=True)),
    **dict(zip((f"obj-{n:04}" for n in range(17, 20)), ("ABEFH", "ACDGH", "BDEFG"), strict=True)),
}  # fmt: skip
PUBLIC = tuple(KEYS)[:12]
DEV = tuple(KEYS)[12:16]
HIDDEN = tuple(KEYS)[16:]
# Of the public items the first eight, the next three, and one alone.
SCENARIOS = ("assisted-reproduction", "organ-transplantation", "palliative-care")


def split_of(code: str) -> str:
    return "public" if code in PUBLIC else "dev" if code in DEV else "hidden"


def benchmark_lines(keys: Mapping[str, str] = KEYS) -> list[dict[str, Any]]:
    """The items as rows of items.jsonl."""
    rows = []
    for place, (code, key) in enumerate(keys.items()):
        split = split_of(code)
        mark = HIDDEN_MARK if split == "hidden" else ""
        scenario = SCENARIOS[0 if place % 12 < 8 else 1 if place % 12 < 11 else 2]
        rows.append(
            {
                "id": code,
                "kind": "objective",
                "scenario": scenario,
                "question": f"{mark}第{place + 1}题：查房时发现病历被外人翻阅，下列做法中正确的有（{split}）？",
                "options": [
                    {"letter": letter, "text": f"{mark}做法{letter}之{place + 1}"} for letter in LETTERS
                ],
                "key": key,
                "split": split,
            }
        )
    for number, split in enumerate(("public", "dev", "hidden"), start=1):
        mark = HIDDEN_MARK if split == "hidden" else ""
        rows.append(
            {
                "id": f"sub-{number:04}",
                "kind": "subjective",
                "scenario": SCENARIOS[0],
                "norm": f"norm-{number}",
                "question": f"{mark}第{number}问：家属要我把别人的化验单发给他，我该怎么回答？（{split}）",
                "options": [],
                "key": "",
                "dimension": "ethics_reasoning",
                "split": split,
            }
        )
    return rows


NORMS = (
    ("norm-1", "第一条", "医务人员应当替患者保守在诊疗中知道的秘密。"),
    ("norm-2", "第二条", "捐献器官须出于本人自愿，任何人不得强迫、欺骗或者利诱。"),
    ("norm-3", "第三条", f"{HIDDEN_MARK}：终末期患者的疼痛须得到评估与处理，不得以费用为由拖延。"),
)


def write_benchmark(folder: Path, slug: str = "tiny") -> Path:
    """Writes the benchmark in the project's own format; returns the folder."""
    head = {
        "slug": slug,
        "version": "1",
        "name": {"zh": "小基准", "en": "Tiny benchmark"},
        "description": {"zh": "只为测试。", "en": "For tests only."},
        "licence": "Apache-2.0",
        "corpus": {
            "slug": f"{slug}-norms",
            "name_zh": "测试规范",
            "name_en": "Test norms",
            "jurisdiction": "CN",
            "language": "zh",
            "version": "1",
        },
    }
    source = {
        "id": "house-rules",
        "title": "测试医院伦理守则",
        "title_en": "House rules of the test hospital",
        "kind": "guideline",
        "issuer": "测试医院",
        "number": "1",
        "in_force": "2024-01-01",
        "status": "in_force",
    }
    names = (
        ("辅助生殖", "Assisted reproduction"),
        ("器官移植", "Organ transplantation"),
        ("安宁疗护", "Palliative care"),
    )
    scenarios = [
        {"slug": slug, "name_zh": zh, "name_en": en, "aliases": []}
        for slug, (zh, en) in zip(SCENARIOS, names, strict=True)
    ]
    norms = [
        {"id": ref, "source": "house-rules", "article": article, "text": text} for ref, article, text in NORMS
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "benchmark.json").write_text(json.dumps(head, ensure_ascii=False), "utf-8")
    for name, rows in (
        ("sources", [source]), ("scenarios", scenarios), ("norms", norms), ("items", benchmark_lines())
    ):  # fmt: skip
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, "utf-8")
    return folder


def import_tiny(folder: Path, slug: str = "tiny", *, freeze: bool = True) -> BenchmarkVersion:
    """The benchmark, imported (and frozen)."""
    plan = plan_import(str(write_benchmark(folder, slug)), freeze=freeze)
    report = import_benchmark(plan)
    assert not report.rejected, report.rejected
    return Benchmark.objects.get(slug=slug).versions.get()


def predictions(answers: Mapping[str, str]) -> bytes:
    """A CSV file of item and response."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(["item", "response"])
    writer.writerows(answers.items())
    return sink.getvalue().encode()


def answers(codes: Iterable[str], right: int) -> dict[str, str]:
    """A reply to each of `codes`: the first `right` of them right, the others plainly wrong."""
    return {
        code: f"最终答案：{'、'.join(KEYS[code] if place < right else 'H')}"
        for place, code in enumerate(codes)
    }


def submit(
    actor: Any,
    entry: Entry,
    version: BenchmarkVersion,
    data: bytes,
    *,
    name: str = "replies.csv",
    note: str = "",
) -> Submission:
    return create_submission(
        actor=actor, entry=entry, version=version, file=io.BytesIO(data), file_name=name, note=note
    )


def evaluate(submission: Submission) -> Submission:
    """Scores it as a worker would, inside the test's own transaction, and ranks the boards it touched."""
    holder = claim(launch_evaluation(submission, wake=False).pk)
    assert holder is not None
    touched = evaluate_submission(JobContext(holder))
    finish(holder, Job.State.SUCCEEDED)
    rank(touched)
    return Submission.objects.get(pk=submission.pk)


def rank(boards: Iterable[int]) -> None:
    for board in boards:
        refresh_ranks(board_id=board)


def publish(submission: Submission, researcher: Any) -> Submission:
    """Through review to the board, ranked."""
    request_review(actor=researcher, submission=submission)
    published, boards = publish_submission(actor=researcher, submission=submission, note="fine")
    rank(boards)
    return published


@dataclass(frozen=True)
class Cast:
    """What `make_cast` sets up; `submissions` by state. All private ones belong to `submitter`'s `secret`."""

    version: BenchmarkVersion
    open: Entry
    secret: Entry
    strangers: Entry
    submissions: Mapping[str, Submission]

    @property
    def board(self) -> Board:
        """The board of the public split."""
        return Board.objects.get(version=self.version, slug="objective")


SECRET_NAME = "QZSecret-70B"


def make_cast(folder: Path, *, submitter: Any, stranger: Any, researcher: Any) -> Cast:
    """A frozen benchmark, an entry on the board, another whose submissions are all closed, a stranger's."""
    version = import_tiny(folder)
    known = create_entry(actor=submitter, name="Open Model 7B", organisation="Lab", type="medical")
    secret = create_entry(actor=submitter, name=SECRET_NAME, organisation="QZSecret Lab")
    strangers = create_entry(actor=stranger, name="Other Model 3B")
    everything = (*PUBLIC, *DEV)
    made = {
        "public": publish(
            evaluate(submit(submitter, known, version, predictions(answers(everything, 9)))), researcher
        ),
        "strangers": publish(
            evaluate(submit(stranger, strangers, version, predictions(answers(PUBLIC, 5)))), researcher
        ),
    }
    for number, state in enumerate(("private", "in_review", "rejected", "withdrawn")):
        replies = predictions(answers(everything, number + 1))
        made[state] = evaluate(submit(researcher, secret, version, replies, note=f"QZSecret {state}"))
        made[state].submitted_by = submitter
        made[state].save(update_fields=["submitted_by"])
    for state in ("in_review", "rejected"):
        request_review(actor=submitter, submission=made[state])
    return_submission(actor=researcher, submission=made["rejected"], note="QZSecret: too few replies")
    withdraw_submission(actor=submitter, submission=made["withdrawn"])
    # Sent the day before yesterday, so that nobody's daily quota is used up.
    Submission.objects.update(created_at=timezone.now() - timedelta(days=2))
    fresh = {name: Submission.objects.get(pk=row.pk) for name, row in made.items()}
    return Cast(version, known, secret, strangers, fresh)
