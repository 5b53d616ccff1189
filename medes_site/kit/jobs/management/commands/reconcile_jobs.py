"""`manage.py reconcile_jobs`: what the beat does every few seconds, once and by hand."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from medes_site.kit.jobs.reconcile import reconcile


class Command(BaseCommand):
    help = "Sends lost jobs again and takes up those of dead workers."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--all", action="store_true", help="send every queued job, for a start with an empty broker"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        report = reconcile(resend_all=options["all"])
        if options["json"]:
            self.stdout.write(json.dumps(dataclasses.asdict(report)))
            return
        self.stdout.write(
            f"sent {len(report.sent)}, requeued {len(report.requeued)}, failed {len(report.failed)}, "
            f"cancelled {len(report.cancelled)}"
        )
        if report.broker_down:
            self.stderr.write("The broker does not answer; queued jobs wait until it does.")
