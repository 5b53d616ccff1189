"""Runs: one training job each, with what it was started with, how it went, and what came of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from benchmark.models import Entry, Guardian
from training.models.datasets import Dataset, TrainingKind
from training.querysets import RunQuerySet


class Run(models.Model):
    """One training run. Whether it waits, works or is over, its job says (kind "train", subject "run").

    `config` goes to the engine as it stands; `recipe` says how to draw the dataset, which is made by the run
    itself when it has none. `processes` of one machine share the work; they stand beside `config`, since the
    engine's configuration is the same on one process and on many. `folder` (relative to MEDES_HOME/artefacts) is
    the run directory. The engine is a child of the worker, known by host, pid and start time while it runs.
    `progress` is the engine's last line of progress. `reason_if_first`: where no guardian is active yet, the new
    one is promoted at once, and this is why if it does not pass the gate. `libraries` and `code_version`: what
    trained it. `entry`: what an SFT or DPO run's model was promoted to. `copied_from`: the run whose settings it
    began with. `finished_at`: its product stands. `stored`: {"files": {name: {"bytes", "sha256"}},
    "at"} once all of it is in the store of artefacts.
    """

    kind = models.CharField(_("kind"), max_length=10, choices=TrainingKind.choices)
    name = models.CharField(_("name"), max_length=40)
    version = models.CharField(_("version"), max_length=40)
    recipe = models.JSONField(default=dict)
    config = models.JSONField(_("configuration"), default=dict)
    dataset = models.ForeignKey(
        Dataset,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="runs",
        verbose_name=_("dataset"),
    )
    folder = models.CharField(max_length=200, blank=True)
    time_limit = models.PositiveIntegerField(_("time limit (seconds)"), default=7200)
    processes = models.PositiveSmallIntegerField(_("processes"), default=1)
    note = models.TextField(_("note"), blank=True)
    reason_if_first = models.TextField(_("reason if it is the first"), blank=True)
    engine_host = models.CharField(max_length=120, blank=True)
    engine_pid = models.PositiveIntegerField(null=True, blank=True)
    engine_started = models.FloatField(null=True, blank=True)
    progress = models.JSONField(default=dict)
    code_version = models.CharField(max_length=64, blank=True)
    libraries = models.JSONField(default=dict)
    guardian = models.OneToOneField(
        Guardian,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="run",
        verbose_name=_("guardian"),
    )
    entry = models.OneToOneField(
        Entry,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="run",
        verbose_name=_("entry"),
    )
    copied_from = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="copies",
        verbose_name=_("copied from"),
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="runs"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    stored = models.JSONField(_("stored artefacts"), default=dict, blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["kind", "name", "version"], name="run_version_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    def has_stored(self, part: str) -> bool:
        """Whether a part of its artefact ("model", "adapter") is in the store."""
        return any(name.startswith(f"artefact/{part}/") for name in self.stored.get("files", {}))


class RunMetric(models.Model):
    """The figures of one step of one phase; the same step told twice (after a resume) is one row, the later."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="metrics", db_index=False)
    phase = models.CharField(max_length=40)
    step = models.PositiveIntegerField()
    values = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("figures of a step")
        verbose_name_plural = _("figures of steps")
        ordering = ["run_id", "phase", "step"]
        constraints = [models.UniqueConstraint(fields=["run", "phase", "step"], name="run_step_once")]

    def __str__(self) -> str:
        return f"{self.run_id} {self.phase} {self.step}"
