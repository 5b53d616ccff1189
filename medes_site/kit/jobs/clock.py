"""The database's clock. Leases are written and read by it alone, so the clocks of the hosts may differ."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.utils import timezone


def database_now() -> datetime:
    """The database's present time, aware. SQLite is a file of this host and so has this host's clock."""
    if connection.vendor == "sqlite":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


def lease_length() -> timedelta:
    return timedelta(seconds=settings.MEDES_JOB_LEASE_SECONDS)


def from_now(length: timedelta) -> Combinable:
    """An expression: the database's time of this statement plus `length`."""
    return ExpressionWrapper(Now() + length, output_field=DateTimeField())
