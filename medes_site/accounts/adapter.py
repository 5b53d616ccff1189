"""How allauth behaves here."""

from __future__ import annotations

import logging
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from medes_site.accounts.services import give_first_role

logger = logging.getLogger(__name__)


class AccountAdapter(DefaultAccountAdapter):
    """Sign-up gives one role, redirects stay on this host, and no e-mail is pretended."""

    def save_user(self, request: HttpRequest, user: Any, form: Any, commit: bool = True) -> Any:
        with transaction.atomic():
            saved = super().save_user(request, user, form, commit)
            if commit:
                give_first_role(actor=saved)
        return saved

    def is_safe_url(self, url: str) -> bool:
        """Only this very host: a page of a trusted origin is still another site to the person."""
        return url_has_allowed_host_and_scheme(
            url, allowed_hosts={self.request.get_host()}, require_https=self.request.is_secure()
        )

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("profile")

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        if not settings.MEDES_SENDS_EMAIL:
            logger.warning("No EMAIL_URL is set: %s was not sent.", template_prefix)
            return
        super().send_mail(template_prefix, email, context)
