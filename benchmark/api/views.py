"""The API: the same services, queries and policies as the pages."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.permissions import IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from benchmark.api import serializers as words
from benchmark.errors import BadInput
from benchmark.models import Benchmark, Board, Entry, Item, Norm, Score, Submission
from benchmark.queries.boards import BoardFilter, board_document
from benchmark.queries.versions import find_board, find_version
from benchmark.services.boards import designate_submission
from benchmark.services.entries import create_entry, update_entry
from benchmark.services.submissions import (
    create_submission,
    publish_submission,
    request_review,
    return_submission,
    withdraw_submission,
)
from benchmark.tasks import launch_evaluation, launch_ranking
from medes_site.kit.jobs.queries import latest_jobs

ITEM_FILTERS = ("kind", "split", "scenario", "dimension")


class BenchmarkViewSet(viewsets.ReadOnlyModelViewSet):
    """Benchmarks with their frozen versions."""

    serializer_class = words.BenchmarkSerializer
    lookup_field = "slug"

    def get_queryset(self) -> QuerySet[Benchmark]:
        frozen = Benchmark.objects.filter(versions__state="frozen").distinct().order_by("slug")
        return frozen.prefetch_related("versions")


@extend_schema_view(
    list=extend_schema(
        parameters=[OpenApiParameter(name, str) for name in (*ITEM_FILTERS, "search", "version")]
    )
)
class ItemViewSet(viewsets.ReadOnlyModelViewSet):
    """Items of a benchmark that the reader may see; the newest version unless `version` names another."""

    serializer_class = words.ItemSerializer
    queryset = Item.objects.none()
    lookup_field = "code"

    def get_queryset(self) -> QuerySet[Item]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        user, params = self.request.user, self.request.query_params
        try:
            version = find_version(self.kwargs["benchmark"], params.get("version", ""), user=user)
        except BadInput as error:
            raise NotFound(str(error)) from error
        items = Item.objects.visible_to(user).filter(version=version)
        for name in ITEM_FILTERS:
            if value := params.get(name):
                items = items.filter(**{"scenario__slug" if name == "scenario" else name: value})
        items = items.search(params.get("search", ""))
        related = ("version", "scenario", "template", "duplicate_of", "answer_key")
        return items.select_related(*related).order_by("kind", "number")


class NormViewSet(viewsets.ReadOnlyModelViewSet):
    """Norms with their sources; `search` looks in their text."""

    serializer_class = words.NormSerializer

    def get_queryset(self) -> QuerySet[Norm]:
        norms = Norm.objects.select_related("source").prefetch_related("scenarios").order_by("pk")
        return norms.search(self.request.query_params.get("search", ""))


class EntryViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Entries: the public ones, and one's own."""

    serializer_class = words.EntrySerializer
    lookup_field = "slug"
    permission_classes = [IsAuthenticatedOrReadOnly]

    def get_queryset(self) -> QuerySet[Entry]:
        return Entry.objects.visible_to(self.request.user).order_by("name")

    @extend_schema(request=words.EntrySerializer, responses={201: words.EntrySerializer})
    def create(self, request: Request) -> Response:
        fields = words.EntrySerializer(data=request.data)
        fields.is_valid(raise_exception=True)
        entry = create_entry(actor=request.user, **fields.validated_data)
        return Response(words.EntrySerializer(entry).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=words.EntryChangeSerializer, responses=words.EntrySerializer)
    def partial_update(self, request: Request, slug: str) -> Response:
        entry = self.get_object()
        fields = words.EntryChangeSerializer(entry, data=request.data, partial=True)
        fields.is_valid(raise_exception=True)
        entry = update_entry(actor=request.user, entry=entry, **fields.validated_data)
        return Response(words.EntrySerializer(entry).data)


class SubmissionViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Submissions: public ones and one's own. A refused file answers 422 with up to 50 problems."""

    serializer_class = words.SubmissionSerializer
    queryset = Submission.objects.none()
    permission_classes = [IsAuthenticatedOrReadOnly]
    parser_classes = [MultiPartParser, FormParser, JSONParser]

    def get_queryset(self) -> QuerySet[Submission]:
        scores = Score.objects.select_related("board", "entry")
        submissions = Submission.objects.visible_to(self.request.user).select_related(
            "entry", "version__benchmark"
        )
        return submissions.prefetch_related(Prefetch("scores", scores)).order_by("-pk")

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        jobs = latest_jobs("submission", [submission.pk for submission in page])
        shown = self.get_serializer_class()(
            page, many=True, context={**self.get_serializer_context(), "jobs": jobs}
        )
        return self.get_paginated_response(shown.data)

    @extend_schema(request=words.NewSubmissionSerializer, responses={201: words.SubmissionSerializer})
    def create(self, request: Request) -> Response:
        fields = words.NewSubmissionSerializer(data=request.data)
        fields.is_valid(raise_exception=True)
        data = fields.validated_data
        entry = get_object_or_404(Entry.objects.visible_to(request.user), slug=data["entry"])
        submission = create_submission(
            actor=request.user,
            entry=entry,
            version=find_version(data["benchmark"], data["version"], user=request.user),
            file=data["file"],
            file_name=data["file"].name,
            note=data["note"],
        )
        launch_evaluation(submission, actor=request.user)
        return Response(self._shown(submission), status=status.HTTP_201_CREATED)

    def _shown(self, submission: Submission) -> dict[str, Any]:
        submission = self.get_queryset().filter(pk=submission.pk).first() or submission
        return self.get_serializer(submission).data

    @extend_schema(request=None)
    @action(detail=True, methods=["post"], permission_classes=[IsAuthenticated])
    def review(self, request: Request, pk: str) -> Response:
        """Asks a researcher to review it."""
        return Response(self._shown(request_review(actor=request.user, submission=self.get_object())))

    @extend_schema(request=words.NoteSerializer)
    @action(detail=True, methods=["post"], permission_classes=[IsAuthenticated])
    def publish(self, request: Request, pk: str) -> Response:
        """Researchers: makes it public."""
        submission, boards = publish_submission(
            actor=request.user, submission=self.get_object(), note=self._note(request)
        )
        launch_ranking(boards, actor=request.user)
        return Response(self._shown(submission))

    @extend_schema(request=words.NoteSerializer)
    @action(detail=True, methods=["post"], url_path="return", permission_classes=[IsAuthenticated])
    def send_back(self, request: Request, pk: str) -> Response:
        """Researchers: sends it back with a note."""
        submission = return_submission(
            actor=request.user, submission=self.get_object(), note=self._note(request)
        )
        return Response(self._shown(submission))

    @extend_schema(request=None)
    @action(detail=True, methods=["post"], permission_classes=[IsAuthenticated])
    def withdraw(self, request: Request, pk: str) -> Response:
        """Takes it off every board."""
        submission, boards = withdraw_submission(actor=request.user, submission=self.get_object())
        launch_ranking(boards, actor=request.user)
        return Response(self._shown(submission))

    @extend_schema(request=None)
    @action(detail=True, methods=["post"], permission_classes=[IsAuthenticated])
    def designate(self, request: Request, pk: str) -> Response:
        """Lets it stand for its entry on its boards."""
        submission = self.get_object()
        launch_ranking(designate_submission(actor=request.user, submission=submission), actor=request.user)
        return Response(self._shown(submission))

    @staticmethod
    def _note(request: Request) -> str:
        fields = words.NoteSerializer(data=request.data)
        fields.is_valid(raise_exception=True)
        return fields.validated_data["note"]


class BoardViewSet(mixins.ListModelMixin, viewsets.GenericViewSet):
    """All boards of frozen benchmark versions."""

    serializer_class = words.BoardSerializer

    def get_queryset(self) -> QuerySet[Board]:
        boards = Board.objects.filter(version__state="frozen").select_related("version__benchmark", "scorer")
        return boards.order_by("version__benchmark__slug", "-version_id", "slug")


class BoardView(APIView):
    """One board with all its rows; filters and sort as on the page."""

    @extend_schema(
        responses=words.BoardDocumentSerializer,
        parameters=[OpenApiParameter(name, str) for name in ("version", "type", "scenario", "sort")],
    )
    def get(self, request: Request, benchmark: str, slug: str) -> Response:
        try:
            board = find_board(benchmark, slug, request.query_params.get("version", ""))
        except BadInput as error:
            raise NotFound(str(error)) from error
        return Response(board_document(board, BoardFilter.read(board, request.query_params)))
