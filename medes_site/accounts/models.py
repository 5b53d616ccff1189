"""Users, invitations and API tokens. Apps know the user as AUTH_USER_MODEL only."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _
from knox.models import AbstractAuthToken

from medes_site.kit.roles import INVITED_ROLES


class User(AbstractUser):  # type: ignore[django-manager-missing]  # knox names no manager for its relation
    """A person. The roles are groups; `display_name` is what other people read."""

    display_name = models.CharField(_("display name"), max_length=80, blank=True)
    organisation = models.CharField(_("organisation"), max_length=160, blank=True)

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")

    def __str__(self) -> str:
        return self.display_name or self.username


class Invitation(models.Model):
    """One e-mail address is asked to become an expert or a referee. Only a hash of the token is kept."""

    email = models.EmailField(_("e-mail"))
    role = models.CharField(
        _("role"), max_length=20, choices=[(role.value, role.value) for role in INVITED_ROLES]
    )
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="invitations_sent"
    )
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="invitations_accepted"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(role__in=[role.value for role in INVITED_ROLES]),
                name="invitation_role_invited",
            )
        ]

    def __str__(self) -> str:
        return f"{self.email} ({self.role})"


class ApiToken(AbstractAuthToken):
    """A key for the API, shown once when made; only its hash is stored."""

    name = models.CharField(_("name"), max_length=80, default="")

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering = ["-created"]

    def __str__(self) -> str:
        return self.name  # the parent's answer holds the digest, and the admin's log would keep it


__all__ = ["ApiToken", "Invitation", "User"]
