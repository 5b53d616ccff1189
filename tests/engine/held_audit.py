"""python -m tests.engine.held_audit RUN_DIR: a guardian's engine that comes no further than its first audit answers."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.engine.held_engine import HeldRun
from training.engine.guardian import train_guardian

if __name__ == "__main__":
    train_guardian(HeldRun(Path(sys.argv[1]), 0, "audit"))
