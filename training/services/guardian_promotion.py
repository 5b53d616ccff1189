"""Promotion: through the gate, or past it with a written reason that stays visible; and what experts look at next."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from annotation.models import Campaign
from annotation.services.campaigns import CampaignPlan, create_campaign, draw_campaign, set_priorities
from benchmark.models import BenchmarkVersion, Guardian, Judgement
from benchmark.queries.churn import churn
from benchmark.queries.guardians import active_guardian
from benchmark.services.guardians import activate_guardian, write_reliability
from training.errors import BadInput, GateClosed, NotAllowed
from training.policies import can_promote
from training.queries.reports import gate_of
from training.rules.uncertainty import doubt

REASON_MINIMUM = 10
SUGGESTED = 200


def promote_guardian(
    *, actor: Any, guardian: Guardian, override_reason: str = ""
) -> tuple[dict[str, Any], list[int]]:
    """Makes the guardian the active one. Returns the gate's verdict and the boards to be ranked again.

    `actor` None: the platform itself. Where the gate is open a reason is not needed and not kept. Raises GateClosed
    without a reason of ten characters where it is not, NotAllowed, and WrongState while its shadow is incomplete.
    """
    if actor is not None and not can_promote(actor):
        raise NotAllowed(_("Only researchers promote guardians."))
    gate = gate_of(guardian)
    reason = override_reason.replace("\0", "").strip()[:2000]
    if not gate["open"] and len(reason) < REASON_MINIMUM:
        raise GateClosed(
            _(
                "It does not pass the gate. To promote it all the same, write down why; the reason stays visible."
            ),
            field="reason",
        )
    change = _change(guardian)
    with transaction.atomic():
        boards = activate_guardian(
            actor=actor, guardian=guardian, override_reason="" if gate["open"] else reason
        )
        write_reliability(guardian=guardian, reliability={**guardian.reliability, "gate": gate, **change})
    return gate, boards


def _change(guardian: Guardian) -> dict[str, Any]:
    """How the boards of the guardian differ from those it takes the place of, as their readers will be told."""
    active = active_guardian()
    if active is None or active.pk == guardian.pk:
        return {}
    boards = {
        str(board.after.pk): {
            "tau": board.ranks.tau,
            "moved": board.ranks.moved,
            "entries": len(board.entries),
        }
        for board in churn(guardian, active).boards
    }
    return {"change": {"former": str(active), "boards": boards}}


@transaction.atomic
def suggest_campaign(
    *, actor: Any, guardian: Guardian, version: BenchmarkVersion, size: int = 40
) -> Campaign:
    """A draft of a campaign on the answers this guardian abstains on or is least sure of, these first.

    A share of the tasks is drawn at random all the same (the campaign's random stratum), so that its labels can test
    and calibrate. Raises BadInput where the guardian has judged nothing of the version; NotAllowed.
    """
    if not 1 <= size <= 10_000:
        raise BadInput(_("Between 1 and 10,000 tasks can be asked for."), field="size")
    doubts = response_doubts(guardian, version)
    if not doubts:
        raise BadInput(_("This guardian has judged no answers of this benchmark yet."))
    number = 1 + Campaign.objects.filter(slug__startswith=f"doubts-{guardian.pk}-").count()
    plan = CampaignPlan(
        slug=f"doubts-{guardian.pk}-{number}",
        title_zh=f"评审员 {guardian} 最没有把握的回答（第 {number} 批）",
        title_en=f"Answers {guardian} is least sure of ({number})",
        kind=Campaign.Kind.RESPONSES,
        version=version,
        settings={"order": Campaign.Order.PRIORITY, "size_limit": size, "random_share": 0.2, "seed": number},
    )
    campaign = create_campaign(actor=actor, plan=plan)
    draw_campaign(actor=actor, campaign=campaign)
    set_priorities(actor=actor, campaign=campaign, priorities=doubts)
    campaign.refresh_from_db()
    return campaign


def response_doubts(guardian: Guardian, version: BenchmarkVersion) -> dict[int, float]:
    """Response id → doubt in [0, 2], of all that the guardian has judged of the version."""
    judgements = Judgement.objects.filter(
        scorer=guardian.scorer_id, response__item__version=version, p__isnull=False
    )
    rows = judgements.values_list("response_id", "p", "abstained")
    return {response: doubt(p or {}, abstained) for response, p, abstained in rows.iterator(chunk_size=5000)}
