"""Which process holds a job, and whether it is still there."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

import psutil

# Start times are boot time plus ticks; a clock that is being corrected moves them by fractions of a second.
START_TOLERANCE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """`host`: host name and pid namespace; `pid` in that namespace; `started`: seconds since the epoch."""

    host: str
    pid: int
    started: float


def this_host() -> str:
    """Host name with the number of the pid namespace: two containers of one name do not share pids."""
    try:
        namespace = os.stat("/proc/self/ns/pid").st_ino
    except OSError:  # no Linux
        namespace = 0
    return f"{socket.gethostname()[:100]}/{namespace}"


def this_process() -> ProcessIdentity:
    """Asked anew at each claim: worker processes are forks, so nothing about them may be kept from import."""
    pid = os.getpid()
    return ProcessIdentity(this_host(), pid, psutil.Process(pid).create_time())


def is_alive(process: ProcessIdentity) -> bool:
    """Whether this very process, not a later one with its pid, still runs. To be asked on its host only."""
    try:
        found = psutil.Process(process.pid)
        same = abs(found.create_time() - process.started) < START_TOLERANCE_SECONDS
        return same and found.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:  # exists, and belongs to somebody else: let the lease decide
        return True
