"""What is measured, each beside a floor taken in the same run: ratios travel between machines, seconds do not."""

from __future__ import annotations

import csv
import os
import re
import resource
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from django.db import connection

from bench import board, datasets, guardians, material, norms, tuning
from bench.labelling import measure as labelling
from bench.labelling.weight import measure_page_weight
from benchmark.models import BenchmarkVersion
from benchmark.rules.extraction import extract, is_right
from benchmark.services.benchmark_files import plan_import
from benchmark.services.importing import import_benchmark
from benchmark.services.importing_responses import import_predictions
from benchmark.services.reports import ImportReport

Row = dict[str, Any]
CSV_FIELD_BYTES = 16 * 2**20


def timed(act: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.perf_counter()
    result = act()
    return time.perf_counter() - begun, result


def bare_inserts(rows: Iterable[tuple[int, str]]) -> int:
    """The floor of an import: the same texts through the driver's executemany, no model, no check."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_floor (item integer, body text)")
        cursor.execute("BEGIN")
        count, batch = 0, []
        for row in rows:
            batch.append(row)
            if len(batch) == 1000:
                cursor.executemany("INSERT INTO bench_floor VALUES (%s, %s)", batch)
                count, batch = count + len(batch), []
        cursor.executemany("INSERT INTO bench_floor VALUES (%s, %s)", batch)
        cursor.execute("COMMIT")
        cursor.execute("DROP TABLE bench_floor")
    return count + len(batch)


def measure_import() -> Iterable[Row]:
    """The release's size: 6,076 items, then eight models' 48,608 responses; peak memory of the process."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        material.write_benchmark(place)
        seconds, _report = timed(lambda: import_benchmark(plan_import(folder, benchmark="bench")))
        items = material.OBJECTIVE + material.SUBJECTIVE
        yield {"what": "import items", "figure": items / seconds, "unit": "rows/s"}
        version = BenchmarkVersion.objects.get(benchmark__slug="bench")
        files = [place / f"model-{number}.jsonl" for number in range(material.MODELS)]
        total = sum(material.write_responses(file, seed) for seed, file in enumerate(files))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        seconds, _done = timed(lambda: [_import_one(version, file) for file in files])
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        floor_seconds, _count = timed(
            lambda: bare_inserts(
                (number, line) for file in files for number, line in enumerate(file.open(encoding="utf-8"))
            )
        )
    yield {
        "what": f"import {total:,} responses",
        "figure": total / seconds,
        "unit": "rows/s",
        "floor": total / floor_seconds,
        "ratio": floor_seconds / seconds,
        "target": ">= 5,000 rows/s (PostgreSQL)",
    }
    yield {"what": "memory grown by that import", "figure": grown, "unit": "MiB", "target": "flat"}


def _import_one(version: BenchmarkVersion, file: Path) -> None:
    import_predictions(version=version, path=file, entry_name=file.stem, report=ImportReport("bench", "1"))


def measure_scoring() -> Iterable[Row]:
    """Extraction and key on one core: the released replies where they are at hand, else made-up ones."""
    replies = list(released_replies()) or made_up_replies()
    pattern = re.compile(r"答案[】*]*[:：]\s*([A-H]+)")
    seconds, _right = timed(
        lambda: sum(is_right(extract(text, "ABCDEFGH").letters, key) for text, key in replies)
    )
    floor, _found = timed(lambda: [pattern.findall(text) for text, _key in replies])
    source = "released" if released_folder() else "made-up"
    yield {
        "what": f"score {len(replies):,} {source} replies",
        "figure": len(replies) / seconds,
        "unit": "replies/s",
        "floor": len(replies) / floor,
        "ratio": floor / seconds,
        "target": ">= 10,000 replies/s",
    }


def released_folder() -> Path | None:
    shared = Path(os.environ.get("MEDES_SHARED") or Path(__file__).resolve().parents[2] / "shared")
    return shared / "medes" if (shared / "medes").is_dir() else None


def released_replies() -> Iterable[tuple[str, str]]:
    folder = released_folder()
    if folder is None:
        return
    csv.field_size_limit(CSV_FIELD_BYTES)
    for file in sorted(folder.glob("objective_*.csv")):
        with file.open(encoding="utf-8-sig", newline="") as lines:
            for row in csv.DictReader(lines):
                if row.get("response") is not None:
                    yield row["response"], row["reference"]


def made_up_replies() -> list[tuple[str, str]]:
    rng = material.random.Random(7)
    keys = [material.letters(rng) for _ in range(4_716)]
    return [(material.reply(rng, key), key) for key in keys]


MEASUREMENTS: dict[str, Callable[[], Iterable[Row]]] = {
    "import": measure_import,
    "scoring": measure_scoring,
    "board": board.measure_board,
    "labelling": labelling.measure_labelling,
    "export": labelling.measure_export,
    "weight": measure_page_weight,
    "norms": norms.measure_norms,
    "guardians": guardians.measure_guardians,
    "datasets": datasets.measure_datasets,
    "tuning": tuning.measure_tuning,
}
