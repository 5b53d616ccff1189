"""The form of an SFT or DPO run: filled with what suits the newest dataset, or with another run's settings."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from training.models import Dataset, Run, TrainingKind
from training.names import sentence
from training.queries.model_folders import base_models, is_small
from training.readers.base_models import hub_refusal, is_path
from training.readers.settings_yaml import SettingsError, read_settings, write_settings
from training.rules.tuning_config import DPO_LOSSES, PRECISIONS, RANGES, ConfigError
from training.rules.tuning_settings import boxed, unboxed

DECIMAL = {"step": "any"}
SMALL_MODEL = {
    "lora_r": 0,
    "learning_rate": 0.0005,
    "epochs": 2,
    "batch_size": 2,
    "accumulation": 2,
    "max_length": 1200,
    "gradient_checkpointing": False,
    "extra": "eval_every: 10\nsave_every: 10\nsample_tokens: 60\n",
}
"""Settings with which a tiny policy learns something on two cores in a minute or two."""

SMALL_DPO_RATE = 0.0001
HOUR = 3600
SHARED = (
    "lora_r", "lora_targets", "learning_rate", "epochs", "max_steps", "batch_size", "accumulation", "max_length",
    "precision", "gradient_checkpointing", "merge", "seed",
)  # fmt: skip
OWN = {
    "sft": frozenset((*SHARED, "packing", "beta")),
    "dpo": frozenset((*SHARED, "packing", "beta", "loss_type")),
}
"""The settings of the engine that have a field beside the box."""


def _between(field: type[Any], name: str, label: Any, **more: Any) -> Any:
    low, high = RANGES[name]
    if field is forms.FloatField:
        more["widget"] = forms.NumberInput(attrs=DECIMAL)
    return field(label=label, min_value=more.pop("low", low), max_value=high, **more)


class TuningForm(forms.Form):
    """A tuning run, with defaults for a 7B model on one GPU."""

    kind = forms.ChoiceField(label=_("Kind"), choices=[("sft", "SFT"), ("dpo", "DPO")], initial="sft")
    dataset = forms.ModelChoiceField(label=_("Dataset"), queryset=Dataset.objects.none())
    base_model = forms.ChoiceField(
        label=_("Base model"), help_text=_("Folders in MEDES_MODEL_ROOTS, and what earlier runs left.")
    )
    hub_model = forms.CharField(label=_("Base model from the hub"), required=False, max_length=200)
    name = forms.CharField(
        label=_("Name"), required=False, max_length=40, help_text=_("Empty: medes-sft or medes-dpo.")
    )
    processes = forms.IntegerField(
        label=_("Processes"), initial=1, min_value=1, max_value=64,
        help_text=_("How to launch it. 1: the worker's own; more: by accelerate on the worker's machine, one a GPU."),
    )  # fmt: skip
    time_limit = forms.FloatField(
        label=_("Time limit (hours)"), initial=24, min_value=0.01, max_value=720,
        widget=forms.NumberInput(attrs=DECIMAL),
    )  # fmt: skip
    lora_r = _between(
        forms.IntegerField,
        "lora_r",
        _("Rank of LoRA"),
        initial=16,
        help_text=_("0: all weights are trained."),
    )
    lora_targets = forms.CharField(
        label=_("Modules that LoRA adapts"), initial="all-linear", max_length=500,
        help_text=_("all-linear, or names such as q_proj, v_proj."),
    )  # fmt: skip
    learning_rate = _between(
        forms.FloatField, "learning_rate", _("Learning rate"), required=False,
        help_text=_("Empty: 1e-4 for SFT, 1e-5 for DPO."),
    )  # fmt: skip
    epochs = _between(forms.FloatField, "epochs", _("Epochs"), initial=1)
    max_steps = _between(
        forms.IntegerField, "max_steps", _("At most so many steps"), low=1, required=False,
        help_text=_("Empty: the epochs decide."),
    )  # fmt: skip
    batch_size = _between(
        forms.IntegerField, "batch_size", _("Rows at a time"), initial=4, help_text=_("Of each process.")
    )
    accumulation = _between(forms.IntegerField, "accumulation", _("Times, for one step"), initial=4)
    max_length = _between(forms.IntegerField, "max_length", _("Tokens of question and answer"), initial=2048)
    beta = _between(forms.FloatField, "beta", _("β (DPO)"), initial=0.1)
    loss_type = forms.MultipleChoiceField(
        label=_("Loss (DPO)"), choices=[(name, name) for name in DPO_LOSSES], initial=["sigmoid"], required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Several are added, weighted by loss_weights below."),
    )  # fmt: skip
    precision = forms.ChoiceField(
        label=pgettext_lazy("of numbers", "Precision"),
        choices=[(name, name) for name in PRECISIONS],
        initial="auto",
    )
    seed = _between(forms.IntegerField, "seed", _("Seed"), initial=1)
    packing = forms.BooleanField(label=_("Pack short rows together (SFT)"), required=False)
    gradient_checkpointing = forms.BooleanField(
        label=_("Spare memory: compute activations twice"), required=False, initial=True
    )
    merge = forms.BooleanField(label=_("Also write the merged weights"), required=False, initial=True)
    extra = forms.CharField(
        label=_("More settings"), required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("YAML, one setting a line, such as “eval_every: 20”: the engine's other settings, and allowed ones of TRL."),
    )  # fmt: skip
    copied_from = forms.ModelChoiceField(
        queryset=Run.objects.none(), required=False, widget=forms.HiddenInput
    )

    small = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dataset, base, origin = (self.fields[name] for name in ("dataset", "base_model", "copied_from"))
        assert isinstance(dataset, forms.ModelChoiceField) and isinstance(base, forms.ChoiceField)
        assert isinstance(origin, forms.ModelChoiceField)
        dataset.queryset = Dataset.objects.exclude(kind=TrainingKind.GUARDIAN)
        origin.queryset = Run.objects.exclude(kind=TrainingKind.GUARDIAN)
        found = base_models()
        self._offer_hubs(base, found)
        self._name_what_is_gone(base, found)
        self.no_models = not found and not settings.MEDES_MODEL_HUBS
        if self.is_bound or self.initial.get("copied_from"):
            return
        newest = dataset.queryset.first()
        if found and is_small(found[0][0]):
            self.small = True
            self.initial = {**SMALL_MODEL, **self.initial}
            kind = self.initial.get("kind") or (newest.kind if newest else "sft")
            if kind == TrainingKind.DPO:
                self.initial["learning_rate"] = SMALL_DPO_RATE
        if newest is not None:
            self.initial.setdefault("dataset", newest.pk)
            self.initial.setdefault("kind", newest.kind)

    def _offer_hubs(self, base: forms.ChoiceField, found: list[tuple[str, str]]) -> None:
        hubs = settings.MEDES_MODEL_HUBS
        if not hubs:
            del self.fields["hub_model"]
            base.choices = found
            return
        base.required = False
        base.choices = [*found, ("", _now("the one from the hub"))]
        self.fields["hub_model"].help_text = _now(
            "An id such as Qwen/Qwen2.5-7B-Instruct; allowed: %(hubs)s. The worker fetches it."
        ) % {"hubs": ", ".join(hubs)}

    def _name_what_is_gone(self, base: forms.ChoiceField, found: list[tuple[str, str]]) -> None:
        """A copy whose base model cannot be chosen any more must not quietly take another one."""
        folder, hub = (str(self.initial.get(name) or "") for name in ("base_model", "hub_model"))
        if self.is_bound or not self.initial.get("copied_from") or (hub and settings.MEDES_MODEL_HUBS):
            return
        if hub or folder not in dict(found):
            self.initial["base_model"] = ""
            base.choices = [("", _now("not there any more: %(name)s") % {"name": hub or folder}), *found]

    def clean_loss_type(self) -> list[str]:
        found: list[str] = self.cleaned_data["loss_type"]
        if not found and self.cleaned_data.get("kind") == TrainingKind.DPO:
            raise forms.ValidationError(_now("Choose at least one loss."))
        return found

    def clean_lora_targets(self) -> str | list[str]:
        names: list[str] = [
            part for part in self.cleaned_data["lora_targets"].replace(",", " ").replace("，", " ").split()
        ]
        if not names:
            raise forms.ValidationError(_now("Name modules, or write all-linear."))
        return names[0] if names == ["all-linear"] else names

    def clean_extra(self) -> dict[str, Any]:
        kind = self.cleaned_data.get("kind", "sft")
        try:
            return unboxed(kind, read_settings(self.cleaned_data["extra"]), OWN[kind])
        except (SettingsError, ConfigError) as error:
            raise forms.ValidationError(sentence(str(error))) from None

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        hub = data.get("hub_model", "").strip()
        if hub and data.get("base_model"):
            self.add_error("hub_model", _now("Choose a folder or a model from the hub, not both."))
        elif hub and (is_path(hub) or hub_refusal(hub, settings.MEDES_MODEL_HUBS)):
            self.add_error("hub_model", _now("This is not among the allowed models of the hub."))
        elif "hub_model" in self.fields and not hub and not data.get("base_model"):
            self.add_error("base_model", _now("Choose a base model."))
        return data

    def config(self) -> dict[str, Any]:
        """The engine's configuration; what is left empty, or belongs to the other kind, is not said."""
        data = self.cleaned_data
        names = [name for name in SHARED if data[name] is not None]
        config = {**data["extra"], **{name: data[name] for name in names}}
        config["base_model"] = data.get("hub_model", "").strip() or data["base_model"]
        if data["packing"]:
            config["packing"] = True
        if data["kind"] == TrainingKind.DPO:
            losses = data["loss_type"]
            config |= {"beta": data["beta"], "loss_type": losses[0] if len(losses) == 1 else losses}
        return config

    def plan(self) -> dict[str, Any]:
        """What a run is planned with, beside the actor."""
        data = self.cleaned_data
        return {
            "kind": data["kind"],
            "dataset": data["dataset"],
            "config": self.config(),
            "name": data["name"],
            "processes": data["processes"],
            "time_limit": round(data["time_limit"] * HOUR),
            "copied_from": data["copied_from"],
        }

    def refuse(self, words: str, key: str) -> None:
        """A sentence beside the field it is about; beside the box where the setting has no field."""
        if key == "base_model" and self.cleaned_data.get("hub_model"):
            key = "hub_model"
        boxed_key = key in self.cleaned_data.get("extra", {})
        self.add_error(key if key in self.fields else "extra" if boxed_key else None, words)


def copy_of(run: Run) -> dict[str, Any]:
    """Initial values with which the form plans the same run again."""
    config = run.config
    losses = config.get("loss_type", "sigmoid")
    targets = config.get("lora_targets", "all-linear")
    initial: dict[str, Any] = {name: config[name] for name in SHARED if name in config}
    if int(config.get("max_steps", -1)) < 1:
        initial.pop("max_steps", None)
    base = str(config.get("base_model", ""))
    initial["base_model" if is_path(base) else "hub_model"] = base
    if not is_path(base):
        initial["base_model"] = ""
    return {
        **initial,
        "kind": run.kind,
        "dataset": run.dataset_id,
        "name": run.name,
        "processes": run.processes,
        "time_limit": run.time_limit / HOUR,
        "lora_targets": targets if isinstance(targets, str) else ", ".join(targets),
        "beta": config.get("beta", 0.1),
        "loss_type": [losses] if isinstance(losses, str) else losses,
        "packing": config.get("packing", False),
        "extra": write_settings(boxed(config, OWN[run.kind])),
        "copied_from": run.pk,
    }
