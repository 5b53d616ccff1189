"""export_labels CAMPAIGN: labels, tasks and a manifest of hashes, as JSON Lines, CSV or Parquet."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from annotation.queries.campaigns import find_campaign
from annotation.services.exporting import FORMATS, export_campaign
from benchmark.errors import BenchmarkError
from medes_site.kit.commands import ReportingCommand

try:
    from annotation.services.parquet import write_parquet
except ModuleNotFoundError as missing:  # an optional dependency
    if missing.name != "pyarrow":
        raise
    write_parquet = None  # type: ignore[assignment]


class Command(ReportingCommand):
    help = "Exports a campaign. Experts appear as pseudonyms; the same state gives the same bytes."
    expected = (BenchmarkError,)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", help="short name or number of the campaign")
        parser.add_argument("--format", choices=FORMATS, default="jsonl")
        parser.add_argument("--output", type=Path, help="folder (default: the campaign's short name)")

    def report(self, **options: Any) -> dict[str, Any]:
        campaign = find_campaign(options["campaign"])
        if options["format"] == "parquet" and write_parquet is None:
            raise CommandError("Parquet needs pyarrow: pip install pyarrow")
        folder: Path = options["output"] or Path(f"{campaign.slug}-labels")
        with self.bar("rows") as bar:
            files = export_campaign(
                actor=None,
                campaign=campaign,
                folder=folder,
                file_format=options["format"],
                write_parquet=write_parquet,
                progress=lambda done: bar.update(max(0, done - bar.n)),
            )
        return {
            "campaign": campaign.slug,
            "folder": str(folder),
            "format": options["format"],
            "files": [asdict(file) for file in files],
        }

    def show(self, result: dict[str, Any]) -> None:
        for file in result["files"]:
            self.stdout.write(
                f"{result['folder']}/{file['name']}: {file['rows']} rows, sha256 {file['sha256']}"
            )
