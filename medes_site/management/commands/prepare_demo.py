"""`manage.py prepare_demo`: everything the demo needs before its programs start. Skips what is done."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError

from medes_site.accounts.demo import demo_accounts
from medes_site.accounts.demo_labellers import demo_labellers
from medes_site.environment import ROOT

DATA_SUFFIXES = {".py", ".jsonl", ".json", ".csv", ".md", ".toml", ".yaml"}


class Command(BaseCommand):
    help = (
        "Migrates, makes the demo accounts, loads the demo data, collects static files, wakes waiting jobs."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("prepare_demo needs MEDES_DEMO=1, which `make demo` sets.")
        apps = [ROOT / "benchmark", ROOT / "annotation", ROOT / "training", ROOT / "medes_site"]
        migrations = (file for app in apps for file in app.rglob("migrations/*.py"))
        self._once(
            "migrate", "database", migrations, lambda: call_command("migrate", interactive=False, verbosity=0)
        )
        demo_accounts()
        if "load_demo" in get_commands():
            self._once(
                "load_demo", "demo data", _files(ROOT / "benchmark"), lambda: call_command("load_demo")
            )
        else:
            self.stdout.write("demo data: there is no command load_demo, so the demo starts empty")
        if "load_demo_campaigns" in get_commands():
            # After the demo data, and again when these change; a campaign that is there stays as it is.
            self._once(
                "load_demo_campaigns",
                "demo campaigns",
                [*_files(ROOT / "annotation" / "demo"), ROOT / "annotation" / "services" / "demo.py"],
                lambda: call_command("load_demo_campaigns", stdout=self.stdout),
            )
        self._once(
            "collectstatic",
            "static files",
            _files(ROOT / "static", any_suffix=True),
            lambda: call_command("collectstatic", interactive=False, verbosity=0, clear=True),
        )
        self._once("load_demo_labels", "demo labels", _files(ROOT / "annotation" / "demo"), _load_labels)
        call_command("train_demo_guardian", stdout=self.stdout, stderr=self.stderr)
        call_command("build_demo_policy", stdout=self.stdout, stderr=self.stderr)
        call_command("reconcile_jobs", all=True, stdout=self.stdout, stderr=self.stderr)

    def _once(self, name: str, title: str, sources: Iterable[Path], step: Callable[[], Any]) -> None:
        """Runs `step` unless it ran to its end before on the same `sources`, database and packages."""
        stamp = settings.MEDES_HOME / "stamps" / name
        database = settings.DATABASES["default"]
        installed = hashlib.sha256(f"{database['ENGINE']} {database['NAME']} {database.get('HOST')}".encode())
        for source in [ROOT / "constraints.txt", *sorted(sources)]:
            if source.is_file():
                installed.update(f"{source.relative_to(ROOT)}\n".encode() + source.read_bytes())
        missing = database["ENGINE"].endswith("sqlite3") and not Path(database["NAME"]).exists()
        if not missing and stamp.is_file() and stamp.read_text("ascii") == installed.hexdigest():
            return
        begun = time.monotonic()
        stamp.unlink(missing_ok=True)
        step()
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(installed.hexdigest(), "ascii")
        self.stdout.write(f"{title}: done in {time.monotonic() - begun:.1f} s")
        self.stdout.flush()


def _files(folder: Path, *, any_suffix: bool = False) -> list[Path]:
    return [
        file
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts and (any_suffix or file.suffix in DATA_SUFFIXES)
    ]


def _load_labels() -> None:
    """The labels were written for the demo; the accounts behind them say so."""
    demo_labellers()
    call_command("load_demo_campaigns", stdout=io.StringIO())
    call_command("load_demo_labels", stdout=io.StringIO())
