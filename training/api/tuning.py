"""Datasets and SFT and DPO runs for scripts: the same services and policies as the pages. Researchers only."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from benchmark.api.pagination import Pages
from benchmark.api.parsers import BoundedFormParser, BoundedJSONParser
from benchmark.queries.versions import find_version
from training.api.serializers import JobSerializer, RunSerializer
from training.api.views import REFUSALS, ResearchersOnly
from training.downloads import file_response
from training.models import Dataset, Drawing, Run, TrainingKind
from training.queries.dataset_page import drawing_view
from training.services.dataset_reading import note_file_read
from training.services.drawings import plan_drawing, takes_long
from training.services.tuning_data import build_tuning_dataset
from training.services.tuning_estimates import estimate_of
from training.services.tuning_runs import (
    MOST_PROCESSES,
    check_tuning_config,
    plan_tuning_run,
    promote_run,
)
from training.tasks import launch_answering, launch_dataset, launch_run

KIND_CHOICES = [("sft", "SFT"), ("dpo", "DPO")]


class DatasetSerializer(serializers.ModelSerializer):
    class Meta:
        model = Dataset
        fields = ["id", "kind", "content_hash", "rows", "recipe", "manifest", "card", "created_at"]
        read_only_fields = fields


class NewDatasetSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(choices=KIND_CHOICES)
    recipe = serializers.DictField(required=False, default=dict, help_text="as of build_dataset")


class DrawingSerializer(serializers.ModelSerializer):
    """A dataset that a worker draws: `job` says how far it is, `dataset` what came of it."""

    job = serializers.SerializerMethodField()

    class Meta:
        model = Drawing
        fields = ["id", "kind", "recipe", "dataset", "job", "created_at"]
        read_only_fields = fields

    def get_job(self, drawing: Drawing) -> dict[str, Any] | None:
        job = drawing_view(drawing).job
        return JobSerializer(job).data if job is not None else None


class NewTuningRunSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(choices=KIND_CHOICES)
    dataset = serializers.PrimaryKeyRelatedField(queryset=Dataset.objects.exclude(kind=TrainingKind.GUARDIAN))
    config = serializers.DictField(help_text="base_model and the engine's other settings (docs/tuning.md)")
    name = serializers.CharField(required=False, default="", allow_blank=True, max_length=40)
    note = serializers.CharField(required=False, default="", allow_blank=True, max_length=2000)
    processes = serializers.IntegerField(required=False, default=1, min_value=1, max_value=MOST_PROCESSES)
    time_limit = serializers.IntegerField(required=False, default=86_400, help_text="seconds")
    copied_from = serializers.PrimaryKeyRelatedField(
        queryset=Run.objects.exclude(kind=TrainingKind.GUARDIAN),
        required=False,
        default=None,
        allow_null=True,
    )


class AskedSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(choices=KIND_CHOICES)
    dataset = serializers.PrimaryKeyRelatedField(queryset=Dataset.objects.exclude(kind=TrainingKind.GUARDIAN))
    config = serializers.DictField(help_text="base_model and the engine's other settings (docs/tuning.md)")
    processes = serializers.IntegerField(required=False, default=1, min_value=1, max_value=MOST_PROCESSES)


class EstimateSerializer(serializers.Serializer):
    """Bytes are good to about a third; null where the base model is not on this machine."""

    rows = serializers.IntegerField()
    rows_a_step = serializers.IntegerField()
    steps = serializers.IntegerField()
    processes = serializers.IntegerField()
    parameters = serializers.IntegerField(allow_null=True)
    trained = serializers.IntegerField(allow_null=True)
    memory = serializers.IntegerField(allow_null=True, help_text="of one process")
    least = serializers.IntegerField(allow_null=True, help_text="with one row at a time")
    disk = serializers.IntegerField(allow_null=True)
    device = serializers.IntegerField(help_text="memory of a training device; 0: not known")
    free_disk = serializers.IntegerField()
    refusal = serializers.CharField(
        allow_blank=True, help_text="why it cannot start; empty if nothing is known"
    )


class PromotedSerializer(serializers.Serializer):
    entry = serializers.CharField()
    submission = serializers.IntegerField()


class PromoteRunSerializer(serializers.Serializer):
    benchmark = serializers.CharField(max_length=80)
    label = serializers.CharField(required=False, default="", allow_blank=True, max_length=40)  # type: ignore[assignment]
    name = serializers.CharField(required=False, default="", allow_blank=True, max_length=120)


@extend_schema_view(
    list=extend_schema(summary="List datasets"), retrieve=extend_schema(summary="Show a dataset")
)
class DatasetViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Datasets, newest first; they never change."""

    serializer_class = DatasetSerializer
    pagination_class = Pages
    permission_classes = [ResearchersOnly]
    parser_classes = [BoundedJSONParser, BoundedFormParser]
    queryset = Dataset.objects.none()
    lookup_value_regex = "[0-9]+"

    def get_queryset(self) -> QuerySet[Dataset]:
        return Dataset.objects.visible_to(self.request.user)

    @extend_schema(
        summary="Draw a dataset",
        description="Rows for SFT or DPO; the same recipe on the same data gives the dataset that is there. Where there is "
        "much to read, a worker draws them: 202, with the drawing to ask for under /api/v1/dataset-drawings/.",
        request=NewDatasetSerializer,
        responses={201: DatasetSerializer, 202: DrawingSerializer, **REFUSALS},
    )
    def create(self, request: Request) -> Response:
        fields = NewDatasetSerializer(data=request.data)
        fields.is_valid(raise_exception=True)
        if takes_long():
            planned = plan_drawing(actor=request.user, **fields.validated_data)
            launch_dataset(planned, actor=request.user)
            return Response(DrawingSerializer(planned).data, status=status.HTTP_202_ACCEPTED)
        made = build_tuning_dataset(actor=request.user, **fields.validated_data)
        return Response(self.get_serializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Download a file of a dataset",
        description="One of the manifest's files, manifest.json or README.md (the card).",
        responses={200: OpenApiTypes.BINARY, **REFUSALS},
    )
    @action(detail=True, methods=["get"], url_path="files/(?P<name>[^/]+)")
    def files(self, request: Request, pk: str, name: str) -> HttpResponseBase:
        found = self.get_object()
        note_file_read(request.user, found, name)
        return file_response(found, name)


@extend_schema_view(retrieve=extend_schema(summary="Show how far a drawing is"))
class DrawingViewSet(mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Datasets that workers draw."""

    serializer_class = DrawingSerializer
    permission_classes = [ResearchersOnly]
    queryset = Drawing.objects.none()
    lookup_value_regex = "[0-9]+"

    def get_queryset(self) -> QuerySet[Drawing]:
        return Drawing.objects.visible_to(self.request.user)


class TuningRunViewSet(viewsets.GenericViewSet):
    """Starts SFT and DPO runs; /api/v1/runs/ lists and stops them."""

    serializer_class = RunSerializer
    permission_classes = [ResearchersOnly]
    parser_classes = [BoundedJSONParser, BoundedFormParser]
    queryset = Run.objects.none()
    lookup_value_regex = "[0-9]+"

    def get_queryset(self) -> QuerySet[Run]:
        return Run.objects.visible_to(self.request.user).exclude(kind=TrainingKind.GUARDIAN)

    @extend_schema(
        summary="Tune a model",
        request=NewTuningRunSerializer,
        responses={201: RunSerializer, **REFUSALS},
    )
    def create(self, request: Request) -> Response:
        fields = NewTuningRunSerializer(data=request.data)
        fields.is_valid(raise_exception=True)
        run = plan_tuning_run(actor=request.user, **fields.validated_data)
        launch_run(run, actor=request.user)
        return Response(self.get_serializer(run).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Estimate a run",
        description="Steps, memory and disk of a run that is not started.",
        request=AskedSerializer,
        responses={200: EstimateSerializer, **REFUSALS},
    )
    @action(detail=False, methods=["post"])
    def estimate(self, request: Request) -> Response:
        fields = AskedSerializer(data=request.data)
        fields.is_valid(raise_exception=True)
        data: dict[str, Any] = fields.validated_data
        config = check_tuning_config(data["kind"], data["config"])
        found = estimate_of(data["kind"], config, data["dataset"].rows, data["processes"])
        return Response(EstimateSerializer(found.as_json()).data)

    @extend_schema(
        summary="Make a tuned model an entry",
        description="It answers the benchmark in a worker and is then scored like any other.",
        request=PromoteRunSerializer,
        responses={201: PromotedSerializer, **REFUSALS},
    )
    @action(detail=True, methods=["post"])
    def promote(self, request: Request, pk: str) -> Response:
        fields = PromoteRunSerializer(data=request.data)
        fields.is_valid(raise_exception=True)
        data: dict[str, Any] = fields.validated_data
        run = self.get_object()
        version = find_version(data["benchmark"], data["label"], user=request.user)
        submission = promote_run(actor=request.user, run=run, version=version, name=data["name"])
        launch_answering(submission, actor=request.user)
        made = {"entry": submission.entry.slug, "submission": submission.pk}
        return Response(made, status=status.HTTP_201_CREATED)
