"""The linear guardian that learnt from the demo's labels alone, on real judged answers of models it never met."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from benchmark.guardians.base import Case, Verdict
from benchmark.guardians.loading import load_guardian
from benchmark.rules.rubric import from_released
from tests.guardians.demo_rows import demo_rows, labels_at_hand
from tests.guardians.material import write_lines
from training.engine.guardian import main

pytestmark = pytest.mark.one_database


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not labels_at_hand():
        pytest.skip("the demo's labels are not in this checkout")
    folder = tmp_path_factory.mktemp("demo")
    learning, audit = demo_rows()
    (folder / "config.json").write_text(json.dumps({"kind": "linear", "name": "demo", "version": "1"}))
    write_lines(folder / "rows.jsonl", learning)
    write_lines(folder / "audit.jsonl", audit)
    assert main([str(folder)]) == 0
    return folder / "artefact"


def test_it_carries_over_to_real_answers(artefact: Path, shared_data: Path) -> None:
    csv.field_size_limit(2**24)
    with (shared_data / "medes" / "judged_sample.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    truths = [from_released(*(row[f"score{i}"] for i in range(1, 7))) for row in rows]
    outcomes = load_guardian(artefact).judge([Case(r["reference"], r["query"], r["response"]) for r in rows])
    verdicts = [outcome for outcome in outcomes if isinstance(outcome, Verdict)]
    assert len(verdicts) == len(rows)
    safe = [(t, v) for t, v in zip(truths, verdicts, strict=True) if 0 == t.r1 == t.r2]
    assert sum(-1 in (v.values["r1"], v.values["r2"]) for _t, v in safe) <= len(safe) / 35
    thresholds = json.loads((artefact / "guardian.json").read_text("utf-8"))["thresholds"]
    for name in ("q2", "q4"):
        hits = {
            value: [
                (v.p[name] >= thresholds[name]) == bool(value) for t, v in safe if getattr(t, name) == value
            ]
            for value in (0, 1)
        }
        balanced = sum(sum(found) / len(found) for found in hits.values()) / 2
        assert balanced > 0.65, (name, balanced)
