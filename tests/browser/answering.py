"""Answering the open questions as a submitter would, and what the score must then be, worked out apart from
the site's own code: from the demo's answer keys and the formulas of docs/scoring.md."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page
from scipy import stats

from medes_site.environment import ROOT
from tests.browser.material import replies_file

ITEMS: Final = ROOT / "benchmark" / "demo" / "items.jsonl"


@dataclass(frozen=True, slots=True)
class Expected:
    """Accuracy with its 95% interval, as printed: four digits. `right` of `n` items."""

    right: int
    n: int
    low: float
    high: float

    @property
    def accuracy(self) -> str:
        return f"{self.right / self.n:.4f}"

    @property
    def interval(self) -> str:
        return f"{self.low:.4f}–{self.high:.4f}"


def demo_items() -> dict[str, dict[str, Any]]:
    rows = (json.loads(line) for line in ITEMS.read_text("utf-8").splitlines())
    return {row["id"]: row for row in rows if row["kind"] == "objective"}


def answered(download: Path, wrong: set[str]) -> bytes:
    """Replies to the downloaded questions: right but for the codes in `wrong`, each in words of its own."""
    items = demo_items()
    questions = csv.DictReader(io.StringIO(download.read_text("utf-8-sig"), newline=""))
    replies = {}
    for place, row in enumerate(questions):
        key = items[row["item"]]["key"]
        letters = ("B" if key == "A" else "A") if row["item"] in wrong else key
        words = ("【最终答案】" + letters, "经过分析，答案是" + "、".join(letters) + "。", "答案：" + letters)
        replies[row["item"]] = words[place % len(words)]
    return replies_file(replies)


def fill_in(page: Page, model: str, path: Path, *, benchmark: str = "demo") -> None:
    """The submission form for a model that is not registered yet; whoever has models finds its fields folded."""
    page.goto(f"/submissions/new/?benchmark={benchmark}")
    if not page.locator("input[name=name]").is_visible():
        page.locator("details.more summary").click()
    page.fill("input[name=name]", model)
    page.set_input_files("input[name=file]", path)


def expected(split: str, wrong: set[str]) -> Expected:
    """se² = G/(G-1)·Σ(cluster sums of x - mean)²/n², and t with G-1 degrees of freedom, by norm."""
    items = {code: row for code, row in demo_items().items() if row["split"] == split}
    n = len(items)
    right = n - len(wrong & set(items))
    mean = right / n
    sums: dict[str, float] = {}
    for code, row in items.items():
        sums[row["norm"]] = sums.get(row["norm"], 0.0) + (code not in wrong) - mean
    groups = len(sums)
    error = math.sqrt(groups / (groups - 1) * sum(value**2 for value in sums.values())) / n
    half = float(stats.t.ppf(0.975, groups - 1)) * error
    return Expected(right, n, max(0.0, mean - half), min(1.0, mean + half))
