"""The labelling API: the same services, queries and policies as the pages."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation.api import serializers as words
from annotation.api.throttles import LabellingThrottle
from annotation.downloads import download
from annotation.errors import CampaignNotOpen, NotFound
from annotation.models import Campaign, Label, Membership, Slot
from annotation.queries.progress import expert_progress
from annotation.queries.queue import queue_state
from annotation.queries.quick_shown import seat_document
from annotation.queries.shown import (
    campaign_document,
    gold_document,
    label_document,
    membership_document,
    own_labels,
    queue_document,
    seats_to_show,
    slot_document,
)
from annotation.services.claiming import claim_seat, release, renew_lease
from annotation.services.drafts import save_draft
from annotation.services.members import join_campaign
from annotation.services.revealing import reveal_judgement, submit_reveal
from annotation.services.setting_aside import flag_task, skip_task
from annotation.services.submitting import Submission, revise_label, submit_label
from annotation.services.undoing import undo_label
from benchmark.api.pagination import Pages
from benchmark.api.parsers import BoundedJSONParser
from benchmark.api.serializers import ErrorSerializer

REFUSALS = {401: ErrorSerializer, 403: ErrorSerializer, 404: ErrorSerializer}
CONFLICT = {**REFUSALS, 409: ErrorSerializer}
CHECKED = {**CONFLICT, 400: ErrorSerializer, 422: ErrorSerializer}
PAGING = [
    OpenApiParameter("limit", int, description="50 unless given, at most 500."),
    OpenApiParameter("offset", int),
]


def validated(serializer: type[Any], data: Any) -> dict[str, Any]:
    fields = serializer(data=data)
    fields.is_valid(raise_exception=True)
    return fields.validated_data


class LabellingView(APIView):
    """For people with an account; JSON in, JSON out."""

    permission_classes = [IsAuthenticated]
    throttle_classes = [LabellingThrottle]
    parser_classes = [BoundedJSONParser]


def visible_campaign(request: Request, slug: str) -> Campaign:
    campaigns = Campaign.objects.visible_to(request.user).select_related("version__benchmark", "guideline")
    found: Campaign = get_object_or_404(campaigns, slug=slug)
    return found


def page_of(view: APIView, request: Request, rows: Any, document: Any) -> Response:
    pages = Pages()
    shown: list[Any] = pages.paginate_queryset(rows, request, view=view) or []
    return pages.get_paginated_response([document(row) for row in shown])


class CampaignsView(LabellingView):
    @extend_schema(
        operation_id="campaigns_list",
        summary="List campaigns",
        description="Those you take part in or may join; researchers see all.",
        parameters=PAGING,
        responses={200: words.CampaignPageSerializer, **REFUSALS},
    )
    def get(self, request: Request) -> Response:
        campaigns = Campaign.objects.visible_to(request.user).select_related(
            "version__benchmark", "guideline"
        )
        return page_of(self, request, campaigns, campaign_document)


def one_campaign(request: Request, campaign: Campaign) -> dict[str, Any]:
    user: Any = request.user
    member = Membership.objects.filter(campaign=campaign, expert=user).first()
    mine = membership_document(
        member, expert_progress(user=user, campaign=campaign), queue_state(user=user, campaign=campaign)
    )
    return {**campaign_document(campaign), "mine": mine}


class CampaignView(LabellingView):
    @extend_schema(summary="Show a campaign", responses={200: words.OneCampaignSerializer, **REFUSALS})
    def get(self, request: Request, slug: str) -> Response:
        return Response(one_campaign(request, visible_campaign(request, slug)))


class JoinView(LabellingView):
    @extend_schema(
        summary="Join a campaign",
        description="Experts: takes part from now on. A second time changes nothing.",
        request=None,
        responses={200: words.OneCampaignSerializer, **CONFLICT},
    )
    def post(self, request: Request, slug: str) -> Response:
        campaign = visible_campaign(request, slug)
        join_campaign(actor=request.user, campaign=campaign)
        return Response(one_campaign(request, campaign))


def claimed(user: Any, slug: str, slot_id: int | None) -> dict[str, Any]:
    if slot_id is not None:
        return {"task": seat_document(user, slot_id), "queue": None}
    campaign = Campaign.objects.get(slug=slug)
    return {"task": None, "queue": queue_document(queue_state(user=user, campaign=campaign))}


def next_task(user: Any, slug: str) -> dict[str, Any]:
    """What a submit that also claims tells of the next task; a refusal is none: the label is kept all the same."""
    try:
        seat = claim_seat(actor=user, campaign=slug)
    except (CampaignNotOpen, NotFound):
        seat = None
    return claimed(user, slug, seat)


class ClaimView(LabellingView):
    @extend_schema(
        summary="Claim a task",
        description="The task you are to work on now, leased: the one in hand, else the one claimed ahead, else a "
        "new one. Without one `queue` says why, and until when others hold what is left.",
        request=None,
        responses={200: words.ClaimedSerializer, **CONFLICT},
    )
    def post(self, request: Request, slug: str) -> Response:
        return Response(claimed(request.user, slug, claim_seat(actor=request.user, campaign=slug)))


class PrefetchView(LabellingView):
    @extend_schema(
        summary="Claim the task after it",
        description="Claimed ahead for 90 seconds, so that it can be drawn before it is its turn; renew or release it.",
        request=None,
        responses={200: words.ClaimedSerializer, **CONFLICT},
    )
    def post(self, request: Request, slug: str) -> Response:
        seat = claim_seat(actor=request.user, campaign=slug, ahead=True)
        return Response(claimed(request.user, slug, seat))


class SlotView(LabellingView):
    @extend_schema(
        summary="Show a task",
        description="A seat of your own.",
        responses={200: words.SlotSerializer, **REFUSALS},
    )
    def get(self, request: Request, pk: int) -> Response:
        user: Any = request.user
        mine = Slot.objects.visible_to(user).filter(expert=user, pk=pk)
        seats = seats_to_show(user).filter(pk__in=mine.values("pk"))
        return Response(slot_document(get_object_or_404(seats)))


class RenewView(LabellingView):
    @extend_schema(
        summary="Renew a lease",
        description="Another lease from now on. 409 once somebody else has the seat.",
        request=words.FenceSerializer,
        responses={200: words.LeaseSerializer, **CHECKED},
    )
    def post(self, request: Request, pk: int) -> Response:
        data = validated(words.FenceSerializer, request.data)
        return Response({"lease_until": renew_lease(actor=request.user, slot_id=pk, fence=data["fence"])})


class ReleaseView(LabellingView):
    @extend_schema(
        summary="Give a task back",
        request=words.FenceSerializer,
        responses={200: words.ReleasedSerializer, **CHECKED},
    )
    def post(self, request: Request, pk: int) -> Response:
        data = validated(words.FenceSerializer, request.data)
        return Response({"released": release(actor=request.user, slot_id=pk, fence=data["fence"])})


class DraftView(LabellingView):
    @extend_schema(
        summary="Keep a draft",
        description="Written over `version`. 409 if it was changed elsewhere: `version` and `content` of the newer one.",
        request=words.DraftWriteSerializer,
        responses={200: words.DraftVersionSerializer, **CHECKED},
    )
    def put(self, request: Request, pk: int) -> Response:
        data = validated(words.DraftWriteSerializer, request.data)
        version = save_draft(actor=request.user, slot_id=pk, **data)
        return Response({"version": version})


def submission(data: dict[str, Any]) -> Submission:
    return Submission(
        answers=data["answers"],
        key=data["key"],
        rationale=data["rationale"],
        correction=data["correction"],
        evidence=data["evidence"],
        duration_ms=data["duration_ms"],
    )


class SubmitView(LabellingView):
    @extend_schema(
        summary="Submit a label",
        description="With the newest fence it takes the seat, also after the lease ran out if nobody else came. A "
        "label that came too late is kept as an extra. The same key again gives the same label. `next`: "
        "claims the next task at once.",
        request=words.SubmitSerializer,
        responses={200: words.SubmittedSerializer, **CHECKED},
    )
    def post(self, request: Request, pk: int) -> Response:
        data = validated(words.SubmitSerializer, request.data)
        label = submit_label(actor=request.user, slot_id=pk, fence=data["fence"], sent=submission(data))
        shown = label_document(label)
        gold = gold_of(label)
        answer = {"label": shown, "gold": gold, "task": None, "queue": None}
        if data["next"]:
            answer.update(next_task(request.user, shown["campaign"]))
        return Response(answer)


def gold_of(label: Label) -> dict[str, Any] | None:
    """Only a campaign with a qualification round has any; the seat is read again, as it is now."""
    if not label.campaign.qualification_tasks:
        return None
    return gold_document(Slot.objects.select_related("task").get(pk=label.slot_id))


class SkipView(LabellingView):
    @extend_schema(
        summary="Skip a task",
        request=words.SkipSerializer,
        responses={204: None, **CHECKED},
    )
    def post(self, request: Request, pk: int) -> Response:
        skip_task(actor=request.user, slot_id=pk, **validated(words.SkipSerializer, request.data))
        return Response(status=204)


class FlagView(LabellingView):
    @extend_schema(
        summary="Flag a task",
        description="Tells the researchers that something is wrong with it; the seat stays as it is.",
        request=words.FlagSerializer,
        responses={204: None, **CHECKED},
    )
    def post(self, request: Request, pk: int) -> Response:
        flag_task(actor=request.user, slot_id=pk, **validated(words.FlagSerializer, request.data))
        return Response(status=204)


class LabelsView(LabellingView):
    @extend_schema(
        operation_id="labels_list",
        summary="List your labels",
        description="In all campaigns, newest first, with every version.",
        parameters=[*PAGING, OpenApiParameter("campaign", str, description="Slug of a campaign.")],
        responses={200: words.LabelPageSerializer, **REFUSALS},
    )
    def get(self, request: Request) -> Response:
        labels = own_labels(request.user)
        slug = request.query_params.get("campaign", "")
        return page_of(self, request, labels.filter(campaign__slug=slug) if slug else labels, label_document)


def own_label(request: Request, pk: int) -> Label:
    label = own_labels(request.user).filter(pk=pk).first()
    if label is None:
        raise NotFound()
    return label


class LabelView(LabellingView):
    @extend_schema(summary="Show a label of yours", responses={200: words.LabelSerializer, **REFUSALS})
    def get(self, request: Request, pk: int) -> Response:
        return Response(label_document(own_label(request, pk)))


class ReviseView(LabellingView):
    @extend_schema(
        summary="Revise a label",
        description="A new version; the earlier ones are kept. 409 once the label has been used.",
        request=words.AnsweredSerializer,
        responses={200: words.LabelSerializer, **CHECKED},
    )
    def post(self, request: Request, pk: int) -> Response:
        data = validated(words.AnsweredSerializer, request.data)
        label = revise_label(actor=request.user, label_id=pk, sent=submission(data))
        return Response(label_document(own_label(request, label.pk)))


class UndoView(LabellingView):
    @extend_schema(
        summary="Undo a label",
        description="Within ten seconds, unless it has been used: the task is in hand again, the draft refilled.",
        request=None,
        responses={200: words.SlotSerializer, **CONFLICT},
    )
    def post(self, request: Request, pk: int) -> Response:
        slot = undo_label(actor=request.user, label_id=pk)
        return Response(slot_document(seats_to_show(request.user).get(pk=slot.pk)))


class RevealView(LabellingView):
    @extend_schema(
        summary="See the guardian's verdict",
        description="In a guardian campaign, after your blind label, which stands from then on.",
        request=None,
        responses={200: words.ShownVerdictSerializer, **CONFLICT},
    )
    def post(self, request: Request, pk: int) -> Response:
        reveal = reveal_judgement(actor=request.user, label_id=pk)
        return Response({"reveal": reveal.pk, "label": reveal.label_id, "shown": reveal.shown})


class RevealAnswerView(LabellingView):
    @extend_schema(
        summary="Answer after the reveal",
        description="Keep or change each criterion; `holds` says whether the guardian's reasoning holds.",
        request=words.RevealAnswerSerializer,
        responses={200: words.LabelSerializer, **CHECKED},
    )
    def post(self, request: Request, pk: int) -> Response:
        data = validated(words.RevealAnswerSerializer, request.data)
        label = submit_reveal(actor=request.user, reveal_id=pk, sent=submission(data), holds=data["holds"])
        return Response(label_document(own_label(request, label.pk)))


class AnyType(BaseContentNegotiation):
    """A download has the type it has, whatever the client says it accepts."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class ExportView(LabellingView):
    content_negotiation_class = AnyType

    @extend_schema(
        operation_id="campaigns_export",
        summary="Export a campaign",
        description="Researchers: every version of every label (or, with table=tasks, every task with its ruling), "
        "streamed. The same state gives the same bytes; manifest.json has their hashes.",
        parameters=[words.ExportQuerySerializer],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY, **REFUSALS},
    )
    def get(self, request: Request, slug: str, ending: str) -> HttpResponseBase:
        campaign = visible_campaign(request, slug)
        chosen = validated(words.ExportQuerySerializer, request.query_params)
        return download(request.user, campaign, ending, table=chosen["table"], of=chosen["of"])
