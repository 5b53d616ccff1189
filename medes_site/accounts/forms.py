from __future__ import annotations

from typing import Any

from allauth.account import forms as allauth_forms
from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from medes_site.accounts.models import User
from medes_site.kit.roles import INVITED_ROLES, Role

ROLE_NAMES = {
    Role.EXPERT: pgettext_lazy("role", "Expert"),
    Role.REFEREE: pgettext_lazy("role", "Referee"),
    Role.SUBMITTER: pgettext_lazy("role", "Submitter"),
    Role.RESEARCHER: pgettext_lazy("role", "Researcher"),
}
LABELS = {"username": _("User name"), "email": _("E-mail")}
TOKEN_DAYS = [
    ("30", _("30 days")),
    ("90", _("90 days")),
    ("365", _("One year")),
    ("0", _("Until revoked")),
]


def _days(value: str) -> int | None:
    return int(value) or None


def _labels_only(form: forms.Form) -> None:
    """allauth repeats each label as a placeholder; a label that vanishes on typing helps nobody."""
    for name, field in form.fields.items():
        field.widget.attrs.pop("placeholder", None)
        if name in LABELS:
            field.label = LABELS[name]


class LoginForm(allauth_forms.LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _labels_only(self)
        self.fields["login"].label = _("User name or e-mail")
        self.fields["login"].widget.attrs["autocomplete"] = "username"


class SignupForm(allauth_forms.SignupForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _labels_only(self)
        self.fields["username"].help_text = _("Letters, digits and @ . + - _; it is how you log in.")


class AddEmailForm(allauth_forms.AddEmailForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _labels_only(self)


class ChangePasswordForm(allauth_forms.ChangePasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _labels_only(self)


class SetPasswordForm(allauth_forms.SetPasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _labels_only(self)


class ResetPasswordForm(allauth_forms.ResetPasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _labels_only(self)


class ResetPasswordKeyForm(allauth_forms.ResetPasswordKeyForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _labels_only(self)


class ReauthenticateForm(allauth_forms.ReauthenticateForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _labels_only(self)


class ProfileForm(forms.ModelForm):
    class Meta:
        model = User
        fields = ["display_name", "organisation"]
        labels = {"display_name": _("Display name"), "organisation": _("Organisation")}
        help_texts = {"display_name": _("What other people read; empty: your user name.")}


class TokenForm(forms.Form):
    name = forms.CharField(
        label=_("Name of the token"),
        max_length=80,
        help_text=_("What it is for, such as “evaluation server”."),
    )
    days = forms.TypedChoiceField(label=_("Valid for"), choices=TOKEN_DAYS, coerce=_days, initial="90")


class InvitationForm(forms.Form):
    email = forms.EmailField(label=_("E-mail"))
    role = forms.TypedChoiceField(
        label=_("Role"), choices=[(role.value, ROLE_NAMES[role]) for role in INVITED_ROLES], coerce=Role
    )
