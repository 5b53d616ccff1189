"""Names in the reader's language: benchmarks, scenarios and corpora carry one in Chinese and one in English."""

from __future__ import annotations

from typing import Any

from django.utils.translation import get_language


def named(thing: Any) -> str:
    """The name in the reader's language, else the one in the other; "" for None."""
    if thing is None:
        return ""
    chinese = (get_language() or "zh").startswith("zh")
    first, second = (thing.name_zh, thing.name_en) if chinese else (thing.name_en, thing.name_zh)
    return str(first or second or thing)
