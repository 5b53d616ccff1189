"""export_labels CAMPAIGN: labels, tasks and a manifest of hashes, as JSON Lines, CSV or Parquet."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from annotation.queries.campaigns import find_campaign
from annotation.services.exporting import FORMATS, MANIFEST, TABLES, export_campaign, write_part
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
        parser.add_argument("--part", choices=(*TABLES, MANIFEST), help="write only this, to standard output")
        parser.add_argument("--output", type=Path, help="folder (default: the campaign's short name)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["part"] is None:
            super().handle(*args, **options)
            return
        self._check(options["format"])
        try:
            campaign = find_campaign(options["campaign"])
        except BenchmarkError as error:
            raise CommandError(str(error)) from error
        write_part(
            sys.stdout.buffer,
            campaign=campaign,
            part=options["part"],
            file_format=options["format"],
            write_parquet=write_parquet,
        )
        sys.stdout.buffer.flush()

    def _check(self, file_format: str) -> None:
        if file_format == "parquet" and write_parquet is None:
            raise CommandError("Parquet needs pyarrow: pip install pyarrow")

    def report(self, **options: Any) -> dict[str, Any]:
        campaign = find_campaign(options["campaign"])
        self._check(options["format"])
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
