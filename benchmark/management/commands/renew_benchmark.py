"""renew_benchmark SLUG --as LABEL: the next version of a benchmark, without outdated law."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from benchmark.errors import BenchmarkError
from benchmark.queries.versions import find_version
from benchmark.services.renewal import next_version
from medes_site.kit.commands import ReportingCommand


class Command(ReportingCommand):
    help = (
        "Copies a frozen version under a new label: items on outdated law are renewed where a researcher "
        "decided on the new wording, else dropped. The old version stays as it is."
    )
    expected = (BenchmarkError,)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("benchmark", help="slug of the benchmark")
        parser.add_argument("--label", default="", help="version to copy (default: the newest frozen one)")
        parser.add_argument("--as", dest="new", required=True, help="label of the new version")
        parser.add_argument("--draft", action="store_true", help="do not freeze it")

    def report(self, **options: Any) -> dict[str, Any]:
        version = find_version(options["benchmark"], options["label"])
        return next_version(actor=None, version=version, label=options["new"], freeze=not options["draft"])

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(
            f"{result['benchmark']} {result['version']} ({result['state']}) from {result['from']}: "
            f"{result['kept']} items kept, {result['renewed']} renewed, {result['dropped']} dropped"
        )
