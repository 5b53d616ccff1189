"""Ends the programs of a demo that was itself killed. The supervisor runs it as a script of its own.

It reads process group numbers from standard input, one a line, a negative one for a group that has ended.
When the input closes, the supervisor is gone, however it ended, and whatever groups are left are swept.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

GRACE_SECONDS = 4.0


def sweep(groups: set[int]) -> None:
    """SIGTERM to every process of every group, and SIGKILL to those that are there a little later."""
    for wanted, pause in ((signal.SIGTERM, GRACE_SECONDS), (signal.SIGKILL, 0.0)):
        for group in groups:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, wanted)
        if groups:
            time.sleep(pause)


def main() -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        number = int(line)
        if number > 0:
            groups.add(number)
        else:
            groups.discard(-number)
    sweep(groups)


if __name__ == "__main__":
    main()
