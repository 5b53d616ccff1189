"""The form of a guardian's run: each kind has fields of its own, and those of the other kinds count for nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from annotation.models import Campaign
from training.forms import DECIMAL, CampaignsField
from training.names import sentence
from training.queries.model_folders import is_small, whole_models
from training.readers.settings_yaml import SettingsError, read_settings
from training.rules.guardian_settings import (
    ENCODER_DEFAULTS,
    ENCODER_RANGES,
    ENDPOINT_DEFAULTS,
    ENDPOINT_RANGES,
    GENERATIVE_DEFAULTS,
    GENERATIVE_RANGES,
    NO_MODEL,
    NO_URL,
)

HOUR = 3600
ENDPOINT = "endpoint"
FIELDS: Mapping[str, Mapping[str, str]] = {
    "linear": {},
    "encoder": {
        name: f"encoder_{name}" for name in ("epochs", "learning_rate", "batch_size", "max_length", "lora_r")
    },
    "generative": {
        name: f"generative_{name}"
        for name in ("epochs", "learning_rate", "batch_size", "max_length", "lora_r", "calibrate_on")
    },
    ENDPOINT: {
        **{name: name for name in ("url", "model", "key_name", "parallel", "tries", "timeout")},
        "calibrate_on": "endpoint_calibrate_on",
    },
}
"""Of each kind: its settings that have a field, and how the field is called."""

MORE: Mapping[str, tuple[str, ...]] = {
    "linear": (),
    "encoder": ("base_model", "extra"),
    "generative": ("base_model", "extra"),
    ENDPOINT: ("extra",),
}
SMALL_MODEL: Mapping[str, float] = {
    "encoder_epochs": 3,
    "encoder_learning_rate": 0.0005,
    "encoder_batch_size": 8,
    "encoder_max_length": 512,
    "encoder_lora_r": 0,
    "generative_epochs": 1,
    "generative_learning_rate": 0.0005,
    "generative_batch_size": 2,
    "generative_max_length": 2048,
    "generative_lora_r": 0,
    "generative_calibrate_on": 20,
}
"""Settings with which a tiny checkpoint is through in a minute or two on two cores."""


def _number(kind: str, name: str, label: Any, **more: Any) -> Any:
    """A field with the range and the default that the rules give the setting."""
    ranges, defaults = {
        "encoder": (ENCODER_RANGES, ENCODER_DEFAULTS),
        "generative": (GENERATIVE_RANGES, GENERATIVE_DEFAULTS),
        ENDPOINT: (ENDPOINT_RANGES, ENDPOINT_DEFAULTS),
    }[kind]
    low, high = ranges[name]
    whole = isinstance(defaults[name], int)
    if not whole:
        more["widget"] = forms.NumberInput(attrs=DECIMAL)
    field: type[Any] = forms.IntegerField if whole else forms.FloatField
    value = defaults[name]
    initial = int(value) if value == int(value) else value
    return field(label=label, min_value=low, max_value=high, initial=initial, **more)


class TrainForm(forms.Form):
    """Settings of a guardian's run; each that is needed has a value, so that the button alone is enough."""

    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=[
            ("linear", _("linear: character n-grams, trains in seconds")),
            ("encoder", _("encoder: a checkpoint with a head of six outputs")),
            ("generative", _("generative: a language model that writes reasons and verdicts")),
            (ENDPOINT, _("endpoint: a language model behind an OpenAI-compatible address")),
        ],
        initial="linear",
        widget=forms.Select(attrs={"data-parts": ""}),
    )
    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=40,
        help_text=_("Empty: medes- and the kind. Each run is its next version."),
    )
    base_model = forms.ChoiceField(
        label=_("Base model"),
        required=False,
        help_text=_("Folders in MEDES_MODEL_ROOTS, and what earlier runs left."),
    )
    encoder_epochs = _number("encoder", "epochs", _("Epochs"))
    encoder_learning_rate = _number("encoder", "learning_rate", _("Learning rate"))
    encoder_batch_size = _number("encoder", "batch_size", _("Rows at a time"))
    encoder_max_length = _number(
        "encoder", "max_length", _("Tokens of norm, question and answer"),
        help_text=_("Of a longer answer both ends are read; the norm stays whole."),
    )  # fmt: skip
    encoder_lora_r = _number(
        "encoder", "lora_r", _("Rank of LoRA"), help_text=_("0: all weights are trained.")
    )
    generative_epochs = _number("generative", "epochs", _("Epochs"))
    generative_learning_rate = _number("generative", "learning_rate", _("Learning rate"))
    generative_batch_size = _number("generative", "batch_size", _("Rows at a time"))
    generative_max_length = _number("generative", "max_length", _("Tokens of prompt and verdict"))
    generative_lora_r = _number(
        "generative", "lora_r", _("Rank of LoRA"), help_text=_("0: all weights are trained.")
    )
    generative_calibrate_on = _number(
        "generative", "calibrate_on", _("Calibrate on at most so many answers"),
        help_text=_("Of a fifth of the norm groups, which nothing is learnt from."),
    )  # fmt: skip
    learning_curve = forms.BooleanField(
        label=_("Draw a learning curve"),
        required=False,
        help_text=_(
            "Trained four more times, on 20 to 80 % of the norm groups: it takes about three times as long in all, within "
            "the same time limit. It shows whether more labels would help."
        ),
    )
    url = forms.ChoiceField(
        label=_("Endpoint"), required=False, help_text=_("Of those allowed in MEDES_JUDGE_ENDPOINTS.")
    )
    model = forms.CharField(
        label=_("Model"), required=False, max_length=300, help_text=_("As the endpoint calls it.")
    )
    key_name = forms.CharField(
        label=_("Variable with the key"), required=False, max_length=300,
        help_text=_(
            "MEDES_JUDGE_KEY, or that with _ and a name, in the worker's environment; the key itself is never stored. "
            "Empty: no key is sent."
        ),
    )  # fmt: skip
    parallel = _number(ENDPOINT, "parallel", _("Calls at a time"))
    tries = _number(ENDPOINT, "tries", _("Tries for one answer"))
    timeout = _number(ENDPOINT, "timeout", _("Seconds for one call"))
    endpoint_calibrate_on = _number(
        ENDPOINT, "calibrate_on", _("Calibrate on at most so many answers"),
        help_text=_("Each is a call. Nothing is trained."),
    )  # fmt: skip
    extra = forms.CharField(
        label=_("More settings"), required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("YAML, one setting a line, such as “warmup: 0.2”: the other settings of the kind."),
    )  # fmt: skip
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
    time_limit = forms.FloatField(
        label=_("Time limit (hours)"), initial=2, min_value=0.01, max_value=720,
        widget=forms.NumberInput(attrs=DECIMAL),
    )  # fmt: skip
    campaigns = CampaignsField(
        label=_("Only labels of these campaigns"),
        queryset=Campaign.objects.none(),
        to_field_name="slug",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: all of them."),
    )
    note = forms.CharField(label=_("Note"), required=False, widget=forms.Textarea(attrs={"rows": 2}))

    small = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        campaigns, base, url = (self.fields[name] for name in ("campaigns", "base_model", "url"))
        assert isinstance(campaigns, CampaignsField)
        assert isinstance(base, forms.ChoiceField) and isinstance(url, forms.ChoiceField)
        campaigns.queryset = Campaign.objects.filter(
            kind__in=(Campaign.Kind.RESPONSES, Campaign.Kind.GUARDIAN)
        ).exclude(state=Campaign.State.DRAFT)
        found = whole_models()
        base.choices = found
        url.choices = [(address, address) for address in settings.MEDES_JUDGE_ENDPOINTS]
        self.fields["model"].sometimes_required = True  # type: ignore[attr-defined]
        self.no_models, self.no_endpoints = not found, not settings.MEDES_JUDGE_ENDPOINTS
        if not self.is_bound and found and is_small(found[0][0]):
            self.small = True
            self.initial = {**SMALL_MODEL, **self.initial}

    @classmethod
    def filled(cls, post: QueryDict) -> TrainForm:
        """What was posted, with the usual value for what was not: the bare button posts nothing but its token."""
        data = post.copy()
        for name, field in cls.base_fields.items():
            if name not in data and field.initial is not None:
                data[name] = str(field.initial)
        return cls(data)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        kind = data.get("kind", "")
        mine = {*FIELDS.get(kind, {}).values(), *MORE.get(kind, ())}
        for fields in (*(own.values() for own in FIELDS.values()), *MORE.values()):
            for name in fields:
                if name not in mine and name in self.errors:
                    del self.errors[name]
        if "base_model" in mine and not data.get("base_model") and "base_model" not in self.errors:
            self.add_error("base_model", _now("Choose a base model."))
        if kind == ENDPOINT:
            for name, words in (("url", NO_URL), ("model", NO_MODEL)):
                if not data.get(name) and name not in self.errors:
                    self.add_error(name, sentence(words))
        if "extra" in mine and "extra" not in self.errors:
            self._read_box(kind)
        return data

    def _read_box(self, kind: str) -> None:
        try:
            box = read_settings(self.cleaned_data["extra"])
        except SettingsError as error:
            self.add_error("extra", sentence(str(error)))
            return
        for key in box:
            if key in FIELDS[kind] or key == "backend":
                self.add_error("extra", sentence(f"{key} has a field of its own."))
                return
        self.cleaned_data["extra"] = box

    def config(self) -> dict[str, Any]:
        """The engine's configuration; nothing of it comes from the fields of another kind."""
        data, kind = self.cleaned_data, self.cleaned_data["kind"]
        found = {name: data[name] for name in ("prior", "alpha", "miss_cost", "seed")}
        if kind == "linear":
            return {**found, "kind": kind}
        own = {setting: data[name] for setting, name in FIELDS[kind].items()}
        given = {**data["extra"], **own}
        if kind == ENDPOINT:
            return {**found, "kind": "generative", "settings": {"backend": ENDPOINT, **given}}
        if data["learning_curve"]:
            found["learning_curve"] = True
        return {**found, "kind": kind, "base_model": data["base_model"], "settings": given}

    def plan(self) -> dict[str, Any]:
        """What a run is planned with, beside the actor."""
        data = self.cleaned_data
        return {
            "config": self.config(),
            "recipe": {"campaigns": [campaign.slug for campaign in data["campaigns"]]},
            "name": data["name"],
            "note": data["note"],
            "time_limit": round(data["time_limit"] * HOUR),
        }

    def refuse(self, words: str, key: str) -> None:
        """A sentence beside the field it is about; beside the box where the setting has no field."""
        kind = self.cleaned_data["kind"]
        boxed = kind != "linear" and key in self.cleaned_data.get("extra", {})
        # What has a field of its own is never in the box, so a name in both means the box.
        name = "extra" if boxed else FIELDS[kind].get(key, key)
        self.add_error(name if name in self.fields else None, words)
