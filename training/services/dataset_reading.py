"""Whoever reads rows of a dataset reads what was said about its answers, and is asked for no blind label on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from benchmark.services.seeing import note_seen
from training.models import Dataset
from training.queries.model_folders import dataset_folder
from training.readers.dataset_rows import UnreadableRows, rows_between

BATCH = 5000
ROWS = ("train", "eval", "rows", "audit")
GUARDIAN = "guardian"


def note_rows_read(user: Any, rows: Iterable[Mapping[str, Any]]) -> None:
    """Rows of a dataset of whatever kind; where a guardian spoke, its verdict is what was read."""
    read: dict[bool, set[int]] = {True: set(), False: set()}
    for row in rows:
        lineage = row.get("lineage") or {}
        named = (row.get("id"), *(lineage.get(name) for name in ("response", "chosen", "rejected")))
        read[row.get("origin") == GUARDIAN].update(pk for pk in named if isinstance(pk, int))
    for verdict, responses in read.items():
        note_seen(user, responses, verdict=verdict)


def note_file_read(user: Any, dataset: Dataset, name: str) -> None:
    """All rows of a file that is downloaded, some thousand at a time; nothing for a file without rows."""
    path = dataset_folder(dataset) / name
    if path.stem not in ROWS or name not in dataset.manifest.get("files", {}) or not path.is_file():
        return
    with suppress(UnreadableRows):  # what cannot be read tells nothing
        for first in range(0, dataset.manifest["files"][name]["rows"], BATCH):
            note_rows_read(user, rows_between(path, first, BATCH))
