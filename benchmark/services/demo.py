"""Loads the demo that ships with the project: items, what four imaginary entries reply, excerpts of the law behind."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from django.utils import timezone

from benchmark.models import Entry
from benchmark.queries.versions import find_version
from benchmark.readers.corpus_profile import CHINESE, load_profile
from benchmark.services.benchmark_files import plan_import
from benchmark.services.corpora import CorpusPlan, import_corpus
from benchmark.services.entries import create_entry
from benchmark.services.importing import import_benchmark
from benchmark.services.importing_responses import import_predictions
from benchmark.services.reports import ImportReport
from benchmark.services.tracing import TracePlan, trace_norms

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
    load_statutes(folder / "statutes")
    return report


def load_statutes(folder: Path) -> None:
    """One corpus for each folder, read as the profile of its name says; then the norms are traced to them.

    Excerpts must not pass for the statutes themselves, so those have a corpus of their own.
    """
    today = timezone.localdate()
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        profile = load_profile(place.name)
        corpus = profile.corpus
        if place.name == CHINESE:
            corpus = replace(
                corpus, slug="demo-statutes", name_zh="演示法规摘录", name_en="Demo excerpts of statutes"
            )
        import_corpus(CorpusPlan(place, replace(profile, corpus=corpus), today))
    trace_norms(TracePlan(today=today))
