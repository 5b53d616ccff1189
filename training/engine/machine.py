"""What the machine has left, and how to be sparing with it: on a CPU running out of memory is a SIGKILL, no exception."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import psutil
import torch

M_MMAP_THRESHOLD = -3
LARGE = 2**20
GROUP = Path("/sys/fs/cgroup")
"""The own control group, as containers see it; with version 1 its figures lie below memory/ and have other names."""


def free_memory(device: str, group: Path = GROUP) -> int:
    """Bytes that may still be taken: of the GPU; else of the machine, or of a container's limit where that is less."""
    if device == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    free = int(psutil.virtual_memory().available)
    for folder, most, current, cached in (
        (group, "memory.max", "memory.current", "inactive_file"),
        (group / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        limit, used = _number(folder / most), _number(folder / current)
        if limit is not None and used is not None:
            cache = _entry(folder / "memory.stat", cached) or 0
            free = min(free, max(0, limit - used + cache))
    return free


def out_of_memory_kills(group: Path = GROUP, vmstat: Path = Path("/proc/vmstat")) -> int | None:
    """How many processes the kernel has killed for want of memory since the machine (or container) started; None
    where it does not say."""
    files = (group / "memory.events", group / "memory" / "memory.oom_control", vmstat)
    found = [_entry(path, "oom_kill") for path in files]
    known = [number for number in found if number is not None]
    return max(known) if known else None


def be_sparing() -> None:
    """Has the C library give large blocks back as soon as they are free (glibc; elsewhere nothing happens).

    Blocks of some MiB would else be cut from the heap, and the forward passes of a model leave holes in it that
    came to more than a gigabyte in a model of half a billion parameters. Costs some time in the kernel.
    """
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
        library.mallopt(M_MMAP_THRESHOLD, LARGE)


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text("ascii"))
    except (OSError, ValueError):  # not there, or "max"
        return None


def _entry(path: Path, name: str) -> int | None:
    try:
        lines = path.read_text("ascii").splitlines()
    except (OSError, ValueError):
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith(name + " ")), None)
