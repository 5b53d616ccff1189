"""create_campaign TITLE --benchmark SLUG --kind responses …: what the form in the browser does."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from annotation.models import Campaign
from annotation.services.campaigns import CampaignPlan, create_campaign, open_campaign
from annotation.services.members import add_member
from benchmark.errors import BenchmarkError
from benchmark.models import Entry, Scenario, Scorer
from benchmark.queries.versions import find_version
from medes_site.kit.commands import ReportingCommand, user_named

# Options that are settings of a campaign, with their types.
NUMBERS: dict[str, type] = {
    "first_experts": int, "cap": int, "max_skips": int, "gold_share": float, "lease_minutes": int, "seed": int,
    "size_limit": int, "random_share": float, "qualification_tasks": int, "qualification_bound": float,
    "daily_goal": int,
}  # fmt: skip


class Command(ReportingCommand):
    help = "Creates a campaign in a researcher's name and opens it."
    expected = (BenchmarkError,)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("title", help="title in English")
        parser.add_argument("--title-zh", default="", help="title in Chinese (default: the English one)")
        parser.add_argument("--slug", default="", help="short name (default: from the title)")
        parser.add_argument("--user", required=True, help="user name of the researcher")
        parser.add_argument("--benchmark", required=True, help="slug of the benchmark")
        parser.add_argument("--label", default="", help="version label (default: the newest frozen version)")
        parser.add_argument("--kind", choices=Campaign.Kind.values, default=Campaign.Kind.RESPONSES)
        parser.add_argument("--order", choices=Campaign.Order.values, default=Campaign.Order.RANDOM)
        parser.add_argument("--scenario", action="append", default=[], help="slug; may be repeated")
        parser.add_argument("--outdated", action="store_true", help="only items on outdated law")
        parser.add_argument("--entry", action="append", default=[], help="slug; may be repeated")
        parser.add_argument("--scorer", default="", help="guardian to reveal, as NAME or NAME@VERSION")
        parser.add_argument("--guidelines-zh", type=Path, help="Markdown file")
        parser.add_argument("--guidelines-en", type=Path, help="Markdown file")
        parser.add_argument(
            "--expert", action="append", default=[], help="user name to put in; may be repeated"
        )
        parser.add_argument("--draft", action="store_true", help="do not open it yet")
        for name, kind in NUMBERS.items():
            parser.add_argument(f"--{name.replace('_', '-')}", type=kind)

    def report(self, **options: Any) -> dict[str, Any]:
        actor = user_named(options["user"])
        campaign = create_campaign(actor=actor, plan=self._plan(options))
        if not options["draft"]:
            campaign = open_campaign(actor=actor, campaign=campaign)
        for name in options["expert"]:
            add_member(actor=actor, campaign=campaign, expert=user_named(name))
        return {
            "campaign": campaign.pk,
            "slug": campaign.slug,
            "kind": campaign.kind,
            "state": campaign.state,
            "tasks": campaign.tasks.real().count(),
            "seats": campaign.slots.count(),
            "experts": campaign.memberships.count(),
        }

    def _plan(self, options: dict[str, Any]) -> CampaignPlan:
        settings = {name: options[name] for name in NUMBERS if options[name] is not None}
        return CampaignPlan(
            title_zh=options["title_zh"] or options["title"],
            title_en=options["title"],
            slug=options["slug"],
            kind=options["kind"],
            version=find_version(options["benchmark"], options["label"]),
            scenarios=tuple(self._named(Scenario, slug) for slug in options["scenario"]),
            entries=tuple(self._named(Entry, slug) for slug in options["entry"]),
            scorer=self._scorer(options["scorer"]) if options["scorer"] else None,
            text_zh=options["guidelines_zh"].read_text("utf-8") if options["guidelines_zh"] else "",
            text_en=options["guidelines_en"].read_text("utf-8") if options["guidelines_en"] else "",
            settings={**settings, "order": options["order"], "outdated_only": options["outdated"]},
        )

    def _named(self, model: Any, slug: str) -> Any:
        found = model.objects.filter(slug=slug).first()
        if found is None:
            raise CommandError(f"there is no {model._meta.verbose_name} {slug}")
        return found

    def _scorer(self, name: str) -> Scorer:
        scorers = Scorer.objects.exclude(type=Scorer.Type.EXTRACTOR)
        plain, _at, version = name.partition("@")
        found = (
            scorers.filter(name=plain, **({"version": version} if version else {})).order_by("-id").first()
        )
        if found is None:
            raise CommandError(f"there is no guardian {name}")
        return found

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(
            f"campaign {result['campaign']} “{result['slug']}” is {result['state']}: "
            f"{result['tasks']} tasks, {result['seats']} seats, {result['experts']} experts"
        )
