"""The profile with its API tokens, and invitations."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.mail import send_mail
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from medes_site.accounts import services
from medes_site.accounts.errors import AccountError, NotAllowed
from medes_site.accounts.forms import ROLE_NAMES, InvitationForm, ProfileForm, TokenForm
from medes_site.accounts.models import ApiToken, Invitation
from medes_site.accounts.policies import can_invite
from medes_site.kit.roles import Role, roles_of

LISTED_INVITATIONS = 100


def _profile_page(
    request: HttpRequest, *, status: int = 200, new_key: str = "", **forms: Any
) -> HttpResponse:
    user: Any = request.user
    held = roles_of(user)
    context = {
        "form": forms.get("form") or ProfileForm(instance=user),
        "token_form": forms.get("token_form") or TokenForm(),
        "tokens": ApiToken.objects.filter(user=user),
        "role_names": [ROLE_NAMES[role] for role in Role if role in held],
        "new_key": new_key,
        "now": timezone.now(),
    }
    return render(request, "accounts/profile.html", context, status=status)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _profile_page(request)
    user: Any = request.user
    form = ProfileForm(request.POST, instance=user)
    if not form.is_valid():
        user.refresh_from_db()  # the form wrote the refused values into the object that the header shows
        return _profile_page(request, status=422, form=form)
    services.update_profile(actor=user, **form.cleaned_data)
    messages.success(request, _("Profile saved."))
    return redirect("profile")


@never_cache
@login_required
@require_POST
def create_token(request: HttpRequest) -> HttpResponse:
    """Answers with the page itself: the key is shown in this one response and kept nowhere."""
    user: Any = request.user
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _profile_page(request, status=422, token_form=form)
    try:
        _row, key = services.create_api_token(actor=user, **form.cleaned_data)
    except AccountError as error:
        form.add_error(None, str(error))
        return _profile_page(request, status=422, token_form=form)
    return _profile_page(request, new_key=key)


@login_required
@require_POST
def revoke_token(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    token = get_object_or_404(ApiToken, user=user, digest=request.POST.get("token", "").replace("\x00", ""))
    services.revoke_api_token(actor=user, token=token)
    messages.success(request, _("Token revoked."))
    return redirect("profile")


def _invitations_page(
    request: HttpRequest,
    *,
    status: int = 200,
    form: InvitationForm | None = None,
    link: str = "",
    sent: bool = False,
) -> HttpResponse:
    context = {
        "form": form or InvitationForm(),
        "invitations": [
            (row, ROLE_NAMES[Role(row.role)])
            for row in Invitation.objects.select_related("invited_by", "accepted_by")[:LISTED_INVITATIONS]
        ],
        "link": link,
        "sent": sent,
        "days": services.INVITATION_DAYS,
        "now": timezone.now(),
    }
    return render(request, "accounts/invitations.html", context, status=status)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def invitations(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    if not can_invite(user):
        raise PermissionDenied
    if request.method != "POST":
        return _invitations_page(request)
    form = InvitationForm(request.POST)
    if not form.is_valid():
        return _invitations_page(request, status=422, form=form)
    invitation, token = services.create_invitation(actor=user, **form.cleaned_data)
    link = request.build_absolute_uri(reverse("accept_invitation", args=[token]))
    return _invitations_page(request, link=link, sent=_send_invitation(invitation, link))


def _send_invitation(invitation: Invitation, link: str) -> bool:
    """Whether the mail server took the message. The link is shown in any case, so a failure loses nothing."""
    if not settings.MEDES_SENDS_EMAIL:
        return False
    context = {
        "invitation": invitation,
        "link": link,
        "role": ROLE_NAMES[Role(invitation.role)],
        "days": services.INVITATION_DAYS,
    }
    body = render_to_string("accounts/email/invitation.txt", context)
    try:
        return bool(send_mail(_("Invitation to MedES"), body, None, [invitation.email]))
    except OSError:  # smtplib's errors are OSErrors
        return False


@login_required
@require_POST
def revoke_invitation(request: HttpRequest, pk: int) -> HttpResponse:
    user: Any = request.user
    if not can_invite(user):
        raise PermissionDenied
    services.revoke_invitation(actor=user, invitation=get_object_or_404(Invitation, pk=pk))
    messages.success(request, _("Invitation revoked."))
    return redirect("invitations")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def accept_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Opening the link changes nothing (mail scanners open links); the button accepts."""
    user: Any = request.user
    try:
        invitation = services.find_invitation(token)
        if request.method == "POST":
            if not user.is_authenticated:
                raise NotAllowed
            role = services.accept_invitation(actor=user, token=token)
            messages.success(request, _("Welcome. Your new role: %(role)s.") % {"role": ROLE_NAMES[role]})
            return redirect("home")
    except AccountError as error:
        return render(request, "accounts/invitation_gone.html", {"reason": str(error)}, status=403)
    context = {
        "invitation": invitation,
        "role": ROLE_NAMES[Role(invitation.role)],
        "mine": user.is_authenticated and services.owns_address(user, invitation.email),
    }
    return render(request, "accounts/invitation.html", context)
