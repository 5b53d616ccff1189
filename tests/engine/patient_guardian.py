"""python -m tests.engine.patient_guardian RUN_DIR: a guardian's engine that trains until it is told to stop."""

from __future__ import annotations

import sys
import time
from unittest.mock import patch

from training.engine import guardian
from training.engine.guardian_run import Run


class PatientRun(Run):
    """Once it has told of its training it only looks for the stop file."""

    def say(
        self, phase: str, message: str, step: int = 0, of: int = 0, **metrics: float | int | None
    ) -> None:
        super().say(phase, message, step, of, **metrics)
        while phase == "train":
            self.check()
            time.sleep(0.05)


if __name__ == "__main__":
    with patch.object(guardian, "Run", PatientRun):
        code = guardian.main()
    sys.exit(code)
