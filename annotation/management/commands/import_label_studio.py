"""import_label_studio PATH --campaign SLUG --users MAP: annotations of a comparable project as labels of experts."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from annotation.queries.campaigns import find_campaign
from annotation.rules.label_studio import BadMapping, read_mapping
from annotation.services.label_studio import import_label_studio
from benchmark.errors import BenchmarkError
from medes_site.kit.commands import ReportingCommand, user_named


class Command(ReportingCommand):
    help = "Imports Label Studio's JSON export (docs/labelling.md). Safe to repeat: nothing is counted twice."
    expected = (BenchmarkError, BadMapping)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, help="the export, in the format JSON")
        parser.add_argument("--campaign", required=True, help="short name or number of the campaign")
        parser.add_argument(
            "--users", type=Path, required=True, help='JSON: {"Label Studio id or e-mail": "user name here"}'
        )
        parser.add_argument("--mapping", type=Path, help="JSON: how the project names things")
        parser.add_argument(
            "--user", default="", help="researcher who imports (default: who opened the campaign)"
        )
        parser.add_argument("--trial", action="store_true", help="report only, store nothing")

    def report(self, **options: Any) -> dict[str, Any]:
        campaign = find_campaign(options["campaign"])
        actor = user_named(options["user"]) if options["user"] else campaign.created_by
        if actor is None:
            raise CommandError("name the researcher who imports: --user NAME")
        users = self._read(options["users"])
        if not isinstance(users, dict) or not all(isinstance(name, str) for name in users.values()):
            raise CommandError(f"{options['users']}: an object of user names was expected")
        tasks = self._read(options["path"])
        if not isinstance(tasks, list):
            raise CommandError(f"{options['path']}: a list of tasks was expected")
        mapping = read_mapping(self._read(options["mapping"])) if options["mapping"] else None
        with self.bar("tasks", "tasks") as bar:
            report = import_label_studio(
                actor=actor,
                campaign=campaign,
                tasks=(row for row in tasks if bar.update() or True),
                users=users,
                mapping=mapping,
                trial=options["trial"],
            )
        return {**report.as_dict(), "trial": options["trial"]}

    def _read(self, path: Path) -> Any:
        try:
            return json.loads(path.read_text("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            raise CommandError(f"{path}: no JSON ({error})") from error

    def show(self, result: dict[str, Any]) -> None:
        for outcome, number in result["counts"].items():
            if number:
                self.stdout.write(f"{number:7,} {outcome.replace('_', ' ')}")
        for note, number in result["notes"].items():
            if number:
                self.stdout.write(f"note: {number:,} {note.replace('_', ' ')}")
        for row in result["problems"][:50]:
            self.stdout.write(
                f"  task {row['task']}, annotation {row['annotation']}: {row['reason']} {row['detail']}".rstrip()
            )
        if result["trial"]:
            self.stdout.write("a trial: nothing was stored")
