"""What every command of the platform has in common: `--json`, errors on stderr, a non-zero exit."""

from __future__ import annotations

import json
import logging
import sys
from argparse import ArgumentParser
from typing import Any, ClassVar

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.utils import translation
from tqdm import tqdm

from medes_site.kit.jobs.foreground import run_in_foreground
from medes_site.kit.jobs.models import Job


class ReportingCommand(BaseCommand):
    """A command whose `report(**options)` returns a JSON-like mapping and whose `show` prints it for people.

    With --json exactly one JSON object goes to stdout. Messages are in English on a terminal, whatever the
    language of the pages. `expected`: exceptions whose text is the answer, without a traceback.
    """

    expected: ClassVar[tuple[type[Exception], ...]] = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.add_argument("--json", action="store_true", help="print exactly one JSON object on stdout")
        return parser

    def add_queue_argument(self, parser: ArgumentParser) -> None:
        parser.add_argument("--queue", action="store_true", help="leave the work to a Celery worker")

    def report(self, **options: Any) -> dict[str, Any]:
        raise CommandError("this command reports nothing")

    def show(self, result: dict[str, Any]) -> None:
        """Prints the result for people; the default is indented JSON."""
        self.stdout.write(json.dumps(result, ensure_ascii=False, indent=2, default=str))

    def handle(self, *args: Any, **options: Any) -> None:
        # The command's own output says how its jobs ended; their log lines are for workers.
        logging.getLogger("medes_site.kit.jobs").setLevel(logging.ERROR)
        try:
            with translation.override("en"):
                result = self.report(**options)
        except self.expected as error:
            raise CommandError(self.describe(error)) from error
        except FileNotFoundError as error:
            raise CommandError(f"{error.filename}: no such file") from error
        if options["json"]:
            self.stdout.write(json.dumps(result, ensure_ascii=False, default=str))
        else:
            self.show(result)

    def describe(self, error: Exception) -> str:
        return str(error)

    def bar(self, label: str, unit: str = "rows") -> tqdm:
        """A progress bar on stderr where that is a terminal, else silent."""
        return tqdm(desc=label, unit=f" {unit}", file=sys.stderr, disable=not sys.stderr.isatty())


def user_named(name: str) -> Any:
    """The active user of that name. Raises CommandError."""
    user = get_user_model().objects.filter(username=name, is_active=True).first()
    if user is None:
        raise CommandError(f"there is no user {name}")
    return user


def finish(job: Job) -> Job:
    """Runs a job here and now. Raises CommandError with its words where it does not succeed."""
    job = run_in_foreground(job)
    if job.state != Job.State.SUCCEEDED:
        raise CommandError(job.error or f"job {job.pk} ended as {job.state}")
    return job
