"""How often one person may ask while labelling: by the minute, one count in the cache for each request."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from rest_framework.throttling import BaseThrottle

WINDOW = 60
_REMEMBERED_MAX = 10_000
_OWNERS: dict[str, int] = {}


class LabellingThrottle(BaseThrottle):
    """MEDES_LABELLING_PER_MINUTE requests a minute of the clock and person.

    Far above what hands can do: drafts, renewals and two claims a label are about 30 a minute. DRF's own
    throttle keeps the time of every request of the last minute and rewrites that list each time.
    """

    def allow_request(self, request: Any, view: Any) -> bool:
        counted: bool | None = getattr(request._request, "labelling_counted", None)
        if counted is not None:
            return counted
        digest = getattr(request.auth, "digest", None)
        if digest is not None:
            if len(_OWNERS) >= _REMEMBERED_MAX:
                _OWNERS.clear()
            _OWNERS[digest] = request.user.pk
        return _within_rate(request.user.pk or self.get_ident(request))

    def wait(self) -> float:
        return WINDOW - time.time() % WINDOW


def counted_ahead(request: HttpRequest, digest: str) -> bool:
    """Counts a request before its view does, which then will not count it again; whether it is within the rate.

    False too for a token that this process has not met: nothing is counted then. Whose a token is, is remembered
    for counting alone: whether it is still good, the database says each time.
    """
    who = _OWNERS.get(digest)
    if who is None:
        return False
    allowed = _within_rate(who)
    request.labelling_counted = allowed  # type: ignore[attr-defined]
    return allowed


def _within_rate(who: Any) -> bool:
    key = f"labelling:{who}:{int(time.time()) // WINDOW}"
    if cache.add(key, 1, WINDOW):
        return True
    try:
        count = cache.incr(key)
    except ValueError:  # the minute ended in between
        return True
    return count <= settings.MEDES_LABELLING_PER_MINUTE
