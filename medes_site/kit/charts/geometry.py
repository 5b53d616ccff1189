"""Where things lie on a chart: plain arithmetic, so that it can be checked with a pencil."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

HEAT_STEPS: Final = 10
STEPS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
MOST_STEPS: Final = 6


@dataclass(frozen=True, slots=True)
class Domain:
    """The stretch of values that a row of charts shares: `low` < `high`."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"a domain from {self.low} to {self.high} is empty")

    def place(self, value: float, start: float, end: float) -> float:
        """The position of `value` between `start` (of `low`) and `end` (of `high`), to two decimals.

        A value outside the domain lies at its nearest end.
        """
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(start + share * (end - start), 2)


UNIT: Final = Domain(0.0, 1.0)


def round_domain(values: Iterable[float | None], limits: Domain = UNIT) -> Domain:
    """The narrowest round stretch that holds all `values` (None is skipped), within `limits`.

    It runs from one multiple of a step to another, with the smallest step of 0.01, 0.02, 0.05, 0.1, 0.2, 0.5
    or 1 that takes at most six of them; so a single new row seldom moves it. Without values: `limits`.
    """
    known = [min(max(value, limits.low), limits.high) for value in values if value is not None]
    if not known:
        return limits
    lowest, highest = min(known), max(known)
    for step in STEPS:
        # The small shift keeps 0.6 / 0.05 = 11.999… from being taken for less than 12.
        first, last = math.floor(lowest / step + 1e-9), math.ceil(highest / step - 1e-9)
        if last == first:
            last += 1
        if last - first <= MOST_STEPS:
            break
    low, high = max(round(first * step, 6), limits.low), min(round(last * step, 6), limits.high)
    if low == high:  # all values lie on the upper limit
        low = round(high - step, 6)
    return Domain(low, high)


def symmetric_domain(values: Iterable[float | None]) -> Domain:
    """A round stretch with 0 in its middle that holds all `values`: for differences. Without values ±0.01."""
    widest = max((abs(value) for value in values if value is not None), default=0.0)
    for step in STEPS:
        count = max(math.ceil(widest / step - 1e-9), 1)
        if count <= MOST_STEPS // 2:
            break
    half = round(count * step, 6)
    return Domain(-half, half)


def heat_step(value: float | None, domain: Domain = UNIT) -> int | None:
    """0…10, the nearest of eleven equal steps over the domain (halves go up); None for None."""
    if value is None:
        return None
    return math.floor(domain.place(value, 0, HEAT_STEPS) + 0.5)
