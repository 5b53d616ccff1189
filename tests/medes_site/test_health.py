"""/healthz, /readyz and /metrics, and the error pages."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from kombu import Connection

from medes_site.kit.jobs.models import Job
from medes_site.views import errors, health

TOKEN = "a token of the monitoring"


def test_healthz_needs_no_database(visitor: Client) -> None:
    """No database mark here: a query would fail the test."""
    assert visitor.get("/healthz").status_code == 200


@pytest.mark.django_db
def test_readyz_is_ready_when_all_is_there(visitor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "broker_problem", lambda: None)
    response = visitor.get("/readyz")
    assert (response.status_code, response.json()) == (200, {"ready": True, "problems": {}})


@pytest.mark.django_db
def test_readyz_names_what_is_missing_and_no_address(
    visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        health.celery_app, "connection_for_write", lambda: Connection("redis://:hidden@127.0.0.1:1/0")
    )
    response = visitor.get("/readyz")
    assert response.status_code == 503
    assert response.json()["problems"] == {"broker": "unreachable"}
    assert "hidden" not in response.content.decode()


@pytest.mark.django_db
def test_readyz_sees_a_missing_migration_and_a_dead_database(
    visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "broker_problem", lambda: None)
    monkeypatch.setattr(
        health.MigrationExecutor, "migration_plan", lambda self, targets: [("one", False), ("two", False)]
    )
    assert visitor.get("/readyz").json()["problems"] == {"database": "2 migrations not applied"}

    def refuse(connection: Any) -> Any:
        raise OperationalError("password=hidden")

    monkeypatch.setattr(health, "MigrationExecutor", refuse)
    response = visitor.get("/readyz")
    assert response.status_code == 503
    assert response.json()["problems"] == {"database": "unreachable"}


@pytest.mark.django_db
def test_metrics_exist_for_the_token_alone(visitor: Client, settings: Any) -> None:
    assert visitor.get("/metrics").status_code == 404
    settings.MEDES_METRICS_TOKEN = TOKEN
    for header in ("", "Bearer ", "Bearer wrong", TOKEN, "Bearer \xff"):
        assert visitor.get("/metrics", HTTP_AUTHORIZATION=header).status_code == 404
    Job.objects.create(kind="evaluate", subject_type="submission", subject_id=1, queue="evaluate")
    response = visitor.get("/metrics", HTTP_AUTHORIZATION=f"Bearer {TOKEN}")
    assert response.status_code == 200
    text = response.content.decode()
    assert 'medes_jobs{kind="evaluate",state="queued"} 1.0' in text
    assert "medes_responses 0.0" in text


@pytest.mark.django_db
def test_error_pages_and_their_json(visitor: Client) -> None:
    page = visitor.get("/nothing/here/")
    assert page.status_code == 404 and "css/medes.css" in page.content.decode()
    assert visitor.get("/api/v1/nothing/").json()["detail"]


@pytest.mark.django_db
def test_a_body_that_is_too_large_answers_413() -> None:
    request: HttpRequest = RequestFactory().post("/somewhere/")
    request.user = None  # type: ignore[assignment]
    assert errors.bad_request(request, RequestDataTooBig("too much")).status_code == 413
    assert errors.bad_request(request, ValueError("other")).status_code == 400


def test_the_500_page_needs_nothing() -> None:
    page = render_to_string("500.html")
    assert "出错了" in page and "Something went wrong" in page
