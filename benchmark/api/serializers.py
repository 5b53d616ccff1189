"""The API's words. An item carries its key only where the reader may see it (policies)."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from benchmark.models import Benchmark, BenchmarkVersion, Board, Entry, Item, Norm, Submission
from benchmark.policies import can_see_answer_key
from benchmark.queries.boards import score_row
from medes_site.kit.jobs.models import Job
from medes_site.kit.jobs.queries import latest_job


class VersionSerializer(serializers.ModelSerializer):
    class Meta:
        model = BenchmarkVersion
        fields = ["label", "state", "content_hash", "frozen_at"]


class BenchmarkSerializer(serializers.ModelSerializer):
    versions = serializers.SerializerMethodField()

    class Meta:
        model = Benchmark
        fields = ["slug", "name_zh", "name_en", "description_zh", "description_en", "licence", "versions"]

    @extend_schema_field(VersionSerializer(many=True))
    def get_versions(self, benchmark: Benchmark) -> Any:
        frozen = [version for version in benchmark.versions.all() if version.is_frozen]
        return VersionSerializer(frozen, many=True).data


class ItemSerializer(serializers.ModelSerializer):
    item = serializers.CharField(source="code")
    version = serializers.CharField(source="version.label")
    scenario = serializers.CharField(source="scenario.slug")
    duplicate_of = serializers.CharField(source="duplicate_of.code", default=None)
    template = serializers.CharField(source="template.text", default=None)
    key = serializers.SerializerMethodField(help_text="Answer key: only on the split dev.")

    class Meta:
        model = Item
        fields = [
            "item",
            "version",
            "kind",
            "split",
            "dimension",
            "scenario",
            "question",
            "options",
            "template",
            "norm_id",
            "duplicate_of",
            "contradicts",
            "key",
        ]

    def get_key(self, item: Item) -> str | None:
        if not can_see_answer_key(self.context["request"].user, item) or not hasattr(item, "answer_key"):
            return None
        return item.answer_key.letters


class NormSerializer(serializers.ModelSerializer):
    source = serializers.CharField(source="source.title")
    in_force = serializers.DateField(source="source.in_force")
    status = serializers.CharField(source="source.status")
    scenarios = serializers.SlugRelatedField(many=True, read_only=True, slug_field="slug")

    class Meta:
        model = Norm
        fields = ["id", "source", "article", "text", "in_force", "status", "scenarios"]


class EntrySerializer(serializers.ModelSerializer):
    # The model's unique check would answer before the service does, and tell whether a private name exists.
    name = serializers.CharField(max_length=120)

    class Meta:
        model = Entry
        fields = ["slug", "name", "organisation", "parameters_b", "type", "licence", "link", "created_at"]
        read_only_fields = ["slug", "created_at"]


class EntryChangeSerializer(EntrySerializer):
    class Meta(EntrySerializer.Meta):
        read_only_fields = ["slug", "name", "created_at"]

    name = serializers.CharField(read_only=True)


class JobSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    state = serializers.ChoiceField(Job.State.choices)
    done = serializers.IntegerField()
    total = serializers.IntegerField()
    stage = serializers.CharField()
    error = serializers.CharField()


class SubmissionSerializer(serializers.ModelSerializer):
    entry = serializers.CharField(source="entry.slug")
    benchmark = serializers.CharField(source="version.benchmark.slug")
    version = serializers.CharField(source="version.label")
    responses = serializers.IntegerField(source="responses_count")
    job = serializers.SerializerMethodField(help_text="The newest evaluation job: state, progress, error.")
    scores = serializers.SerializerMethodField(
        help_text="One row a board, as `leaderboard --json` prints them."
    )

    class Meta:
        model = Submission
        fields = [
            "id",
            "entry",
            "benchmark",
            "version",
            "method",
            "state",
            "note",
            "file_name",
            "file_sha256",
            "responses",
            "created_at",
            "evaluated_at",
            "reviewed_at",
            "review_note",
            "job",
            "scores",
        ]

    @extend_schema_field(serializers.ListField(child=serializers.DictField()))
    def get_scores(self, submission: Submission) -> list[dict[str, Any]]:
        return [{"board": score.board.slug, **score_row(score)} for score in submission.scores.all()]

    @extend_schema_field(JobSerializer(allow_null=True))
    def get_job(self, submission: Submission) -> dict[str, Any] | None:
        jobs = self.context.get("jobs")
        job = latest_job("submission", submission.pk) if jobs is None else jobs.get(submission.pk)
        if job is None:
            return None
        return {
            "id": job.pk,
            "state": job.state,
            "done": job.progress_done,
            "total": job.progress_total,
            "stage": job.stage,
            "error": job.error,
        }


class NewSubmissionSerializer(serializers.Serializer):
    entry = serializers.CharField(help_text="Slug of one of your entries.")
    benchmark = serializers.CharField(help_text="Slug of the benchmark.")
    version = serializers.CharField(
        required=False, default="", help_text="Default: the newest frozen version."
    )
    note = serializers.CharField(required=False, default="", allow_blank=True, max_length=2000)
    file = serializers.FileField(help_text="Predictions: CSV or JSONL of item and response, up to 64 MiB.")


class NoteSerializer(serializers.Serializer):
    note = serializers.CharField(required=False, default="", allow_blank=True, max_length=2000)


class BoardSerializer(serializers.ModelSerializer):
    benchmark = serializers.CharField(source="version.benchmark.slug")
    version = serializers.CharField(source="version.label")
    scorer = serializers.CharField()

    class Meta:
        model = Board
        fields = ["benchmark", "version", "slug", "kind", "split", "scorer", "frozen_at", "ranks_stale"]


class BoardDocumentSerializer(serializers.Serializer):
    """What `leaderboard --json` prints."""

    board = serializers.CharField()
    benchmark = serializers.CharField()
    version = serializers.CharField()
    content_hash = serializers.CharField()
    kind = serializers.CharField()
    split = serializers.CharField()
    scorer = serializers.CharField()
    rows = serializers.ListField(child=serializers.DictField())
