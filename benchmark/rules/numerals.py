"""Numbers as statutes write them: 第一千二百二十条, 二〇二四年, １２, 46.116."""

from __future__ import annotations

import re
import unicodedata

_DIGITS = {character: value for value, character in enumerate("零一二三四五六七八九")} | {
    "〇": 0,
    "○": 0,
    "两": 2,
}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_CHINESE = re.compile("[零〇○一二两三四五六七八九十百千万]+")
_STEP = 1000


def chinese_number(text: str) -> int | None:
    """The number that `text` writes, in Chinese ("一千二百二十", "二〇二四") or in digits of any width; None if
    it is neither. 0 to 99,999,999."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if plain.isascii() and plain.isdigit():
        return int(plain) if len(plain) <= 8 else None
    if not _CHINESE.fullmatch(plain):
        return None
    if not any(character in "十百千万" for character in plain):
        return int("".join(str(_DIGITS[character]) for character in plain)) if len(plain) <= 8 else None
    high, wan, low = plain.rpartition("万")
    if wan and not high:
        return None
    parts = [_below_ten_thousand(part) for part in ((high, low) if wan else (low,))]
    if any(part is None for part in parts):
        return None
    total = 0
    for part in parts:
        total = total * 10_000 + (part or 0)
    return total


def _below_ten_thousand(text: str) -> int | None:
    total, digit, last = 0, None, 10_000
    for character in text:
        if character in _UNITS:
            unit = _UNITS[character]
            if unit >= last:
                return None
            # 十二 is 12; 百 and 千 want a digit in front, but 第百条 has been seen.
            total += (1 if digit is None else digit) * unit
            digit, last = None, unit
        elif character in _DIGITS:
            digit = _DIGITS[character]
        else:
            return None
    return total + (digit or 0)


def place_of(number: str, sub: str = "") -> int | None:
    """Where an article stands among the others of its source: ascending with its number, 第十条之一 between
    第十条 and 第十一条, § 46.116 behind § 46.99. None where the number cannot be read."""
    place = 0
    for part in re.split(r"[.\-–·]", number):
        value = chinese_number(part)
        if value is None or value >= 100_000:
            return None
        place = place * _STEP + value
    inner = chinese_number(sub) if sub else 0
    return None if inner is None else place * _STEP + inner
