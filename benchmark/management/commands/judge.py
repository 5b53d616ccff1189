"""judge FILE --guardian NAME|active: judges the rows of a file, here and now; nothing is stored."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from benchmark.errors import BenchmarkError
from benchmark.guardians.base import CRITERIA, Case, GuardianError
from benchmark.guardians.loading import load_guardian
from benchmark.models import Judgement
from benchmark.queries.guardians import find_guardian
from benchmark.readers.cases import read_cases
from benchmark.services.judging import judge_cases, open_guardian
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
            help="active, a registered name, name@version, or an artefact directory (default: active)",
        )

    def report(self, **options: Any) -> dict[str, Any]:
        guardian = self._guardian(options["guardian"])
        cases = self._cases(options["file"])
        rows: list[dict[str, Any]] = []
        with self.bar("judging") as bar:
            for places in _by_length(cases):
                found = judge_cases(guardian, [cases[place] for place in places])
                rows += [{"place": place, **columns} for place, columns in zip(places, found, strict=True)]
                bar.update(len(places))
        rows.sort(key=lambda row: row["place"])
        return {"guardian": f"{guardian.name} {guardian.version}", "rows": [_shown(row) for row in rows]}

    def _guardian(self, name: str) -> Any:
        folder = Path(name)
        if folder.is_dir():
            return load_guardian(folder)
        return open_guardian(find_guardian(name))

    def _cases(self, path: Path) -> list[Case]:
        cases: list[Case] = []
        for row in read_cases(path):
            if not isinstance(row, Case):
                where = f"line {row.line}" + (f", {row.column}" if row.column else "")
                raise CommandError(f"{path.name}, {where}: {row.code.replace('_', ' ')}; nothing was judged")
            cases.append(row)
        if not cases:
            raise CommandError(f"{path.name} holds no rows")
        return cases

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(f"guardian {result['guardian']}")
        self.stdout.write("  row  " + "  ".join(f"{name:>4}" for name in CRITERIA))
        for number, row in enumerate(result["rows"], start=1):
            cells = "  ".join(f"{'?' if row[name] is None else row[name]:>4}" for name in CRITERIA)
            note = f"  judging failed: {row['failed']}" if row["failed"] else ""
            self.stdout.write(f"{number:>5}  {cells}{note}")


def _by_length(cases: Sequence[Case]) -> Iterator[list[int]]:
    order = sorted(range(len(cases)), key=lambda place: -len(cases[place].response))
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
