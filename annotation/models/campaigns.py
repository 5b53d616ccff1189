"""Campaigns, their guidelines, and who takes part under which pseudonym."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from annotation.querysets import CampaignQuerySet
from benchmark.models import BenchmarkVersion, Entry, Scenario, Scorer

SHARE = [MinValueValidator(0.0), MaxValueValidator(1.0)]


class Campaign(models.Model):
    """Asks experts for labels on part of a benchmark version.

    A task begins with `first_experts` seats; while its labels disagree it gets one more, up to `cap`.
    After `max_skips` skips of one task no seat is opened again (the task ends as exhausted: non-response).
    """

    class Kind(models.TextChoices):
        RESPONSES = "responses", _("responses")
        GUARDIAN = "guardian", _("guardian judgements, blind first")
        ITEMS = "items", _("items")
        PAIRS = "pairs", _("pairs of responses")

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        OPEN = "open", _("open")
        PAUSED = "paused", _("paused")
        CLOSED = "closed", _("closed")

    class Order(models.TextChoices):
        OLDEST = "oldest", _("oldest first")
        RANDOM = "random", _("random")
        PRIORITY = "priority", _("by priority, with a random stratum")

    slug = models.SlugField(_("short name"), unique=True, max_length=80)
    title_zh = models.CharField(_("title (Chinese)"), max_length=160)
    title_en = models.CharField(_("title (English)"), max_length=160)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.DRAFT)
    version = models.ForeignKey(BenchmarkVersion, on_delete=models.PROTECT, related_name="campaigns")
    scenarios = models.ManyToManyField(Scenario, blank=True, related_name="campaigns")
    entries = models.ManyToManyField(Entry, blank=True, related_name="campaigns")
    scorer = models.ForeignKey(
        Scorer, on_delete=models.PROTECT, null=True, blank=True, related_name="campaigns"
    )
    guideline = models.ForeignKey(
        "annotation.GuidelineVersion", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    first_experts = models.PositiveSmallIntegerField(
        _("experts at first"), default=2, validators=[MinValueValidator(1), MaxValueValidator(9)]
    )
    cap = models.PositiveSmallIntegerField(
        _("experts at most"), default=3, validators=[MinValueValidator(1), MaxValueValidator(9)]
    )
    max_skips = models.PositiveSmallIntegerField(_("skips before a task is given up"), default=4)
    gold_share = models.FloatField(_("share of gold tasks"), default=0.0, validators=SHARE)
    lease_minutes = models.PositiveSmallIntegerField(
        _("lease (minutes)"), default=20, validators=[MinValueValidator(1), MaxValueValidator(720)]
    )
    outdated_only = models.BooleanField(
        _("only items on outdated law"),
        default=False,
        help_text=_(
            "Items whose norm stands in a superseded version of the law only, at the time of the draw."
        ),
    )
    order = models.CharField(_("order"), max_length=8, choices=Order.choices, default=Order.RANDOM)
    seed = models.PositiveIntegerField(_("seed"), default=1)
    size_limit = models.PositiveIntegerField(_("tasks at most"), null=True, blank=True)
    random_share = models.FloatField(_("share of the random stratum"), default=0.2, validators=SHARE)
    qualification_tasks = models.PositiveSmallIntegerField(_("qualification tasks needed"), default=0)
    qualification_bound = models.FloatField(_("agreement needed"), default=0.8, validators=SHARE)
    daily_goal = models.PositiveSmallIntegerField(_("goal of a day"), default=30)
    open_to_experts = models.BooleanField(
        _("open to all experts"), default=True, help_text=_("Otherwise a researcher adds each expert.")
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="campaigns"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = CampaignQuerySet.as_manager()

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(first_experts__gte=1) & models.Q(cap__gte=models.F("first_experts")),
                name="campaign_cap_covers_first",
            ),
            models.CheckConstraint(
                condition=models.Q(gold_share__gte=0, gold_share__lte=1)
                & models.Q(random_share__gte=0, random_share__lte=1),
                name="campaign_shares",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind="guardian") | models.Q(scorer__isnull=False),
                name="guardian_campaign_has_scorer",
            ),
        ]

    def __str__(self) -> str:
        return self.slug

    @property
    def uses_rubric(self) -> bool:
        return self.kind in (self.Kind.RESPONSES, self.Kind.GUARDIAN)


class GuidelineVersion(models.Model):
    """The guidelines as they stood: never changed, a new text is a new number. Labels name theirs."""

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="guidelines")
    number = models.PositiveSmallIntegerField(_("number"))
    text_zh = models.TextField(_("text (Chinese)"))
    text_en = models.TextField(_("text (English)"), blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("guidelines")
        verbose_name_plural = _("guidelines")
        ordering = ["campaign_id", "number"]
        constraints = [models.UniqueConstraint(fields=["campaign", "number"], name="guideline_number_once")]

    def __str__(self) -> str:
        return f"{self.campaign_id} v{self.number}"


class Pseudonym(models.Model):
    """What exports and colleagues read in place of a person's name: drawn once, the same in all campaigns."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="pseudonym", primary_key=True
    )
    code = models.CharField(_("pseudonym"), max_length=16, unique=True)

    class Meta:
        verbose_name = _("pseudonym")
        verbose_name_plural = _("pseudonyms")

    def __str__(self) -> str:
        return self.code


class Membership(models.Model):
    """One expert in one campaign.

    `cursor` and `returned_cursor` are positions in the two queues of open slots: whatever lies before them
    was taken or is barred to this expert, so it is not looked at again. `wrap_after`: not before then does
    a claim that finds nothing ahead look behind once more. `dealt` counts tasks given.
    """

    class State(models.TextChoices):
        QUALIFYING = "qualifying", _("qualifying")
        ACTIVE = "active", _("active")
        REMOVED = "removed", _("removed")

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="memberships")
    expert = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="memberships")
    state = models.CharField(_("state"), max_length=10, choices=State.choices)
    pseudonym = models.CharField(_("pseudonym"), max_length=16)
    cursor = models.BigIntegerField(default=0)
    returned_cursor = models.BigIntegerField(default=0)
    wrap_after = models.DateTimeField(null=True)
    dealt = models.PositiveIntegerField(default=0)
    qualification = models.JSONField(
        default=dict, blank=True, help_text="Of the last decision: passed, tasks, agreement."
    )
    joined_at = models.DateTimeField(auto_now_add=True)
    qualified_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = [
            models.UniqueConstraint(fields=["campaign", "expert"], name="member_once"),
            models.UniqueConstraint(fields=["campaign", "pseudonym"], name="pseudonym_once_per_campaign"),
        ]

    def __str__(self) -> str:
        return f"{self.pseudonym} in {self.campaign_id}"
