"""Forms around campaigns. They check what a person typed; the services decide the rest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from annotation.models import Campaign
from annotation.names import CRITERION_NAMES, answer_choices
from annotation.rules.answers import CORRECTION_MAX, RATIONALE_MAX, Kind, one_line_end
from benchmark.forms import VersionField
from benchmark.models import BenchmarkVersion, Entry, Response, Scenario, Scorer
from benchmark.names import named
from benchmark.rules.rubric import QUALITY_CRITERIA, RISK_CRITERIA
from medes_site.kit.roles import Role

GUIDELINE_MAX = 40_000
BASIC = ("title_zh", "title_en", "slug", "kind", "version", "scorer")
EXPERTS = ("first_experts", "cap", "max_skips", "lease_minutes", "daily_goal", "open_to_experts")
QUEUE = ("outdated_only", "order", "random_share", "size_limit", "seed")
QUALITY = ("gold_share", "qualification_tasks", "qualification_bound")
SETTINGS = (*EXPERTS, *QUEUE, *QUALITY)
LATER = ("lease_minutes", "daily_goal", "open_to_experts", "gold_share", "max_skips")
HELP = {
    "cap": _("While their labels differ, one more expert is asked, up to this number."),
    "max_skips": _("After so many skips no expert is asked again: the task counts as not answered."),
    "lease_minutes": _("How long a task is kept for one expert; the open page renews it."),
    "random_share": _("Only for the order by priority: this part is drawn at random, so that estimates stay unbiased."),
    "size_limit": _("Empty: all that fit the choice."),
    "seed": _("The same number draws the same order again."),
    "gold_share": _("Of the tasks given to an expert, between 0 and 1."),
    "qualification_tasks": _("0: experts start at once."),
    "qualification_bound": _("Share of right answers on the qualification tasks, between 0 and 1."),
}  # fmt: skip


class LinesField(forms.CharField):
    """Text of several lines: each counts its end as one character, as the page does, not as two."""

    def to_python(self, value: Any) -> Any:
        return one_line_end(super().to_python(value) or "")


class ReasonsField(LinesField):
    """Required by the service, which says so in the same words to the API; so it is not called optional."""

    sometimes_required = True


class AnswerField(forms.TypedChoiceField):
    """Required or not as the rules of answers say, which see all of them at once."""

    sometimes_required = True


def _text(label: Any, language: str, **more: Any) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": 10, "class": "guideline", "lang": language})
    return forms.CharField(label=label, max_length=GUIDELINE_MAX, widget=widget, **more)


class SettingsForm(forms.ModelForm):
    """The settings that a campaign in its state may still change."""

    class Meta:
        model = Campaign
        fields = SETTINGS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.state not in ("", Campaign.State.DRAFT):
            for name in set(SETTINGS) - set(LATER):
                del self.fields[name]
        for name, text in HELP.items():
            if name in self.fields:
                self.fields[name].help_text = text

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        first, cap = cleaned.get("first_experts"), cleaned.get("cap")
        if first is not None and cap is not None and cap < first:
            self.add_error("cap", _("At most cannot be fewer than at first."))
        return cleaned

    @property
    def experts(self) -> list[forms.BoundField]:
        return self._bound(EXPERTS)

    @property
    def queue(self) -> list[forms.BoundField]:
        return self._bound(QUEUE)

    @property
    def quality(self) -> list[forms.BoundField]:
        return self._bound(QUALITY)

    @property
    def details_open(self) -> bool:
        """Whether something in the folded part is wrong, or chosen by the link that led here, and must be seen."""
        return any(field.errors for field in (*self.queue, *self.quality)) or bool(
            self.initial.get("outdated_only")
        )

    def _bound(self, names: Iterable[str]) -> list[forms.BoundField]:
        return [self[name] for name in names if name in self.fields]


class NamedChoices(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return obj.name if isinstance(obj, Entry) else named(obj)


class CampaignForm(SettingsForm):
    """A new campaign with its first guidelines."""

    version = VersionField(label=_("Benchmark"), queryset=BenchmarkVersion.objects.none(), empty_label=None)
    scorer = forms.ModelChoiceField(
        label=_("Guardian"),
        queryset=Scorer.objects.none(),
        required=False,
        help_text=_("Whose verdicts are shown after the blind label."),
    )
    scenarios = NamedChoices(
        label=_("Scenarios"),
        queryset=Scenario.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: all."),
    )
    entries = NamedChoices(
        label=_("Models"),
        queryset=Entry.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: all."),
    )
    text_zh = _text(
        _("Guidelines in Chinese"), "zh", help_text=_("Markdown. Experts read them beside every task.")
    )
    text_en = _text(_("Guidelines in English"), "en", required=False)

    class Meta:
        model = Campaign
        fields = ("title_zh", "title_en", "slug", "kind", *SETTINGS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["slug"].required = False
        self.fields["slug"].help_text = _("Part of file names. Empty: made from the English title.")
        frozen = BenchmarkVersion.objects.filter(state=BenchmarkVersion.State.FROZEN)
        self.versions = frozen.select_related("benchmark").order_by("-frozen_at", "-pk")
        guardians = Scorer.objects.filter(type=Scorer.Type.GUARDIAN).order_by("-pk")
        self._choices("version").queryset = self.versions
        self._choices("scorer").queryset = guardians
        inside = {"items__version__in": self.versions}
        self._choices("scenarios").queryset = Scenario.objects.filter(**inside).distinct().order_by("pk")
        self._choices("entries").queryset = (
            Entry.objects.filter(submissions__version__in=self.versions).distinct().order_by("name")
        )
        kinds: Any = self.fields["kind"]
        offered = [choice for choice in Campaign.Kind.choices if choice[0] != Campaign.Kind.GUARDIAN]
        if not guardians.exists():
            del self.fields["scorer"]
        kinds.choices = Campaign.Kind.choices if guardians.exists() else offered  # no empty choice

    def _choices(self, name: str) -> forms.ModelChoiceField:
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)
        return field

    @property
    def basic(self) -> list[forms.BoundField]:
        return self._bound(BASIC)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        guardian = cleaned.get("kind") == Campaign.Kind.GUARDIAN
        if guardian and "scorer" in self.fields and not cleaned.get("scorer"):
            self.add_error("scorer", _("Choose the guardian that is to be shown."))
        return cleaned

    @property
    def settings(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in SETTINGS}


class GuidelineForm(forms.Form):
    text_zh = _text(_("Guidelines in Chinese"), "zh")
    text_en = _text(_("Guidelines in English"), "en", required=False)


class ExpertField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return str(obj)


class MemberForm(forms.Form):
    """An expert who is not in the campaign yet."""

    expert = ExpertField(label=_("Expert"), queryset=None)
    qualified = forms.BooleanField(label=_("Without a qualification round"), required=False)

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        users = get_user_model().objects.filter(is_active=True, groups__name=Role.EXPERT.value)
        users = users.exclude(memberships__campaign=campaign).order_by("username")
        field: Any = self.fields["expert"]
        field.queryset = users
        self.nobody = not users.exists()
        if not campaign.qualification_tasks:
            del self.fields["qualified"]


def answer_field(name: str, choices: Any) -> AnswerField:
    """One question with its answers as radio buttons; not required here: the rules say what may be missing."""
    label: Any = CRITERION_NAMES[name]
    number = not isinstance(choices[0][0], str)
    return AnswerField(
        label=label,
        choices=choices,
        coerce=int if number else str,
        empty_value=None,
        required=False,
        widget=forms.RadioSelect(attrs={"class": "answer"}),
    )


class AnswersForm(forms.Form):
    """Answers of one's own to a task of some kind: `answers` as annotation.rules.answers takes them."""

    def __init__(self, *args: Any, kind: Kind, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        for name, choices in answer_choices(kind).items():
            self.fields[name] = answer_field(name, choices)

    @property
    def own(self) -> list[forms.BoundField]:
        return [self[name] for name in answer_choices(self.kind)]

    @property
    def answers(self) -> dict[str, Any]:
        given = {name: self.cleaned_data.get(name) for name in answer_choices(self.kind)}
        if self.kind == "items":
            return {name: None if value is None else bool(value) for name, value in given.items()}
        if self.kind == "pairs" and given["better"] == "tie":
            return {"better": "tie", "by": 0}
        if self.kind == "rubric" and any(given[name] == -1 for name in RISK_CRITERIA):
            given |= dict.fromkeys(QUALITY_CRITERIA)  # a risky answer is not judged for quality
        return given


class GoldForm(AnswersForm):
    """A task with a known answer: what it is about, the answers, and why they are right."""

    explanation_zh = forms.CharField(
        label=_("Explanation in Chinese"),
        max_length=RATIONALE_MAX,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    explanation_en = forms.CharField(
        label=_("Explanation in English"),
        max_length=RATIONALE_MAX,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    qualification = forms.BooleanField(
        label=_("For the qualification round"),
        required=False,
        help_text=_("Given before real tasks; its explanation is shown after the answer."),
    )

    def __init__(self, *args: Any, replies: QuerySet[Response] | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.kind != "items":
            self.fields["response"] = ReplyField(label=_("Answer"), queryset=replies)
        if self.kind == "pairs":
            self.fields["response"].label = _("First answer")
            self.fields["other"] = ReplyField(label=_("Second answer"), queryset=replies)

    @property
    def subject(self) -> list[forms.BoundField]:
        return [self[name] for name in ("response", "other") if name in self.fields]

    @property
    def words(self) -> list[forms.BoundField]:
        return [self[name] for name in ("explanation_zh", "explanation_en", "qualification")]

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        if cleaned.get("response") and cleaned.get("response") == cleaned.get("other"):
            self.add_error("other", _("Choose two different answers."))
        return cleaned


class ReplyField(forms.ModelChoiceField):
    widget = forms.RadioSelect

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(empty_label=None, **kwargs)

    def label_from_instance(self, obj: Any) -> str:
        return str(obj.submission.entry.name)


class RulingForm(AnswersForm):
    """A referee's ruling. `choice`: "accept:<label id>", "overrule" or "norm_silent"."""

    choice = forms.CharField(required=False)
    rationale = ReasonsField(
        label=_("Reasons"),
        max_length=RATIONALE_MAX,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    correction = LinesField(
        label=_("A better answer"),
        max_length=CORRECTION_MAX,
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "lang": "zh-Hans"}),
        help_text=_("The answer the asker should have got. Models may learn from it."),
    )

    @property
    def decision(self) -> tuple[str, int | None]:
        """The decision and, for an accepted label, its id (None where it is no number)."""
        decision, _colon, number = self.cleaned_data["choice"].partition(":")
        return decision, int(number) if number.isdecimal() and len(number) < 16 else None
