"""import_benchmark PATH --benchmark SLUG: the released CSV files, or the project's own JSONL format."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from benchmark.errors import BenchmarkError
from benchmark.services.benchmark_files import plan_import
from benchmark.services.importing import import_benchmark
from medes_site.kit.commands import ReportingCommand


class Command(ReportingCommand):
    help = "Imports a benchmark from a folder or a file, and freezes it. Safe to repeat."
    expected = (BenchmarkError,)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", help="a folder or file of released CSV, or of the project's JSONL format")
        parser.add_argument("--benchmark", default="", help="slug, such as medes (default: as the files say)")
        # Not --version: Django's commands have that already.
        parser.add_argument(
            "--label", default="", help="version label (default: as the files say, else 2026.1)"
        )
        parser.add_argument(
            "--split",
            default="public",
            help="split of items that name none: public, dev, hidden, or shares of norm groups: dev=30,public=50,hidden=20",
        )
        parser.add_argument("--draft", action="store_true", help="do not freeze the version afterwards")

    def report(self, **options: Any) -> dict[str, Any]:
        with self.bar("items", "items") as bar:
            plan = plan_import(
                options["path"],
                benchmark=options["benchmark"],
                label=options["label"],
                split=options["split"],
                freeze=not options["draft"],
                progress=lambda done: bar.update(done - bar.n),
            )
            return import_benchmark(plan).as_dict()

    def show(self, result: dict[str, Any]) -> None:
        write = self.stdout.write
        write(f"{result['benchmark']} {result['version']}: {result['state']} {result['content_hash'][:16]}")
        for kind, counts in result["counts"].items():
            write(f"  {kind}: " + ", ".join(f"{number} {outcome}" for outcome, number in counts.items()))
        contradicting = sum(row["contradicts"] for row in result["duplicates"])
        write(f"  duplicates: {len(result['duplicates'])}, of them {contradicting} with a contradicting key")
        write(f"  repaired rows: {len(result['repaired'])}")
        for note in result["notes"]:
            write(f"  note: {note}")
        write(f"  rejected rows: {len(result['rejected'])}")
        for row in result["rejected"][:50]:
            place = ":".join(str(part) for part in (row["file"], row["line"], row["column"]) if part)
            write(f"    {place} {row['reason']}")
