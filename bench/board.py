"""The board page with 1,000 scored submissions × 6,000 items, through gunicorn, beside a bare view."""

from __future__ import annotations

import os
import random
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable
from typing import Any

import httpx
import numpy as np
import psutil
from django.core.management import call_command
from django.db import connection, transaction

from bench import judgements
from benchmark.models import (
    Benchmark,
    BenchmarkVersion,
    Corpus,
    Entry,
    Item,
    Response,
    Scenario,
    Score,
    ScoreVector,
    Submission,
)
from benchmark.services.boards import VECTOR_TYPE, board_for, current_extractor, refresh_ranks

SUBMISSIONS, ITEMS, CLUSTERS, SCENARIOS = 1_000, 6_000, 1_200, 14
REQUESTS = 200


def seed_board() -> int:
    """Fills the tables as 1,000 evaluations would have; returns the board's id."""
    rng = np.random.default_rng(3)
    corpus = Corpus.objects.create(slug="board-norms", name_zh="规范", name_en="Norms")
    benchmark = Benchmark.objects.create(slug="board", name_zh="榜单", name_en="Board", corpus=corpus)
    version = BenchmarkVersion.objects.create(benchmark=benchmark, label="1")
    scenarios = Scenario.objects.bulk_create(
        [Scenario(slug=f"board-{n}", name_zh=f"情境{n}", name_en=f"Scenario {n}") for n in range(SCENARIOS)]
    )
    Item.objects.bulk_create(
        [
            Item(
                version=version,
                code=f"obj-{number:04d}",
                kind="objective",
                number=number,
                split="public",
                dimension="ethics_knowledge",
                scenario=scenarios[number % SCENARIOS],
                question="题",
                cluster=f"norm-group:{number % CLUSTERS}",
                search_terms="",
            )
            for number in range(1, ITEMS + 1)
        ],
        batch_size=1000,
    )
    BenchmarkVersion.objects.filter(pk=version.pk).update(state="frozen", content_hash="0" * 64)
    board = board_for(version, "objective", "public", current_extractor())
    entries = Entry.objects.bulk_create(
        [
            Entry(
                slug=f"m{n}",
                name=f"模型 {n:04d}",
                organisation="机构",
                type=random.Random(n).choice(Entry.Type.values),
            )
            for n in range(SUBMISSIONS)
        ]
    )
    submissions = Submission.objects.bulk_create(
        [Submission(entry=entry, version=version, method="imported", state="public") for entry in entries]
    )
    skill = rng.uniform(0.3, 0.9, SUBMISSIONS)
    with transaction.atomic():
        for entry, submission, share in zip(entries, submissions, skill, strict=True):
            _store_score(board, entry, submission, rng.random(ITEMS) < share, scenarios)
    return board.pk


def _store_score(
    board: Any, entry: Entry, submission: Submission, right: np.ndarray, scenarios: list[Scenario]
) -> None:
    mean = float(right.mean())
    score = Score.objects.create(
        board=board,
        entry=entry,
        submission=submission,
        designated=True,
        n=ITEMS,
        scored=ITEMS,
        missing=0,
        right=int(right.sum()),
        value=mean,
        answered_accuracy=mean,
        ci_low=mean - 0.01,
        ci_high=mean + 0.01,
        clusters=CLUSTERS,
        by_scenario={
            scenario.slug: {"n": ITEMS // SCENARIOS, "mean": mean, "low": mean - 0.03, "high": mean + 0.03}
            for scenario in scenarios
        },
    )
    ScoreVector.objects.create(score=score, values=right.astype(VECTOR_TYPE).tobytes())


def store_responses(per_submission: int) -> int:
    """Puts responses behind the board with one statement: the page must not feel them."""
    sql = f"""
        INSERT INTO {Response._meta.db_table} (submission_id, item_id, text, text_hash, cut_off)
        SELECT s.id, i.id, '答案：AB', '', {"false" if connection.vendor == "postgresql" else "0"}
        FROM benchmark_submission s JOIN benchmark_item i ON i.version_id = s.version_id
        WHERE s.method = 'imported' AND i.number <= %s AND i.version_id =
            (SELECT v.id FROM benchmark_benchmarkversion v JOIN benchmark_benchmark b ON b.id = v.benchmark_id
             WHERE b.slug = 'board')
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [per_submission])
        count = cursor.rowcount
        cursor.execute("ANALYZE")
    return count


def measure_board() -> Iterable[dict[str, Any]]:
    """Ranking time, then the page's p50 and p95 with few and with many responses behind it."""
    board = seed_board()
    subjective = judgements.seed_subjective(board)
    begun = time.perf_counter()
    refresh_ranks(board_id=board)
    yield {
        "what": f"rank {SUBMISSIONS:,} entries × {ITEMS:,} items",
        "figure": time.perf_counter() - begun,
        "unit": "s",
    }
    call_command("collectstatic", interactive=False, verbosity=0)
    connection.close()
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "medes_site.wsgi",
        "-b",
        f"127.0.0.1:{port}",
        "-w",
        "1",
        "--threads",
        "2",
    ]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        base = f"http://127.0.0.1:{port}"
        wait_for(f"{base}/healthz")
        yield from _page_rows(base, 0)
        yield from _page_rows(base, 0, kind="subjective", behind="judgements")
        stored = store_responses(ITEMS if os.environ["BENCH_FULL"] else ITEMS // 20)
        yield from _page_rows(base, stored)
        judged = judgements.store_judgements(subjective)
        yield from _page_rows(base, judged, kind="subjective", behind="judgements")
        workers = psutil.Process(server.pid).children(recursive=True)
        yield {
            "what": "memory of a web worker",
            "figure": max(worker.memory_info().rss for worker in workers) / 2**20,
            "unit": "MiB",
            "target": "< 150 MiB",
        }
    finally:
        server.terminate()
        server.wait(20)


def _page_rows(
    base: str, stored: int, *, kind: str = "objective", behind: str = "responses"
) -> Iterable[dict[str, Any]]:
    floor = latencies(f"{base}/healthz")
    address = f"/leaderboard/board/{kind}/"
    for label, path in (
        (f"{kind} board page", address),
        (f"{kind} board page 3, by name, one type", f"{address}?sort=entry&type=general&page=3"),
    ):
        page = latencies(base + path)
        for name, share in (("p50", 0.5), ("p95", 0.95)):
            yield {
                "what": f"{label}, {stored:,} {behind}, {name}",
                "figure": quantile(page, share) * 1000,
                "unit": "ms",
                "floor": quantile(floor, share) * 1000,
                "ratio": quantile(page, share) / quantile(floor, share),
                "target": "p95 < 50 ms" if name == "p95" else "",
            }


def latencies(url: str) -> list[float]:
    """Seconds of each of REQUESTS requests, one after the other, after a warm-up."""
    times = []
    with httpx.Client() as client:
        for number in range(REQUESTS + 20):
            begun = time.perf_counter()
            client.get(url).raise_for_status()
            if number >= 20:
                times.append(time.perf_counter() - begun)
    return times


def quantile(values: list[float], share: float) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url: str, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            if httpx.get(url).is_success:
                return
        except httpx.TransportError:
            if time.monotonic() > end:
                raise
        time.sleep(0.1)
