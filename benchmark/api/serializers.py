"""The API's words. An item carries its key only where the reader may see it (policies).

What only the owner of a submission and researchers read (note, file name, review note, job) is null to others.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from benchmark.api.errors import FileTooLarge
from benchmark.models import (
    Benchmark,
    BenchmarkVersion,
    Board,
    Dimension,
    Entry,
    Item,
    Judgement,
    Kind,
    Norm,
    Split,
    Submission,
)
from benchmark.policies import (
    can_compare_keys,
    can_manage_submission,
    can_see_answer_key,
    can_see_split,
)
from benchmark.queries.boards import score_row
from benchmark.queries.disclosure import shown_groups
from medes_site.kit.jobs.models import Job
from medes_site.kit.jobs.queries import latest_job
from medes_site.kit.uploads import is_too_large, upload_limit

# Fields of a submission that are written for its owner and the reviewers.
PRIVATE_FIELDS = ("note", "file_name", "review_note", "job")


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


class OptionSerializer(serializers.Serializer):
    letter = serializers.CharField()
    text = serializers.CharField()


class ItemFilterSerializer(serializers.Serializer):
    """The query of a list of items; an unknown value is answered with 400."""

    kind = serializers.ChoiceField(Kind.choices, required=False)
    split = serializers.ChoiceField(Split.choices, required=False)
    dimension = serializers.ChoiceField(Dimension.choices, required=False)
    scenario = serializers.SlugField(required=False, help_text="Slug of a scenario.")
    search = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=200,
        help_text="Words of question or options, all of them.",
    )
    version = serializers.CharField(
        required=False, allow_blank=True, max_length=40, help_text="Default: the newest frozen version."
    )


class SearchSerializer(serializers.Serializer):
    search = serializers.CharField(
        required=False, allow_blank=True, max_length=200, help_text="Words of the text, all of them."
    )


class ItemSerializer(serializers.ModelSerializer):
    item = serializers.CharField(source="code")
    version = serializers.CharField(source="version.label")
    scenario = serializers.CharField(source="scenario.slug")
    options = OptionSerializer(many=True)
    duplicate_of = serializers.SerializerMethodField(
        help_text="The first item with this question, if the reader may see it."
    )
    contradicts = serializers.SerializerMethodField(
        help_text="Whether its key differs from that of `duplicate_of`; null where only one of the two is closed."
    )
    template = serializers.CharField(
        source="template.text", default=None, help_text="The instruction around `{question}`."
    )
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

    def get_duplicate_of(self, item: Item) -> str | None:
        """That a hidden item asks the same is not told."""
        first = item.duplicate_of
        if first is None or not can_see_split(self.context["request"].user, first.split):
            return None
        return first.code

    def get_contradicts(self, item: Item) -> bool | None:
        first = item.duplicate_of
        if first is None:
            return False
        return item.contradicts if can_compare_keys(self.context["request"].user, item, first) else None


class NormSerializer(serializers.ModelSerializer):
    source = serializers.CharField(source="source.title")  # type: ignore[assignment]  # DRF's Field has one
    in_force = serializers.DateField(source="source.in_force")
    status = serializers.CharField(source="source.status")
    scenarios: serializers.RelatedField = serializers.SlugRelatedField(
        many=True, read_only=True, slug_field="slug"
    )

    class Meta:
        model = Norm
        fields = ["id", "source", "article", "text", "in_force", "status", "scenarios"]


class EntrySerializer(serializers.ModelSerializer):
    # The model's unique check would answer before the service does, and tell whether a private name exists.
    name = serializers.CharField(max_length=120)
    parameters_b = serializers.DecimalField(
        max_digits=8, decimal_places=2, min_value=Decimal("0.01"), required=False, allow_null=True,
        help_text="Billions of parameters.",
    )  # fmt: skip

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
    note = serializers.CharField(allow_null=True, help_text="Owner and researchers only, as the next three.")
    file_name = serializers.CharField(allow_null=True)
    review_note = serializers.CharField(allow_null=True)
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

    def to_representation(self, submission: Submission) -> dict[str, Any]:
        shown = super().to_representation(submission)
        if not can_manage_submission(self.context["request"].user, submission):
            shown |= dict.fromkeys(PRIVATE_FIELDS)
        return shown

    @extend_schema_field(serializers.ListField(child=serializers.DictField()))
    def get_scores(self, submission: Submission) -> list[dict[str, Any]]:
        user = self.context["request"].user
        rows = []
        for score in submission.scores.all():
            row = {"board": score.board.slug, **score_row(score)}
            for groups in ("by_scenario", "by_dimension"):
                row[groups] = shown_groups(user, score, row[groups])
            rows.append(row)
        return rows

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


class JudgementSerializer(serializers.ModelSerializer):
    """One guardian's verdict on one answer."""

    item = serializers.CharField(source="response.item.code")
    scorer = serializers.CharField()
    p = serializers.JSONField(
        allow_null=True, help_text="Probabilities: r1, r2 violated; q1 to q4 met, given no risk."
    )
    abstained = serializers.ListField(child=serializers.CharField())
    evidence = serializers.DictField(help_text="Per failed criterion [[start, end], …] in characters.")

    class Meta:
        model = Judgement
        fields = [
            "response", "item", "scorer", "outcome", "r1", "r2", "q1", "q2", "q3", "q4", "p", "abstained",
            "evidence", "rationale",
        ]  # fmt: skip


class NewSubmissionSerializer(serializers.Serializer):
    entry = serializers.CharField(help_text="Slug of one of your entries.")
    benchmark = serializers.CharField(help_text="Slug of the benchmark.")
    version = serializers.CharField(
        required=False, default="", help_text="Default: the newest frozen version."
    )
    note = serializers.CharField(required=False, default="", allow_blank=True, max_length=2000)
    file = serializers.FileField(
        allow_empty_file=True,  # the reader says more clearly what an empty file lacks
        help_text="Predictions: CSV or JSONL of item and response, up to 64 MiB.",
    )

    def validate_file(self, file: Any) -> Any:
        if is_too_large(file):
            raise FileTooLarge(
                _("The file is larger than %(limit)s MiB. Nothing of it was kept.")
                % {"limit": upload_limit() // 2**20}
            )
        return file


class ProblemSerializer(serializers.Serializer):
    line = serializers.IntegerField(allow_null=True)
    column = serializers.CharField(allow_null=True)
    code = serializers.CharField()
    reason = serializers.CharField()


class RefusedFileSerializer(serializers.Serializer):
    """A file that was refused as a whole: up to 50 problems; `more`: there are others."""

    detail = serializers.CharField()
    code = serializers.CharField()
    problems = ProblemSerializer(many=True)
    more = serializers.BooleanField()


class ErrorSerializer(serializers.Serializer):
    """One sentence; `code` names the reason where a service refused."""

    detail = serializers.CharField()
    code = serializers.CharField(required=False)


class NoteSerializer(serializers.Serializer):
    note = serializers.CharField(required=False, default="", allow_blank=True, max_length=2000)


class BoardSerializer(serializers.ModelSerializer):
    benchmark = serializers.CharField(source="version.benchmark.slug")
    version = serializers.CharField(source="version.label")
    scorer = serializers.CharField()

    class Meta:
        model = Board
        fields = ["benchmark", "version", "slug", "kind", "split", "scorer", "frozen_at", "ranks_stale"]


class BoardQuerySerializer(serializers.Serializer):
    """The query of one board; unknown values fall back to the default, as on the page."""

    version = serializers.CharField(
        required=False, allow_blank=True, max_length=40, help_text="Default: the newest that has the board."
    )
    type = serializers.CharField(required=False, allow_blank=True, help_text="Type of the entries.")
    scenario = serializers.CharField(
        required=False, allow_blank=True, help_text="Slug of a scenario, for `sort=scenario`."
    )
    sort = serializers.CharField(
        required=False, allow_blank=True, help_text="A column, with `-` in front for descending."
    )


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
