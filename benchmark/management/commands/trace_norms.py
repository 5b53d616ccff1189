"""trace_norms: links each norm to the article it is quoted from, and says which norms the law has outrun."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from benchmark.errors import BenchmarkError
from benchmark.rules.tracing import THRESHOLD
from benchmark.services.renewal import refresh_renewal
from benchmark.services.tracing import TracePlan, trace_norms
from medes_site.kit.commands import ReportingCommand

SHOWN = 40


class Command(ReportingCommand):
    help = (
        "Looks for the article of every norm: word for word, else as proposals for a researcher. "
        "A second run over the same law does nothing."
    )
    expected = (BenchmarkError,)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--corpus", default="", help="slug of the norms' corpus (default: all)")
        parser.add_argument(
            "--against", default="", help="slug of the statutes' corpus (default: all of the same language)"
        )
        parser.add_argument(
            "--threshold",
            type=float,
            default=THRESHOLD,
            help=f"share of a norm's letters that a near match must hold (default: {THRESHOLD})",
        )
        parser.add_argument(
            "--again", action="store_true", help="also what was traced with the same law before"
        )

    def report(self, **options: Any) -> dict[str, Any]:
        with self.bar("norms", "norms") as bar:
            report = trace_norms(
                TracePlan(
                    today=timezone.localdate(),
                    corpus=options["corpus"],
                    against=options["against"],
                    threshold=options["threshold"],
                    again=options["again"],
                    progress=lambda done: bar.update(done - bar.n),
                )
            )
        for board in report.boards:
            refresh_renewal(board_id=board)
        return report.as_dict()

    def show(self, result: dict[str, Any]) -> None:
        write = self.stdout.write
        write(
            f"{result['norms']} norms, {result['articles']} articles: {result['traced']} traced, "
            f"{result['unchanged']} unchanged"
        )
        if result["traced"]:
            write(
                f"  word for word {result['exact']} (of them {result['ambiguous']} in several statutes, to be decided), "
                f"excerpts {result['excerpt']}, near {result['near']}, not found {result['none']}"
            )
            write(f"  proposals to confirm: {result['proposed']}")
        standing = result["standing"]
        write(
            f"  standing: {standing['current']} current, {standing['outdated']} outdated, "
            f"{standing['untraced']} not traced"
        )
        for row in result["disagreements"][:SHOWN]:
            found = f", found in {', '.join(row['found'])}" if row["found"] else ""
            write(f"  {row['code']} {row['source']} {row['article']}: {row['reason']}{found}")
