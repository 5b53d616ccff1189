"""32 experts over HTTP against gunicorn and PostgreSQL, one worker killed midway: no label lost, none doubled.

MEDES_LOAD_SECONDS makes it longer (the bench does too: `make bench ARGS='--only labelling'`).
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from bench.databases import postgresql_database
from bench.labelling.audit import audit
from bench.labelling.load import Expert, label_for
from bench.labelling.servers import ROOT, WORKERS, Server, gunicorn

pytestmark = [pytest.mark.slow, pytest.mark.one_database]
EXPERTS, TASKS = 32, 20_000
SECONDS = float(os.environ.get("MEDES_LOAD_SECONDS", "12"))
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Site:
    server: Server
    database: str
    campaign: str
    campaign_id: int
    tokens: list[str]

    def experts(self, *skews: timedelta) -> list[Expert]:
        return [
            Expert(self.server.port, token, self.campaign, secrets.randbits(32), skew=skews[n % len(skews)])
            for n, token in enumerate(self.tokens)
        ]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MEDES_", "DJANGO_")) and name not in ("REDIS_URL", "ALLOWED_HOSTS")
    }
    with ExitStack() as stack:
        database = stack.enter_context(postgresql_database())
        environment = {
            **kept,
            "DJANGO_SETTINGS_MODULE": "medes_site.settings",
            "DATABASE_URL": database,
            "MEDES_HOME": str(tmp_path),
            "SECRET_KEY": secrets.token_urlsafe(40),
            "LOG_LEVEL": "ERROR",
            "MEDES_LABELLING_PER_MINUTE": "1000000",
        }
        seeded = subprocess.run(
            (sys.executable, "-m", "bench.labelling.seed", str(TASKS), str(EXPERTS)),
            cwd=ROOT, env=environment, check=True, capture_output=True, text=True,
        )  # fmt: skip
        made = json.loads(seeded.stdout)
        server = stack.enter_context(
            gunicorn("medes_site.wsgi", ready="/healthz", environment=environment, log=tmp_path / "web.log")
        )
        yield Site(server, database, made["campaign"], made["campaign_id"], made["tokens"])


@pytest.mark.timeout(600)
@pytest.mark.parametrize("skews", [(timedelta(),), (HOUR, -HOUR)], ids=["clocks right", "clocks an hour off"])
def test_no_label_is_lost_when_a_worker_is_killed(site: Site, skews: tuple[timedelta, ...]) -> None:
    before = set(site.server.workers())
    outcome, wall = label_for(site.experts(*skews), SECONDS, midway=site.server.kill_a_worker)
    after = set(site.server.workers())
    assert len(before) == len(after) == WORKERS and len(after - before) == 1, (
        "a worker was killed and replaced"
    )
    assert outcome.retries > 0, "somebody was in the middle of a request"
    assert outcome.refused == []
    found = audit(site.database, site.campaign_id, outcome.acknowledged)
    sys.stdout.write(
        f"{len(outcome.acknowledged)} labels in {wall:.0f} s, {outcome.retries} retries, {found}\n"
    )
    assert found.clean, found
    assert found.labels == len(outcome.acknowledged)
    # How many is a question of the machine (`make bench`); that everybody was at work is not.
    assert len(outcome.acknowledged) > EXPERTS
    assert found.extras == 0, "no lease ran out in this time, whatever the clients' clocks say"
