"""Statutes in, norms traced: the files at hand where they are, else as many articles and norms made up."""

from __future__ import annotations

import random
import resource
import tempfile
import time
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from bench import material
from benchmark.models import Benchmark, Norm, Trace
from benchmark.readers.corpus_profile import load_profile
from benchmark.rules.wording import bare_wording
from benchmark.services.benchmark_files import plan_import
from benchmark.services.corpora import CorpusPlan, import_corpus
from benchmark.services.importing import import_benchmark
from benchmark.services.tracing import TracePlan, trace_norms

TODAY = date(2026, 1, 1)
STATUTES, ARTICLES = 66, 64
TARGET = "< 60 s"


def measure_norms() -> Iterable[dict[str, Any]]:
    """Seconds of the import and of tracing, the floor being a plain search of every norm in every article."""
    with tempfile.TemporaryDirectory() as folder:
        statutes, benchmark, source = _inputs(Path(folder))
        seconds, report = _timed(
            lambda: import_corpus(CorpusPlan(statutes, load_profile("cn-statutes"), TODAY))
        )
        articles = report.counts["articles"]["read"]
        yield {"what": f"import {articles:,} articles ({source})", "figure": seconds, "unit": "s"}
        if not Benchmark.objects.filter(slug="bench-norms").exists():
            import_benchmark(plan_import(str(benchmark), benchmark="bench-norms"))
        Norm.objects.update(trace_key="")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        begun = time.process_time()
        seconds, traced = _timed(lambda: trace_norms(TracePlan(today=TODAY, corpus="bench-norms-norms")))
        processor = time.process_time() - begun
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        floor, _found = _timed(_plain_search)
        what = f"trace {traced.norms:,} norms to {traced.articles:,} articles"
        yield {"what": what, "figure": seconds, "unit": "s", "floor": floor, "target": TARGET}
        yield {"what": f"{what}: processor", "figure": processor, "unit": "s", "target": TARGET}
        yield {"what": f"{what}: memory grown", "figure": grown, "unit": "MiB", "target": "flat"}
        linked = Trace.objects.filter(state="certain").values("norm").distinct().count()
        yield {"what": "norms linked word for word", "figure": linked, "unit": "norms"}
        seconds, again = _timed(lambda: trace_norms(TracePlan(today=TODAY, corpus="bench-norms-norms")))
        assert again.unchanged == again.norms
        yield {"what": "a second run, which does nothing", "figure": seconds, "unit": "s"}


def _inputs(folder: Path) -> tuple[Path, Path, str]:
    released = material_folder()
    if released is not None:
        return released / "statutes", released / "medes", "at hand"
    made = folder / "benchmark"
    made.mkdir()
    material.write_benchmark(made)
    statutes = folder / "statutes"
    statutes.mkdir()
    rng = random.Random(3)
    for number in range(STATUTES):
        lines = [f"# 第{number}号示例条例", "", "2020年1月1日 国务院令第1号公布", "", "<!-- INFO END -->", ""]
        for article in range(1, ARTICLES + 1):
            lines += [f"第{article}条 {material.sentence(rng, 60)}", ""]
        (statutes / f"{number}.md").write_text("\n".join(lines), "utf-8")
    return statutes, made, "made up"


def material_folder() -> Path | None:
    """The folder of the research data, if it is there."""
    from_tests = Path(__file__).resolve().parents[2] / "shared"
    return from_tests if (from_tests / "statutes").is_dir() else None


def _plain_search() -> int:
    """Every norm in every article: what an index has to beat, and finds exact matches only."""
    articles = [
        bare_wording(text) for text in Norm.objects.exclude(place=None).values_list("text", flat=True)
    ]
    norms = [bare_wording(text) for text in Norm.objects.filter(place=None).values_list("text", flat=True)]
    return sum(any(norm in article for article in articles) for norm in norms if norm)


def _timed(act: Any) -> tuple[float, Any]:
    begun = time.perf_counter()
    result = act()
    return time.perf_counter() - begun, result
