"""Two campaigns on the demo's free answers, open to every expert."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from annotation.models import Campaign
from annotation.services.campaigns import CampaignPlan, create_campaign, open_campaign
from benchmark.models import Scenario
from benchmark.queries.versions import find_version

FOLDER = Path(__file__).resolve().parent.parent / "demo"
CLINIC = (
    "routine-care",
    "routine-nursing",
    "doctor-patient-relations",
    "palliative-care",
    "digital-health",
    "emergency-critical-care",
)


def load_demo_campaigns(*, actor: Any) -> list[Campaign]:
    """Safe to repeat: a campaign that is there stays as it is. Returns the new ones."""
    version = find_version("demo")
    texts = {language: (FOLDER / f"guidelines.{language}.md").read_text("utf-8") for language in ("zh", "en")}
    scenarios = Scenario.objects.filter(items__version=version, items__kind="subjective").distinct()
    wanted = (
        ("demo-clinic", "演示：临床日常", "Demo: everyday care", scenarios.filter(slug__in=CLINIC), 11),
        (
            "demo-research",
            "演示：研究与前沿技术",
            "Demo: research and new technology",
            scenarios.exclude(slug__in=CLINIC),
            12,
        ),
    )
    made = []
    for slug, title_zh, title_en, chosen, seed in wanted:
        if Campaign.objects.filter(slug=slug).exists():
            continue
        plan = CampaignPlan(
            title_zh=title_zh,
            title_en=title_en,
            kind=Campaign.Kind.RESPONSES,
            version=version,
            slug=slug,
            scenarios=tuple(chosen),
            text_zh=texts["zh"],
            text_en=texts["en"],
            settings={
                "order": Campaign.Order.RANDOM,
                "seed": seed,
                "daily_goal": 40,
                "open_to_experts": True,
            },
        )
        campaign = create_campaign(actor=actor, plan=plan)
        made.append(open_campaign(actor=actor, campaign=campaign))
    return made
