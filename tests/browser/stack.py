"""The whole site as child processes: database, private Redis, gunicorn, one Celery worker with beat.

It is prepared as `make demo` prepares it (`manage.py prepare_demo`), in a temporary MEDES_HOME, on a database
that is made for it and dropped afterwards; both are copies of what the first such site of the run was prepared to.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import psycopg

from medes_site.demo.private_redis import PrivateRedis
from medes_site.environment import ROOT
from tests.browser.seeds import planted

HOST: Final = "127.0.0.1"
READY_SECONDS: Final = 180.0
LOG_LINES: Final = 60
UPLOAD_MIB: Final = 1
# What the surroundings say about the site under test; the stack decides all of it anew.
OWN_SETTINGS: Final = (
    "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "DATABASE_URL", "EMAIL_URL", "LOG_LEVEL", "REDIS_URL", "TZ_NAME",
)  # fmt: skip


class StackFailed(RuntimeError):
    """A program of the stack did not do what it should; the message ends with its log."""


class Program:
    """A child in a process group of its own that writes to a log. It can be started again.

    `handed_on`: file descriptors that it inherits, under the same numbers.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        environment: dict[str, str],
        *,
        handed_on: tuple[int, ...] = (),
    ) -> None:
        self.name = name
        self.log = log
        self._command = (sys.executable, *command)
        self._environment = environment
        self._handed_on = handed_on
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=self._handed_on,
            )

    def signal_group(self, wanted: signal.Signals) -> None:
        """Sends a signal to the program and all its children."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, wanted)

    def kill(self) -> None:
        """SIGKILL to the whole group, as a power cut would."""
        self.signal_group(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
            self._process = None

    def last_words(self, lines: int = LOG_LINES) -> str:
        text = self.log.read_text("utf-8", "replace") if self.log.is_file() else ""
        return "\n".join([f"--- the end of {self.log.name} ---", *text.splitlines()[-lines:]])


def manage(environment: dict[str, str], *arguments: str) -> str:
    """Runs `manage.py`; returns what it said. Raises StackFailed."""
    done = subprocess.run(
        (sys.executable, "manage.py", *arguments),
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise StackFailed(f"manage.py {' '.join(arguments)}\n{done.stdout}\n{done.stderr}")
    return done.stdout


class Stack:
    """The running site, at the bound socket `door`. `url` has no slash at its end; `scene` is what `scene.py` made."""

    def __init__(
        self, home: Path, database_url: str, environment: dict[str, str], door: socket.socket
    ) -> None:
        self.home = home
        self.url = f"http://{HOST}:{door.getsockname()[1]}"
        self.scene: dict[str, Any] = {}
        self._database_url = database_url
        self._environment = environment
        logs = home / "logs"
        web = f"-m gunicorn medes_site.wsgi --bind fd://{door.fileno()} --workers 2 --threads 4 --no-control-socket"
        worker = "-m celery -A medes_site worker --beat --queues default,evaluate,train --concurrency 1 --loglevel INFO"
        worker += f" --schedule {home / 'celerybeat-schedule'}"
        self.web = Program("web", web.split(), logs / "web.log", environment, handed_on=(door.fileno(),))
        self.worker = Program("worker", worker.split(), logs / "worker.log", environment)

    @property
    def passwords(self) -> dict[str, str]:
        """Of the demo accounts, whose names are those of their roles."""
        return json.loads((self.home / "demo_accounts.json").read_text("utf-8"))

    def manage(self, *arguments: str) -> str:
        """Runs `manage.py` on this site; returns what it said. Raises StackFailed."""
        return manage(self._environment, *arguments)

    def query(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Rows straight from the database. Parameters are written %s."""
        if self._database_url:
            with psycopg.connect(self._database_url, autocommit=True) as connection:
                return connection.execute(statement, parameters).fetchall()  # type: ignore[arg-type]
        with closing(sqlite3.connect(self.home / "medes.sqlite3", timeout=30)) as connection:
            return connection.execute(statement.replace("%s", "?"), parameters).fetchall()

    @contextmanager
    def holding(self, statement: str, *parameters: Any) -> Iterator[None]:
        """Does `statement` in a transaction that stays open meanwhile and is undone: who needs the same rows waits.

        Only on PostgreSQL; SQLite would keep everybody waiting, so there nothing is held.
        """
        if not self._database_url:
            yield
            return
        with psycopg.connect(self._database_url) as connection:
            connection.execute(statement, parameters)  # type: ignore[arg-type]
            try:
                yield
            finally:
                connection.rollback()

    def count(self, table: str, where: str = "", *parameters: Any) -> int:
        condition = f" WHERE {where}" if where else ""
        return self.query(f"SELECT count(*) FROM {table}{condition}", *parameters)[0][0]

    def logs(self) -> str:
        return "\n\n".join(program.last_words() for program in (self.web, self.worker))

    def wait_until_served(self) -> None:
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end and self.web.alive:
            connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=5)
            try:
                connection.request("GET", "/readyz")
                if connection.getresponse().status == http.client.OK:
                    return
            except OSError:
                pass
            finally:
                connection.close()
            time.sleep(0.1)
        raise StackFailed(f"The site does not answer.\n{self.logs()}")


def wait_for(condition: Callable[[], Any], seconds: float = 60.0, pause: float = 0.05) -> Any:
    """The first true value of `condition`; AssertionError when there is none within `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(pause)
    raise AssertionError(f"still not true after {seconds} s")


def _environment(home: Path, database_url: str, redis_url: str, more: Mapping[str, str]) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MEDES_", "DJANGO_")) and name not in OWN_SETTINGS
    }
    return {
        **kept,
        "DJANGO_SETTINGS_MODULE": "medes_site.settings",
        "PYTHONUNBUFFERED": "1",
        "MEDES_DEMO": "1",
        "MEDES_HOME": str(home),
        "SECRET_KEY": secrets.token_urlsafe(40),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "MEDES_UPLOAD_MIB": str(UPLOAD_MIB),
        "MEDES_DAILY_SUBMISSIONS": "500",
        "MEDES_JOB_LEASE_SECONDS": "20",
        **more,
    }


def _door() -> socket.socket:
    """A socket on a free port, held from now on: a number that is only remembered is somebody else's by the time the
    site is ready to listen, for every connection of this machine takes one too."""
    door = socket.socket()
    door.bind((HOST, 0))
    return door


def _seem_tuned(home: Path) -> None:
    """The demo's tiny policy would keep the one worker busy for a minute, and few pages here tune a model."""
    policy = home / "models" / "tiny-policy"
    policy.mkdir(parents=True)
    (policy / "config.json").write_text("{}", "ascii")


def _prepare(home: Path, database_url: str, *, long: bool, policy: bool) -> None:
    """Fills a folder and a database as `make demo` does, and with the scene."""
    (home / "logs").mkdir()
    subprocess.run((sys.executable, "-m", "medes_site.messages", "compile"), cwd=ROOT, check=True)
    if not policy:
        _seem_tuned(home)
    with PrivateRedis(home, home / "logs" / "redis.log") as redis:
        environment = _environment(home, database_url, redis.url, {})
        manage(environment, "prepare_demo")
        manage(environment, "shell", "-v", "0", "-c", f"from tests.browser.scene import main; main({long=})")


@contextmanager
def running_stack(
    database_url: str = "", *, long: bool = True, policy: bool = False, more: Mapping[str, str] | None = None
) -> Iterator[Stack]:
    """Everything up, with demo data and the scene; everything ended on leaving, whatever happened.

    `database_url`: a PostgreSQL on which databases may be created; "" means SQLite. `long`: as in scene.py. `policy`:
    the worker builds the demo's tiny policy, as in the demo. `more`: variables of its environment. Raises StackFailed.
    """
    with ExitStack() as stack:
        home = Path(tempfile.mkdtemp(prefix="medes-browser-"))
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        name = f"{'postgres' if database_url else 'sqlite'}{'-long' * long}{'-policy' * policy}"
        seed = partial(_prepare, long=long, policy=policy)
        database = stack.enter_context(planted(name, database_url, home, seed))
        redis = stack.enter_context(PrivateRedis(home, home / "logs" / "redis.log"))
        door = stack.enter_context(_door())
        site = Stack(home, database, _environment(home, database, redis.url, more or {}), door)
        site.manage("reconcile_jobs", "--all")  # whatever waits was sent to the Redis of whoever prepared it
        site.scene = json.loads((home / "scene.json").read_text("utf-8"))
        for program in (site.web, site.worker):
            stack.callback(program.kill)  # nothing of it is needed any more, so nothing waits for a good end
            program.start()
        site.wait_until_served()
        yield site
