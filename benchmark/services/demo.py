"""Loads the demo that ships with the project: corpus, items, and what four imaginary entries reply."""

from __future__ import annotations

import json
from pathlib import Path

from benchmark.models import Entry
from benchmark.queries.versions import find_version
from benchmark.services.benchmark_files import plan_import
from benchmark.services.entries import create_entry
from benchmark.services.importing import import_benchmark
from benchmark.services.importing_responses import import_predictions
from benchmark.services.reports import ImportReport

DEMO = Path(__file__).resolve().parent.parent / "demo"


def load_demo(folder: Path = DEMO) -> ImportReport:
    """Safe to repeat: what is there already stays as it is. Returns the report of the responses."""
    head = import_benchmark(plan_import(str(folder)))
    version = find_version(head.benchmark, head.version)
    report = ImportReport(
        head.benchmark, head.version, head.state, head.content_hash, counts=dict(head.counts)
    )
    for entry in json.loads((folder / "entries.json").read_text("utf-8")):
        if not Entry.objects.filter(name=entry["name"]).exists():
            create_entry(
                actor=None,
                name=entry["name"],
                slug=entry["entry"],
                organisation=entry["organisation"],
                parameters_b=entry["parameters_b"],
                type=entry["type"],
                licence=entry["licence"],
            )
        for file in (entry["replies"], entry["answers"]):
            import_predictions(version=version, path=folder / file, entry_name=entry["name"], report=report)
    return report
