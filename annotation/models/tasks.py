"""Tasks, and the slots (seats) that experts take on them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from annotation.models.campaigns import Campaign
from annotation.querysets import SlotQuerySet, TaskQuerySet
from benchmark.models import Item, Response


class Task(models.Model):
    """One thing to label: an item, a response to it, or two responses to it (`response`, `other`).

    `swapped`: `other` is shown first. `inclusion_probability`: with which chance the drawing of the campaign
    gave this task its place, None where a score chose it. `wanted`: seats the task has need of so far.
    `consensus`: the answers that a majority of the counted labels share. Gold and qualification tasks have
    `gold_answers` and stay open: every expert gets a seat of their own on them.
    """

    class Purpose(models.TextChoices):
        REAL = "real", _("to be labelled")
        GOLD = "gold", _("gold")
        QUALIFICATION = "qualification", _("qualification")

    class Stratum(models.TextChoices):
        RANDOM = "random", _("random")
        PRIORITY = "priority", _("priority")

    class State(models.TextChoices):
        OPEN = "open", _("open")
        AGREED = "agreed", _("agreed")
        DISPUTED = "disputed", _("disputed")
        RULED = "ruled", _("ruled")
        EXHAUSTED = "exhausted", _("given up")

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="tasks", db_index=False)
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="tasks")
    response = models.ForeignKey(
        Response, on_delete=models.PROTECT, null=True, blank=True, related_name="tasks"
    )
    other = models.ForeignKey(
        Response, on_delete=models.PROTECT, null=True, blank=True, related_name="tasks_as_other"
    )
    swapped = models.BooleanField(default=False)
    purpose = models.CharField(max_length=13, choices=Purpose.choices, default=Purpose.REAL)
    gold_answers = models.JSONField(null=True, blank=True)
    explanation_zh = models.TextField(blank=True)
    explanation_en = models.TextField(blank=True)
    position = models.PositiveIntegerField()
    priority = models.FloatField(default=0.0)
    stratum = models.CharField(max_length=8, choices=Stratum.choices, default=Stratum.RANDOM)
    inclusion_probability = models.FloatField(null=True)
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    wanted = models.PositiveSmallIntegerField(default=0)
    consensus = models.JSONField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    objects = TaskQuerySet.as_manager()

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        ordering = ["campaign_id", "position", "id"]
        indexes = [
            models.Index(fields=["campaign", "position"], name="task_by_position"),
            models.Index(fields=["campaign", "state"], name="task_by_state"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(purpose="real", gold_answers__isnull=True)
                | (~models.Q(purpose="real") & models.Q(gold_answers__isnull=False)),
                name="gold_task_has_answers",
            ),
            models.CheckConstraint(
                condition=models.Q(other__isnull=True) | models.Q(response__isnull=False),
                name="pair_has_both",
            ),
            models.CheckConstraint(
                condition=models.Q(inclusion_probability__isnull=True)
                | models.Q(inclusion_probability__gt=0, inclusion_probability__lte=1),
                name="task_inclusion_probability",
            ),
        ]

    def __str__(self) -> str:
        return f"task {self.pk} of {self.campaign_id}"

    @property
    def answers_shown(self) -> list[int]:
        """Ids of the responses it is about: none, one, or two."""
        return [pk for pk in (self.response_id, self.other_id) if pk is not None]

    @property
    def is_gold(self) -> bool:
        return self.purpose != self.Purpose.REAL


class Slot(models.Model):
    """One expert's seat on a task, made in advance and leased for a while.

    `ordinal` is the number of the seat: a seat that was skipped is filled again under the same number, and a
    number above the campaign's `first_experts` was opened by a disagreement. `position` orders the queue the
    slot waits in: the task's place in FRESH; in RETURNED (seats opened later, or given back) the microsecond
    it came, so that it always joins at the end. `fence` rises with every claim: a write counts only with
    the newest. `ahead`: claimed to be rendered before it is its turn, for a short while. `taken_from`: whose
    lease had run out when the present holder took it. LATE is the seat of somebody whose label came after
    the lease had gone to another.
    """

    class State(models.TextChoices):
        OPEN = "open", _("open")
        LEASED = "leased", _("leased")
        LABELLED = "labelled", _("labelled")
        SKIPPED = "skipped", _("skipped")
        WITHDRAWN = "withdrawn", _("no longer needed")
        LATE = "late", _("late")

    class Queue(models.IntegerChoices):
        FRESH = 0, _("fresh")
        RETURNED = 1, _("returned")
        GOLD = 2, _("gold")
        QUALIFICATION = 3, _("qualification")

    LIVE = (State.OPEN, State.LEASED, State.LABELLED)

    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="slots", db_index=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="slots", db_index=False)
    ordinal = models.PositiveSmallIntegerField()
    queue = models.PositiveSmallIntegerField(choices=Queue.choices, default=Queue.FRESH)
    position = models.BigIntegerField()
    reserved_for = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    expert = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="slots",
        db_index=False,
    )
    taken_from = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    ahead = models.BooleanField(default=False)
    fence = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = SlotQuerySet.as_manager()

    class Meta:
        verbose_name = _("slot")
        verbose_name_plural = _("slots")
        constraints = [
            # The index of task lookups too.
            models.UniqueConstraint(fields=["task", "expert"], name="expert_once_per_task"),
            models.UniqueConstraint(
                fields=["task", "ordinal"],
                condition=models.Q(state__in=("open", "leased", "labelled"), reserved_for__isnull=True),
                name="seat_once_per_task",
            ),
            models.UniqueConstraint(
                fields=["task", "reserved_for"],
                condition=models.Q(reserved_for__isnull=False),
                name="gold_seat_once_per_expert",
            ),
            # One task in hand and one ahead; two tabs that claim at once meet here.
            models.UniqueConstraint(
                fields=["campaign", "expert", "ahead"],
                condition=models.Q(state="leased"),
                name="one_lease_in_hand",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="leased")
                | models.Q(expert__isnull=False, lease_until__isnull=False, claimed_at__isnull=False),
                name="leased_slot_has_holder",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="open") | models.Q(expert__isnull=True, lease_until__isnull=True),
                name="open_slot_has_no_holder",
            ),
        ]
        indexes = [
            models.Index(
                fields=["campaign", "queue", "position", "id"],
                condition=models.Q(state="open"),
                name="slot_claim",
            ),
            models.Index(
                fields=["reserved_for", "campaign", "queue", "position"],
                condition=models.Q(state="open", reserved_for__isnull=False),
                name="slot_claim_reserved",
            ),
            models.Index(
                fields=["campaign", "lease_until"], condition=models.Q(state="leased"), name="slot_leases"
            ),
        ]

    def __str__(self) -> str:
        return f"seat {self.ordinal} of task {self.task_id}: {self.state}"


class SlotEvent(models.Model):
    """The history of a slot. Renewals are not written down: one comes every minute a page is open."""

    class Kind(models.TextChoices):
        OPENED = "opened", _("opened")
        CLAIMED = "claimed", _("claimed")
        EXPIRED = "expired", _("lease ran out")
        RELEASED = "released", _("given back")
        SUBMITTED = "submitted", _("labelled")
        LATE = "late", _("labelled late")
        REVISED = "revised", _("revised")
        UNDONE = "undone", _("undone")
        REVEALED = "revealed", _("guardian shown")
        SKIPPED = "skipped", _("skipped")
        FLAGGED = "flagged", _("flagged")
        IMPORTED = "imported", _("imported")
        WITHDRAWN = "withdrawn", _("no longer needed")

    slot = models.ForeignKey(Slot, on_delete=models.PROTECT, related_name="events")
    expert = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    kind = models.CharField(max_length=9, choices=Kind.choices)
    fence = models.PositiveIntegerField()
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("slot event")
        verbose_name_plural = _("slot events")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.slot_id} {self.kind}"
