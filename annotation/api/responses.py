"""The API of one response: verdicts and feedback, for whoever may read them on its page."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response as Answer
from rest_framework.views import APIView

from annotation.policies import can_see_response, can_see_response_verdicts
from annotation.queries.responses import ScorerVerdict, judgement_feedback, scorer_verdicts
from benchmark.api.serializers import ErrorSerializer
from benchmark.models import Response
from benchmark.rules.rubric import CRITERIA
from benchmark.services.seeing import note_seen

REFUSALS = {401: ErrorSerializer, 404: ErrorSerializer}
SCORER = OpenApiParameter("scorer", int, description="Id of a scorer; default: the active guardian.")


class CriterionSerializer(serializers.Serializer):
    value = serializers.IntegerField(allow_null=True)
    p = serializers.FloatField(
        allow_null=True, help_text="Probability: r1, r2 violated; q1 to q4 met, given no risk."
    )
    abstained = serializers.BooleanField()


class VerdictSerializer(serializers.Serializer):
    scorer = serializers.IntegerField()
    name = serializers.CharField()
    outcome = serializers.ChoiceField(["judged", "judge_failed"])
    active = serializers.BooleanField(help_text="Of the guardian that boards use now.")
    criteria = serializers.DictField(child=CriterionSerializer())
    evidence = serializers.DictField(help_text="Per failed criterion [[start, end], …] in characters.")
    rationale = serializers.CharField()


class ResponseSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    submission = serializers.IntegerField(allow_null=True, help_text="Null where verdicts are not shown.")
    item = serializers.CharField()
    norm = serializers.CharField()
    question = serializers.CharField()
    response = serializers.CharField()
    verdicts = VerdictSerializer(many=True)


class FeedbackLineSerializer(serializers.Serializer):
    criterion = serializers.ChoiceField(list(CRITERIA))
    certain = serializers.BooleanField(help_text="False: the guardian left it open and leans to failed.")
    clause = serializers.CharField(help_text="The sentence of the norm that is nearest to the passage.")
    spans = serializers.ListField(child=serializers.ListField(child=serializers.IntegerField()))
    quotes = serializers.ListField(child=serializers.CharField())
    advice_zh = serializers.CharField()
    advice_en = serializers.CharField()


class FeedbackSerializer(serializers.Serializer):
    response = serializers.IntegerField()
    scorer = serializers.CharField()
    lines = FeedbackLineSerializer(many=True)


def find_response(user: Any, pk: int, *, verdicts: bool) -> Response:
    """Raises Http404 where the reader may see nothing, or nothing of what is asked."""
    rows = Response.objects.select_related("item__norm__source", "item__norm__group", "submission__entry")
    found = rows.filter(pk=pk).first()
    if found is None or not can_see_response(user, found):
        raise Http404
    if verdicts and not can_see_response_verdicts(user, found):
        raise Http404
    return found


def verdict_words(row: ScorerVerdict) -> dict[str, Any]:
    judgement = row.judgement
    return {
        "scorer": judgement.scorer_id,
        "name": str(judgement.scorer),
        "outcome": judgement.outcome,
        "active": row.active,
        "criteria": {
            cell.criterion: {"value": cell.value, "p": cell.p, "abstained": cell.abstained}
            for cell in row.criteria
        },
        "evidence": judgement.evidence,
        "rationale": judgement.rationale,
    }


class ResponseView(APIView):
    """One response: norm, question, answer, and the verdicts that the reader may see."""

    permission_classes = [IsAuthenticated]

    @extend_schema(summary="Show a response", responses={200: ResponseSerializer, **REFUSALS})
    def get(self, request: Request, pk: int) -> Answer:
        found = find_response(request.user, pk, verdicts=False)
        sees = can_see_response_verdicts(request.user, found)
        verdicts = scorer_verdicts(found, request.user) if sees else ()
        if any(not row.failed for row in verdicts):
            note_seen(request.user, [found.pk])
        return Answer(
            {
                "id": found.pk,
                "submission": found.submission_id if sees else None,
                "item": found.item.code,
                "norm": found.item.norm_text,
                "question": found.item.question,
                "response": found.text,
                "verdicts": [verdict_words(row) for row in verdicts],
            }
        )


class FeedbackView(APIView):
    """Structured feedback: for each failed criterion the norm's clause, the passage, advice in both languages."""

    permission_classes = [IsAuthenticated]

    @extend_schema(
        summary="Feedback on a response",
        parameters=[SCORER],
        responses={200: FeedbackSerializer, **REFUSALS},
    )
    def get(self, request: Request, pk: int) -> Answer:
        found = find_response(request.user, pk, verdicts=True)
        verdicts = scorer_verdicts(found, request.user)
        asked = request.query_params.get("scorer", "")
        chosen = next((row for row in verdicts if not asked or str(row.judgement.scorer_id) == asked), None)
        if chosen is None:
            raise Http404
        if not chosen.failed:
            note_seen(request.user, [found.pk])
        lines = judgement_feedback(chosen.judgement, found)
        shown = [
            {
                "criterion": line.criterion,
                "certain": line.certain,
                "clause": line.clause,
                "spans": [list(span) for span in line.spans],
                "quotes": list(line.quotes),
                "advice_zh": line.advice_zh,
                "advice_en": line.advice_en,
            }
            for line in lines
        ]
        return Answer({"response": found.pk, "scorer": str(chosen.judgement.scorer), "lines": shown})
