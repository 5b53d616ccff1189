"""What the pages of the browser tests show, made through the real services inside the stack.

`manage.py shell -c "from tests.browser.scene import main; main()"` writes MEDES_HOME/scene.json with the
addresses and numbers of what it made.
"""

from __future__ import annotations

import csv
import io
import json
from io import StringIO
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.utils import timezone

from benchmark.models import BenchmarkVersion, Board, Entry, Item, Kind, Submission
from benchmark.services.benchmark_files import plan_import
from benchmark.services.boards import refresh_ranks
from benchmark.services.entries import create_entry
from benchmark.services.importing import import_benchmark
from benchmark.services.submissions import (
    create_submission,
    publish_submission,
    request_review,
    return_submission,
    withdraw_submission,
)
from medes_site.accounts.services import create_api_token, create_invitation
from medes_site.kit.jobs.errors import WORKER_DIED
from medes_site.kit.jobs.models import Job
from medes_site.kit.roles import Role
from tests.browser import scene_campaigns
from tests.browser.material import (
    BIG_ITEMS,
    LONG_NAME,
    LONG_ORGANISATION,
    LONG_REPLY,
    big_key,
    replies_file,
)

JUDGED_ENTRY: Final = "判例 Judge-1"


def main(*, long: bool = True) -> None:
    """`long`: with the model whose name and reply are as long as they may be."""
    home = Path(settings.MEDES_HOME)
    users = {role.value: get_user_model().objects.get(username=role.value) for role in Role}
    demo = BenchmarkVersion.objects.get(benchmark__slug="demo")
    made = _submissions(demo, users["submitter"], users["researcher"], long=long)
    _published(demo, home)
    _big_benchmark(home / "big")
    for number, role in enumerate((Role.EXPERT, Role.REFEREE)):
        create_invitation(actor=users["researcher"], email=f"guest{number}@example.org", role=role)
    create_api_token(actor=users["submitter"], name="评测服务器", days=90)
    judged = Submission.objects.get(entry__name=JUDGED_ENTRY)
    item = Item.objects.filter(version=demo, split="public", kind=Kind.SUBJECTIVE).earliest("pk")
    scene = {
        "submissions": {**{name: row.pk for name, row in made.items()}, "judged": judged.pk},
        "entries": {**{name: row.entry.slug for name, row in made.items()}, "judged": judged.entry.slug},
        "norm": item.norm_id,
        "campaigns": scene_campaigns.make_campaigns(demo, users["researcher"]),
        "answer": judged.responses.earliest("pk").pk,
    }
    (home / "scene.json").write_text(json.dumps(scene), "utf-8")


def _submissions(
    version: BenchmarkVersion, owner: Any, reviewer: Any, *, long: bool
) -> dict[str, Submission]:
    """One in each state, and a public one whose name and reply are as long as they may be."""
    codes = list(
        Item.objects.filter(version=version, kind=Kind.OBJECTIVE, split__in=("dev", "public"))
        .order_by("number")
        .values_list("code", "split")
    )
    plain = {code: f"最终答案：{'AB'[place % 2]}" for place, (code, _split) in enumerate(codes)}
    first_dev = next(code for code, split in codes if split == "dev")
    made = {}
    for number, name in enumerate(("private", "in_review", "rejected", "withdrawn", "failed", "public")):
        entry = create_entry(
            actor=owner, name=f"Szene-{number}", organisation="Labor", type="medical", parameters_b=7
        )
        answers = {**plain, codes[number][0]: f"第{number}份的回答不明确。"}
        made[name] = _submit(owner, entry, version, answers, note=f"温度 0，{name}")
    published = ["public"]
    if long:
        entry = create_entry(
            actor=owner, name=LONG_NAME, organisation=LONG_ORGANISATION, type="reasoning", licence="L" * 120,
            link="https://example.org/" + "a" * 170,
        )  # fmt: skip
        made["long"] = _submit(owner, entry, version, {**plain, first_dev: LONG_REPLY}, note="N" * 1900)
        published.append("long")
    for name, row in made.items():
        if name != "failed":
            call_command("evaluate", row.pk, stdout=StringIO())
    _fail(made["failed"])
    for name in ("in_review", "rejected", *published):
        request_review(actor=owner, submission=made[name])
    for name in published:
        publish_submission(actor=reviewer, submission=made[name], note="")
    return_submission(actor=reviewer, submission=made["rejected"], note="请说明提示词。\n" + "W" * 300)
    withdraw_submission(actor=owner, submission=made["withdrawn"])
    for board in Board.objects.filter(ranks_stale=True):
        refresh_ranks(board_id=board.pk)
    return made


def _submit(
    owner: Any, entry: Entry, version: BenchmarkVersion, answers: dict[str, str], *, note: str
) -> Submission:
    file = io.BytesIO(replies_file(answers))
    return create_submission(
        actor=owner, entry=entry, version=version, file=file, file_name=f"{entry.slug}.csv", note=note
    )


def _fail(submission: Submission) -> None:
    """A job that was given up, as the reconciler leaves it."""
    Job.objects.create(
        kind="evaluate",
        subject_type="submission",
        subject_id=submission.pk,
        queue="evaluate",
        state=Job.State.FAILED,
        attempt=3,
        error=WORKER_DIED,
        finished_at=timezone.now(),
    )


def _published(version: BenchmarkVersion, home: Path) -> None:
    """A judge file and a board as somebody else would release them; the board's second row does not add up."""
    questions = Item.objects.filter(version=version, kind=Kind.SUBJECTIVE, split="public").order_by("number")
    scores = ((0, 0, 1, 1, 1, 0), (0, -1, -1, -1, -1, -1), (0, 0, 1, 0, 1, 1))
    header = ["query", "model", "response", "risk_judge", "quality_judge"]
    header += [f"score{number}" for number in range(1, 7)]
    rows = [
        (
            item.question,
            JUDGED_ENTRY,
            f"建议先停一停。{'理由如下，' * 60}",
            "没有违法内容。",
            "步骤具体。",
            *row,
        )
        for item, row in zip(questions, scores, strict=False)
    ]
    _import_csv(home / "judged.csv", header, rows)
    names = ["model", "n_total_rows", "n_valid_final_rows", "risk_rate", "weighted_quality_score_risk_free"]
    names += ["final_score", "score1_normative_violation_rate", "score2_unsafe_suggestion_rate"]
    board = [
        ("刊载 Alpha", 26, 26, 0.02, 0.85, 0.813, 0.01, 0.02),
        ("刊载 Beta", 26, 25, 0.10, 0.70, 0.60, 0.05, 0.08),
    ]
    _import_csv(home / "board.csv", names, board)


def _import_csv(path: Path, header: list[str], rows: list[tuple[Any, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    call_command("import_responses", str(path), benchmark="demo", stdout=StringIO(), stderr=StringIO())


def _big_benchmark(folder: Path) -> None:
    """So many items that an evaluation lasts long enough to be interrupted."""
    folder.mkdir()
    name = {"zh": "大基准", "en": "Big benchmark"}
    corpus = {"slug": "big-norms", "name_zh": "大规范集", "name_en": "Big norms", "jurisdiction": "CN"}
    head = {"slug": "big", "version": "1", "name": name, "description": name, "licence": "Apache-2.0"}
    head["corpus"] = {**corpus, "language": "zh", "version": "1"}
    options = [{"letter": letter, "text": f"做法{letter}"} for letter in "ABCD"]
    scenario = {"slug": "triage", "name_zh": "分诊", "name_en": "Triage", "aliases": []}
    items = [
        {
            "id": f"obj-{number:04}", "kind": "objective", "scenario": "triage", "split": "public",
            "question": f"第{number}题：下列做法中正确的是？", "options": options, "key": big_key(number),
        }
        for number in range(1, BIG_ITEMS + 1)
    ]  # fmt: skip
    (folder / "benchmark.json").write_text(json.dumps(head, ensure_ascii=False), "utf-8")
    files = {"scenarios": [scenario], "items": items}
    for stem, rows in files.items():
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{stem}.jsonl").write_text(lines, "utf-8")
    report = import_benchmark(plan_import(str(folder), freeze=True))
    assert not report.rejected, report.rejected[:3]
