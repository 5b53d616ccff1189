"""python -m tests.engine.held_tuning KIND RUN_DIR STEP: an SFT or DPO engine that comes no further than STEP."""

from __future__ import annotations

import sys
import time

from tests.engine.tuning_scene import BUILDERS, at_step
from training.engine.tuning_folder import RunFolder
from training.engine.tuning_loop import main


def stand_still(_folder: RunFolder) -> None:
    while True:
        time.sleep(1)


if __name__ == "__main__":
    kind, folder, step = sys.argv[1:]
    with at_step(int(step), stand_still):
        main(kind, BUILDERS[kind], [folder])
