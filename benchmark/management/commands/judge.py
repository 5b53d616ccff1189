"""judge FILE --guardian NAME|active: judges the rows of a file, here and now; nothing is stored."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from benchmark.errors import BenchmarkError
from benchmark.guardians.base import CRITERIA, Case, GuardianError
from benchmark.guardians.loading import load_guardian
from benchmark.models import Judgement
from benchmark.queries.guardians import find_guardian
from benchmark.readers.cases import read_cases
from benchmark.readers.problem import StopReading
from benchmark.readers.records import Rejected
from benchmark.readers.source_lines import rejected_by
from benchmark.services.judging import failed_columns, judge_cases, open_guardian
from medes_site.kit.commands import ReportingCommand
from medes_site.kit.jobs.errors import JobError

BATCH = 64


class Command(ReportingCommand):
    help = "Judges a CSV or JSON Lines file of norm, question, response."
    expected = (BenchmarkError, JobError, GuardianError)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="columns or keys: norm, question, response")
        parser.add_argument(
            "--guardian",
            default="active",
            help="active, a name, name@version or 'name version', or an artefact directory (default: active)",
        )

    def report(self, **options: Any) -> dict[str, Any]:
        guardian = self._guardian(options["guardian"])
        read = self._rows(options["file"])
        cases = {place: row for place, row in enumerate(read) if isinstance(row, Case)}
        rows = {
            place: failed_columns(_why(row)) for place, row in enumerate(read) if isinstance(row, Rejected)
        }
        with self.bar("judging") as bar:
            for places in _by_length(cases):
                found = judge_cases(guardian, [cases[place] for place in places])
                rows |= dict(zip(places, found, strict=True))
                bar.update(len(places))
        return {
            "guardian": f"{guardian.name} {guardian.version}",
            "rows": [_shown(rows[place]) for place in range(len(read))],
        }

    def _guardian(self, name: str) -> Any:
        folder = Path(name)
        if folder.is_dir():
            return load_guardian(folder)
        return open_guardian(find_guardian(name))

    def _rows(self, path: Path) -> list[Case | Rejected]:
        """A row that is none keeps its place and is told there; a file without any row to judge is refused."""
        try:
            rows = list(read_cases(path))
        except StopReading as stop:
            why = _why(rejected_by(stop))
            raise CommandError(f"{path.name}, {why}; nothing was judged") from stop
        except OSError as error:
            raise CommandError(f"{path}: {(error.strerror or 'cannot be read').lower()}") from error
        if not rows:
            raise CommandError(f"{path.name} holds no rows")
        first = rows[0]
        if isinstance(first, Rejected) and not any(isinstance(row, Case) for row in rows):
            raise CommandError(f"{path.name}, {_why(first)}; nothing was judged")
        return rows

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(f"guardian {result['guardian']}")
        self.stdout.write("  row  " + "  ".join(f"{name:>4}" for name in CRITERIA))
        for number, row in enumerate(result["rows"], start=1):
            cells = "  ".join(f"{'?' if row[name] is None else row[name]:>4}" for name in CRITERIA)
            note = f"  judging failed: {row['failed']}" if row["failed"] else ""
            self.stdout.write(f"{number:>5}  {cells}{note}")


def _why(row: Rejected) -> str:
    return f"line {row.line}" + (f", {row.column}" if row.column else "") + f": {row.code.replace('_', ' ')}"


def _by_length(cases: Mapping[int, Case]) -> Iterator[list[int]]:
    order = sorted(cases, key=lambda place: -len(cases[place].response))
    for first in range(0, len(order), BATCH):
        yield order[first : first + BATCH]


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """`failed`: why there is no judgement, else null."""
    failed = row["outcome"] == Judgement.Outcome.JUDGE_FAILED
    return {
        **{name: row[name] for name in CRITERIA},
        "p": row["p"] or dict.fromkeys(CRITERIA),
        "abstained": row["abstained"],
        "evidence": row["evidence"],
        "rationale": "" if failed else row["rationale"],
        "failed": row["rationale"] if failed else None,
    }
