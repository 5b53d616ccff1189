"""Answer extraction: the set of option letters that a free reply commits to, or why there is none.

Pure functions over one reply; no Django, no I/O. `extract` is the only entry; `EXTRACTOR_NAME` and
`EXTRACTOR_VERSION` name the scorer on a board and change with every change of verdict.
"""

from __future__ import annotations

from benchmark.rules.extraction.verdict import (
    EXTRACTOR_NAME,
    EXTRACTOR_VERSION,
    Extraction,
    Outcome,
    extract,
    is_right,
)

__all__ = ["EXTRACTOR_NAME", "EXTRACTOR_VERSION", "Extraction", "Outcome", "extract", "is_right"]
