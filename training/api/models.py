"""The models on this machine for scripts, and the act that makes an untuned one an entry. Researchers only."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from benchmark.api.parsers import BoundedFormParser, BoundedJSONParser
from benchmark.queries.versions import find_version
from training.api.tuning import PromotedSerializer, PromoteRunSerializer
from training.api.views import REFUSALS, ResearchersOnly
from training.queries.models_page import ModelRow, model_rows
from training.services.base_entries import promote_base
from training.tasks import launch_answering


class ModelSerializer(serializers.Serializer):
    name = serializers.CharField()
    folder = serializers.CharField()
    run = serializers.IntegerField(allow_null=True, source="run.pk", default=None)
    parameters = serializers.IntegerField(allow_null=True)
    problem = serializers.CharField(allow_blank=True)
    entry = serializers.CharField(allow_null=True, source="entry.slug", default=None)
    submission = serializers.IntegerField(allow_null=True, source="submission.pk", default=None)
    answering = serializers.BooleanField()


class PromoteBaseSerializer(PromoteRunSerializer):
    folder = serializers.CharField(max_length=500)


class ModelViewSet(viewsets.GenericViewSet):
    """Untuned models and what finished SFT and DPO runs left."""

    serializer_class = ModelSerializer
    permission_classes = [ResearchersOnly]
    parser_classes = [BoundedJSONParser, BoundedFormParser]
    pagination_class = None

    @extend_schema(summary="List models", responses={200: ModelSerializer(many=True), **REFUSALS})
    def list(self, request: Request) -> Response:
        rows: list[ModelRow] = model_rows()
        return Response(ModelSerializer(rows, many=True).data)

    @extend_schema(
        summary="Make an untuned model an entry",
        description="It answers the benchmark in a worker and is then scored like any other.",
        request=PromoteBaseSerializer,
        responses={201: PromotedSerializer, **REFUSALS},
    )
    def create(self, request: Request) -> Response:
        fields = PromoteBaseSerializer(data=request.data)
        fields.is_valid(raise_exception=True)
        data: dict[str, Any] = fields.validated_data
        version = find_version(data["benchmark"], data["label"], user=request.user)
        submission = promote_base(
            actor=request.user, folder=data["folder"], version=version, name=data["name"]
        )
        launch_answering(submission, actor=request.user)
        made = {"entry": submission.entry.slug, "submission": submission.pk}
        return Response(made, status=status.HTTP_201_CREATED)
