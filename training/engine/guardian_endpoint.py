"""A guardian of kind `generative` behind an endpoint: nothing is trained, the model's confidence is calibrated.

Since it learns nothing from them, all rows may serve for calibration and thresholds: whole folds of norm groups, each
with its share of the risky ones, one after another, until `calibrate_on` rows are judged. Each reply is written to
`RUN_DIR/answers.jsonl` as it comes, so a run that was killed asks only for what it has no reply to. No torch.
`settings`: those of `training.rules.guardian_settings`.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from queue import Empty, Full, Queue, SimpleQueue
from typing import Any

from benchmark.guardians.base import Case, JudgeFailed, Verdict
from benchmark.guardians.endpoint import CallFailed, Endpoint
from benchmark.guardians.generative import GenerativeGuardian
from benchmark.guardians.manifest import Manifest
from benchmark.rules.judge_protocol import SYSTEM, Reply
from training.engine.guardian_calibrating import Calibrated, calibrate_judge, uncalibrated
from training.engine.guardian_holding_out import fold_after_fold
from training.engine.guardian_run import Config, Run, RunRefused, TrainingRow
from training.rules.guardian_settings import EndpointSettings, SettingsRefused, endpoint_settings

FILE = "answers.jsonl"
TRUST = 20
"""Answers one after another of which at least one must be judged, or the endpoint is taken for dead or babbling."""
LOOK_SECONDS = 0.5
ASKING = "asks the endpoint"
Arrivals = Queue[tuple[Case, Reply | JudgeFailed | BaseException]]


def train(
    run: Run, rows: Sequence[TrainingRow], config: Config, _folder: Path
) -> tuple[Calibrated, dict[str, Any]]:
    """Calibration, and what the manifest says of the endpoint.

    Raises RunRefused where none of the answers was judged, GuardianError where the endpoint may not be asked.
    """
    settings = settings_of(config)
    held = fold_after_fold(rows, config)[: settings.calibrate_on]
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
        was judged, or nothing any more."""
        different = list(dict.fromkeys(cases))
        arrived = self._ask_for(different)
        outcomes: dict[Case, Verdict | JudgeFailed] = {}
        latest: deque[Verdict | JudgeFailed] = deque(maxlen=TRUST)
        judged = 0
        try:
            while len(outcomes) < len(different):
                self._run.check()
                try:
                    case, reply = arrived.get(timeout=LOOK_SECONDS)
                except Empty:
                    continue
                if isinstance(reply, BaseException):
                    raise reply
                outcomes[case] = self._guardian.verdict(case, reply) if isinstance(reply, Reply) else reply
                latest.append(outcomes[case])
                judged += isinstance(outcomes[case], Verdict)
                self._run.say(phase, f"judged {judged} of {len(outcomes)}", len(outcomes), len(different))
                refuse_silence(latest, len(outcomes), whole=len(outcomes) == len(different))
        except BaseException:
            self._over.set()
            raise
        return [outcomes[case] for case in cases]

    def _ask_for(self, cases: Sequence[Case]) -> Arrivals:
        """Starts as many threads as calls may be in flight. They are no pool: when the run ends before they do, nobody
        waits for an endpoint that takes its time. Nor do they run ahead: of what has arrived, as many as there are
        threads wait to be looked at, so an endpoint that babbles is not asked much longer than it is trusted."""
        waiting: SimpleQueue[Case] = SimpleQueue()
        arrived: Arrivals = Queue(maxsize=self._guardian.parallel)
        for case in cases:
            waiting.put(case)
        for _ in range(min(self._guardian.parallel, len(cases))):
            threading.Thread(target=self._ask, args=(waiting, arrived), name=ASKING, daemon=True).start()
        return arrived

    def _ask(self, waiting: SimpleQueue[Case], arrived: Arrivals) -> None:
        while not self._over.is_set():
            try:
                case = waiting.get_nowait()
            except Empty:
                return
            reply: Reply | JudgeFailed | BaseException
            try:
                reply = self._reply_to(case)
            except BaseException as error:  # nobody sees what ends a thread: `judge` raises it
                reply = error
            self._hand_over(arrived, case, reply)

    def _hand_over(self, arrived: Arrivals, case: Case, reply: Reply | JudgeFailed | BaseException) -> None:
        while not self._over.is_set():
            with suppress(Full):
                arrived.put((case, reply), timeout=LOOK_SECONDS)
                return

    def _reply_to(self, case: Case) -> Reply | JudgeFailed:
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


def refuse_silence(latest: Collection[Verdict | JudgeFailed], came: int, *, whole: bool) -> None:
    """`latest`: the last 20 outcomes, or fewer, of the `came` that came. Raises RunRefused where none of them was a
    judgement: whoever has died, or only babbles, is not asked for the rest. `whole`: there is no rest."""
    reasons = [outcome.reason for outcome in latest if isinstance(outcome, JudgeFailed)]
    if len(reasons) < len(latest) or (len(latest) < TRUST and not whole):
        return
    if len(latest) == came:
        raise RunRefused(f"None of the {len(latest)} answers was judged: {reasons[-1]}")
    raise RunRefused(f"None of the last {len(latest)} answers was judged: {reasons[-1]}")


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
