"""Drawing SFT and DPO datasets from 50,000 judgements (1,000,000 with --full), each drawing in a process of its own.

The judged answers are some 1,200 characters long and made of words that occur as unequally as words do, so that the
search for near-duplicates has something to do; 6,000 closed questions stand beside 5,000 open ones.
"""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import django

if __name__ == "__main__":
    django.setup()

from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from benchmark.models import (  # noqa: E402
    Benchmark,
    BenchmarkVersion,
    Corpus,
    Entry,
    Guardian,
    Item,
    Scenario,
    Scorer,
    Submission,
)
from training.services.tuning_data import build_tuning_dataset  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
Row = dict[str, Any]
OPEN, CLOSED, NORMS, SCENARIOS = 5_000, 6_000, 1_157, 14
PIECES, WORDS = 3_000, 4_000


def words(rng: random.Random) -> list[str]:
    """Two characters each, of 2,500 common ones."""
    return [chr(0x4E00 + rng.randrange(2_500)) + chr(0x4E00 + rng.randrange(2_500)) for _ in range(WORDS)]


class Writer:
    """Texts of words whose frequency falls with their rank."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._words = words(random.Random(1))
        self._weights = [1 / (rank + 10) for rank in range(WORDS)]

    def text(self, characters: int) -> str:
        chosen = self._rng.choices(self._words, self._weights, k=characters // 2)
        for place in range(9, len(chosen), 10):
            chosen[place] += "，"
        return "".join(chosen)


def seed(judgements: int) -> None:
    writer = Writer(2)
    corpus = Corpus.objects.create(slug="drawn-norms", name_zh="规范", name_en="Norms")
    benchmark = Benchmark.objects.create(slug="drawn", name_zh="题库", name_en="Drawn", corpus=corpus)
    version = BenchmarkVersion.objects.create(benchmark=benchmark, label="1")
    scenarios = Scenario.objects.bulk_create(
        [Scenario(slug=f"drawn-{n}", name_zh=f"情境{n}", name_en=f"Scenario {n}") for n in range(SCENARIOS)]
    )
    Item.objects.bulk_create(
        (
            Item(
                version=version, code=f"sub-{number:05d}", kind="subjective", number=number,
                split="dev" if number <= OPEN else "public", dimension="ethics_reasoning",
                scenario=scenarios[number % SCENARIOS], question=writer.text(120) + "？",
                cluster=f"norm-group:{number % NORMS}", search_terms="",
            )
            for number in range(1, OPEN + CLOSED + 1)
        ),
        batch_size=1000,
    )  # fmt: skip
    entries = Entry.objects.bulk_create(
        [Entry(slug=f"drawn-{n}", name=f"画 {n:04d}", type="general") for n in range(judgements // OPEN)]
    )
    Submission.objects.bulk_create(
        [Submission(entry=entry, version=version, method="imported", state="public") for entry in entries]
    )
    scorer = Scorer.objects.create(type="guardian", name="bench-drawing", version="1")
    Guardian.objects.filter(state="active").update(state="retired", retired_at=timezone.now())
    Guardian.objects.create(
        scorer=scorer, kind="linear", state="active", folder="bench", promoted_at=timezone.now()
    )
    _fill(version.pk, scorer.pk, [writer.text(300) for _ in range(PIECES)])


def _fill(version: int, scorer: int, pieces: list[str]) -> None:
    """Answers of four pieces each, and a judgement on each, in one statement each."""
    postgres = connection.vendor == "postgresql"
    false, as_json = ("false", "::jsonb") if postgres else ("0", "")
    piece = "(SELECT body FROM bench_piece p WHERE p.id = (s.id * {} + i.id * {}) % " + str(PIECES) + ")"
    text = " || ".join(piece.format(a, b) for a, b in ((7, 13), (11, 101), (29, 17)))
    last = f"substr({piece.format(31, 7)}, 1, CAST((s.id * 37 + i.id * 61) % 300 AS integer))"
    figures = ", ".join(
        f"\"{name}\": ' || round(((r.id * {factor}) % 997) / {most}, 4) || '"
        for name, factor, most in (
            ("r1", 7919, "15000.0"),
            ("r2", 6101, "15000.0"),
            ("q1", 5077, "997.0"),
            ("q2", 3989, "997.0"),
            ("q3", 2903, "997.0"),
            ("q4", 1973, "997.0"),
        )  # fmt: skip
    )
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_piece (id integer PRIMARY KEY, body text)")
        cursor.executemany("INSERT INTO bench_piece VALUES (%s, %s)", list(enumerate(pieces)))
        cursor.execute(
            f"""INSERT INTO benchmark_response (submission_id, item_id, text, text_hash, cut_off)
            SELECT s.id, i.id, {text} || {last}, '', {false}
            FROM benchmark_submission s JOIN benchmark_item i ON i.version_id = s.version_id
            WHERE s.version_id = {version} AND i.split = 'dev' ORDER BY s.id, i.id"""
        )
        cursor.execute(
            f"""INSERT INTO benchmark_judgement
            (response_id, scorer_id, case_key, outcome, r1, r2, q1, q2, q3, q4, p, abstained, evidence, rationale)
            SELECT r.id, {scorer}, NULL, 'judged', 0, 0, 1, 1, 1, 1, ('{{{figures}}}'){as_json}, '[]', '{{}}', ''
            FROM benchmark_response r JOIN benchmark_item i ON i.id = r.item_id WHERE i.version_id = {version}"""
        )
        cursor.execute("ANALYZE")


def measure_datasets() -> Iterable[Row]:
    """Judgements a second and peak memory of each drawing, beside reading the same judgements through the driver alone."""
    judgements = 1_000_000 if os.environ.get("BENCH_FULL") else 50_000
    begun = time.perf_counter()
    seed(judgements)
    print(f"seeded in {time.perf_counter() - begun:.0f} s", file=sys.stderr)
    connection.close()
    floor = alone("floor")
    for kind in ("sft", "dpo"):
        found = alone(kind)
        yield {
            "what": f"{kind.upper()} dataset from {judgements:,} judgements",
            "figure": judgements / found["seconds"],
            "floor": judgements / floor["seconds"],
            "ratio": floor["seconds"] / found["seconds"],
            "unit": "judgements/s",
        }
        yield {
            "what": f"… {found['rows']:,} rows written",
            "figure": found["rows"] / found["seconds"],
            "unit": "rows/s",
        }
        yield {"what": "… peak memory of that process", "figure": found["peak"], "unit": "MiB"}
    yield {"what": "peak memory of reading alone", "figure": floor["peak"], "unit": "MiB"}


def alone(act: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.datasets", act], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main(act: str) -> None:
    begun, rows = time.perf_counter(), 0
    if act == "floor":
        with connection.cursor() as cursor:
            cursor.execute("SELECT id, response_id, p FROM benchmark_judgement")
            while found := cursor.fetchmany(5000):
                rows += sum(isinstance(json.loads(p), dict) for _id, _response, p in found)
    else:
        stage = ""

        def watch(done: int, total: int, now: str) -> None:
            nonlocal stage
            if now != stage:
                print(f"{time.perf_counter() - begun:7.1f} s {now} ({total:,})", file=sys.stderr)
                stage = now

        made = build_tuning_dataset(actor=None, kind=act, progress=watch)
        rows = made.rows + made.manifest["counts"]["eval"]
        print(json.dumps(made.manifest["counts"]["left_out"]), file=sys.stderr)
    seconds = time.perf_counter() - begun
    print(json.dumps({"seconds": seconds, "rows": rows, "peak": peak_memory()}))


def peak_memory() -> float:
    """MiB of this program alone; what `getrusage` says of a child includes what its parent held when it was forked."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(sys.argv[1])
