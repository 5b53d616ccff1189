"""gunicorn as production runs it, in a process group that ends with the block."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

ROOT = Path(__file__).resolve().parents[2]
WORKERS, THREADS = 2, 4


@dataclass(frozen=True, slots=True)
class Server:
    port: int
    pid: int

    def workers(self) -> list[int]:
        return [child.pid for child in psutil.Process(self.pid).children()]

    def processor_seconds(self) -> float:
        """What the workers have used so far, in user and kernel mode."""
        times = [psutil.Process(pid).cpu_times() for pid in self.workers()]
        return float(sum(time.user + time.system for time in times))

    def kill_a_worker(self) -> int:
        """SIGKILL to the worker that serves most connections, in the middle of whatever it does; returns its pid."""
        victim = max(self.workers(), key=lambda pid: len(psutil.Process(pid).net_connections("tcp")))
        os.kill(victim, signal.SIGKILL)
        return victim


@contextmanager
def gunicorn(application: str, *, ready: str, environment: dict[str, str], log: Path) -> Iterator[Server]:
    """Serves `application` on a free port. `ready`: the path that answers 200 once it is up."""
    with socket.socket() as door:  # held until gunicorn has inherited it, so that nobody else takes the port
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
        command = (
            f"-m gunicorn {application} --bind fd://{door.fileno()} --workers {WORKERS} --threads {THREADS} "
            "--keep-alive 30 --no-control-socket"
        )
        with log.open("ab") as output:
            process = subprocess.Popen(
                (sys.executable, *command.split()), cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=output,
                stderr=output, start_new_session=True, pass_fds=(door.fileno(),),
            )  # fmt: skip
    try:
        _wait(f"http://127.0.0.1:{port}{ready}", process, log)
        yield Server(port, process.pid)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        with suppress(httpx.TransportError):
            if httpx.get(url).is_success:
                return
        time.sleep(0.1)
    raise RuntimeError(f"{url} does not answer\n{log.read_text('utf-8', 'replace')[-3000:]}")
