"""What the API says of runs and guardians, and what it takes to start one."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from benchmark.models import Guardian
from medes_site.kit.jobs.models import Job
from training.models import Run
from training.queries.runs import run_view


class JobSerializer(serializers.ModelSerializer):
    class Meta:
        model = Job
        fields = ["id", "state", "stage", "progress_done", "progress_total", "attempt", "error"]
        read_only_fields = fields


class RunSerializer(serializers.ModelSerializer):
    """A run: `job` says how far it is, `guardian` what came of it."""

    job = serializers.SerializerMethodField()
    dataset_hash = serializers.CharField(source="dataset.content_hash", default=None, read_only=True)
    rows = serializers.IntegerField(source="dataset.rows", default=None, read_only=True)

    class Meta:
        model = Run
        fields = [
            "id", "kind", "name", "version", "config", "recipe", "note", "dataset_hash", "rows", "guardian", "job",
            "processes", "time_limit", "copied_from", "progress", "code_version", "libraries", "created_at", "finished_at",
        ]  # fmt: skip
        read_only_fields = fields
        extra_kwargs = {"kind": {"help_text": "guardian, sft or dpo"}}

    def get_job(self, run: Run) -> dict[str, Any] | None:
        job = run_view(run).job
        return JobSerializer(job).data if job is not None else None


class NewGuardianRunSerializer(serializers.Serializer):
    """Settings left out have the values of the form on /training/guardians/."""

    name = serializers.CharField(required=False, default="", allow_blank=True, max_length=40)
    note = serializers.CharField(required=False, default="", allow_blank=True, max_length=2000)
    campaigns = serializers.ListField(
        child=serializers.CharField(max_length=80), required=False, default=list
    )
    config = serializers.DictField(
        required=False, default=dict, help_text="kind, prior, alpha, miss_cost, seed, folds"
    )


class GuardianSerializer(serializers.ModelSerializer):
    """A guardian with its reliability in short; `report` of the same address has all of it."""

    name = serializers.CharField(source="scorer.name", read_only=True)
    version = serializers.CharField(source="scorer.version", read_only=True)

    class Meta:
        model = Guardian
        fields = [
            "id", "name", "version", "kind", "state", "reliability", "manifest", "override_reason", "created_at",
            "shadowed_at", "promoted_at", "retired_at",
        ]  # fmt: skip
        read_only_fields = fields


class PromotionSerializer(serializers.Serializer):
    reason = serializers.CharField(required=False, default="", allow_blank=True, max_length=2000)
