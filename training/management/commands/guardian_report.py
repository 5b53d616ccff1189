"""guardian_report FILE: how a guardian does on answers that somebody else has judged."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from benchmark.errors import BenchmarkError
from benchmark.guardians.base import GuardianError
from benchmark.guardians.loading import load_guardian
from benchmark.queries.guardians import find_guardian
from benchmark.services.guardians import artefact_folder
from medes_site.kit.commands import ReportingCommand
from medes_site.kit.jobs.errors import JobError
from training.services.file_reports import report_on_file


class Command(ReportingCommand):
    help = "Judges the answers of a released judge file and reports what its rows can show, and what they cannot."
    expected = (BenchmarkError, GuardianError, JobError)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a judge file of the release (18 columns)")
        parser.add_argument(
            "--guardian", default="active", help="active, a name, name@version, or an artefact directory"
        )

    def report(self, **options: Any) -> dict[str, Any]:
        folder = Path(options["guardian"])
        if not folder.is_dir():
            folder = artefact_folder(find_guardian(options["guardian"]))
        guardian = load_guardian(folder)
        manifest = json.loads((folder / "guardian.json").read_text("utf-8"))
        with self.bar("judging", "answers") as bar:
            found = report_on_file(
                options["file"],
                guardian,
                manifest["thresholds"],
                prior=manifest.get("prior"),
                progress=lambda count: bar.update(count) and None,
            )
        return {"guardian": f"{guardian.name} {guardian.version}", **found}

    def show(self, result: dict[str, Any]) -> None:
        file, n = result["file"], result["n"]
        self.stdout.write(
            f"{result['guardian']} on {file['name']}: {file['used']} judged rows, {n['groups']} norm groups"
        )
        self.stdout.write("\nWhat these rows show:")
        for text in result["can"]:
            self.stdout.write(f"  {text}")
        self.stdout.write("\nWhat they cannot show:")
        for text in result["cannot"]:
            self.stdout.write(f"  {text}")
