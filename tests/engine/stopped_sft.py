"""python -m tests.engine.stopped_sft RUN_DIR …: the SFT engine, which finds a stop file once it has told of step 2."""

from __future__ import annotations

import sys

from tests.engine.tuning_scene import ask_to_stop, at_step
from training.engine.sft import build
from training.engine.tuning_loop import main

if __name__ == "__main__":
    with at_step(2, ask_to_stop):
        code = main("sft", build)
    sys.exit(code)
