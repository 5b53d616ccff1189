"""Forms of the benchmark's pages. They check what a person typed; the services decide the rest."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from benchmark.models import BenchmarkVersion, Entry
from benchmark.names import named
from medes_site.kit.forms import UploadField
from medes_site.kit.roles import is_researcher

# Fields of a submission form that describe a model which is not registered yet.
NEW_ENTRY_FIELDS = ("name", "organisation", "parameters_b", "type", "licence", "link")


class VersionField(forms.ModelChoiceField):
    """Benchmark versions under the names that the pages use, in the reader's language."""

    def label_from_instance(self, obj: BenchmarkVersion) -> str:
        return f"{named(obj.benchmark)} {obj.label}"


class NewNameField(forms.CharField):
    """Needed for a new model, meaningless for a known one: so it is not called optional (partials/field.html)."""

    sometimes_required = True


class SubmissionForm(forms.Form):
    """A predictions file for an entry of one's own, or for a new one that is described in the same form."""

    entry = forms.ModelChoiceField(
        label=_("Your models"), queryset=Entry.objects.none(), required=False, empty_label=_("A new model")
    )
    name = NewNameField(
        label=_("Name"),
        max_length=120,
        required=False,
        help_text=_("As it shall stand on the board. It belongs to your account from then on."),
    )
    organisation = forms.CharField(label=_("Organisation"), max_length=160, required=False)
    parameters_b = forms.DecimalField(
        label=_("Parameters (billions)"),
        min_value=Decimal("0.01"),
        max_digits=8,
        decimal_places=2,
        required=False,
    )
    type = forms.ChoiceField(label=_("Type"), choices=Entry.Type.choices, required=False)
    licence = forms.CharField(label=_("Licence"), max_length=120, required=False)
    link = forms.URLField(
        label=_("Link"),
        max_length=200,
        required=False,
        assume_scheme="https",
        help_text=_("The model's page or paper."),
    )
    version = VersionField(label=_("Benchmark"), queryset=BenchmarkVersion.objects.none(), empty_label=None)
    file = UploadField(
        label=_("Predictions file"),
        allow_empty_file=True,  # the reader says more clearly what an empty file lacks
        error_messages={"required": _("Choose the file that holds your model's replies.")},
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.jsonl,.ndjson,.json"}),
    )
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("For yourself and the reviewers: prompt, settings, date."),
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user
        own = Entry.objects.all() if is_researcher(user) else Entry.objects.filter(owner=user)
        self.has_entries = own.exists()
        versions = BenchmarkVersion.objects.filter(state=BenchmarkVersion.State.FROZEN)
        self.versions = versions.select_related("benchmark").order_by("-frozen_at", "-pk")
        self.fields["name"].required = not self.has_entries
        self.fields["name"].error_messages["required"] = _("Give the new model a name.")
        self._choices("entry").queryset = own.order_by("name")
        self._choices("version").queryset = self.versions

    def _choices(self, name: str) -> forms.ModelChoiceField:
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)
        return field

    @property
    def new_entry(self) -> list[forms.BoundField]:
        return [self[name] for name in NEW_ENTRY_FIELDS]

    @property
    def new_entry_open(self) -> bool:
        """Whether the fields of a new model are needed, filled in, or hold an error."""
        touched = bool(self["name"].value()) or any(field.errors for field in self.new_entry)
        return touched or not self["entry"].value()

    def clean_name(self) -> str:
        name = " ".join(self.cleaned_data["name"].split())
        taken = Entry.objects.filter(name__iexact=name).first() if name else None
        if taken is None:
            return name
        if taken.owner_id == self._user.pk:
            raise forms.ValidationError(_("This model is yours already: choose it above."), code="own")
        raise forms.ValidationError(
            _("The name “%(name)s” is already registered."), code="taken", params={"name": name}
        )

    def clean_type(self) -> str:
        return self.cleaned_data["type"] or Entry.Type.GENERAL

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        chosen, name = cleaned.get("entry"), cleaned.get("name")
        if chosen and name:
            self.add_error("name", _("Choose a model of yours or describe a new one, not both."))
        elif not (chosen or name or {"entry", "name"} & self.errors.keys()):
            self.add_error("name", _("Give the new model a name, or choose one of yours."))
        return cleaned


class RenewalForm(forms.Form):
    """The new wording of an outdated norm; an empty one takes the decision back. `article`: where it stands."""

    text = forms.CharField(required=False, max_length=20_000)
    article = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)


class ReviewForm(forms.Form):
    """A reviewer's note; the service insists on one where a submission is returned."""

    note = forms.CharField(
        label=_("Note to the submitter"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class EntryForm(forms.ModelForm):
    """What describes a model. Its name and address stay, since boards and links quote them."""

    class Meta:
        model = Entry
        fields = ("organisation", "parameters_b", "type", "licence", "link")

    parameters_b = forms.DecimalField(
        label=_("Parameters (billions)"),
        min_value=Decimal("0.01"),
        max_digits=8,
        decimal_places=2,
        required=False,
    )
    link = forms.URLField(
        label=_("Link"),
        max_length=200,
        required=False,
        assume_scheme="https",
        help_text=_("The model's page or paper."),
    )
