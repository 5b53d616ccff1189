"""Claim and submit through gunicorn at three queue lengths and three numbers of experts, beside the bare view."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
from django.db import connection, connections, transaction

from bench.labelling import bare
from bench.labelling.audit import audit
from bench.labelling.http import Client
from bench.labelling.load import SAFE, Expert, Outcome, label_for, run_all
from bench.labelling.seed import seed_campaign, trust_what_comes
from bench.labelling.servers import Server, gunicorn

Row = dict[str, Any]
EXPERTS = (1, 8, 32)
WARM_UP = 3.0
TURNS = 4


def measure_labelling() -> Iterable[Row]:
    """PostgreSQL only: on SQLite every claim takes the one write lock, so that nothing is learnt from 32 at once."""
    if connection.vendor != "postgresql":
        return
    full = bool(os.environ["BENCH_FULL"])
    sizes = (10_000, 100_000, 1_000_000) if full else (10_000, 100_000)
    seconds = 8.0
    database = os.environ["DATABASE_URL"]
    home = Path(os.environ["MEDES_HOME"])
    environment = {**os.environ, "MEDES_LABELLING_PER_MINUTE": "1000000"}
    p95: dict[int, float] = {}
    for tasks in sizes:
        made = seed_campaign(tasks, experts=max(EXPERTS), slug=f"load-{tasks}")
        with psycopg.connect(database) as direct:
            direct.execute(bare.TABLES % {"tasks": tasks})  # type: ignore[arg-type]
        with psycopg.connect(database, autocommit=True) as direct:
            direct.execute("VACUUM ANALYZE")  # type: ignore[arg-type]
        connections.close_all()
        with (
            gunicorn(
                "medes_site.wsgi", ready="/healthz", environment=environment, log=home / "web.log"
            ) as site,
            gunicorn(
                "bench.labelling.bare:application",
                ready="/ready/",
                environment={**_plain(environment), "BENCH_BARE_URL": database},
                log=home / "bare.log",
            ) as floor,
        ):
            for rows in _rounds(site, floor, made, tasks, seconds, database):
                yield from rows
                p95.setdefault(tasks, rows[0]["p95"])
    largest = max(sizes)
    yield {
        "what": f"p95 with 32 experts, {largest:,} tasks over {min(sizes):,}",
        "figure": p95[largest] / p95[min(sizes)],
        "unit": "times",
        "target": "<= 2",
    }


def _plain(environment: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name != "DJANGO_SETTINGS_MODULE"}


def _rounds(
    site: Server, floor: Server, made: dict[str, Any], tasks: int, seconds: float, database: str
) -> Iterable[list[Row]]:
    """32 experts first, so that the first row is the one that is compared between sizes.

    Site and floor take turns in short windows: what else the machine does meets both.
    """
    acknowledged: list[str] = []
    warm = [
        Expert(site.port, token, made["campaign"], hash((tasks, n))) for n, token in enumerate(made["tokens"])
    ]
    # Each worker loads its code with its first request, and each of its threads connects and plans.
    acknowledged += label_for(warm, WARM_UP)[0].acknowledged
    _bare(floor, max(EXPERTS), WARM_UP, joined=True)
    for experts in sorted(EXPERTS, reverse=True):
        rows = []
        for joined in (True, False):
            ours, theirs = Side(), Side()
            for turn in range(TURNS):
                with theirs.counted(floor, database):
                    theirs.add(*_bare(floor, experts, seconds / TURNS, joined=joined))
                people = [
                    Expert(
                        site.port,
                        token,
                        made["campaign"],
                        hash((tasks, experts, n, joined, turn)),
                        joined=joined,
                    )
                    for n, token in enumerate(made["tokens"][:experts])
                ]
                with ours.counted(site, database):
                    outcome, wall = label_for(people, seconds / TURNS)
                    ours.add(outcome, wall)
                acknowledged += outcome.acknowledged
                assert not outcome.refused, outcome.refused[:3]
            rows.append(_row(ours, theirs, experts, tasks, joined))
        yield rows
    found = audit(database, made["campaign_id"], acknowledged)
    assert found.clean and found.labels == len(acknowledged), found


@dataclass
class Side:
    """What one of the two has done in all its turns. `web`, `server`: processor seconds of workers and database."""

    seconds: list[float] = field(default_factory=list)
    wall: float = 0.0
    web: float = 0.0
    server: float = 0.0

    def add(self, outcome: Outcome, wall: float) -> None:
        self.seconds += outcome.seconds
        self.wall += wall

    @contextmanager
    def counted(self, served: Server, database: str) -> Iterator[None]:
        before, known = served.processor_seconds(), _backends(database)
        yield
        self.web += served.processor_seconds() - before
        self.server += sum(used - known.get(pid, 0.0) for pid, used in _backends(database).items())

    @property
    def rate(self) -> float:
        return len(self.seconds) / self.wall

    @property
    def told(self) -> str:
        """p50/p95/p99 in ms, then processor ms a label in the web workers and in the database."""
        spread = "/".join(f"{value * 1000:.0f}" for value in _quantiles(self.seconds))
        labels = len(self.seconds)
        return f"{spread} ms, CPU {self.web / labels * 1000:.1f}+{self.server / labels * 1000:.1f} ms"


def _backends(database: str) -> dict[int, float]:
    """Processor seconds of each backend of this database; {} where its server is not on this machine."""
    with psycopg.connect(database) as direct:
        rows = direct.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
    found = {}
    for (pid,) in rows:
        with suppress(psutil.Error):
            times = psutil.Process(pid).cpu_times()
            found[pid] = times.user + times.system
    return found


def _row(ours: Side, theirs: Side, experts: int, tasks: int, joined: bool) -> Row:
    how = "submit and claim in one request" if joined else "claim, then submit"
    return {
        "what": f"{how}, {experts} experts, {tasks:,} tasks ({ours.told}; bare {theirs.told})",
        "figure": ours.rate,
        "unit": "labels/s",
        "floor": theirs.rate,
        "ratio": ours.rate / theirs.rate,
        "p95": _quantiles(ours.seconds)[1],
        "target": ">= 0.5" if experts == 32 and tasks == 100_000 else "",
    }


def _quantiles(values: list[float]) -> tuple[float, float, float]:
    cut = statistics.quantiles(values, n=100, method="inclusive")
    return cut[49], cut[94], cut[98]


def _bare(server: Server, experts: int, seconds: float, *, joined: bool) -> tuple[Outcome, float]:
    """As many requests a label as the site gets: one that inserts and claims (`joined`), or two."""
    outcomes = [Outcome() for _expert in range(experts)]
    deadline = time.monotonic() + seconds
    body = {
        "fence": 1, "key": "0" * 32, "answers": SAFE, "rationale": "援引了规范，但没有安抚来访者。",
        "duration_ms": 30_000, "next": joined,
    }  # fmt: skip

    def work(number: int) -> None:
        client = Client(server.port, f"Authorization: Token {'0' * 64}\r\n")
        slot = None
        while time.monotonic() < deadline:
            begun = time.perf_counter()
            if slot is None:
                slot = client.post(f"/claim/{number}/")[1].get("slot")
            if slot is None:
                break
            way = "step" if joined else "submit"
            slot = client.post(f"/{way}/{number}/{slot}/", body)[1].get("slot")
            outcomes[number].seconds.append(time.perf_counter() - begun)
        client.close()

    begun = time.perf_counter()
    run_all([lambda number=number: work(number) for number in range(experts)])  # type: ignore[misc]
    wall = time.perf_counter() - begun
    whole = Outcome()
    for outcome in outcomes:
        whole.seconds += outcome.seconds
    return whole, wall


def measure_export() -> Iterable[Row]:
    """Rows a second and peak memory of the command, in a process of its own, for each format."""
    full = bool(os.environ["BENCH_FULL"])
    labels = 1_000_000 if full else 50_000
    made = seed_campaign(labels // 2, experts=2, slug="export")
    _label_everything(made["campaign_id"])
    connections.close_all()
    for file_format in ("jsonl", "csv", "parquet"):
        folder = Path(os.environ["MEDES_HOME"]) / "export"
        command = (
            sys.executable, "manage.py", "export_labels", "export", "--format", file_format,
            "--output", str(folder), "--json",
        )  # fmt: skip
        begun = time.perf_counter()
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        wall = time.perf_counter() - begun
        rows = sum(file["rows"] for file in json.loads(done.stdout)["files"][:2])
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        yield {
            "what": f"export {labels:,} labels and {labels // 2:,} tasks as {file_format}",
            "figure": rows / wall,
            "unit": "rows/s",
        }
        yield {
            "what": f"peak memory of an export up to {file_format}",
            "figure": peak,
            "unit": "MiB",
            "target": "flat",
        }


def _label_everything(campaign: int) -> None:
    """As two experts would have left it, in one statement each."""
    first = "SELECT min(expert_id) FROM annotation_membership WHERE campaign_id = %(c)s"
    last = "SELECT max(expert_id) FROM annotation_membership WHERE campaign_id = %(c)s"
    statements = (
        f"UPDATE annotation_slot SET state = 'labelled', fence = 1, claimed_at = now(), finished_at = now(), "
        f"expert_id = CASE WHEN ordinal = 1 THEN ({first}) ELSE ({last}) END WHERE campaign_id = %(c)s",
        "INSERT INTO annotation_label (task_id, slot_id, campaign_id, expert_id, r1, r2, q1, q2, q3, q4, rationale, "
        "evidence, blind, extra, revision, current, key, submitted_at) "
        "SELECT task_id, id, campaign_id, expert_id, 0, 0, 1, 0, 1, 1, '援引了规范，但没有安抚来访者。', '{}', true, false, "
        "0, true, CAST(id AS text), now() FROM annotation_slot WHERE campaign_id = %(c)s ORDER BY annotation_slot.id",
        "INSERT INTO annotation_slotevent (slot_id, expert_id, kind, fence, at) "
        "SELECT id, expert_id, k, 1, now() FROM annotation_slot, (VALUES ('claimed'), ('submitted')) kinds (k) "
        "WHERE campaign_id = %(c)s",
    )
    with transaction.atomic(), connection.cursor() as cursor:
        trust_what_comes()
        for statement in statements:
            cursor.execute(
                statement if connection.vendor == "postgresql" else _for_sqlite(statement), {"c": campaign}
            )


def _for_sqlite(statement: str) -> str:
    plain = statement.replace("now()", "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')")
    return plain.replace(
        "(VALUES ('claimed'), ('submitted')) kinds (k)",
        "(SELECT 'claimed' AS k UNION ALL SELECT 'submitted') kinds",
    )
