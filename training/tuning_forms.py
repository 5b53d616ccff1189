"""Forms of the pages of datasets and tuning runs. The services check again: the forms are for words beside the fields."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from benchmark.models import BenchmarkVersion
from training.models import Dataset, TrainingKind
from training.queries.model_folders import base_models, is_small, root_models
from training.rules.recipe import SOURCES, Recipe

DECIMAL = {"step": "any"}
SMALL_MODEL = {
    "lora_r": 0,
    "learning_rate": 0.0005,
    "epochs": 2,
    "batch_size": 2,
    "accumulation": 2,
    "max_length": 1200,
    "gradient_checkpointing": False,
    "extra": '{"eval_every": 10, "sample_tokens": 60}',
}
"""Settings with which a tiny policy learns something on two cores in a minute or two."""

SMALL_DPO_RATE = 0.0001
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
    seed = forms.IntegerField(label=_("Seed"), initial=1, min_value=0)
    format = forms.ChoiceField(
        label=_("Files"),
        choices=[("jsonl", "JSONL"), ("parquet", "Parquet")],
        initial="jsonl",
        required=False,
    )

    def clean_format(self) -> str:
        return self.cleaned_data["format"] or "jsonl"

    def recipe(self) -> dict[str, Any]:
        data = dict(self.cleaned_data)
        kind = data.pop("kind")
        data["sources"] = [name for name in data["sources"] if name in SOURCES[kind]]
        assert set(data) <= set(Recipe.__dataclass_fields__)
        return data


class TuningForm(forms.Form):
    """A tuning run, with defaults for a 7B model on one GPU."""

    kind = forms.ChoiceField(label=_("Kind"), choices=[("sft", "SFT"), ("dpo", "DPO")], initial="sft")
    dataset = forms.ModelChoiceField(label=_("Dataset"), queryset=Dataset.objects.none())
    base_model = forms.ChoiceField(
        label=_("Base model"), help_text=_("Folders in MEDES_MODEL_ROOTS, and what earlier runs left.")
    )
    name = forms.CharField(
        label=_("Name"), required=False, max_length=40, help_text=_("Empty: medes-sft or medes-dpo.")
    )
    lora_r = forms.IntegerField(
        label=_("Rank of LoRA"),
        initial=16,
        min_value=0,
        max_value=4096,
        help_text=_("0: all weights are trained."),
    )
    learning_rate = forms.FloatField(
        label=_("Learning rate"), required=False, min_value=0, max_value=1, widget=forms.NumberInput(attrs=DECIMAL),
        help_text=_("Empty: 1e-4 for SFT, 1e-5 for DPO."),
    )  # fmt: skip
    epochs = forms.FloatField(label=_("Epochs"), initial=1, widget=forms.NumberInput(attrs=DECIMAL))
    batch_size = forms.IntegerField(label=_("Rows at a time"), initial=4, min_value=1)
    accumulation = forms.IntegerField(label=_("Times, for one step"), initial=4, min_value=1)
    max_length = forms.IntegerField(label=_("Tokens of question and answer"), initial=2048, min_value=8)
    beta = forms.FloatField(label=_("β (DPO)"), initial=0.1, widget=forms.NumberInput(attrs=DECIMAL))
    precision = forms.ChoiceField(
        label=_("Precision"),
        choices=[(name, name) for name in ("auto", "bf16", "fp16", "fp32")],
        initial="auto",
    )
    gradient_checkpointing = forms.BooleanField(
        label=_("Spare memory: compute activations twice"), required=False, initial=True
    )
    seed = forms.IntegerField(label=_("Seed"), initial=1, min_value=0)
    extra = forms.CharField(
        label=_("More settings"), required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("A JSON object of the engine's other settings, such as {\"eval_every\": 20}."),
    )  # fmt: skip

    small = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dataset, base = self.fields["dataset"], self.fields["base_model"]
        assert isinstance(dataset, forms.ModelChoiceField) and isinstance(base, forms.ChoiceField)
        dataset.queryset = Dataset.objects.exclude(kind=TrainingKind.GUARDIAN)
        base.choices = base_models()
        newest = dataset.queryset.first()
        if not self.is_bound and base.choices and is_small(base.choices[0][0]):
            self.small = True
            self.initial = {**SMALL_MODEL, **self.initial}
            kind = self.initial.get("kind") or (newest.kind if newest else "sft")
            if kind == TrainingKind.DPO:
                self.initial["learning_rate"] = SMALL_DPO_RATE
        if not self.is_bound and newest is not None:
            self.initial.setdefault("dataset", newest.pk)
            self.initial.setdefault("kind", newest.kind)

    def clean_extra(self) -> dict[str, Any]:
        text = self.cleaned_data["extra"].strip()
        if not text:
            return {}
        try:
            found = json.loads(text)
        except ValueError:
            raise forms.ValidationError(_now("This is no JSON.")) from None
        if not isinstance(found, dict):
            raise forms.ValidationError(_now("This must be one JSON object."))
        return found

    def config(self) -> dict[str, Any]:
        data = self.cleaned_data
        names = (
            "base_model", "lora_r", "epochs", "batch_size", "accumulation", "max_length", "beta", "precision",
            "gradient_checkpointing", "seed",
        )  # fmt: skip
        rate = {"learning_rate": data["learning_rate"]} if data["learning_rate"] else {}
        return {**data["extra"], **{name: data[name] for name in names}, **rate}


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
