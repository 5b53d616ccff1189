"""Pages of lists: `limit` up to MAX_LIMIT, so that one request cannot ask for everything at once."""

from __future__ import annotations

from rest_framework.pagination import LimitOffsetPagination

MAX_LIMIT = 500


class Pages(LimitOffsetPagination):
    """`limit` (50 unless given, at most 500) and `offset`."""

    max_limit = MAX_LIMIT
