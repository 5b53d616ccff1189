"""Seats are claimed, renewed and given back. docs/decisions tells why the queue is as it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from annotation.database import BEHIND, ORDINARY, member_with_seats, take_slot
from annotation.errors import CampaignNotOpen, LeaseLost, NotFound
from annotation.models import Campaign, Membership, Slot, SlotEvent
from annotation.policies import can_claim
from annotation.queries.shown import seats_to_show
from annotation.rules.dealing import gold_is_due
from annotation.services import events
from annotation.services.clock import WRAP_PAUSE, lease_of, queue_time
from medes_site.kit.jobs.clock import database_now, from_now
from medes_site.kit.roles import Role, has_role, remember_roles

ATTEMPTS = 5
ANY_SEAT = 32_767
MEMBER_COLUMNS = tuple(field.attname for field in Membership._meta.concrete_fields)
CAMPAIGN_COLUMNS = tuple(field.attname for field in Campaign._meta.concrete_fields)


def claim_next(*, actor: Any, campaign: Campaign) -> Slot | None:
    """The seat the actor is to work on now, leased: the one in hand, else the one claimed ahead, else a new one.

    None: there is nothing for the actor at the moment (`queries.queue.queue_state` says why). A lease in
    hand is renewed; one that ran out but that nobody took is still in hand. Raises NotFound for a campaign
    the actor is no member of, CampaignNotOpen.
    """
    return _claim(actor, campaign, ahead=False)


def prefetch_next(*, actor: Any, campaign: Campaign) -> Slot | None:
    """The seat after the one in hand, claimed ahead for a short while so that the page can render it; or None.

    `claim_next` turns it into the one in hand. Raises as `claim_next` does.
    """
    return _claim(actor, campaign, ahead=True)


@transaction.atomic
def claim_task(*, actor: Any, campaign: Campaign, task_id: int) -> Slot | None:
    """An open seat of this very task, leased; None if it has none for the actor.

    For labels that exist already, such as the demo's. No page calls it: who labels does not choose what.
    Raises NotFound and CampaignNotOpen as `claim_next` does.
    """
    member, _held = _member(actor, campaign.pk)
    taken = take_slot(("named",), {**_parameters(member, ahead=False), "task": task_id})
    return None if taken is None else seats_to_show(actor).get(pk=taken[0])


def _claim(actor: Any, campaign: Campaign, *, ahead: bool) -> Slot | None:
    slot_id = claim_seat(actor=actor, campaign=campaign.pk, ahead=ahead)
    if slot_id is None:
        return None
    return seats_to_show(actor).get(pk=slot_id)


def claim_seat(*, actor: Any, campaign: int | str, ahead: bool = False) -> int | None:
    """As `claim_next` (or, `ahead`, `prefetch_next`), but only the number of the seat. Raises as they do.

    `campaign`: its id or short name.
    """
    member, held = _member(actor, campaign)
    for tries_left in reversed(range(ATTEMPTS)):
        try:
            if held == [] and connection.vendor == "postgresql" and not connection.in_atomic_block:
                return _take(member, ahead=ahead)  # one statement, which needs no transaction around it
            with transaction.atomic():
                return _in_hand(member, ahead=ahead) or _take(member, ahead=ahead)
        except IntegrityError:  # the same expert claimed in two tabs at once: look again
            held = None
            if not tries_left:
                raise
    return None


def _member(actor: Any, campaign: int | str) -> tuple[Membership, list[list[int]] | None]:
    """The actor's membership and, on PostgreSQL in the same statement, the seats in hand; None: not asked."""
    key: Literal["id", "slug"] = "slug" if isinstance(campaign, str) else "id"
    held: list[list[int]] | None = None
    if connection.vendor == "postgresql":
        found = member_with_seats(MEMBER_COLUMNS, CAMPAIGN_COLUMNS, key=key, value=campaign, expert=actor.pk)
        if found is None:
            raise NotFound()
        member = Membership.from_db(connection.alias, MEMBER_COLUMNS, found[0])
        member.campaign = Campaign.from_db(connection.alias, CAMPAIGN_COLUMNS, found[1])
        held = found[3]
        remember_roles(actor, found[2])
    else:
        known = Membership.objects.select_related("campaign").filter(
            **{f"campaign__{key}": campaign}, expert=actor.pk
        )
        one = known.exclude(state=Membership.State.REMOVED).first()
        if one is None:
            raise NotFound()
        member = one
    member.expert = actor  # its roles are known already
    if not can_claim(member):
        raise CampaignNotOpen(_("This campaign gives out no tasks at the moment."))
    return member, held


def _in_hand(member: Membership, *, ahead: bool) -> int | None:
    """Renews the seat the expert has already, if there is one of the wanted kind, and returns its id."""
    held = Slot.objects.filter(
        campaign=member.campaign_id, expert=member.expert_id, state=Slot.State.LEASED
    ).order_by("ahead")
    rows = list(held.values_list("pk", "ahead", "queue"))
    chosen = next((row for row in rows if row[1] == ahead), None)
    if chosen is None and not ahead and rows:
        chosen = rows[0]
    if chosen is None:
        return None
    renewed = Slot.objects.filter(pk=chosen[0], expert=member.expert_id, state=Slot.State.LEASED).update(
        ahead=ahead, lease_until=from_now(lease_of(member.campaign, ahead=ahead))
    )
    return chosen[0] if renewed else None


def _take(member: Membership, *, ahead: bool) -> int | None:
    """A new seat. Looks behind the cursors once, when there is nothing ahead, and then not again for a while."""
    parameters = _parameters(member, ahead=ahead)
    places = _places(member)
    taken = take_slot(places, parameters)
    if taken is None and "fresh" in places and _may_wrap(member.wrap_after):
        taken = take_slot(BEHIND, parameters)
        if taken is None:
            Membership.objects.filter(pk=member.pk).update(wrap_after=from_now(WRAP_PAUSE))
    return taken[0] if taken else None


def _parameters(member: Membership, *, ahead: bool) -> dict[str, Any]:
    campaign = member.campaign
    parameters: dict[str, Any] = {
        "campaign": campaign.pk,
        "expert": member.expert_id,
        "membership": member.pk,
        "ahead": ahead,
        "lease": lease_of(campaign, ahead=ahead),
        "cursor": member.cursor,
        "returned_cursor": member.returned_cursor,
        # A referee has perhaps read what the others said: no seat that a disagreement opened.
        "highest": campaign.first_experts if has_role(member.expert, Role.REFEREE) else ANY_SEAT,
    }
    if connection.vendor != "postgresql":
        parameters["now"] = timezone.now()
    return parameters


def _places(member: Membership) -> Sequence[str]:
    if member.state == Membership.State.QUALIFYING:
        return ("qualification",)
    campaign = member.campaign
    due = gold_is_due(member.dealt, share=campaign.gold_share, seed=campaign.seed, member=member.pk)
    return ("gold", *ORDINARY) if due else ORDINARY


def _may_wrap(after: datetime | None) -> bool:
    return after is None or after <= database_now()


def renew_lease(*, actor: Any, slot_id: int, fence: int) -> datetime:
    """Another lease from now on, while the page is open; returns its end. Raises LeaseLost, NotFound.

    A lease that ran out is renewed as well, as long as nobody else took the seat.
    """
    slot = Slot.objects.select_related("campaign").filter(pk=slot_id).first()
    if slot is None or not was_given(slot_id, actor, fence):
        raise NotFound()
    renewed = (
        Slot.objects.filter(pk=slot_id, expert=actor, fence=fence, state=Slot.State.LEASED)
        .exclude(campaign__state=Campaign.State.CLOSED)
        .update(lease_until=from_now(lease_of(slot.campaign, ahead=slot.ahead)))
    )
    if not renewed:
        raise LeaseLost
    until = Slot.objects.values_list("lease_until", flat=True).get(pk=slot_id)
    if until is None:  # submitted in the meantime
        raise LeaseLost
    return until


def release(*, actor: Any, slot_id: int, fence: int) -> bool:
    """Gives a seat back (the page is closed, or what was claimed ahead is not wanted); False if it is gone.

    A label sent afterwards still takes the seat again, if nobody else has. Drafts stay. Raises NotFound.
    """
    if not was_given(slot_id, actor, fence):
        raise NotFound()
    with transaction.atomic():
        return give_back(slot_id, actor, fence)


def give_back(slot_id: int, expert: Any, fence: int) -> bool:
    """Opens a leased seat again; in the caller's transaction.

    It joins the end of the returned seats. A gold seat keeps its owner and place.
    """
    held = Slot.objects.filter(pk=slot_id, expert=expert, fence=fence, state=Slot.State.LEASED)
    opened: dict[str, Any] = {
        "state": Slot.State.OPEN, "expert": None, "taken_from": None, "lease_until": None, "ahead": False,
    }  # fmt: skip
    back = held.filter(reserved_for=None).update(
        queue=Slot.Queue.RETURNED, position=queue_time(), **opened
    ) or held.update(**opened)
    if back:
        events.note(SlotEvent.Kind.RELEASED, slot_id=slot_id, fence=fence, expert=expert)
    return bool(back)


def was_given(slot_id: int, actor: Any, fence: int) -> bool:
    """Whether this fence of the seat was handed to the actor: nobody writes with a guessed number."""
    return _handed(slot_id, actor).filter(fence=fence).exists()


def was_seated(slot_id: int, actor: Any) -> bool:
    """Whether the actor ever held the seat."""
    return _handed(slot_id, actor).exists()


def _handed(slot_id: int, actor: Any) -> QuerySet[SlotEvent]:
    claims = (SlotEvent.Kind.CLAIMED, SlotEvent.Kind.UNDONE)
    return SlotEvent.objects.filter(slot=slot_id, expert=actor.pk, kind__in=claims)
