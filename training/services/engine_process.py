"""An engine as a child process: started in a group of its own, followed through its files, ended for good."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from medes_site.kit.jobs.processes import ProcessIdentity, is_alive, this_host
from training.readers.child_environment import child_environment
from training.readers.json_lines import lines_of

ROOT = Path(__file__).resolve().parents[2]
LOG = "engine.log"
PROGRESS = "progress.jsonl"
STOP = "stop"
POLL_SECONDS = 0.05
MOST_BYTES = 2**20  # read at once
TAKEN = 75  # the exit code of training.engine.leash where another engine holds the folder
LAUNCH = "training.engine.launch"


class EngineProcess:
    """One start of `python -m MODULE FOLDER`. What it prints is appended to engine.log in its folder.

    `processes` above 1: the module under `accelerate launch`; they all end with the one that is started here. `hub`: it
    may fetch a base model from the hub. `judge`: the variables of an endpoint that it is told.
    """

    def __init__(
        self,
        module: str,
        folder: Path,
        extra: Sequence[str] = (),
        *,
        processes: int = 1,
        hub: bool = False,
        judge: Collection[str] = (),
    ) -> None:
        (folder / STOP).unlink(missing_ok=True)
        with (folder / LOG).open("ab") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "training.engine.leash",
                    str(os.getpid()),
                    *engine_arguments(module, folder, extra, processes),
                ],
                cwd=ROOT,
                env=child_environment(hub=hub, judge=judge),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._folder = folder

    @property
    def identity(self) -> ProcessIdentity:
        """Raises psutil.NoSuchProcess once it is over and reaped."""
        pid = self._process.pid
        return ProcessIdentity(this_host(), pid, psutil.Process(pid).create_time())

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._process.poll()

    def stop(self, *, ask: float, tell: float) -> None:
        """Asks by the stop file and waits `ask` seconds, then SIGTERM and `tell` seconds, then SIGKILL."""
        with suppress(OSError):
            (self._folder / STOP).touch()
        if not self._over_within(ask):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGTERM)
            self._over_within(tell)
        self.kill()

    def kill(self) -> None:
        """SIGKILL to the whole group, also to what the engine left behind; returns when the engine is reaped."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _over_within(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while self._process.poll() is None:
            if time.monotonic() >= end:
                return False
            time.sleep(POLL_SECONDS)
        return True


def engine_arguments(module: str, folder: Path, extra: Sequence[str], processes: int) -> list[str]:
    """What the leash is given: it becomes the module itself, or what launches the module on several processes."""
    if processes == 1:
        return [module, str(folder), *extra]
    return [LAUNCH, str(folder), str(processes), module, *extra]


def end_orphan(process: ProcessIdentity) -> bool:
    """Kills the group of an engine whose supervisor is gone; False if it is not there any more.

    To be asked on its host. Returns when it is gone, so that nobody starts a second one beside it.
    """
    if not is_alive(process):
        return False
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    end = time.monotonic() + 10
    while is_alive(process) and time.monotonic() < end:
        time.sleep(POLL_SECONDS)
    return True


class TailReader:
    """Reads the whole lines that were added to a file since the last time; from the start where it was replaced."""

    def __init__(self, path: Path, *, at_end: bool = False) -> None:
        self._path = path
        self._offset = path.stat().st_size if at_end and path.exists() else 0
        self._file = path.stat().st_ino if at_end and path.exists() else 0

    def lines(self, *, last: bool = False) -> list[str]:
        """New whole lines; with `last` also a line that has no end yet."""
        try:
            with self._path.open("rb") as file:
                seen = os.fstat(file.fileno())
                if seen.st_ino != self._file or seen.st_size < self._offset:
                    self._file, self._offset = seen.st_ino, 0
                file.seek(self._offset)
                data = file.read(MOST_BYTES)
                if len(data) == MOST_BYTES and b"\n" not in data:
                    data += file.read()
        except FileNotFoundError:
            return []
        at_end = len(data) < MOST_BYTES
        whole = len(data) if last and at_end else data.rfind(b"\n") + 1
        self._offset += whole
        found = lines_of(data[:whole])
        return found + self.lines(last=True) if last and not at_end else found

    def objects(self) -> Iterator[Mapping[str, Any]]:
        """The lines as JSON objects; what is none is left out."""
        for line in self.lines():
            with suppress(ValueError):
                found = json.loads(line)
                if isinstance(found, dict):
                    yield found
