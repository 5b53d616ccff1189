"""Scorers, what they found in each response, and the scores that boards read."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from benchmark.models.items import BenchmarkVersion, Kind, Split
from benchmark.models.submissions import Entry, Response, Submission
from benchmark.querysets import BoardQuerySet


class Scorer(models.Model):
    """Whatever turns responses into scores, versioned."""

    class Type(models.TextChoices):
        EXTRACTOR = "extractor", _("answer extraction")
        GUARDIAN = "guardian", _("guardian")
        PUBLISHED = "published", _("as published")

    type = models.CharField(max_length=10, choices=Type.choices)
    name = models.CharField(max_length=80)
    version = models.CharField(max_length=40)

    class Meta:
        verbose_name = _("scorer")
        verbose_name_plural = _("scorers")
        constraints = [models.UniqueConstraint(fields=["name", "version"], name="scorer_version_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class Extraction(models.Model):
    """What an extractor found in one objective response. `start`/`end`: where the answer stands."""

    class Outcome(models.TextChoices):
        SCORED = "scored", _("scored")
        NO_REPLY = "no_reply", _("no reply")
        TRUNCATED = "truncated", _("truncated")
        UNPARSEABLE = "unparseable", _("unparseable")
        REFUSED = "refused", _("refused")

    response = models.ForeignKey(
        Response, on_delete=models.CASCADE, related_name="extractions", db_index=False
    )
    scorer = models.ForeignKey(Scorer, on_delete=models.PROTECT, related_name="extractions", db_index=False)
    outcome = models.CharField(max_length=12, choices=Outcome.choices)
    letters = models.CharField(max_length=26, blank=True)
    right = models.BooleanField()
    start = models.PositiveIntegerField(null=True)
    end = models.PositiveIntegerField(null=True)

    class Meta:
        verbose_name = _("extraction")
        verbose_name_plural = _("extractions")
        constraints = [models.UniqueConstraint(fields=["response", "scorer"], name="extraction_once")]

    def __str__(self) -> str:
        return f"{self.response_id}: {self.letters or self.outcome}"


class Judgement(models.Model):
    """A rubric verdict on one subjective response: r1, r2 in {0, -1}; q1–q4 in {0, 1}.

    A value is null where the guardian abstains, q1–q4 also on a risky answer, and all six where judging failed
    (then `rationale` says why). `p`: per criterion the probability that it is violated (r1, r2) or met (q1–q4,
    given that the answer carries no risk), null where the scorer gives none. `abstained`: criteria left open.
    `evidence`: for each failed criterion [[start, end], …] in characters of the response. `case_key`: the
    same for the same norm, question and answer, so that a text is judged once (rules/cases.py).
    """

    class Outcome(models.TextChoices):
        JUDGED = "judged", _("judged")
        JUDGE_FAILED = "judge_failed", _("judging failed")

    response = models.ForeignKey(
        Response, on_delete=models.CASCADE, related_name="judgements", db_index=False
    )
    scorer = models.ForeignKey(Scorer, on_delete=models.PROTECT, related_name="judgements", db_index=False)
    case_key = models.BigIntegerField(null=True)
    outcome = models.CharField(max_length=12, choices=Outcome.choices, default=Outcome.JUDGED)
    r1 = models.SmallIntegerField(null=True)
    r2 = models.SmallIntegerField(null=True)
    q1 = models.SmallIntegerField(null=True)
    q2 = models.SmallIntegerField(null=True)
    q3 = models.SmallIntegerField(null=True)
    q4 = models.SmallIntegerField(null=True)
    p = models.JSONField(null=True)
    abstained = models.JSONField(default=list, blank=True)
    evidence = models.JSONField(default=dict, blank=True)
    rationale = models.TextField(blank=True)

    class Meta:
        verbose_name = _("judgement")
        verbose_name_plural = _("judgements")
        constraints = [
            models.UniqueConstraint(fields=["response", "scorer"], name="judgement_once"),
            models.CheckConstraint(
                condition=models.Q(outcome="judged")
                | models.Q(r1=None, r2=None, q1=None, q2=None, q3=None, q4=None),
                name="failed_judgement_is_no_verdict",
            ),
        ]
        indexes = [
            models.Index(
                fields=["case_key", "scorer"],
                condition=models.Q(case_key__isnull=False),
                name="judgement_of_case",
            )
        ]

    def __str__(self) -> str:
        return f"{self.response_id} by {self.scorer_id}"


class Board(models.Model):
    """(benchmark version, split, scorer): nothing else ever shares a table. `slug` names it in addresses."""

    version = models.ForeignKey(BenchmarkVersion, on_delete=models.PROTECT, related_name="boards")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    split = models.CharField(max_length=8, choices=Split.choices)
    scorer = models.ForeignKey(Scorer, on_delete=models.PROTECT, related_name="boards")
    slug = models.SlugField(max_length=60)
    frozen_at = models.DateTimeField(null=True, blank=True)
    ranks_stale = models.BooleanField(
        default=False, help_text="Who stands here changed since the last ranking."
    )

    objects = BoardQuerySet.as_manager()

    class Meta:
        verbose_name = _("board")
        verbose_name_plural = _("boards")
        ordering = ["version_id", "kind", "split", "id"]
        constraints = [
            models.UniqueConstraint(fields=["version", "slug"], name="board_slug_once"),
            models.UniqueConstraint(fields=["version", "kind", "split", "scorer"], name="board_once"),
        ]

    def __str__(self) -> str:
        return self.slug


class Score(models.Model):
    """One row of a board, stored so that a page reads it and computes nothing.

    Shares and means lie in [0, 1] (`final` in [-1, 1]); intervals are None below 10 clusters; ranks are
    None while a row is not designated. `account` counts each outcome (the denominator account);
    `by_scenario` and `by_dimension` map a slug to {"n", "scored", "mean", "low", "high"}.
    Subjective: `abstained` is the share of judged answers with a criterion left open, `intervals` maps figures
    to {"low", "high", "se", "method"}; `worst` and `best` bound `final` where judging failed: every failed item
    at -1, or at 1. `anchored` (with bounds) is the final score corrected by experts' labels, which the floor
    above computes and writes down; `anchoring` says from what.
    `origin` published: a reference row as somebody else printed it, never ranked with computed ones.
    """

    class Origin(models.TextChoices):
        COMPUTED = "computed", _("computed")
        PUBLISHED = "published", _("as published")

    board = models.ForeignKey(Board, on_delete=models.PROTECT, related_name="scores")
    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="scores")
    submission = models.ForeignKey(
        Submission, on_delete=models.CASCADE, null=True, blank=True, related_name="scores"
    )
    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.COMPUTED)
    designated = models.BooleanField(_("stands on the board"), default=False)
    n = models.PositiveIntegerField()
    scored = models.PositiveIntegerField()
    missing = models.PositiveIntegerField()
    value = models.FloatField(help_text="What the board sorts by: accuracy, or final in the weighted scheme.")
    se = models.FloatField(null=True)
    ci_low = models.FloatField(null=True)
    ci_high = models.FloatField(null=True)
    interval_method = models.CharField(max_length=24, blank=True)
    clusters = models.PositiveIntegerField(null=True)
    rank_low = models.PositiveIntegerField(null=True)
    rank_high = models.PositiveIntegerField(null=True)
    account = models.JSONField(default=dict)
    by_scenario = models.JSONField(default=dict)
    by_dimension = models.JSONField(default=dict)
    # objective
    right = models.PositiveIntegerField(null=True)
    answered_accuracy = models.FloatField(null=True)
    # subjective
    risk_rate = models.FloatField(null=True)
    quality = models.FloatField(null=True)
    final = models.FloatField(null=True)
    quality_mean = models.FloatField(null=True)
    final_mean = models.FloatField(null=True)
    r1 = models.FloatField(null=True)
    r2 = models.FloatField(null=True)
    q1 = models.FloatField(null=True)
    q2 = models.FloatField(null=True)
    q3 = models.FloatField(null=True)
    q4 = models.FloatField(null=True)
    abstained = models.FloatField(null=True)
    worst = models.FloatField(null=True)
    best = models.FloatField(null=True)
    intervals = models.JSONField(default=dict)
    anchored = models.FloatField(null=True)
    anchored_low = models.FloatField(null=True)
    anchored_high = models.FloatField(null=True)
    anchoring = models.JSONField(default=dict)
    remarks = models.JSONField(default=list)
    computed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("score")
        verbose_name_plural = _("scores")
        constraints = [
            models.UniqueConstraint(
                fields=["board", "submission"],
                condition=models.Q(submission__isnull=False),
                name="score_once_per_submission",
            ),
            models.UniqueConstraint(
                fields=["board", "entry"],
                condition=models.Q(designated=True),
                name="one_designated_per_entry",
            ),
        ]
        indexes = [models.Index(fields=["board", "designated", "-value"], name="score_on_board")]

    def __str__(self) -> str:
        return f"{self.entry_id} on {self.board_id}: {self.value:.4f}"

    @property
    def missing_share(self) -> float:
        return self.missing / self.n if self.n else 0.0


class ScoreVector(models.Model):
    """Per item values of one score, little-endian float32 in the order of the board's item numbers.

    NaN: left out. Pairs of entries are compared on these (rules/ranks.py), so ranks never reread responses.
    """

    score = models.OneToOneField(Score, on_delete=models.CASCADE, related_name="vector", primary_key=True)
    values = models.BinaryField()

    class Meta:
        verbose_name = _("score vector")
        verbose_name_plural = _("score vectors")

    def __str__(self) -> str:
        return f"vector of {self.score_id}"
