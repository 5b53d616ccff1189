"""What an import did, row by row: shown by the commands, printed with --json."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from benchmark.readers.records import Rejected


@dataclass
class ImportReport:
    """Counts per kind of row and outcome, and the rows that need a look, each with its line and reason."""

    benchmark: str
    version: str
    state: str = ""
    content_hash: str = ""
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    duplicates: list[dict[str, Any]] = field(default_factory=list)
    repaired: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    submissions: list[int] = field(default_factory=list)

    def count(self, kind: str, outcome: str, number: int = 1) -> None:
        self.counts.setdefault(kind, Counter())[outcome] += number

    def total(self, outcome: str) -> int:
        return sum(counter[outcome] for counter in self.counts.values())

    def reject(self, line: int, reason: str, *, column: str = "", file: str = "", **params: Any) -> None:
        self.rejected.append({"file": file, "line": line, "column": column, "reason": reason, **params})

    def reject_record(self, record: Rejected) -> None:
        """What a reader gave up on; its own parameters must not hide where it stands."""
        place = {"file": record.file, "line": record.line, "column": record.column, "reason": record.code}
        self.rejected.append({**record.params, **place})

    def as_dict(self) -> dict[str, Any]:
        return {
            "benchmark": self.benchmark,
            "version": self.version,
            "state": self.state,
            "content_hash": self.content_hash,
            "created": self.total("created"),
            "unchanged": self.total("unchanged"),
            "updated": self.total("updated"),
            "counts": {kind: dict(counter) for kind, counter in self.counts.items()},
            "duplicates": self.duplicates,
            "repaired": self.repaired,
            "rejected": self.rejected,
            "notes": self.notes,
            "submissions": self.submissions,
        }
