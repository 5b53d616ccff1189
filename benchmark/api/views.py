"""The API: the same services, queries and policies as the pages."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import IsAuthenticated, IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from benchmark.api import serializers as words
from benchmark.api.pagination import Pages
from benchmark.api.parsers import BoundedFormParser, BoundedJSONParser
from benchmark.errors import BadInput
from benchmark.models import (
    Benchmark,
    BenchmarkVersion,
    Board,
    Entry,
    Item,
    Judgement,
    Norm,
    Score,
    Submission,
)
from benchmark.queries.boards import BoardFilter, board_document
from benchmark.queries.judgements import chosen_scorer, judgements_of
from benchmark.queries.versions import find_board, find_version
from benchmark.services.boards import designate_submission
from benchmark.services.entries import create_entry, update_entry
from benchmark.services.seeing import note_seen
from benchmark.services.submissions import (
    create_submission,
    publish_submission,
    request_review,
    return_submission,
    withdraw_submission,
)
from benchmark.tasks import launch_evaluation, launch_ranking
from medes_site.kit.jobs.queries import latest_jobs

MULTIPART = "multipart/form-data"
NAME = r"[-\w]+"
REFUSALS = {400: words.ErrorSerializer, 401: words.ErrorSerializer, 403: words.ErrorSerializer}
NOT_NOW = {**REFUSALS, 404: words.ErrorSerializer, 409: words.ErrorSerializer}


def _validated(serializer: type[Any], data: Any) -> dict[str, Any]:
    fields = serializer(data=data)
    fields.is_valid(raise_exception=True)
    return fields.validated_data


@extend_schema_view(
    list=extend_schema(summary="List benchmarks"), retrieve=extend_schema(summary="Show a benchmark")
)
class BenchmarkViewSet(viewsets.ReadOnlyModelViewSet):
    """Benchmarks with their frozen versions."""

    serializer_class = words.BenchmarkSerializer
    pagination_class = Pages
    lookup_field = "slug"
    lookup_value_regex = NAME

    def get_queryset(self) -> QuerySet[Benchmark]:
        versions = BenchmarkVersion.objects.filter(state="frozen")
        frozen = Benchmark.objects.filter(versions__in=versions).distinct().order_by("slug")
        return frozen.prefetch_related(Prefetch("versions", versions))


@extend_schema_view(
    list=extend_schema(
        summary="List items",
        description="Items of a benchmark that you may see, filtered and searched. Hidden items are never listed.",
        parameters=[words.ItemFilterSerializer],
    ),
    retrieve=extend_schema(
        summary="Show an item",
        parameters=[OpenApiParameter("version", str, description="Default: the newest frozen version.")],
    ),
)
class ItemViewSet(viewsets.ReadOnlyModelViewSet):
    """An item that the reader may see; the answer key comes with items of the split dev alone."""

    serializer_class = words.ItemSerializer
    pagination_class = Pages
    queryset = Item.objects.none()
    lookup_field = "code"
    lookup_value_regex = NAME

    def get_queryset(self) -> QuerySet[Item]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        user = self.request.user
        chosen = _validated(words.ItemFilterSerializer, self.request.query_params)
        try:
            version = find_version(self.kwargs["benchmark"], chosen.pop("version", ""), user=user)
        except BadInput as error:
            raise NotFound(str(error)) from error
        items = Item.objects.visible_to(user).filter(version=version)
        if self.action == "list":
            items = items.search(chosen.pop("search", ""))
            if "scenario" in chosen:
                items = items.filter(scenario__slug=chosen.pop("scenario"))
            items = items.filter(**chosen)
        related = ("version", "scenario", "template", "duplicate_of", "answer_key")
        return items.select_related(*related).order_by("kind", "number")


@extend_schema_view(
    list=extend_schema(
        summary="List norms",
        description="Norms with their sources; `search` looks in their text.",
        parameters=[words.SearchSerializer],
    ),
    retrieve=extend_schema(summary="Show a norm"),
)
class NormViewSet(viewsets.ReadOnlyModelViewSet):
    """A norm with its source. Norms that only hidden items are about are closed like these items."""

    serializer_class = words.NormSerializer
    pagination_class = Pages
    queryset = Norm.objects.none()
    lookup_value_regex = "[0-9]+"

    def get_queryset(self) -> QuerySet[Norm]:
        norms = Norm.objects.visible_to(self.request.user).select_related("source")
        if self.action == "list":
            norms = norms.search(
                _validated(words.SearchSerializer, self.request.query_params).get("search", "")
            )
        return norms.prefetch_related("scenarios").order_by("pk")


@extend_schema_view(
    list=extend_schema(summary="List entries"), retrieve=extend_schema(summary="Show an entry")
)
class EntryViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Entries: the public ones, and one's own."""

    serializer_class = words.EntrySerializer
    pagination_class = Pages
    lookup_field = "slug"
    lookup_value_regex = NAME
    permission_classes = [IsAuthenticatedOrReadOnly]
    parser_classes = [BoundedJSONParser, BoundedFormParser]

    def get_queryset(self) -> QuerySet[Entry]:
        return Entry.objects.visible_to(self.request.user).order_by("name")

    @extend_schema(
        summary="Register an entry",
        description="Submitters: registers a model. Its name belongs to you from then on; a taken one answers 409.",
        request=words.EntrySerializer,
        responses={201: words.EntrySerializer, 409: words.ErrorSerializer, **REFUSALS},
    )
    def create(self, request: Request) -> Response:
        entry = create_entry(actor=request.user, **_validated(words.EntrySerializer, request.data))
        return Response(words.EntrySerializer(entry).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Change an entry",
        description="The owner and researchers: changes what describes the model. Name and slug stay as they are.",
        request=words.EntryChangeSerializer,
        responses={200: words.EntrySerializer, 404: words.ErrorSerializer, **REFUSALS},
    )
    def partial_update(self, request: Request, slug: str) -> Response:
        entry = self.get_object()
        fields = words.EntryChangeSerializer(entry, data=request.data, partial=True)
        fields.is_valid(raise_exception=True)
        entry = update_entry(actor=request.user, entry=entry, **fields.validated_data)
        return Response(words.EntrySerializer(entry).data)


@extend_schema_view(
    list=extend_schema(summary="List submissions"), retrieve=extend_schema(summary="Show a submission")
)
class SubmissionViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Submissions: public ones and one's own. `job` says how far the scoring is, `scores` what came out."""

    serializer_class = words.SubmissionSerializer
    pagination_class = Pages
    queryset = Submission.objects.none()
    lookup_value_regex = "[0-9]+"
    permission_classes = [IsAuthenticatedOrReadOnly]
    parser_classes = [MultiPartParser, BoundedFormParser, BoundedJSONParser]

    def get_queryset(self) -> QuerySet[Submission]:
        boards = Board.objects.visible_to(self.request.user)
        scores = Score.objects.filter(board__in=boards)
        scores = scores.select_related("board", "entry", "submission").order_by("board_id")
        submissions = Submission.objects.visible_to(self.request.user).select_related(
            "entry", "version__benchmark"
        )
        return submissions.prefetch_related(Prefetch("scores", scores)).order_by("-pk")

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.get_queryset()) or []
        jobs = latest_jobs("submission", [submission.pk for submission in page])
        shown = self.get_serializer_class()(
            page, many=True, context={**self.get_serializer_context(), "jobs": jobs}
        )
        return self.get_paginated_response(shown.data)

    @extend_schema(
        summary="Submit a predictions file",
        description="Checks the file, stores it and starts the scoring. A bad file is refused as a whole: 422 with "
        "up to 50 problems (line, column, reason). The same file twice: 409; over the size limit: 413; "
        "over the daily quota: 429.",
        request={MULTIPART: words.NewSubmissionSerializer},
        responses={
            201: words.SubmissionSerializer,
            413: words.ErrorSerializer,
            422: words.RefusedFileSerializer,
            429: words.ErrorSerializer,
            **NOT_NOW,
        },
    )
    def create(self, request: Request) -> Response:
        data = _validated(words.NewSubmissionSerializer, request.data)
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

    @extend_schema(
        summary="Ask for review",
        description="The owner: sends a scored, private or returned submission to the researchers.",
        request=None,
        responses={200: words.SubmissionSerializer, **NOT_NOW},
    )
    @action(detail=True, methods=["post"], permission_classes=[IsAuthenticated])
    def review(self, request: Request, pk: str) -> Response:
        return Response(self._shown(request_review(actor=request.user, submission=self.get_object())))

    @extend_schema(
        summary="Publish a submission",
        description="Researchers: makes a submission in review public; it stands on the boards where its entry "
        "does not stand yet.",
        request=words.NoteSerializer,
        responses={200: words.SubmissionSerializer, **NOT_NOW},
    )
    @action(detail=True, methods=["post"], permission_classes=[IsAuthenticated])
    def publish(self, request: Request, pk: str) -> Response:
        submission, boards = publish_submission(
            actor=request.user, submission=self.get_object(), note=self._note(request)
        )
        launch_ranking(boards, actor=request.user)
        return Response(self._shown(submission))

    @extend_schema(
        summary="Return a submission",
        description="Researchers: sends a submission in review back to its owner, with a note that says why.",
        request=words.NoteSerializer,
        responses={200: words.SubmissionSerializer, **NOT_NOW},
    )
    @action(detail=True, methods=["post"], url_path="return", permission_classes=[IsAuthenticated])
    def send_back(self, request: Request, pk: str) -> Response:
        submission = return_submission(
            actor=request.user, submission=self.get_object(), note=self._note(request)
        )
        return Response(self._shown(submission))

    @extend_schema(
        summary="Withdraw a submission",
        description="The owner and researchers: takes it off every board and out of sight. For good.",
        request=None,
        responses={200: words.SubmissionSerializer, **NOT_NOW},
    )
    @action(detail=True, methods=["post"], permission_classes=[IsAuthenticated])
    def withdraw(self, request: Request, pk: str) -> Response:
        submission, boards = withdraw_submission(actor=request.user, submission=self.get_object())
        launch_ranking(boards, actor=request.user)
        return Response(self._shown(submission))

    @extend_schema(
        summary="Let a submission stand on the boards",
        description="The owner and researchers: this public submission stands for its entry, instead of another.",
        request=None,
        responses={200: words.SubmissionSerializer, **NOT_NOW},
    )
    @action(detail=True, methods=["post"], permission_classes=[IsAuthenticated])
    def designate(self, request: Request, pk: str) -> Response:
        submission = self.get_object()
        launch_ranking(designate_submission(actor=request.user, submission=submission), actor=request.user)
        return Response(self._shown(submission))

    @extend_schema(
        summary="List the verdicts on a submission",
        description="A guardian's verdicts answer by answer, in the order of the items: for the owner (open items) "
        "and researchers. Experts and referees, who label such answers blind, get 404.",
        parameters=[
            OpenApiParameter("scorer", int, description="Id of a guardian's scorer; default: the active.")
        ],
        responses={
            200: words.JudgementSerializer(many=True),
            401: words.ErrorSerializer,
            404: words.ErrorSerializer,
        },
    )
    @action(detail=True, methods=["get"], permission_classes=[IsAuthenticated], pagination_class=Pages)
    def judgements(self, request: Request, pk: str) -> Response:
        submission = self.get_object()
        scorer = chosen_scorer(submission, request.user, request.query_params.get("scorer", ""))
        if scorer is None:
            raise NotFound()
        page = self.paginate_queryset(judgements_of(submission, scorer, request.user)) or []
        note_seen(request.user, [row.response_id for row in page if row.outcome == Judgement.Outcome.JUDGED])
        return self.get_paginated_response(words.JudgementSerializer(page, many=True).data)

    @staticmethod
    def _note(request: Request) -> str:
        return _validated(words.NoteSerializer, request.data)["note"]


@extend_schema_view(list=extend_schema(summary="List boards"))
class BoardViewSet(mixins.ListModelMixin, viewsets.GenericViewSet):
    """All boards of frozen benchmark versions."""

    serializer_class = words.BoardSerializer
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[Board]:
        boards = (
            Board.objects.visible_to(self.request.user)
            .filter(version__state="frozen")
            .select_related("version__benchmark", "scorer")
        )
        return boards.order_by("version__benchmark__slug", "-version_id", "slug")


class BoardView(APIView):
    """One board with all its rows, as `leaderboard --json` prints it; filters and sort as on the page."""

    @extend_schema(
        summary="Show a board",
        responses=words.BoardDocumentSerializer,
        parameters=[words.BoardQuerySerializer],
    )
    def get(self, request: Request, benchmark: str, slug: str) -> Response:
        chosen = _validated(words.BoardQuerySerializer, request.query_params)
        try:
            board = find_board(benchmark, slug, chosen.get("version", ""), user=request.user)
        except BadInput as error:
            raise NotFound(str(error)) from error
        return Response(board_document(board, BoardFilter.read(board, chosen)))
