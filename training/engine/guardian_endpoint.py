"""A guardian of kind `generative` behind an endpoint: nothing is trained, the model's confidence is calibrated.

One fold of norm groups, `calibrate_on` rows of it at most, is judged for calibration and thresholds, as with a local
language model. Each reply is written to `RUN_DIR/answers.jsonl` as it comes, so a run that was killed asks only for
what it has no reply to. No torch. `settings`: those of `training.rules.guardian_settings`.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmark.guardians.base import Case, JudgeFailed, Verdict
from benchmark.guardians.endpoint import CallFailed, Endpoint
from benchmark.guardians.generative import GenerativeGuardian
from benchmark.guardians.manifest import Manifest
from benchmark.rules.judge_protocol import SYSTEM, Reply
from training.engine.guardian_calibrating import Calibrated, calibrate_judge, uncalibrated
from training.engine.guardian_run import Config, Run, RunRefused, TrainingRow
from training.rules.guardian_folds import group_folds
from training.rules.guardian_settings import EndpointSettings, SettingsRefused, endpoint_settings
from training.rules.guardian_targets import risk_of

FILE = "answers.jsonl"
TRUST = 20
"""Answers of which at least one must be judged, or the endpoint is taken for dead or babbling."""
LOOK_SECONDS = 0.5


def train(
    run: Run, rows: Sequence[TrainingRow], config: Config, _folder: Path
) -> tuple[Calibrated, dict[str, Any]]:
    """Calibration, and what the manifest says of the endpoint.

    Raises RunRefused where none of the answers was judged, GuardianError where the endpoint may not be asked.
    """
    settings = settings_of(config)
    held = _held_out(rows, config)[: settings.calibrate_on]
    asking = {name: getattr(settings, name) for name in ("tries", "wait", "parallel")}
    judge = RememberingJudge(run, uncalibrated(config, **asking), settings)
    outcomes = judge.judge([Case(row.norm, row.question, row.response) for row in held], "calibration")
    calibrated, judged = calibrate_judge(outcomes, held, config)
    manifest = {
        "backend": "endpoint",
        "url": settings.url,
        "model": settings.model,
        "key_name": settings.key_name,
        "timeout": settings.timeout,
        **asking,
        "slopes": calibrated.slopes,
        "offsets": calibrated.offsets,
        "notes": calibrated.notes,
        "held_out": len(held),
        "held_out_judged": judged,
    }
    return calibrated, manifest


def settings_of(config: Config) -> EndpointSettings:
    """Raises RunRefused for an unknown setting, one out of range, or a missing endpoint."""
    try:
        return endpoint_settings(config.settings)
    except SettingsRefused as error:
        raise RunRefused(str(error)) from None


def _held_out(rows: Sequence[TrainingRow], config: Config) -> list[TrainingRow]:
    strata = ["risky" if risk_of(row.target) >= 0.5 else "safe" for row in rows]
    folds = group_folds([row.group for row in rows], strata, config.folds, config.seed)
    return [row for row, fold in zip(rows, folds, strict=True) if fold == 0]


class RememberingJudge:
    """A guardian behind an endpoint that is asked once for each answer of this run, however often the run begins.

    `manifest` gives calibration and thresholds. Raises GuardianError where the endpoint may not be asked.
    """

    kind = "generative"

    def __init__(self, run: Run, manifest: Manifest, settings: EndpointSettings) -> None:
        endpoint = Endpoint(settings.url, settings.model, settings.key_name, settings.timeout)
        endpoint.check()
        self.name, self.version = manifest.name, manifest.version
        self._run = run
        self._over = threading.Event()
        self._guardian = GenerativeGuardian(manifest, endpoint, self._pause)
        self._answers = Answers(run.folder / FILE, f"{settings.url} {settings.model} {SYSTEM}")

    def judge(self, cases: Sequence[Case], phase: str = "audit") -> list[Verdict | JudgeFailed]:
        """As `GenerativeGuardian.judge`, with progress in a phase. Raises Stopped, and RunRefused where nothing at all
        was judged."""
        outcomes: dict[int, Verdict | JudgeFailed] = {}
        pool = ThreadPoolExecutor(max_workers=self._guardian.parallel)
        try:
            left = {pool.submit(self._asked, case): place for place, case in enumerate(cases)}
            while left:
                self._collect(left, outcomes, cases)
                judged = sum(isinstance(outcome, Verdict) for outcome in outcomes.values())
                self._run.say(phase, f"judged {judged} of {len(outcomes)}", len(outcomes), len(cases))
                refuse_silence(list(outcomes.values()), whole=not left)
        except BaseException:
            self._over.set()
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        return [outcomes[place] for place in range(len(cases))]

    def _collect(
        self,
        left: dict[Future[Reply | JudgeFailed], int],
        outcomes: dict[int, Verdict | JudgeFailed],
        cases: Sequence[Case],
    ) -> None:
        """Moves what has come since the last look; looks for a stop at least every half second."""
        self._run.check()
        done, _still = wait(left, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
        for future in done:
            place, reply = left.pop(future), future.result()
            if isinstance(reply, JudgeFailed):
                outcomes[place] = reply
            else:
                outcomes[place] = self._guardian.verdict(cases[place], reply)

    def _asked(self, case: Case) -> Reply | JudgeFailed:
        known = self._answers.of(case)
        if known is not None:
            return known
        reply = self._guardian.ask(case)
        if isinstance(reply, Reply):
            self._answers.keep(case, reply)
        return reply

    def _pause(self, seconds: float) -> None:
        """Between two tries; no other one follows once the run is over."""
        if self._over.wait(seconds):
            raise CallFailed("the run is over", again=False)


def refuse_silence(outcomes: Sequence[Verdict | JudgeFailed], *, whole: bool) -> None:
    """Raises RunRefused where answers enough were sent, or all of them, and none was judged."""
    enough = len(outcomes) >= TRUST or (whole and bool(outcomes))
    if enough and all(isinstance(outcome, JudgeFailed) for outcome in outcomes):
        [last] = [outcome.reason for outcome in outcomes[-1:] if isinstance(outcome, JudgeFailed)]
        raise RunRefused(f"None of the {len(outcomes)} answers was judged: {last}")


class Answers:
    """`answers.jsonl`: replies by a hash of whom was asked and what. A line that was cut off counts as never written."""

    def __init__(self, path: Path, asked: str) -> None:
        self._path = path
        self._of = asked
        self._lock = threading.Lock()
        self._known = dict(_kept(path))

    def of(self, case: Case) -> Reply | None:
        return self._known.get(self._key(case))

    def keep(self, case: Case, reply: Reply) -> None:
        """A line of its own, whatever a kill has cut off before it."""
        line = json.dumps({"of": self._key(case), **asdict(reply)})
        with self._lock, self._path.open("a", encoding="ascii") as file:
            file.write(f"\n{line}\n")
            self._known[self._key(case)] = reply

    def _key(self, case: Case) -> str:
        told = json.dumps([self._of, case.norm, case.question, case.response])
        return hashlib.sha256(told.encode()).hexdigest()


def _kept(path: Path) -> list[tuple[str, Reply]]:
    try:
        lines = path.read_text("ascii", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    return [found for line in lines if (found := _read(line)) is not None]


def _read(line: str) -> tuple[str, Reply] | None:
    try:
        data: Mapping[str, Any] = json.loads(line)
        quotes = {name: tuple(found) for name, found in data["quotes"].items()}
        return data["of"], Reply(data["values"], data["confidence"], data["rationale"], quotes)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
