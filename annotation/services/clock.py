"""Time as the database tells it: leases, the ten seconds of an undo, and the places of seats that come back."""

from __future__ import annotations

import time
from datetime import timedelta

from django.db import connection
from django.db.models import BigIntegerField, F, Func, Value
from django.db.models.expressions import Combinable

from annotation.models import Campaign

# What is rendered ahead must not starve the last tasks: its lease is short, and renewed with the page's own.
AHEAD_LEASE = timedelta(seconds=90)
UNDO_WINDOW = timedelta(seconds=10)
WRAP_PAUSE = timedelta(seconds=20)


def lease_of(campaign: Campaign, *, ahead: bool) -> timedelta:
    """How long a claim or a renewal holds."""
    length = timedelta(minutes=campaign.lease_minutes)
    return min(AHEAD_LEASE, length) if ahead else length


def queue_time() -> Combinable:
    """An expression: the microsecond of this statement, the place of a seat that joins the returned ones."""
    if connection.vendor == "postgresql":
        return Func(
            template="(EXTRACT(EPOCH FROM STATEMENT_TIMESTAMP()) * 1000000)::bigint",
            output_field=BigIntegerField(),
        )
    return Value(time.time_ns() // 1000, output_field=BigIntegerField())


def next_fence() -> Combinable:
    return F("fence") + 1
