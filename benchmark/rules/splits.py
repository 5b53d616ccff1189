"""Which split a norm group belongs to, and whether it is an audit group: by hash, once and for good.

Source: the design, words `split` and `audit groups`. A hash needs no stored state, so the same group key
gets the same answer on every machine and at every import.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping

SPLITS: tuple[str, ...] = ("dev", "public", "hidden")
AUDIT_SHARE = 0.2
SPLIT_SALT = "medes-split-1"
AUDIT_SALT = "medes-audit-1"


def stable_share(key: str, salt: str) -> float:
    """A number in [0, 1) that looks uniform over keys: the first 53 bits of SHA-256 of salt, NUL, key.

    Different salts give unrelated numbers for one key.
    """
    digest = hashlib.sha256(f"{salt}\0{key}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


def assign_split(group_key: str, shares: Mapping[str, float], salt: str = SPLIT_SALT) -> str:
    """Return the split of a group, given shares as `parse_split_option` makes them.

    The order of the mapping does not matter. Raises ValueError on shares that are no shares.
    """
    _check_shares(shares)
    position = stable_share(group_key, salt) * math.fsum(shares.values())
    reached = 0.0
    chosen = ""
    for split in SPLITS:
        share = shares.get(split, 0.0)
        if share <= 0:
            continue
        chosen = split
        reached += share
        if position < reached:
            break
    return chosen


def is_audit(group_key: str, share: float = AUDIT_SHARE, salt: str = AUDIT_SALT) -> bool:
    """Whether the group's labels are kept from every guardian's training. `share` in [0, 1]."""
    if not 0 <= share <= 1:
        raise ValueError(f"the audit share lies between 0 and 1, not {share!r}")
    return stable_share(group_key, salt) < share


def parse_split_option(option: str) -> dict[str, float]:
    """Read "public" or "dev=30,public=50,hidden=20" into shares that add up to 1, in the order of `SPLITS`.

    Numbers are percentages that add up to 100. Raises ValueError with a message fit for the command line.
    """
    text = option.strip()
    if text in SPLITS:
        return {text: 1.0}
    shares: dict[str, float] = {}
    for part in text.split(","):
        name, equals, number = (piece.strip() for piece in part.partition("="))
        if name not in SPLITS:
            raise ValueError(f"unknown split {name!r}: choose from {', '.join(SPLITS)}")
        if not equals:
            raise ValueError(f"split {name!r} needs a percentage, as in {name}=30")
        if name in shares:
            raise ValueError(f"split {name!r} is given twice")
        shares[name] = _percentage(name, number)
    total = math.fsum(shares.values())
    if abs(total - 100) > 1e-6:
        raise ValueError(f"the percentages add up to {total:g}, not to 100")
    return {split: shares[split] / total for split in SPLITS if shares.get(split)}


def _percentage(name: str, number: str) -> float:
    try:
        value = float(number)
    except ValueError:
        raise ValueError(f"the percentage of {name!r} is not a number: {number!r}") from None
    if not 0 <= value <= 100:
        raise ValueError(f"the percentage of {name!r} lies between 0 and 100, not {number}")
    return value


def _check_shares(shares: Mapping[str, float]) -> None:
    unknown = [split for split in shares if split not in SPLITS]
    if unknown:
        raise ValueError(f"unknown split {unknown[0]!r}: choose from {', '.join(SPLITS)}")
    values = list(shares.values())
    if not all(math.isfinite(value) and value >= 0 for value in values) or math.fsum(values) <= 0:
        raise ValueError(f"shares are not negative and not all zero: {dict(shares)!r}")
