"""The API's words: what requests hold (checked here), and what answers look like (for the description)."""

from __future__ import annotations

from rest_framework import serializers

from annotation.models import Campaign, Membership, Ruling, Skip, Slot, Task
from annotation.queries.queue import QueueCase
from annotation.rules.answers import CORRECTION_MAX, RATIONALE_MAX
from annotation.services.submitting import KEY_LENGTH

ANSWERS_HELP = (
    "Of a response: r1, r2 in -1, 0; q1…q4 in 0, 1, all null on a risky answer. Of an item: realistic, norm_right, "
    "key_right (null where it has no key). Of a pair: better in first, second, tie; by in 1, 2, 3."
)
EVIDENCE_HELP = (
    'For failed criteria: {"q2": {"clause": "…", "spans": [[12, 40]]}}, in characters of the response.'
)


class FenceSerializer(serializers.Serializer):
    """`fence` is the number that came with the seat: it says which claim speaks."""

    fence = serializers.IntegerField(min_value=0)


class AnsweredSerializer(serializers.Serializer):
    """`key`: made by the client, one for each submit; sent again it is the same label, not a second one."""

    key = serializers.CharField(max_length=KEY_LENGTH, trim_whitespace=False)
    answers = serializers.DictField(help_text=ANSWERS_HELP)
    rationale = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=RATIONALE_MAX, trim_whitespace=False
    )
    correction = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=CORRECTION_MAX, trim_whitespace=False,
        help_text="A better answer than the model's, in the expert's own words.",
    )  # fmt: skip
    evidence = serializers.DictField(required=False, default=dict, help_text=EVIDENCE_HELP)
    duration_ms = serializers.IntegerField(
        required=False, default=None, allow_null=True, min_value=0, help_text="A length, no time of day."
    )


class SubmitSerializer(AnsweredSerializer, FenceSerializer):
    next = serializers.BooleanField(
        required=False, default=False, help_text="Claim the next task in the same request."
    )


class RevealAnswerSerializer(AnsweredSerializer):
    holds = serializers.DictField(
        child=serializers.BooleanField(allow_null=True),
        required=False,
        default=dict,
        help_text="Whether the guardian's reasoning holds, by criterion.",
    )


class DraftWriteSerializer(FenceSerializer):
    version = serializers.IntegerField(min_value=0, help_text="The version it is written over; 0: the first.")
    content = serializers.DictField(help_text="answers, rationale, correction, evidence, as far as they are.")


class SkipSerializer(FenceSerializer):
    reason = serializers.ChoiceField(Skip.Reason.choices)
    note = serializers.CharField(required=False, default="", allow_blank=True, max_length=2000)


class FlagSerializer(serializers.Serializer):
    note = serializers.CharField(max_length=RATIONALE_MAX)


class RulingWriteSerializer(serializers.Serializer):
    decision = serializers.ChoiceField(Ruling.Decision.choices)
    rationale = serializers.CharField(max_length=RATIONALE_MAX)
    correction = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=CORRECTION_MAX, trim_whitespace=False
    )
    label = serializers.IntegerField(  # type: ignore[assignment]
        required=False, default=None, allow_null=True, min_value=1, help_text="Of accept: the label."
    )
    answers = serializers.DictField(
        required=False, default=None, allow_null=True, help_text="Of overrule: the referee's own."
    )


class ExportQuerySerializer(serializers.Serializer):
    table = serializers.ChoiceField(
        ["labels", "tasks"], required=False, default="labels", help_text="tasks holds rulings and skips."
    )
    of = serializers.ChoiceField(
        ["jsonl", "csv", "parquet"],
        required=False,
        default="jsonl",
        help_text="Of manifest.json: which files it is about.",
    )


# -- answers


class QueueSerializer(serializers.Serializer):
    case = serializers.ChoiceField([case.value for case in QueueCase])
    until = serializers.DateTimeField(allow_null=True)


class MembershipSerializer(serializers.Serializer):
    state = serializers.ChoiceField(Membership.State.choices)
    pseudonym = serializers.CharField()
    today = serializers.IntegerField()
    goal = serializers.IntegerField()
    labels = serializers.IntegerField()
    queue = QueueSerializer()


class GuidelinesSerializer(serializers.Serializer):
    number = serializers.IntegerField()
    zh = serializers.CharField()
    en = serializers.CharField()


class CampaignSerializer(serializers.Serializer):
    slug = serializers.CharField()
    title_zh = serializers.CharField()
    title_en = serializers.CharField()
    kind = serializers.ChoiceField(Campaign.Kind.choices)
    state = serializers.ChoiceField(Campaign.State.choices)
    benchmark = serializers.CharField()
    version = serializers.CharField()
    lease_minutes = serializers.IntegerField()
    open_to_experts = serializers.BooleanField()
    guidelines = GuidelinesSerializer(allow_null=True)


class CampaignPageSerializer(serializers.Serializer):
    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = CampaignSerializer(many=True)


class OneCampaignSerializer(CampaignSerializer):
    mine = MembershipSerializer(allow_null=True, help_text="How you take part; null if you do not.")


class NormShownSerializer(serializers.Serializer):
    text = serializers.CharField()
    article = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    status = serializers.CharField()


class ShownItemSerializer(serializers.Serializer):
    item = serializers.CharField()
    kind = serializers.CharField()
    scenario = serializers.CharField()
    question = serializers.CharField()
    options = serializers.ListField(child=serializers.DictField())
    norm = NormShownSerializer(allow_null=True)
    key = serializers.CharField(allow_null=True, help_text="Only where the task is to judge the key.")


class DraftSerializer(serializers.Serializer):
    version = serializers.IntegerField()
    content = serializers.DictField()


class SlotSerializer(serializers.Serializer):
    slot = serializers.IntegerField()
    fence = serializers.IntegerField()
    state = serializers.ChoiceField(Slot.State.choices)
    lease_until = serializers.DateTimeField(allow_null=True)
    ahead = serializers.BooleanField()
    campaign = serializers.CharField()
    kind = serializers.ChoiceField(Campaign.Kind.choices)
    qualification = serializers.BooleanField()
    guideline = serializers.IntegerField(allow_null=True)
    item = ShownItemSerializer()
    responses = serializers.ListField(
        child=serializers.CharField(), help_text="None, one, or the two of a pair in the order shown."
    )
    draft = DraftSerializer(allow_null=True)


class ClaimedSerializer(serializers.Serializer):
    task = SlotSerializer(allow_null=True)
    queue = QueueSerializer(allow_null=True, help_text="Without a task: why.")


class LeaseSerializer(serializers.Serializer):
    lease_until = serializers.DateTimeField()


class ReleasedSerializer(serializers.Serializer):
    released = serializers.BooleanField(help_text="False: it was gone already.")


class DraftVersionSerializer(serializers.Serializer):
    version = serializers.IntegerField()


class LabelSerializer(serializers.Serializer):
    label = serializers.IntegerField()  # type: ignore[assignment]
    slot = serializers.IntegerField()
    campaign = serializers.CharField()
    item = serializers.CharField()
    answers = serializers.DictField()
    rationale = serializers.CharField()
    correction = serializers.CharField()
    evidence = serializers.DictField()
    blind = serializers.BooleanField()
    extra = serializers.BooleanField(help_text="Came after the seat had gone to somebody else; kept.")
    revision = serializers.IntegerField()
    current = serializers.BooleanField()
    undone = serializers.BooleanField()
    guideline = serializers.IntegerField(allow_null=True)
    submitted_at = serializers.DateTimeField(help_text="By the database's clock.")


class LabelPageSerializer(serializers.Serializer):
    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = LabelSerializer(many=True)


class GoldSerializer(serializers.Serializer):
    answers = serializers.DictField()
    explanation_zh = serializers.CharField()
    explanation_en = serializers.CharField()


class SubmittedSerializer(ClaimedSerializer):
    label = LabelSerializer()  # type: ignore[assignment]
    gold = GoldSerializer(allow_null=True, help_text="After a qualification task.")


class ShownVerdictSerializer(serializers.Serializer):
    reveal = serializers.IntegerField()
    label = serializers.IntegerField()  # type: ignore[assignment]
    shown = serializers.DictField(help_text="r1…q4 and rationale of the guardian.")


class SideSerializer(serializers.Serializer):
    letter = serializers.CharField()
    label = serializers.IntegerField()  # type: ignore[assignment]
    answers = serializers.DictField()
    rationale = serializers.CharField()
    correction = serializers.CharField()
    evidence = serializers.DictField()


class DisputedSerializer(serializers.Serializer):
    task = serializers.IntegerField()
    campaign = serializers.CharField()
    kind = serializers.ChoiceField(Campaign.Kind.choices)
    item = ShownItemSerializer()
    responses = serializers.ListField(child=serializers.CharField())
    labels = SideSerializer(many=True)
    differing = serializers.ListField(child=serializers.CharField())
    pending = serializers.IntegerField()


class DisputedRowSerializer(serializers.Serializer):
    task = serializers.IntegerField()
    campaign = serializers.CharField()
    item = serializers.CharField()
    pending = serializers.IntegerField(help_text="Seats that may still bring a label.")


class DisputedPageSerializer(serializers.Serializer):
    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = DisputedRowSerializer(many=True)


class RulingSerializer(serializers.Serializer):
    task = serializers.IntegerField()
    decision = serializers.ChoiceField(Ruling.Decision.choices)
    label = serializers.IntegerField(allow_null=True)  # type: ignore[assignment]
    answers = serializers.DictField(allow_null=True)
    rationale = serializers.CharField()
    correction = serializers.CharField()
    state = serializers.ChoiceField(Task.State.choices)
