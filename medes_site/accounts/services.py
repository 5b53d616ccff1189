"""Writes of the accounts: roles at sign-up, invitations, API tokens. Each is one transaction."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, Final

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from medes_site.accounts.errors import InvitationGone, NotAllowed, OtherAddressInvited, TooManyTokens
from medes_site.accounts.models import ApiToken, Invitation, User
from medes_site.accounts.policies import (
    can_invite,
    can_make_token,
    can_revoke_invitation,
    can_revoke_token,
)
from medes_site.kit.roles import INVITED_ROLES, Role

INVITATION_DAYS: Final = 14
MAX_TOKENS: Final = 20


def _give_role(user: User, role: Role) -> None:
    group, _ = Group.objects.get_or_create(name=role.value)
    user.groups.add(group)
    if hasattr(user, "_role_names"):  # the answer remembered by kit.roles.roles_of
        del user._role_names


def give_first_role(*, actor: User) -> None:
    """Whoever signs up becomes a submitter and nothing else; expert and referee come by invitation."""
    _give_role(actor, Role.SUBMITTER)


def hash_invitation(token: str) -> str:
    """SHA-256 of the link's token, hexadecimal. The token has 256 random bits, so no salt is needed."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


@transaction.atomic
def create_invitation(
    *, actor: User, email: str, role: Role, now: datetime | None = None
) -> tuple[Invitation, str]:
    """Invites one address; returns the row and the token, which exists nowhere else.

    An open invitation of the same address for the same role ends: the newest link alone works.
    """
    if not can_invite(actor) or role not in INVITED_ROLES:
        raise NotAllowed
    now = now or timezone.now()
    open_invitations(now).filter(email__iexact=email, role=role.value).update(revoked_at=now)
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        email=email,
        role=role.value,
        token_hash=hash_invitation(token),
        invited_by=actor,
        expires_at=now + timedelta(days=INVITATION_DAYS),
    )
    return invitation, token


def open_invitations(now: datetime) -> Any:
    """Neither accepted nor revoked nor expired."""
    return Invitation.objects.filter(accepted_at=None, revoked_at=None, expires_at__gt=now)


def revoke_invitation(*, actor: User, invitation: Invitation, now: datetime | None = None) -> None:
    """Ends an open invitation; an accepted one stays as it is (roles are taken away in the admin)."""
    if not can_revoke_invitation(actor, invitation):
        raise NotAllowed
    now = now or timezone.now()
    Invitation.objects.filter(pk=invitation.pk, accepted_at=None, revoked_at=None).update(revoked_at=now)


def find_invitation(token: str, now: datetime | None = None) -> Invitation:
    """The open invitation behind a link. Raises InvitationGone if unknown, used, revoked or expired."""
    found = open_invitations(now or timezone.now()).filter(token_hash=hash_invitation(token)).first()
    if found is None:
        raise InvitationGone
    return found


def owns_address(user: User, email: str) -> bool:
    """Whether the address is the user's: a verified one where the site sends e-mail, else the account's."""
    mine = EmailAddress.objects.filter(user=user, email__iexact=email)
    if settings.MEDES_SENDS_EMAIL:
        return mine.filter(verified=True).exists()
    return mine.exists() or user.email.casefold() == email.casefold()


@transaction.atomic
def accept_invitation(*, actor: User, token: str, now: datetime | None = None) -> Role:
    """Gives the role to `actor`, who holds the link and owns the invited address. The link works once."""
    now = now or timezone.now()
    invitation = find_invitation(token, now)
    if not owns_address(actor, invitation.email):
        raise OtherAddressInvited
    # Of two requests with the same link the second finds no row left to change.
    taken = open_invitations(now).filter(pk=invitation.pk).update(accepted_by=actor, accepted_at=now)
    if not taken:
        raise InvitationGone
    role = Role(invitation.role)
    _give_role(actor, role)
    return role


@transaction.atomic
def create_api_token(
    *, actor: User, name: str, days: int | None, now: datetime | None = None
) -> tuple[ApiToken, str]:
    """Returns the row and the key itself, shown once. `days`: how long it works; None: until revoked."""
    if not can_make_token(actor):
        raise NotAllowed
    valid = Q(expiry=None) | Q(expiry__gt=now or timezone.now())
    User.objects.select_for_update().get(pk=actor.pk)  # two requests at once may not pass the limit together
    if ApiToken.objects.filter(valid, user=actor).count() >= MAX_TOKENS:
        raise TooManyTokens
    lifetime = None if days is None else timedelta(days=days)
    token, key = ApiToken.objects.create(user=actor, expiry=lifetime, name=name)
    return token, key


def revoke_api_token(*, actor: User, token: ApiToken) -> None:
    """The next request with this key is refused."""
    if not can_revoke_token(actor, token):
        raise NotAllowed
    token.delete()


def update_profile(*, actor: User, display_name: str, organisation: str) -> None:
    actor.display_name = display_name
    actor.organisation = organisation
    actor.save(update_fields=["display_name", "organisation"])
