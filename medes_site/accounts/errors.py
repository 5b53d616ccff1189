"""What can go wrong with accounts, each with a sentence for the person."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _


class AccountError(Exception):
    """Base of the errors below; `message` is safe to show."""

    message = _("This cannot be done.")

    def __str__(self) -> str:
        return str(self.message)


class NotAllowed(AccountError):
    message = _("You may not do this.")


class TooManyTokens(AccountError):
    message = _("You have as many tokens as one person may have. Revoke one first.")


class InvitationGone(AccountError):
    message = _("This invitation is no longer valid. Ask whoever invited you for a new one.")


class OtherAddressInvited(AccountError):
    message = _("The invitation was made out to another e-mail address than yours.")
