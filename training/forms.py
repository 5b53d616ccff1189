"""Forms of the training pages. The services check again: the forms are for words beside the fields."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from benchmark.models import BenchmarkVersion, Kind

DECIMAL = {"step": "any"}


class CampaignsField(forms.ModelMultipleChoiceField):
    """Campaigns by their title in the reader's language."""

    def label_from_instance(self, obj: Any) -> str:
        chinese = (get_language() or "zh").startswith("zh")
        first, second = (obj.title_zh, obj.title_en) if chinese else (obj.title_en, obj.title_zh)
        return str(first or second or obj.slug)


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
