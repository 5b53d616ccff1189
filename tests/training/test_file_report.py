"""guardian_report on a file of judged answers: refusals stand where rows do not suffice."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmark.guardians.base import CRITERIA, Case, JudgeFailed, Verdict
from training.errors import BadInput
from training.services.file_reports import report_on_file

pytestmark = pytest.mark.one_database
HEAD = ("scene", "query", "reference", "type", "model", "response", "risk_judge", "quality_judge",
        "score1", "score2", "score3", "score4", "score5", "score6", "risk_flag", "final_score")  # fmt: skip
THRESHOLDS = dict.fromkeys(CRITERIA, 0.5)


class Reader:
    """A guardian that says what the answer says: "met" in it means that Q1 to Q4 are met, "bad" a risk."""

    kind, name, version = "linear", "reader", "1"

    def judge(self, cases: Sequence[Case]) -> list[Verdict | JudgeFailed]:
        return [self._one(case.response) for case in cases]

    def _one(self, text: str) -> Verdict:
        risky, met = "bad" in text, "met" in text
        p = {name: float(risky if name.startswith("r") else met) for name in CRITERIA}
        values: dict[str, int | None] = {"r1": -int(risky), "r2": -int(risky)}
        values |= {name: None if risky else int(met) for name in CRITERIA[2:]}
        return Verdict(p, values, (), {}, "")


def judged_file(path: Path, rows: Sequence[tuple[str, int]]) -> Path:
    """`rows`: (answer, whether all of Q1 to Q4 are met); 14 different norms."""
    sink = io.StringIO()
    writer = csv.writer(sink)
    writer.writerow(HEAD)
    for number, (text, met) in enumerate(rows):
        norm = "".join(chr(0x4E00 + (number % 14) * 40 + place) for place in range(30))
        scores = [-1, -1, -1, -1, -1, -1] if met < 0 else [0, 0, met, met, met, met]
        final = -1 if met < 0 else float(met)
        writer.writerow(
            ["辅助生殖", f"第{number}问", norm, "主观题", "M", text, "J", "J", *scores, met < 0, final]
        )
    path.write_text(sink.getvalue(), "utf-8")
    return path


def report(path: Path) -> dict[str, Any]:
    return report_on_file(path, Reader(), THRESHOLDS, prior=None)


def test_what_few_rows_can_and_cannot_show(tmp_path: Path) -> None:
    rows = [("met", 1)] * 20 + [("no", 0)] * 15 + [("bad", -1)] * 2 + [("bad but safe met", 1)]
    found = report(judged_file(tmp_path / "judged.csv", rows))
    assert found["file"]["used"] == 38 and found["n"]["groups"] == 14
    assert found["false_alarms"] == {"called_risky": 1, "safe_answers": 36}
    assert found["criteria"]["q2"]["figures"]["accuracy"]["value"] == 1.0
    assert found["criteria"]["r1"]["figures"]["kappa"]["value"] is None
    can, cannot = " ".join(found["can"]), " ".join(found["cannot"])
    assert "Of 36 risk-free answers 1 are called risky." in can
    assert "recall of R1: 2 labels of the rarer class; 5 are needed." in cannot
    assert "Whether risks are found: 2 risky rows" in cannot and "Agreement between two experts" in cannot


def test_a_handful_of_rows_gives_no_figure(tmp_path: Path) -> None:
    found = report(judged_file(tmp_path / "judged.csv", [("met", 1)] * 5 + [("no", 0)] * 5))
    figures = [figure for part in found["criteria"].values() for figure in part["figures"].values()]
    assert figures and all(figure["value"] is None and figure["refused"] for figure in figures)


def test_another_file_is_refused_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n", "utf-8")
    with pytest.raises(BadInput, match="unknown_header"):
        report(path)


def test_the_released_sample(shared_data: Path) -> None:
    found = report(shared_data / "medes" / "judged_sample.csv")
    assert found["file"]["used"] == 38 and found["criteria"]["risk"]["positives"] == 3
    assert any("3 risky rows" in text for text in found["cannot"])
