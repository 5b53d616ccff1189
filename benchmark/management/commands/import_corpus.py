"""import_corpus PATH: statutes in Markdown as sources and article-level norms."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.utils import timezone

from benchmark.errors import BenchmarkError
from benchmark.readers.corpus_profile import CHINESE, IN_FOLDER, BadProfile, known_profiles, load_profile
from benchmark.services.corpora import CorpusPlan, import_corpus
from medes_site.kit.commands import ReportingCommand

SHOWN = 40


class Command(ReportingCommand):
    help = "Imports statutes from a Markdown file or folder as sources and articles. Safe to repeat."
    expected = (BenchmarkError, BadProfile)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", help="a Markdown file, or a folder of them")
        parser.add_argument(
            "--profile",
            default="",
            help=f"how the statutes are written: {', '.join(known_profiles())}, or a TOML file "
            f"(default: {IN_FOLDER} in the folder, else {CHINESE})",
        )

        parser.add_argument(
            "--corpus", default="", help="slug of the corpus to store them in (default: the profile's)"
        )

    def report(self, **options: Any) -> dict[str, Any]:
        path = Path(options["path"])
        own = path / IN_FOLDER
        profile = load_profile(options["profile"] or (own if own.is_file() else CHINESE))
        if options["corpus"]:
            profile = replace(profile, corpus=replace(profile.corpus, slug=options["corpus"]))
        with self.bar("statutes", "files") as bar:
            plan = CorpusPlan(path, profile, timezone.localdate(), lambda done: bar.update(done - bar.n))
            return import_corpus(plan).as_dict()

    def show(self, result: dict[str, Any]) -> None:
        write = self.stdout.write
        write(f"{result['corpus']}: {result['files']} files")
        for kind, counts in result["counts"].items():
            write(f"  {kind}: " + ", ".join(f"{number} {outcome}" for outcome, number in counts.items()))
        for row in result["duplicates"]:
            write(f"  the same text: {row['file']} and {row['same_as']}")
        for row in result["conflicts"]:
            write(f"  another text of the same version, left out: {row['file']} (kept: {row['kept']})")
        for row in result["rejected"]:
            write(f"  no statute: {row['file']} ({row['reason']})")
        for row in result["notes"][:SHOWN]:
            about = row.get("article") or row.get("lines") or ""
            write(f"  note: {row['file']}:{row['line']} {row['note']} {about}".rstrip())
        if len(result["notes"]) > SHOWN:
            write(f"  and {len(result['notes']) - SHOWN} more notes; --json gives all")
        successions = result["successions"]
        write(f"  later versions under the same title: {successions['certain']}")
        for row in successions["to_confirm"]:
            write(f"  to confirm: {row['newer']} takes the place of {row['older']} (“{row['evidence']}”)")
