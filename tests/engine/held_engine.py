"""python -m tests.engine.held_engine RUN_DIR STEP [PHASE]: a guardian's engine that comes no further than STEP of the phase,
which is its training unless another is named.

However busy the machine, whoever kills it finds it in the middle of its training.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from training.engine.guardian import train_guardian
from training.engine.guardian_run import Run


class HeldRun(Run):
    """Stands still once it has told of the step."""

    def __init__(self, folder: Path, last: int, phase: str = "train") -> None:
        super().__init__(folder)
        self._last_step = last
        self._phase = phase

    def say(
        self, phase: str, message: str, step: int = 0, of: int = 0, **metrics: float | int | None
    ) -> None:
        super().say(phase, message, step, of, **metrics)
        if phase == self._phase and step >= self._last_step:
            self.end()

    def end(self) -> None:
        while True:
            time.sleep(1)


class StoppedRun(HeldRun):
    """Finds the stop file once it has told of the step."""

    def end(self) -> None:
        (self.folder / "stop").touch()
        self.check()


if __name__ == "__main__":
    train_guardian(HeldRun(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]))
