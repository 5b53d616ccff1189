"""`python -m medes_site.demo`: sets everything up, serves until Ctrl-C. It loads no settings itself."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import socket
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from medes_site.demo.private_redis import PrivateRedis, RedisMissing
from medes_site.demo.supervisor import Program, ProgramFailed, StopAsked, Supervisor
from medes_site.environment import ROOT

HOST = "127.0.0.1"
READY_SECONDS = 90.0
WATCH_SECONDS = 0.5


class CannotStart(RuntimeError):
    """The demo cannot start; the message says why and what to do."""


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    """0 after Ctrl-C or SIGTERM, 1 when something failed."""
    home = Path(os.environ.get("MEDES_HOME") or ROOT / "var").expanduser().resolve()
    try:
        port = _port(os.environ.get("MEDES_PORT") or "8000")
        home.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            _take(home / "demo.lock", stack)
            _serve(home, port, stack)
    except StopAsked:
        say("Stopped.")
        return 0
    except (CannotStart, RedisMissing, ProgramFailed) as error:
        sys.stderr.write(f"medes: {error}\n")
        return 1
    return 0


def _port(given: str) -> int:
    """A free port of this machine. Raises CannotStart."""
    if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= 65535:
        raise CannotStart(f"MEDES_PORT is {given!r} and should be a number from 1 to 65535.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, int(given)))
        except OSError as error:
            raise CannotStart(
                f"Port {given} is not free ({error.strerror}). "
                f"Choose another one: make demo MEDES_PORT={int(given) % 65535 + 1}"
            ) from error
    return int(given)


def _take(lock: Path, stack: ExitStack) -> None:
    """One demo per folder. The lock ends with the process, so none is ever left behind."""
    file = stack.enter_context(lock.open("a"))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CannotStart(
            f"A demo is running in {lock.parent} already. Choose another folder by MEDES_HOME."
        ) from None


def _serve(home: Path, port: int, stack: ExitStack) -> None:
    begun = time.monotonic()
    environment = {"MALLOC_ARENA_MAX": "2", **os.environ}  # glibc's eight heaps a core only waste memory here
    environment |= {"MEDES_DEMO": "1", "MEDES_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    supervisor = Supervisor(ROOT, home / "logs", environment)
    if not os.environ.get("REDIS_URL"):
        broker = PrivateRedis(home, supervisor.log_of("redis"))
        stack.enter_context(broker)
        environment["REDIS_URL"] = broker.url
    level = os.environ.get("LOG_LEVEL", "WARNING")
    if supervisor.run((sys.executable, "manage.py", "prepare_demo"), LOG_LEVEL=level) != 0:
        raise CannotStart("The demo could not be prepared; the lines above say why.")
    stack.callback(supervisor.stop)
    for program in _programs(home, port):
        supervisor.start(program)
    _wait_until_served(supervisor, port)
    say(_welcome(home, port, time.monotonic() - begun))
    while True:
        supervisor.pause(WATCH_SECONDS)
        supervisor.check()


def _programs(home: Path, port: int) -> tuple[Program, ...]:
    python = sys.executable
    web = f"-m gunicorn medes_site.wsgi --bind {HOST}:{port} --workers 2 --threads 4 --graceful-timeout 3"
    web += " --no-control-socket"  # it would lie in the home directory, outside of MEDES_HOME
    worker = "-m celery -A medes_site worker --beat --queues default,evaluate,train --concurrency 2 --loglevel INFO"
    return (
        Program("web", (python, *web.split())),
        Program("worker", (python, *worker.split(), "--schedule", str(home / "celerybeat-schedule"))),
    )


def _wait_until_served(supervisor: Supervisor, port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        supervisor.check()
        connection = http.client.HTTPConnection(HOST, port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == http.client.OK:
                return
        except OSError:
            pass
        finally:
            connection.close()
        supervisor.pause(0.1)
    raise CannotStart(f"The web server does not answer after {READY_SECONDS:.0f} s; see its log.")


def _welcome(home: Path, port: int, seconds: float) -> str:
    accounts: dict[str, str] = json.loads((home / "demo_accounts.json").read_text("utf-8"))
    lines = [
        "",
        f"  MedES  http://{HOST}:{port}/   (ready in {seconds:.1f} s; Ctrl-C stops it)",
        "",
        *(f"  {name:<12} {password}" for name, password in accounts.items()),
        "",
        f"  Logs and data: {home}",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
