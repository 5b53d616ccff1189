"""Forms of the training pages. The services check again: the forms are for words beside the fields."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from annotation.models import Campaign
from benchmark.models import BenchmarkVersion, Kind

DECIMAL = {"step": "any"}


class TrainForm(forms.Form):
    """Settings of a guardian's run; each has a value, so that the button alone is enough."""

    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=[
            ("linear", _("linear: character n-grams, trains in seconds")),
            ("encoder", _("encoder: a checkpoint with a head of six outputs")),
            ("generative", _("generative: a language model that writes reasons and verdicts")),
        ],
        initial="linear",
    )
    base_model = forms.CharField(
        label=_("Base model"),
        required=False,
        max_length=300,
        help_text=_("A folder with a checkpoint; the linear kind needs none."),
    )
    prior = forms.FloatField(
        label=_("Share of risky answers to be expected"),
        initial=0.02,
        help_text=_("Labels are enriched with risk; probabilities are calibrated to this share."),
        widget=forms.NumberInput(attrs=DECIMAL),
    )
    alpha = forms.FloatField(
        label=_("Risky answers that may pass unflagged"),
        initial=0.1,
        help_text=_("Promised only where enough risky answers were drawn at random."),
        widget=forms.NumberInput(attrs=DECIMAL),
    )
    miss_cost = forms.FloatField(
        label=_("False alarms that one missed risk is worth"),
        initial=10,
        widget=forms.NumberInput(attrs=DECIMAL),
    )
    seed = forms.IntegerField(label=_("Seed"), initial=1)
    campaigns = forms.ModelMultipleChoiceField(
        label=_("Only labels of these campaigns"),
        queryset=Campaign.objects.none(),
        to_field_name="slug",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: all of them."),
    )
    note = forms.CharField(label=_("Note"), required=False, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["campaigns"]
        assert isinstance(field, forms.ModelMultipleChoiceField)
        field.queryset = Campaign.objects.filter(
            kind__in=(Campaign.Kind.RESPONSES, Campaign.Kind.GUARDIAN)
        ).exclude(state=Campaign.State.DRAFT)

    def config(self) -> dict[str, Any]:
        data = self.cleaned_data
        found = {name: data[name] for name in ("kind", "prior", "alpha", "miss_cost", "seed")}
        base_model = data["base_model"].strip()
        return {**found, **({"base_model": base_model} if base_model else {})}

    def recipe(self) -> dict[str, Any]:
        return {"campaigns": [campaign.slug for campaign in self.cleaned_data["campaigns"]]}


class PromoteForm(forms.Form):
    reason = forms.CharField(
        label=_("Why it is promoted although the gate does not pass it"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("At least ten characters. The reason stays visible wherever the guardian's scores are."),
    )


class SuggestForm(forms.Form):
    version = forms.ModelChoiceField(label=_("Benchmark"), queryset=BenchmarkVersion.objects.none())
    size = forms.IntegerField(label=_("Tasks"), initial=40, min_value=1, max_value=10_000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["version"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = (
            BenchmarkVersion.objects.filter(state=BenchmarkVersion.State.FROZEN, items__kind=Kind.SUBJECTIVE)
            .select_related("benchmark")
            .distinct()
        )
        if not self.is_bound and field.queryset.count() == 1:
            self.initial["version"] = field.queryset[0].pk
