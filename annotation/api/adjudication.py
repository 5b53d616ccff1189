"""The API of referees: disputed tasks, labels side by side without names, and rulings."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api import serializers as words
from annotation.api.views import CHECKED, PAGING, REFUSALS, LabellingView, page_of, validated
from annotation.errors import NotAllowed
from annotation.models import Ruling, Task
from annotation.queries.adjudication import DisputedTask, adjudication_list, disputed_task, shown_answers
from annotation.queries.shown import item_document, shown_texts
from annotation.services.ruling import rule_task
from benchmark.services.seeing import note_seen
from medes_site.kit.roles import Role, has_role


def row_document(task: Any) -> dict[str, Any]:
    return {
        "task": task.pk,
        "campaign": task.campaign.slug,
        "item": task.item.code,
        "pending": task.pending,
    }


def disputed_document(found: DisputedTask) -> dict[str, Any]:
    task: Task = found.task
    return {
        "task": task.pk,
        "campaign": task.campaign.slug,
        "kind": task.campaign.kind,
        "item": item_document(task, task.campaign),
        "responses": shown_texts(task),
        "labels": [
            {
                "letter": side.letter,
                "label": side.label_id,
                "answers": shown_answers(side.answers, task),
                "rationale": side.rationale,
                "correction": side.correction,
                "evidence": side.evidence,
            }
            for side in found.labels
        ],
        "differing": list(found.differing),
        "pending": found.pending,
    }


class DisputesView(LabellingView):
    @extend_schema(
        operation_id="adjudication_list",
        summary="List disputed tasks",
        description="Referees: those you may rule on, first the ones to which no further label will come.",
        parameters=[*PAGING, OpenApiParameter("campaign", str, description="Slug of a campaign.")],
        responses={200: words.DisputedPageSerializer, **REFUSALS},
    )
    def get(self, request: Request) -> Response:
        if not has_role(request.user, Role.REFEREE):
            raise NotAllowed()
        tasks = adjudication_list(user=request.user)
        slug = request.query_params.get("campaign", "")
        return page_of(self, request, tasks.filter(campaign__slug=slug) if slug else tasks, row_document)


class DisputeView(LabellingView):
    @extend_schema(summary="Show a disputed task", responses={200: words.DisputedSerializer, **REFUSALS})
    def get(self, request: Request, pk: int) -> Response:
        found = disputed_task(user=request.user, task_id=pk)
        note_seen(request.user, found.task.answers_shown, verdict=False)
        return Response(disputed_document(found))

    @extend_schema(
        summary="Rule on a task",
        description="accept a label, overrule with answers of your own, or norm_silent; always with a rationale.",
        request=words.RulingWriteSerializer,
        responses={200: words.RulingSerializer, **CHECKED},
    )
    def post(self, request: Request, pk: int) -> Response:
        data = validated(words.RulingWriteSerializer, request.data)
        ruling = rule_task(
            actor=request.user,
            task_id=pk,
            decision=data["decision"],
            rationale=data["rationale"],
            correction=data["correction"],
            label_id=data["label"],
            answers=data["answers"],
        )
        return Response(ruling_document(ruling))


def ruling_document(ruling: Ruling) -> dict[str, Any]:
    return {
        "task": ruling.task_id,
        "decision": ruling.decision,
        "label": ruling.label_id,
        "answers": ruling.answers,
        "rationale": ruling.rationale,
        "correction": ruling.correction,
        "state": Task.State.RULED.value,
    }
