"""What every template knows about the site and the visitor."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from medes_site.kit.roles import roles_of


def site(request: HttpRequest) -> dict[str, Any]:
    """`roles` (lazy: a page that never asks costs no query), `demo`, `sends_email`, `site_languages`,
    `here` (path with query) and `section` (first part of the path, for the navigation).
    """
    user = getattr(request, "user", None)
    return {
        "roles": SimpleLazyObject(lambda: roles_of(user)),
        "demo": settings.DEMO,
        "sends_email": settings.MEDES_SENDS_EMAIL,
        "site_languages": settings.LANGUAGES,
        "here": request.get_full_path(),
        "section": request.path.strip("/").split("/", 1)[0],
    }
