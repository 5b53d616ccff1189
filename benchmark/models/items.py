"""Benchmarks, their frozen versions and their items. The answer key lives in a table of its own."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from benchmark.models.corpora import Corpus, Norm, Scenario
from benchmark.querysets import ItemQuerySet


class Kind(models.TextChoices):
    OBJECTIVE = "objective", _("objective")
    SUBJECTIVE = "subjective", _("subjective")


class Split(models.TextChoices):
    """`dev`: all open. `public`: questions open, keys closed. `hidden`: closed, asked by the platform only."""

    DEV = "dev", _("development")
    PUBLIC = "public", _("public")
    HIDDEN = "hidden", _("hidden")


class Dimension(models.TextChoices):
    ETHICS_KNOWLEDGE = "ethics_knowledge", _("ethics knowledge")
    ETHICS_REASONING = "ethics_reasoning", _("ethics reasoning")
    EMERGENCY_CARE = "emergency_care", _("emergency care")
    DRUG_SAFETY = "drug_safety", _("drug safety")


class Benchmark(models.Model):
    slug = models.SlugField(unique=True)
    name_zh = models.CharField(_("name (Chinese)"), max_length=120)
    name_en = models.CharField(_("name (English)"), max_length=120)
    description_zh = models.TextField(_("description (Chinese)"), blank=True)
    description_en = models.TextField(_("description (English)"), blank=True)
    licence = models.CharField(_("licence"), max_length=200, blank=True)
    corpus = models.ForeignKey(Corpus, on_delete=models.PROTECT, related_name="benchmarks")

    class Meta:
        verbose_name = _("benchmark")
        verbose_name_plural = _("benchmarks")

    def __str__(self) -> str:
        return self.slug


class BenchmarkVersion(models.Model):
    """A set of items. Once frozen it has a content hash and the database refuses changes to its items."""

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        FROZEN = "frozen", _("frozen")

    benchmark = models.ForeignKey(Benchmark, on_delete=models.PROTECT, related_name="versions")
    label = models.CharField(_("version"), max_length=40)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.DRAFT)
    content_hash = models.CharField(_("content hash"), max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    frozen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("benchmark version")
        verbose_name_plural = _("benchmark versions")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["benchmark", "label"], name="version_label_once"),
            models.CheckConstraint(
                condition=models.Q(state="draft") | ~models.Q(content_hash=""), name="frozen_version_has_hash"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.benchmark.slug} {self.label}"

    @property
    def is_frozen(self) -> bool:
        return self.state == self.State.FROZEN


class PromptTemplate(models.Model):
    """The instruction in front of a question, kept apart from it. `text` holds one `{question}`."""

    version = models.ForeignKey(BenchmarkVersion, on_delete=models.CASCADE, related_name="prompt_templates")
    text_hash = models.CharField(max_length=64)
    text = models.TextField()

    class Meta:
        verbose_name = _("prompt template")
        verbose_name_plural = _("prompt templates")
        constraints = [models.UniqueConstraint(fields=["version", "text_hash"], name="prompt_template_once")]

    def __str__(self) -> str:
        return self.text[:60]


class Item(models.Model):
    """One question of one benchmark version.

    `cluster` names what is not independent: the norm group, or for an item without a norm its question
    text. `norm_text` is the snapshot that the content hash covers; `norm` is where the norm lives on.
    `options` is a list of {"letter", "text"}.
    """

    version = models.ForeignKey(BenchmarkVersion, on_delete=models.PROTECT, related_name="items")
    code = models.CharField(_("id"), max_length=20)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    number = models.PositiveIntegerField()
    split = models.CharField(_("split"), max_length=8, choices=Split.choices)
    dimension = models.CharField(_("dimension"), max_length=24, choices=Dimension.choices)
    scenario = models.ForeignKey(Scenario, on_delete=models.PROTECT, related_name="items")
    norm = models.ForeignKey(Norm, on_delete=models.PROTECT, null=True, blank=True, related_name="items")
    norm_text = models.TextField(blank=True)
    template = models.ForeignKey(PromptTemplate, on_delete=models.PROTECT, null=True, blank=True)
    question = models.TextField(_("question"))
    options = models.JSONField(_("options"), default=list, blank=True)
    cluster = models.CharField(max_length=80)
    duplicate_of = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True)
    contradicts = models.BooleanField(_("key contradicts its duplicate"), default=False)
    search_terms = models.TextField(editable=False)

    objects = ItemQuerySet.as_manager()

    class Meta:
        verbose_name = _("item")
        verbose_name_plural = _("items")
        ordering = ["version_id", "kind", "number"]
        constraints = [models.UniqueConstraint(fields=["version", "code"], name="item_code_once")]
        indexes = [
            models.Index(fields=["version", "kind", "split", "number"], name="item_by_split"),
            models.Index(fields=["version", "scenario"], name="item_by_scenario"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def letters(self) -> str:
        """The letters offered, such as "ABCDE"; empty for a subjective item."""
        return "".join(option["letter"] for option in self.options)


class AnswerKey(models.Model):
    """The right letters of an objective item: apart, so that no reader of items meets it by accident."""

    item = models.OneToOneField(Item, on_delete=models.CASCADE, related_name="answer_key", primary_key=True)
    letters = models.CharField(_("answer key"), max_length=26)

    class Meta:
        verbose_name = _("answer key")
        verbose_name_plural = _("answer keys")

    def __str__(self) -> str:
        return f"key of {self.item_id}"
