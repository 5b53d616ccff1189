"""Forms of the pages of datasets, and of a promotion. The services check again: the forms are for words beside the fields."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from benchmark.models import BenchmarkVersion
from training.queries.model_folders import root_models
from training.rules.recipe import HIGHEST_SEED, SOURCES, Recipe

DECIMAL = {"step": "any"}
KINDS = [("sft", _("SFT: answers to imitate")), ("dpo", _("DPO: pairs of answers, one preferred"))]
OWN = {
    "corrections": _("experts' corrections"),
    "labels": _("experts' labels and rulings"),
    "pairs": _("experts' comparisons of two answers"),
    "guardian": _("the active guardian"),
}


class RecipeForm(forms.Form):
    """What a dataset is made of; every field has a value."""

    kind = forms.ChoiceField(label=_("Kind"), choices=KINDS, initial="sft")
    sources = forms.MultipleChoiceField(
        label=_("Who judged the answers"),
        choices=[(name, OWN[name]) for name in OWN],
        initial=list(OWN),
        widget=forms.CheckboxSelectMultiple,
    )
    quality = forms.FloatField(
        label=_("Lowest quality of an answer to imitate"),
        initial=0.6,
        min_value=0,
        max_value=1,
        widget=forms.NumberInput(attrs=DECIMAL),
    )
    margin = forms.FloatField(
        label=_("Smallest margin of a pair"),
        initial=0.1,
        min_value=0,
        max_value=1,
        widget=forms.NumberInput(attrs=DECIMAL),
        help_text=_("Half the difference of two scores; for comparisons their mean strength."),
    )
    per_prompt = forms.IntegerField(
        label=_("Most rows of one question"), initial=4, min_value=0, max_value=1000
    )
    length_bias = forms.FloatField(
        label=_("Bound of the mean length difference"),
        initial=0.25,
        min_value=0,
        max_value=10,
        widget=forms.NumberInput(attrs=DECIMAL),
        help_text=_("Mean of ln(chosen/rejected): 0.25 lets the chosen answers be 28% longer on the whole."),
    )
    seed = forms.IntegerField(label=_("Seed"), initial=1, min_value=0, max_value=HIGHEST_SEED)
    format = forms.ChoiceField(
        label=_("Files"),
        choices=[("jsonl", "JSONL"), ("parquet", "Parquet")],
        initial="jsonl",
        required=False,
    )

    def clean_format(self) -> str:
        return self.cleaned_data["format"] or "jsonl"

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if "kind" in data and "sources" in data and not self._sources():
            self.add_error("sources", _("This kind cannot learn from that alone: choose another one, too."))
        return data

    def _sources(self) -> list[str]:
        """Those ticked that the kind has; a recipe without any would mean all of them."""
        return [name for name in self.cleaned_data["sources"] if name in SOURCES[self.cleaned_data["kind"]]]

    def recipe(self) -> dict[str, Any]:
        data = {**self.cleaned_data, "sources": self._sources()}
        del data["kind"]
        assert set(data) <= set(Recipe.__dataclass_fields__)
        return data


class PromoteRunForm(forms.Form):
    version = forms.ModelChoiceField(label=_("Benchmark"), queryset=BenchmarkVersion.objects.none())
    name = forms.CharField(label=_("Name of the entry"), required=False, max_length=120)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["version"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = BenchmarkVersion.objects.filter(state=BenchmarkVersion.State.FROZEN).select_related(
            "benchmark"
        )
        if not self.is_bound and field.queryset.count() == 1:
            self.initial["version"] = field.queryset[0].pk


class PromoteBaseForm(PromoteRunForm):
    """Which untuned model is to be an entry."""

    folder = forms.ChoiceField(label=_("Model"))
    field_order = ["folder", "version", "name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["folder"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = root_models()
