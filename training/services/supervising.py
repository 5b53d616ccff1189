"""Supervises an engine: a job's handler that starts it, follows it, passes a cancel on, and ends it for good.

The job core holds the lease; this module holds the process. Whatever ends the handler (a cancel, a lost lease, a
shutdown, an error of its own) ends the engine's whole process group too, so a run never has two engines. A worker
that is killed takes its engine with it (training.engine.leash); should one survive, whoever takes the run up
kills it first.
"""

from __future__ import annotations

import errno
import json
import shutil
import time
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.utils import timezone

from medes_site.kit.jobs.context import JobContext
from medes_site.kit.jobs.errors import JobCancelled, JobError, JobInterrupted, LeaseLost, TransientJobError
from medes_site.kit.jobs.models import JobLogLine
from medes_site.kit.jobs.processes import ProcessIdentity, this_host
from training.models import Run, RunMetric
from training.queries.model_folders import run_folder
from training.readers.json_lines import lines_of
from training.services.engine_process import LOG, PROGRESS, TAKEN, EngineProcess, TailReader, end_orphan

POLL_SECONDS = 0.2
LOG_TAIL = 2**18  # bytes
WRITE_SECONDS = 1.0
ASK_SECONDS = 6.0  # for a checkpoint; the keeper needs a second to see a cancel, and all is over within ten
OUTPUTS = ("progress.jsonl", "predictions.jsonl", "report.json")
NO_FIGURES = frozenset({"at", "step", "of", "phase", "message"})
MOST_FIGURES = 2000  # held before they are written
FULL = "The disk is full, or a limit on it is reached: the run needs more room than there is."
SILENT_ROOM = 2**20  # bytes; with less left, an engine could not even say why it ended
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
    judge: Collection[str] = (),
) -> Path:
    """Runs `module` on the run's directory to its end and returns the directory.

    `prepare` writes the input files. `keep`: what an earlier attempt told stays, because the engine goes on with it;
    weights and checkpoints always stay, and the engine decides what they are good for. `hub`: the base model may be
    fetched. `judge`: the variables of an endpoint that it is told. Raises JobError with the engine's last words,
    TransientJobError where something outside killed it.
    """
    _end_former_engine(run, context)
    folder = run_folder(run)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not keep:
            _clear(folder)
        prepare(run, folder)
    except OSError as error:
        raise JobError(_cannot_write(folder, error)) from error
    follower = _Follower(context, run, folder)
    context.check()
    engine = EngineProcess(module, folder, extra, processes=run.processes, hub=hub, judge=judge)
    try:
        _record(context, run, folder, engine)
        _follow(context, run, engine, follower)
    except JobCancelled:
        context.log("asking the training program to stop")
        engine.stop(ask=ASK_SECONDS, tell=1.0)
        raise
    except JobInterrupted:
        engine.stop(ask=1.5, tell=1.0)
        raise
    finally:
        engine.kill()
        follower.read_rest()
    follower.write()
    _check_end(engine.exit_code or 0, follower, folder)
    return folder


def _cannot_write(folder: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return FULL
    return f"The run's folder {folder.name} could not be prepared: {error.strerror or error}."


def _end_former_engine(run: Run, context: JobContext) -> None:
    if run.engine_pid is None or run.engine_started is None or run.engine_host != this_host():
        return  # on another host it ended with its worker's lease
    former = ProcessIdentity(run.engine_host, run.engine_pid, run.engine_started)
    if end_orphan(former):
        context.log(f"ended the training program {former.pid} that an earlier attempt had left behind")


def _clear(folder: Path) -> None:
    for name in OUTPUTS:
        (folder / name).unlink(missing_ok=True)


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
            engine.stop(ask=ASK_SECONDS, tell=1.0)
            raise JobError(TOO_LONG.format(seconds=run.time_limit))
        context.check()


class _Follower:
    """Carries what the engine says over to the job: lines to its log, progress to its row, figures to the run.

    Progress is read from its beginning, because a worker that was killed may have left figures unwritten: a step
    written twice replaces itself. Of the log, the lines that are not in the job's log yet are added first.
    """

    def __init__(self, context: JobContext, run: Run, folder: Path) -> None:
        self._context = context
        self._run = run
        self._begun = time.time()
        self._progress = TailReader(folder / PROGRESS)
        for line in _unwritten(folder / LOG, context.job_id):
            context.log(line)
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
        taken = True
        while taken:
            taken = False
            for said in self._progress.objects():
                self._take(said)
                taken = last
            if len(self._figures) >= MOST_FIGURES and not last:
                self.write()

    def _take(self, said: Mapping[str, Any]) -> None:
        phase = str(said.get("phase", ""))[:40]
        at = said.get("at")
        if phase != self._phase and isinstance(at, int | float) and at >= self._begun:
            self._phase = phase
            self._context.log(f"{phase}: {str(said.get('message', ''))[:500]}")
        figures = {
            name: value
            for name, value in said.items()
            if name not in NO_FIGURES and isinstance(value, int | float) and not isinstance(value, bool)
        }
        step = _whole(said.get("step"))
        if figures:
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


def _check_end(code: int, follower: _Follower, folder: Path) -> None:
    if code == 0:
        return
    if code < 0:
        raise TransientJobError(
            f"The training program was ended by signal {-code}; perhaps the machine ran out of memory."
        )
    if code == TAKEN:  # it belongs to a worker that has lost its lease and is about to end it
        raise TransientJobError(follower.last_words[:1000])
    if not follower.last_words and shutil.disk_usage(folder).free < SILENT_ROOM:
        raise JobError(FULL)
    raise JobError(follower.last_words[:1000] or f"The training program ended with code {code}.")


def _unwritten(log: Path, job_id: int) -> list[str]:
    """The end of an engine's log that an attempt which was killed did not bring into the job's log any more."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - LOG_TAIL))
            said = lines_of(file.read())
    except FileNotFoundError:
        return []
    places = {line: place for place, line in enumerate(said)}
    written = JobLogLine.objects.filter(job_id=job_id).order_by("-id").values_list("text", flat=True)
    newest = next((places[text] for text in written[:500] if text in places), None)
    return said if newest is None else said[newest + 1 :]


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
