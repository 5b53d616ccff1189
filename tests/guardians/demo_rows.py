"""The demo's labels as training rows, the way the platform builds them: rulings first, then agreement, dissent soft."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmark.rules.rubric import CRITERIA, RISK_CRITERIA
from benchmark.rules.splits import is_audit

ROOT = Path(__file__).resolve().parents[2]
BENCHMARK, ANNOTATION = ROOT / "benchmark" / "demo", ROOT / "annotation" / "demo"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def labels_at_hand() -> bool:
    return (ANNOTATION / "labels.expert-a.jsonl").is_file() and (
        ANNOTATION / "labels.expert-b.jsonl"
    ).is_file()


def soft_target(labels: list[dict[str, Any]]) -> dict[str, float | None]:
    """The share of labels that say so; None where no expert found the answer risk-free."""
    target: dict[str, float | None] = {}
    for name in CRITERIA:
        said = [abs(label[name]) for label in labels if label.get(name) is not None]
        target[name] = sum(said) / len(said) if said else None
    return target


def demo_rows() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(training rows, audit rows) of the demo's answers; audit groups by the platform's own rule."""
    norms = {line["id"]: line for line in lines(BENCHMARK / "norms.jsonl")}
    items = {line["id"]: line for line in lines(BENCHMARK / "items.jsonl") if line["kind"] == "subjective"}
    labels: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for expert in ("a", "b"):
        for line in lines(ANNOTATION / f"labels.expert-{expert}.jsonl"):
            labels.setdefault((line["item"], line["entry"]), []).append({"expert": expert, **line})
    learning: list[dict[str, Any]] = []
    audit: list[dict[str, Any]] = []
    for path in sorted((BENCHMARK / "answers").glob("*.jsonl")):
        for line in lines(path):
            item, key = items[line["item"]], (line["item"], path.stem)
            base = {
                "id": len(learning) + len(audit) + 1,
                "item": line["item"],
                "group": item["norm"],
                "norm": norms[item["norm"]]["text"],
                "question": item["question"],
                "response": line["response"],
                "scenario": item["scenario"],
                "entry": path.stem,
            }
            given = labels.get(key, [])
            if not given:  # nobody has labelled it yet
                continue
            if is_audit(item["norm"]):
                kept = [{"expert": one["expert"], **{name: one[name] for name in CRITERIA}} for one in given]
                audit.append(base | {"labels": kept})
            else:
                target = soft_target(given)
                target |= {name: target[name] or 0.0 for name in RISK_CRITERIA}
                learning.append(
                    base | {"target": target, "weight": 1.0, "origin": "consensus", "random": False}
                )
    return learning, audit
