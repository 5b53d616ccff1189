"""Starts programs, watches them, stops them. One that dies ends the whole demo with its last words."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

STOP_SECONDS = 6.0
LOG_BYTES = 10 * 2**20
LAST_WORDS = 25


class ProgramFailed(RuntimeError):
    """A program ended by itself. The message names it and quotes the end of its log."""


class StopAsked(Exception):
    """Ctrl-C or SIGTERM came while something was being waited for."""


@dataclass(frozen=True, slots=True)
class Program:
    """`name` is also the name of its log."""

    name: str
    command: tuple[str, ...]


class Supervisor:
    """Programs started here write to `logs`/NAME.log, each in a process group of its own.

    They end with this process: in good order by `stop`, and through `guard.py` if it is killed.
    """

    def __init__(self, folder: Path, logs: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._logs = logs
        self._environment = environment
        self._running: list[tuple[Program, subprocess.Popen[bytes]]] = []
        self._stop = threading.Event()
        logs.mkdir(parents=True, exist_ok=True)
        for wanted in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(wanted, lambda *_: self._stop.set())
        self._guard = subprocess.Popen(
            (sys.executable, "-I", "-S", str(Path(__file__).with_name("guard.py"))),
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def log_of(self, name: str) -> Path:
        """The log of a program, begun anew when it has grown large; the former one stays beside it."""
        path = self._logs / f"{name}.log"
        if path.is_file() and path.stat().st_size > LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return path

    def start(self, program: Program) -> None:
        with self.log_of(program.name).open("ab") as log:
            process = subprocess.Popen(
                program.command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._tell_guard(process.pid)
        self._running.append((program, process))

    def run(self, command: tuple[str, ...], **environment: str) -> int:
        """Runs a command to its end with this terminal's output. Raises StopAsked if a stop came first."""
        process = subprocess.Popen(
            command,
            cwd=self._folder,
            env={**self._environment, **environment},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._tell_guard(process.pid)
        try:
            while process.poll() is None:
                self.pause(0.05)
            return process.returncode
        finally:
            self._end(process, time.monotonic() + STOP_SECONDS)

    def pause(self, seconds: float) -> None:
        """Raises StopAsked as soon as a stop is asked for."""
        if self._stop.wait(seconds):
            raise StopAsked

    def check(self) -> None:
        """Raises ProgramFailed if one of the programs is no longer there."""
        for program, process in self._running:
            code = process.poll()
            if code is not None:
                lines = self.log_of(program.name).read_text("utf-8", "replace").splitlines()[-LAST_WORDS:]
                how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
                raise ProgramFailed("\n".join([f"{program.name} {how}. Its log ends:", *lines]))

    def stop(self) -> None:
        """SIGTERM to all, then after some seconds SIGKILL to what is left of their groups."""
        for _, process in self._running:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for _, process in reversed(self._running):
            self._end(process, deadline)
        self._running.clear()

    def _end(self, process: subprocess.Popen[bytes], deadline: float) -> None:
        """Waits until `deadline`, then kills the process; its group is swept in any case."""
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                sys.stderr.write(f"process {process.pid} does not stop; killed\n")
        # Mostly nobody is left by now; macOS says that with EPERM.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._tell_guard(-process.pid)

    def _tell_guard(self, group: int) -> None:
        if self._guard.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._guard.stdin.write(f"{group}\n".encode())
                self._guard.stdin.flush()
