"""Open and closed questions, two models' answers, two experts' labels: what SFT and DPO datasets are drawn from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from annotation.models import Campaign
from annotation.services.campaigns import CampaignPlan, create_campaign, open_campaign
from annotation.services.members import join_campaign
from benchmark.models import BenchmarkVersion
from benchmark.services.benchmark_files import plan_import
from benchmark.services.importing import import_benchmark
from tests.benchmark.cast import SCENARIOS, write_benchmark
from tests.benchmark.judged_scene import handed_in
from tests.training.scene import Scene, label_all, reply

OPEN = 24
COPY = OPEN  # the number of the open item that repeats the first closed one
ALL = 28


def words(number: int, length: int) -> str:
    """A text that shares no run of four characters with that of another number."""
    return "".join(chr(0x4E00 + number * 50 + place) for place in range(length))


def question(number: int) -> str:
    if number == COPY:
        return question(OPEN + 1).replace("甲", "乙") + "请简要回答。"
    return f"{words(100 + number, 40)}甲，怎么办？"


def make_open_scene(folder: Path, researcher: Any, experts: tuple[Any, ...]) -> Scene:
    """Items 1 to 24 are of dev on eight norms, 25 to 28 public on four others; all are answered and labelled."""
    write_benchmark(folder, "open")
    norms = [
        {"id": f"n-{n}", "source": "house-rules", "article": f"第{n}条", "text": words(n, 30) + "。"}
        for n in range(12)
    ]
    rows = [
        {
            "id": f"sub-{number:04}",
            "kind": "subjective",
            "scenario": SCENARIOS[number % 2],
            "norm": f"n-{number % 8 if number <= OPEN else 8 + number % 4}",
            "question": question(number),
            "options": [],
            "key": "",
            "dimension": "ethics_reasoning",
            "split": "dev" if number <= OPEN else "public",
        }
        for number in range(1, ALL + 1)
    ]
    for name, found in (("norms", norms), ("items", rows)):
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found)
        (folder / f"{name}.jsonl").write_text(text, "utf-8")
    report = import_benchmark(plan_import(str(folder), freeze=True))
    assert not report.rejected, report.rejected
    version = BenchmarkVersion.objects.get(benchmark__slug="open")
    for name, mark in (("Modell A", "甲"), ("Modell B", "乙")):
        handed_in(researcher, version, name, {f"sub-{n:04}": reply(n, mark) for n in range(1, ALL + 1)})
    plan = CampaignPlan(
        slug="open-answers", title_zh="自由作答", title_en="Free answers", kind=Campaign.Kind.RESPONSES,
        version=version, settings={"seed": 3},
    )  # fmt: skip
    campaign = open_campaign(actor=researcher, campaign=create_campaign(actor=researcher, plan=plan))
    for expert in experts:
        join_campaign(actor=expert, campaign=campaign)
    scene = Scene(version, campaign, researcher, experts)
    label_all(scene)
    return scene
