"""An expert's desk: their campaigns with progress, and what they may join."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.cache import cache
from django.utils import timezone

from annotation.models import Campaign, Label, Membership, Reveal, Slot
from annotation.policies import can_join
from annotation.queries.progress import ExpertProgress, campaign_progress, expert_progress
from annotation.queries.queue import QueueState, queue_state
from benchmark.models import Judgement

SHARE_SECONDS = 60
UNDO_SECONDS = 10


@dataclass(frozen=True, slots=True)
class DeskCampaign:
    """A campaign as one expert meets it. `member`, `progress`, `queue` are None for one they may still join.

    `share`: decided tasks of all, in [0, 1].
    """

    campaign: Campaign
    member: Membership | None
    progress: ExpertProgress | None
    queue: QueueState | None
    share: float
    may_join: bool


def desk(user: Any) -> list[DeskCampaign]:
    """Own campaigns first, each kind newest first; closed ones last. Drafts and foreign ones never."""
    members = {
        member.campaign_id: member
        for member in Membership.objects.filter(expert=user).exclude(state=Membership.State.REMOVED)
    }
    campaigns = Campaign.objects.visible_to(user).exclude(state=Campaign.State.DRAFT).order_by("-id")
    rows = [_row(user, campaign, members.get(campaign.pk)) for campaign in campaigns]
    wanted = [row for row in rows if row.member is not None or row.may_join]
    return sorted(wanted, key=lambda row: (row.campaign.state == Campaign.State.CLOSED, row.member is None))


def _row(user: Any, campaign: Campaign, member: Membership | None) -> DeskCampaign:
    return DeskCampaign(
        campaign=campaign,
        member=member,
        progress=expert_progress(user=user, campaign=campaign) if member else None,
        queue=queue_state(user=user, campaign=campaign) if member else None,
        share=decided_share(campaign),
        may_join=member is None and can_join(user, campaign),
    )


def decided_share(campaign: Campaign) -> float:
    """How much of the campaign is decided, in [0, 1], counted at most once a minute: it counts all tasks."""
    key = f"annotation:decided:{campaign.pk}"
    known: float | None = cache.get(key)
    if known is None:
        known = campaign_progress(campaign).share
        cache.set(key, known, SHARE_SECONDS)
    return known


def undoable_label(*, user: Any, campaign: Campaign) -> Label | None:
    """The last label of the actor if it is a few seconds old and may perhaps still be taken back."""
    since = timezone.now() - timedelta(seconds=UNDO_SECONDS)
    label = (
        Label.objects.filter(campaign=campaign, expert=user, submitted_at__gte=since)
        .select_related("slot")
        .order_by("-submitted_at", "-pk")
        .first()
    )
    return label if label is not None and may_undo(label) else None


def may_undo(label: Label) -> bool:
    """What the page can tell beforehand; the service has the last word."""
    return (
        bool(label.current)
        and label.blind
        and not label.extra
        and not label.revision
        and label.slot.queue != Slot.Queue.QUALIFICATION
    )


def pending_reveal(*, user: Any, campaign: Campaign) -> Reveal | None:
    """The newest verdict that was shown to the actor in this campaign and not answered yet."""
    return (
        Reveal.objects.filter(label__campaign=campaign, label__expert=user, label__current=True, after=None)
        .select_related("label__task__item", "label__task__response", "label__slot", "label__campaign")
        .order_by("-pk")
        .first()
    )


def has_verdict(label: Label) -> bool:
    """Whether the guardian of the label's campaign has judged its response: then there is something to show."""
    campaign = label.campaign
    if campaign.kind != Campaign.Kind.GUARDIAN or not label.blind or label.extra:
        return False
    return Judgement.objects.filter(response=label.task.response_id, scorer=campaign.scorer_id).exists()
