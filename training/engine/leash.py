"""python -m training.engine.leash PARENT_PID MODULE RUN_DIR …: becomes MODULE, tied to its parent and its folder.

Two promises for whoever supervises runs: an engine does not outlive the process that started it (Linux: the kernel
kills it, also after a SIGKILL of the parent), and no two engines work in one run directory (a file lock that the
engine holds as long as it lives). Exit code 75 where the directory is taken.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import sys
from pathlib import Path

LOCK = ".engine.lock"
TAKEN = 75
PR_SET_PDEATHSIG = 1


def tie_to(parent: int) -> bool:
    """The kernel kills this process as soon as `parent` ends (Linux); False where it has ended already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    return os.getppid() == parent


def main(arguments: list[str]) -> int:
    parent, module, folder = int(arguments[0]), arguments[1], Path(arguments[2])
    if not tie_to(parent):
        return 1
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.stderr.write("Another training program still works in this run directory.\n")
        return TAKEN
    os.set_inheritable(lock, True)
    program = [sys.executable, "-m", module, *arguments[2:]]
    return os.execv(sys.executable, program)  # which does not return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
