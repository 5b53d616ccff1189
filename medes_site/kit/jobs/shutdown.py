"""One bit from a worker's main process to its children: we are shutting down.

Celery's warm shutdown waits for running tasks and tells them nothing. The page below is shared memory made
before the children are forked; `JobContext.check` looks at it, and the job goes back to the queue.
"""

from __future__ import annotations

import mmap

_page = mmap.mmap(-1, mmap.PAGESIZE)


def announce() -> None:
    _page[0] = 1


def withdraw() -> None:
    _page[0] = 0


def is_announced() -> bool:
    return _page[0] == 1
