"""Which answers an expert's label would teach the guardian most about (project rule).

What it abstains on goes first, then what it is least sure of: the mean binary entropy of the six probabilities, a
plain measure of doubt that treats the criteria alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from benchmark.rules.rubric import CRITERIA


def doubt(p: Mapping[str, float], abstained: Sequence[str] = ()) -> float:
    """In [0, 2]: the mean entropy of the probabilities in bits, plus 1 where the guardian abstains on anything.

    So every answer it abstains on stands before all on which it is merely unsure. Raises KeyError for a missing
    criterion, ValueError for a probability outside [0, 1].
    """
    entropy = sum(_bits(p[name]) for name in CRITERIA) / len(CRITERIA)
    return entropy + (1.0 if abstained else 0.0)


def _bits(p: float) -> float:
    if not 0 <= p <= 1:
        raise ValueError(f"a probability lies between 0 and 1, not {p}")
    if p in (0.0, 1.0):
        return 0.0
    return -(p * math.log2(p) + (1 - p) * math.log2(1 - p))
