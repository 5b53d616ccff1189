"""Normative corpora: what the law says, where it says it, and which norms say nearly the same."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from benchmark.querysets import NormQuerySet


class Corpus(models.Model):
    """A body of norms of one jurisdiction, in one language, at one version."""

    slug = models.SlugField(unique=True)
    name_zh = models.CharField(_("name (Chinese)"), max_length=200)
    name_en = models.CharField(_("name (English)"), max_length=200)
    jurisdiction = models.CharField(_("jurisdiction"), max_length=20, default="CN")
    language = models.CharField(_("language"), max_length=12, default="zh")
    version = models.CharField(_("version"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("corpus")
        verbose_name_plural = _("corpora")

    def __str__(self) -> str:
        return self.slug


class Source(models.Model):
    """A law, a regulation, a guideline: what a norm is quoted from.

    One version of it. `family` is the title without what does not tell statutes apart; `version_date` that of the
    last enactment or amendment, which orders the versions of a family; `in_force` what the statute's own clause says.
    `parts` maps the title of a part ("" for the whole) to {"file", "digest", "articles"}; `repeals` lists
    [family, sentence] of what the statute says it repeals. All empty where the source came with a benchmark.
    """

    class Kind(models.TextChoices):
        LAW = "law", _("law")
        REGULATION = "regulation", _("administrative regulation")
        RULE = "rule", _("departmental rule")
        INTERPRETATION = "interpretation", _("judicial interpretation")
        GUIDELINE = "guideline", _("guideline")
        CODE = "code", _("code of ethics")
        UNSTATED = "unstated", _("source not stated")

    class Status(models.TextChoices):
        IN_FORCE = "in_force", _("in force")
        AMENDED = "amended", _("amended since")
        REPEALED = "repealed", _("repealed")
        UNKNOWN = "unknown", _("status unknown")

    corpus = models.ForeignKey(Corpus, on_delete=models.PROTECT, related_name="sources")
    key = models.CharField(max_length=80)
    family = models.CharField(max_length=200, blank=True, db_index=True)
    title = models.CharField(_("title"), max_length=200)
    title_en = models.CharField(_("title (English)"), max_length=200, blank=True)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    issuer = models.CharField(_("issuer"), max_length=200, blank=True)
    number = models.CharField(_("number"), max_length=120, blank=True)
    in_force = models.DateField(_("in force since"), null=True, blank=True)
    version_date = models.DateField(_("version of"), null=True, blank=True)
    status = models.CharField(_("status"), max_length=12, choices=Status.choices, default=Status.UNKNOWN)
    parts = models.JSONField(default=dict, blank=True, editable=False)
    repeals = models.JSONField(default=list, blank=True, editable=False)

    class Meta:
        verbose_name = _("source")
        verbose_name_plural = _("sources")
        constraints = [models.UniqueConstraint(fields=["corpus", "key"], name="source_key_once_per_corpus")]

    def __str__(self) -> str:
        return self.title


class Scenario(models.Model):
    """A clinical setting such as 辅助生殖. Shared by all benchmarks; aliases are other spellings."""

    slug = models.SlugField(unique=True, max_length=60)
    name_zh = models.CharField(_("name (Chinese)"), max_length=80)
    name_en = models.CharField(_("name (English)"), max_length=120)
    aliases = models.JSONField(_("other spellings"), default=list, blank=True)

    class Meta:
        verbose_name = _("scenario")
        verbose_name_plural = _("scenarios")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name_zh


class NormGroup(models.Model):
    """Norms that say nearly the same: the unit of clustering, splitting and holding out.

    Stored once and never recomputed. `audit` groups (20%, by hash) are never trained on.
    `split` is given with the group's first item and holds for good.
    """

    corpus = models.ForeignKey(Corpus, on_delete=models.PROTECT, related_name="norm_groups")
    number = models.PositiveIntegerField()
    key = models.CharField(max_length=64)
    audit = models.BooleanField(_("audit group"))
    split = models.CharField(_("split"), max_length=8, blank=True)

    class Meta:
        verbose_name = _("norm group")
        verbose_name_plural = _("norm groups")
        constraints = [
            models.UniqueConstraint(fields=["corpus", "number"], name="norm_group_number_once"),
            models.UniqueConstraint(fields=["corpus", "key"], name="norm_group_key_once"),
        ]

    def __str__(self) -> str:
        return f"{self.corpus_id}/{self.number}"


class Norm(models.Model):
    """One quotable rule with its article.

    A norm of a corpus of statutes is a whole article: `place` orders it within its source, `heading` says under which
    chapter it stands. A norm that came with a benchmark is a quotation; its place is None, and where in the law it
    stands is told by its traces. `standing` sums those up; `trace_key` names what they were looked for with.
    `renewal`: the norm that takes its place in the next version of a benchmark, as a researcher decided.
    """

    class Standing(models.TextChoices):
        UNTRACED = "untraced", _("not traced")
        CURRENT = "current", _("current law")
        OUTDATED = "outdated", _("outdated law")

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="norms")
    group = models.ForeignKey(NormGroup, on_delete=models.PROTECT, related_name="norms")
    code = models.CharField(max_length=40)
    article = models.CharField(_("article"), max_length=80, blank=True)
    heading = models.CharField(_("chapter"), max_length=300, blank=True)
    place = models.PositiveBigIntegerField(null=True, blank=True, editable=False)
    text = models.TextField(_("text"))
    text_hash = models.CharField(max_length=64)
    scenarios = models.ManyToManyField(Scenario, related_name="norms", blank=True)
    search_terms = models.TextField(editable=False)
    standing = models.CharField(
        _("standing"), max_length=10, choices=Standing.choices, default=Standing.UNTRACED, db_index=True
    )
    trace_key = models.CharField(max_length=64, blank=True, editable=False)
    renewal = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="renews", editable=False
    )

    objects = NormQuerySet.as_manager()

    class Meta:
        verbose_name = _("norm")
        verbose_name_plural = _("norms")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["source", "text_hash"], name="norm_text_once_per_source"),
        ]
        indexes = [models.Index(fields=["source", "place"], name="norm_by_place")]

    def __str__(self) -> str:
        return self.text[:60]

    @property
    def is_article(self) -> bool:
        return self.place is not None
