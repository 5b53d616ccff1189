"""Supervises an engine: a job's handler that starts it, follows it, passes a cancel on, and ends it for good.

The job core holds the lease; this module holds the process. Whatever ends the handler (a cancel, a lost lease, a
shutdown, an error of its own) ends the engine's whole process group too, so a run never has two engines. A worker
that is killed takes its engine with it (training.engine.leash); should one survive, whoever takes the run up
kills it first.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.utils import timezone

from medes_site.kit.jobs.context import JobContext
from medes_site.kit.jobs.errors import JobCancelled, JobError, JobInterrupted, LeaseLost, TransientJobError
from medes_site.kit.jobs.processes import ProcessIdentity, this_host
from training.models import Run, RunMetric
from training.services.engine_process import LOG, PROGRESS, EngineProcess, TailReader, end_orphan
from training.services.runs import run_folder

POLL_SECONDS = 0.2
WRITE_SECONDS = 1.0
OUTPUTS = ("progress.jsonl", "predictions.jsonl", "report.json")
NO_FIGURES = frozenset({"at", "step", "of", "phase", "message"})
MOST_FIGURES = 5000
TOO_LONG = "The training took longer than its limit of {seconds} seconds and was stopped."

Prepare = Callable[[Run, Path], None]


def supervise(
    context: JobContext,
    run: Run,
    *,
    module: str,
    prepare: Prepare,
    keep: bool = False,
    extra: tuple[str, ...] = (),
    hub: bool = False,
) -> Path:
    """Runs `module` on the run's directory to its end and returns the directory.

    `prepare` writes the input files. `keep`: an earlier attempt's output stays, because the engine resumes from
    it. `hub`: the base model may be fetched. Raises JobError with the engine's last words, TransientJobError where
    something outside killed it.
    """
    _end_former_engine(run, context)
    folder = run_folder(run)
    folder.mkdir(parents=True, exist_ok=True)
    if not keep:
        _clear(folder)
    prepare(run, folder)
    follower = _Follower(context, run, folder)
    context.check()
    engine = EngineProcess(module, folder, extra, processes=run.processes, hub=hub)
    try:
        _record(context, run, folder, engine)
        _follow(context, run, engine, follower)
    except JobCancelled:
        context.log("asking the training program to stop")
        # Several processes hear nothing new from SIGTERM: their launcher passes it on, and they know already.
        ask, tell = (5.0, 3.0) if run.processes == 1 else (7.0, 0.5)
        engine.stop(ask=ask, tell=tell)
        raise
    except JobInterrupted:
        engine.stop(ask=1.5, tell=1.0)
        raise
    finally:
        engine.kill()
        follower.read_rest()
    follower.write()
    _check_end(engine.exit_code or 0, follower)
    return folder


def _end_former_engine(run: Run, context: JobContext) -> None:
    if run.engine_pid is None or run.engine_started is None or run.engine_host != this_host():
        return  # on another host it ended with its worker's lease
    former = ProcessIdentity(run.engine_host, run.engine_pid, run.engine_started)
    if end_orphan(former):
        context.log(f"ended the training program {former.pid} that an earlier attempt had left behind")


def _clear(folder: Path) -> None:
    for name in OUTPUTS:
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / "artefact", ignore_errors=True)


def _record(context: JobContext, run: Run, folder: Path, engine: EngineProcess) -> None:
    identity = engine.identity
    relative = run.folder or f"runs/{run.pk}"
    with context.fenced():
        Run.objects.filter(pk=run.pk).update(
            folder=relative,
            engine_host=identity.host,
            engine_pid=identity.pid,
            engine_started=identity.started,
            progress={},
        )
    context.log(f"training program {identity.pid} works in {relative}")


def _follow(context: JobContext, run: Run, engine: EngineProcess, follower: _Follower) -> None:
    begun = written = time.monotonic()
    while engine.exit_code is None:
        time.sleep(POLL_SECONDS)
        follower.read()
        now = time.monotonic()
        if now - written >= WRITE_SECONDS:
            follower.write()
            written = now
        if now - begun > run.time_limit:
            engine.stop(ask=5.0, tell=3.0)
            raise JobError(TOO_LONG.format(seconds=run.time_limit))
        context.check()


class _Follower:
    """Carries what the engine says over to the job: lines to its log, progress to its row, figures to the run."""

    def __init__(self, context: JobContext, run: Run, folder: Path) -> None:
        self._context = context
        self._run = run
        self._progress = TailReader(folder / PROGRESS, at_end=True)
        self._log = TailReader(folder / LOG, at_end=True)
        self._figures: dict[tuple[str, int], RunMetric] = {}
        self._last: Mapping[str, Any] = {}
        self._phase = ""
        self.last_words = ""

    def read(self) -> None:
        """Raises what `context.progress` raises."""
        self._read(last=False)
        if self._last:
            done, total = _whole(self._last.get("step")), _whole(self._last.get("of"))
            self._context.progress(done, total, str(self._last.get("phase", "")))

    def read_rest(self) -> None:
        """What was said last, also by an engine that was killed: the log is always whole."""
        self._read(last=True)

    def _read(self, *, last: bool) -> None:
        for line in self._log.lines(last=last):
            self._context.log(line)
            self.last_words = line.strip()
        for said in self._progress.objects():
            self._take(said)

    def _take(self, said: Mapping[str, Any]) -> None:
        phase = str(said.get("phase", ""))[:40]
        if phase != self._phase:
            self._phase = phase
            self._context.log(f"{phase}: {str(said.get('message', ''))[:500]}")
        figures = {
            name: value
            for name, value in said.items()
            if name not in NO_FIGURES and isinstance(value, int | float) and not isinstance(value, bool)
        }
        step = _whole(said.get("step"))
        if figures and len(self._figures) < MOST_FIGURES:
            self._figures[phase, step] = RunMetric(
                run=self._run, phase=phase, step=step, values=figures, at=_moment(said.get("at"))
            )
        self._last = {
            "phase": phase,
            "step": step,
            "of": _whole(said.get("of")),
            "message": str(said.get("message", ""))[:500],
        }

    def write(self) -> None:
        """One fenced batch; a step told again replaces what it said before. Raises LeaseLost."""
        if not self._last and not self._figures:
            return
        figures, self._figures = self._figures, {}
        with self._context.fenced():
            RunMetric.objects.bulk_create(
                figures.values(),
                update_conflicts=True,
                unique_fields=["run", "phase", "step"],
                update_fields=["values", "at"],
                batch_size=500,
            )
            Run.objects.filter(pk=self._run.pk).update(progress=dict(self._last))


def _check_end(code: int, follower: _Follower) -> None:
    if code == 0:
        return
    if code < 0:
        raise TransientJobError(
            f"The training program was ended by signal {-code}; perhaps the machine ran out of memory."
        )
    raise JobError(follower.last_words[:1000] or f"The training program ended with code {code}.")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object an engine left. Raises JobError where there is none."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise JobError(f"The training program left no usable {path.name}.") from error
    if not isinstance(found, dict):
        raise JobError(f"The training program left no usable {path.name}.")
    return found


def _whole(value: Any) -> int:
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**31
    return int(value) if good else 0


def _moment(value: Any) -> datetime:
    if isinstance(value, int | float) and 0 < value < 4e9:
        return datetime.fromtimestamp(value, tz=UTC)
    return timezone.now()


__all__ = ["LeaseLost", "read_json", "supervise"]
