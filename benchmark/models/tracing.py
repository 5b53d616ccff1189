"""Where norms stand in the law, which statute took the place of which, and what that does to a board."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from benchmark.models.corpora import Norm, Source
from benchmark.models.scoring import Board


class Decision(models.Model):
    """What the program found and a person may have decided. `certain`: sure enough to count without a person."""

    class State(models.TextChoices):
        CERTAIN = "certain", _("certain")
        PROPOSED = "proposed", _("proposed")
        CONFIRMED = "confirmed", _("confirmed")
        REJECTED = "rejected", _("rejected")

    COUNTS = (State.CERTAIN, State.CONFIRMED)

    state = models.CharField(_("state"), max_length=10, choices=State.choices)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


class Trace(Decision):
    """A norm and an article that it may be quoted from.

    `level` exact: word for word, `score` 1; excerpt: word for word with something left out; near: `score` is the
    share of the norm's letters that stand in the article. Only an exact one is ever *certain*.
    """

    class Level(models.TextChoices):
        EXACT = "exact", _("word for word")
        EXCERPT = "excerpt", _("excerpt, word for word")
        NEAR = "near", _("nearly the same")

    norm = models.ForeignKey(Norm, on_delete=models.CASCADE, related_name="traces")
    article = models.ForeignKey(Norm, on_delete=models.CASCADE, related_name="traced")
    level = models.CharField(_("level"), max_length=8, choices=Level.choices)
    score = models.FloatField(_("score"))

    class Meta:
        verbose_name = _("trace")
        verbose_name_plural = _("traces")
        constraints = [models.UniqueConstraint(fields=["norm", "article"], name="trace_once")]
        indexes = [models.Index(fields=["state", "-score"], name="trace_by_state")]

    def __str__(self) -> str:
        return f"{self.norm_id} in {self.article_id}: {self.level}"


class Succession(Decision):
    """`newer` takes the place of `older`.

    Under the same title that is certain; under a new one it is proposed, with the sentence that says so as `evidence`.
    """

    class Reason(models.TextChoices):
        SAME_TITLE = "same_title", _("a later version under the same title")
        REPEAL_CLAUSE = "repeal_clause", _("its closing clause repeals the older one")
        STATED = "stated", _("stated by a researcher")

    newer = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="supersedes")
    older = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="superseded_by")
    reason = models.CharField(_("reason"), max_length=14, choices=Reason.choices)
    evidence = models.TextField(_("evidence"), blank=True)

    class Meta:
        verbose_name = _("succession")
        verbose_name_plural = _("successions")
        constraints = [
            models.UniqueConstraint(fields=["newer", "older"], name="succession_once"),
            models.CheckConstraint(
                condition=~models.Q(newer=models.F("older")), name="succession_of_another"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.newer_id} supersedes {self.older_id}"


class BoardRenewal(models.Model):
    """What a board would say without its items on outdated law: computed with the ranks, read by a page.

    `outdated` of `items` rest on outdated law. `rows`: for each entry that stands, by value, {"entry", "value",
    "without", "low", "high", "low_without", "high_without"}; empty where nothing is outdated, or everything.
    """

    board = models.OneToOneField(Board, on_delete=models.CASCADE, primary_key=True, related_name="renewal")
    items = models.PositiveIntegerField()
    outdated = models.PositiveIntegerField()
    rows = models.JSONField(default=list)
    computed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("board without outdated law")
        verbose_name_plural = _("boards without outdated law")

    def __str__(self) -> str:
        return f"board {self.board_id} without outdated law"

    @property
    def share(self) -> float:
        return self.outdated / self.items if self.items else 0.0
