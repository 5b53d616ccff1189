"""Runs and guardians for scripts: the same services and policies as the pages. Researchers only."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from benchmark.api.pagination import Pages
from benchmark.api.parsers import BoundedFormParser, BoundedJSONParser
from benchmark.api.serializers import ErrorSerializer
from benchmark.models import Guardian
from benchmark.services.seeing import note_seen
from medes_site.kit.jobs.core import request_cancel
from training.api import serializers as words
from training.errors import WrongState
from training.models import Run
from training.policies import can_see_training
from training.queries.reports import guardian_run, read_report
from training.queries.runs import run_view
from training.services.runs import plan_guardian_run
from training.tasks import launch_run, promote

REFUSALS = {code: ErrorSerializer for code in (400, 401, 403, 404, 409)}


class ResearchersOnly(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        return can_see_training(request.user)


@extend_schema_view(list=extend_schema(summary="List runs"), retrieve=extend_schema(summary="Show a run"))
class RunViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Training runs, newest first."""

    serializer_class = words.RunSerializer
    pagination_class = Pages
    permission_classes = [ResearchersOnly]
    parser_classes = [BoundedJSONParser, BoundedFormParser]
    queryset = Run.objects.none()
    lookup_value_regex = "[0-9]+"

    def get_queryset(self) -> QuerySet[Run]:
        return Run.objects.visible_to(self.request.user).select_related("dataset", "guardian__scorer")

    @extend_schema(
        summary="Train a guardian",
        description="Starts a run on all labels as they stand, or on those of some campaigns.",
        request=words.NewGuardianRunSerializer,
        responses={201: words.RunSerializer, **REFUSALS},
    )
    def create(self, request: Request) -> Response:
        fields = words.NewGuardianRunSerializer(data=request.data)
        fields.is_valid(raise_exception=True)
        data = fields.validated_data
        run = plan_guardian_run(
            actor=request.user,
            config=data["config"],
            recipe={"campaigns": data["campaigns"]},
            name=data["name"],
            note=data["note"],
        )
        launch_run(run, actor=request.user)
        return Response(self.get_serializer(run).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Stop a run", request=None, responses={200: words.RunSerializer, **REFUSALS})
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        run = self.get_object()
        job = run_view(run).job
        if job is None or not request_cancel(job.pk):
            raise WrongState("This run is not under way.")
        return Response(self.get_serializer(run).data)


@extend_schema_view(
    list=extend_schema(summary="List guardians"), retrieve=extend_schema(summary="Show a guardian")
)
class GuardianViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """The registry of guardians, newest first."""

    serializer_class = words.GuardianSerializer
    pagination_class = Pages
    permission_classes = [ResearchersOnly]
    parser_classes = [BoundedJSONParser, BoundedFormParser]
    queryset = Guardian.objects.none()
    lookup_value_regex = "[0-9]+"

    def get_queryset(self) -> QuerySet[Guardian]:
        return Guardian.objects.select_related("scorer").order_by("-pk")

    @extend_schema(summary="A guardian's report", responses={200: dict, **REFUSALS})
    @action(detail=True, methods=["get"])
    def report(self, request: Request, pk: str) -> Response:
        report = read_report(guardian_run(self.get_object()))
        if report is None:
            raise NotFound
        note_seen(request.user, [row["id"] for row in report.get("worst", ())])
        return Response(report)

    @extend_schema(
        summary="Promote a guardian",
        description="Through the gate; `reason` where the gate does not pass it (else 422), and then it stays visible.",
        request=words.PromotionSerializer,
        responses={200: words.GuardianSerializer, 422: ErrorSerializer, **REFUSALS},
    )
    @action(detail=True, methods=["post"])
    def promote(self, request: Request, pk: str) -> Response:
        fields = words.PromotionSerializer(data=request.data)
        fields.is_valid(raise_exception=True)
        guardian = self.get_object()
        promote(actor=request.user, guardian=guardian, reason=fields.validated_data["reason"])
        return Response(self.get_serializer(self.get_object()).data)
