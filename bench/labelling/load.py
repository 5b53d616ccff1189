"""Many experts at once: each claims, labels, submits, and sends again until it is told that the label is kept."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from bench.labelling.http import Client

SAFE = {"r1": 0, "r2": 0, "q1": 1, "q2": 0, "q3": 1, "q4": 1}
COLD = {**SAFE, "q4": 0}
DISSENT = 0.15


@dataclass
class Outcome:
    """`acknowledged`: the keys of labels that the server said it has. `seconds`: of each claim and submit together."""

    acknowledged: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    retries: int = 0
    idle: int = 0
    refused: list[str] = field(default_factory=list)


class Expert:
    """One expert's client. `skew`: how far the clock of its computer is off."""

    def __init__(
        self,
        port: int,
        token: str,
        campaign: str,
        seed: int,
        *,
        skew: timedelta = timedelta(),
        joined: bool = True,
    ) -> None:
        self._client = Client(port, f"Authorization: Token {token}\r\n")
        self._campaign = campaign
        self._chance = random.Random(seed)
        self._skew = skew
        self._joined = joined
        self.outcome = Outcome()

    def work(self, deadline: float) -> None:
        """Labels until `deadline` (monotonic); what was begun is finished. `joined`: submit and claim in one request."""
        task = None
        while time.monotonic() < deadline:
            begun = time.perf_counter()
            if task is None:
                task = self._claim()
            if task is None:
                self.outcome.idle += 1
                time.sleep(0.05)
                continue
            self._keep_alive(task)
            task = self._submit(task, and_next=self._joined and time.monotonic() < deadline)
            self.outcome.seconds.append(time.perf_counter() - begun)
        self._client.close()

    def _claim(self) -> Any:
        status, body = self._send(f"/api/v1/campaigns/{self._campaign}/claim/")
        if status != 200:
            self.outcome.refused.append(f"claim {status}: {body}")
            return None
        return body["task"]

    def _keep_alive(self, task: Any) -> None:
        """As a page does: renews what this computer's clock takes for nearly over."""
        if not self._skew:
            return
        now = datetime.now(UTC) + self._skew
        if datetime.fromisoformat(task["lease_until"]) - now < timedelta(minutes=5):
            status, body = self._send(f"/api/v1/slots/{task['slot']}/renew/", {"fence": task["fence"]})
            if status != 200:
                self.outcome.refused.append(f"renew {status}: {body}")

    def _submit(self, task: Any, *, and_next: bool) -> Any:
        body = {
            "fence": task["fence"],
            "key": uuid.UUID(int=self._chance.getrandbits(128)).hex,
            "answers": COLD if self._chance.random() < DISSENT else SAFE,
            "rationale": "援引了规范，但没有安抚来访者。",
            "duration_ms": 30_000,
            "next": and_next,
        }
        status, answer = self._send(f"/api/v1/slots/{task['slot']}/submit/", body)
        if status != 200:
            self.outcome.refused.append(f"submit {status}: {answer}")
            return None
        self.outcome.acknowledged.append(body["key"])
        return answer["task"]

    def _send(self, path: str, body: Any = None) -> tuple[int, Any]:
        """Sends until an answer comes: a worker that is killed takes its connections with it."""
        now = format_datetime(datetime.now(UTC) + self._skew, usegmt=True)
        more = f"Date: {now}\r\n" if self._skew else ""
        end = time.monotonic() + 60
        while True:
            try:
                status, answer = self._client.post(path, body, more)
                if status < 500:
                    return status, answer
            except OSError:
                if time.monotonic() > end:
                    raise
            self.outcome.retries += 1
            time.sleep(0.02)


def run_all(workers: Sequence[Callable[[], None]]) -> None:
    """Runs them in threads at once. The first error is raised here."""
    errors: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def label_for(
    experts: Sequence[Expert], seconds: float, *, midway: Callable[[], object] | None = None
) -> tuple[Outcome, float]:
    """All experts at work for so long; `midway` happens at half time. Returns all outcomes as one, and the wall time."""
    begun = time.perf_counter()
    deadline = time.monotonic() + seconds
    timer = threading.Timer(seconds / 2, midway) if midway else None
    if timer:
        timer.start()
    run_all([lambda expert=expert: expert.work(deadline) for expert in experts])  # type: ignore[misc]
    wall = time.perf_counter() - begun
    if timer:
        timer.join()
    whole = Outcome()
    for expert in experts:
        mine = expert.outcome
        whole.acknowledged += mine.acknowledged
        whole.seconds += mine.seconds
        whole.retries += mine.retries
        whole.idle += mine.idle
        whole.refused += mine.refused
    return whole, wall
