"""For load balancers and monitoring: is the process up, can it serve, what is it doing. No secrets."""

from __future__ import annotations

import hmac
import logging
from typing import Final

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count, Sum
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from benchmark.models import Submission
from medes_site.celery import app as celery_app
from medes_site.kit.jobs.models import Job

logger = logging.getLogger(__name__)
BROKER_TIMEOUT_SECONDS: Final = 2.0


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. Touches nothing else, so a broken database does not make a supervisor kill it."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when database, migrations and broker are fine, else 503 with what is not, never an address."""
    checks = {"database": database_problem(), "broker": broker_problem()}
    problems = {name: reason for name, reason in checks.items() if reason}
    return JsonResponse({"ready": not problems, "problems": problems}, status=503 if problems else 200)


def database_problem() -> str | None:
    """Why the database cannot serve, or None."""
    connection = connections[DEFAULT_DB_ALIAS]
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        logger.warning("readyz: the database does not answer", exc_info=True)
        return "unreachable"
    return f"{len(waiting)} migrations not applied" if waiting else None


def broker_problem() -> str | None:
    """Why no work can be handed to workers, or None."""
    try:
        with celery_app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=BROKER_TIMEOUT_SECONDS)
    except (OperationalError, OSError):
        logger.warning("readyz: the broker does not answer", exc_info=True)
        return "unreachable"
    return None


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Counts in Prometheus' text format, for whoever sends `Authorization: Bearer MEDES_METRICS_TOKEN`.

    Without that setting the page does not exist: behind a reverse proxy every visitor seems to come from the
    loopback address, so an address is no safe default.
    """
    expected = settings.MEDES_METRICS_TOKEN
    given = request.headers.get("Authorization", "").encode("utf-8", "replace")
    if not expected or not hmac.compare_digest(given, f"Bearer {expected}".encode()):
        raise Http404
    registry = CollectorRegistry()
    jobs = Gauge("medes_jobs", "Jobs by kind and state.", ["kind", "state"], registry=registry)
    for kind, state, count in Job.objects.values_list("kind", "state").annotate(n=Count("pk")).order_by():
        jobs.labels(kind, state).set(count)
    submissions = Gauge("medes_submissions", "Submissions by state.", ["state"], registry=registry)
    for state, count in Submission.objects.values_list("state").annotate(n=Count("pk")).order_by():
        submissions.labels(state).set(count)
    # The sum of the submissions' own counts: counting millions of responses would cost seconds.
    total = Submission.objects.aggregate(n=Sum("responses_count"))["n"] or 0
    Gauge("medes_responses", "Responses in submissions.", registry=registry).set(total)
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
