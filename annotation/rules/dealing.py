"""Which of an expert's tasks are gold, and how the random stratum is drawn and mixed in.

Both are drawn with a seed, so that a campaign can be repeated and nobody can tell a gold task by its place.
"""

from __future__ import annotations

import math
import random


def gold_is_due(dealt: int, *, share: float, seed: int, member: int) -> bool:
    """Whether the task after `dealt` others is to be a gold one: one in each block of round(1 / share).

    The place in the block is drawn anew for each member and block. Raises ValueError for a share outside
    [0, 1] or a negative count.
    """
    if not 0.0 <= share <= 1.0 or dealt < 0:
        raise ValueError("a share lies between 0 and 1, a count is not negative")
    if share == 0.0:
        return False
    block = max(1, round(1 / share))
    number, place = divmod(dealt, block)
    return random.Random(f"{seed}:{member}:{number}").randrange(block) == place


def random_stratum_size(tasks: int, share: float) -> int:
    """How many of `tasks` belong to the random stratum: the share, rounded up, and never more than all."""
    if not 0.0 <= share <= 1.0 or tasks < 0:
        raise ValueError("a share lies between 0 and 1, a count is not negative")
    return min(tasks, math.ceil(round(tasks * share, 9)))
