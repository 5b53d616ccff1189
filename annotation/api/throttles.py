"""How often one person may ask while labelling: by the minute, one count in the cache for each request."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.cache import cache
from rest_framework.throttling import BaseThrottle

WINDOW = 60


class LabellingThrottle(BaseThrottle):
    """MEDES_LABELLING_PER_MINUTE requests a minute of the clock and person.

    Far above what hands can do: drafts, renewals and two claims a label are about 30 a minute. DRF's own
    throttle keeps the time of every request of the last minute and rewrites that list each time.
    """

    def allow_request(self, request: Any, view: Any) -> bool:
        who = request.user.pk or self.get_ident(request)
        key = f"labelling:{who}:{int(time.time()) // WINDOW}"
        if cache.add(key, 1, WINDOW):
            return True
        try:
            count = cache.incr(key)
        except ValueError:  # the minute ended in between
            return True
        return count <= settings.MEDES_LABELLING_PER_MINUTE

    def wait(self) -> float:
        return WINDOW - time.time() % WINDOW
