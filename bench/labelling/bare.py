"""The floor: a Django view that claims in one statement and one that inserts in one (or both in one request). No ORM,
session, template, middleware, login, lease, fence, check of answers or history.

Served by its own gunicorn on the same database. BENCH_BARE_URL is the address of that database.
"""

from __future__ import annotations

import json
import os
from urllib.parse import urlsplit

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

TABLES = """
    DROP TABLE IF EXISTS bare_label; DROP TABLE IF EXISTS bare_slot;
    CREATE TABLE bare_slot (id bigserial PRIMARY KEY, task_id bigint NOT NULL, state text NOT NULL DEFAULT 'open',
                            expert integer, lease_until timestamptz);
    CREATE TABLE bare_label (id bigserial PRIMARY KEY, slot_id bigint NOT NULL, expert integer NOT NULL,
                             answers jsonb NOT NULL, at timestamptz NOT NULL DEFAULT now());
    INSERT INTO bare_slot (task_id) SELECT n FROM generate_series(1, %(tasks)s) n, generate_series(1, 2);
    CREATE INDEX bare_open ON bare_slot (id) WHERE state = 'open';
    ANALYZE bare_slot
"""
CLAIM = (
    "UPDATE bare_slot SET state = 'leased', expert = %s, lease_until = now() + interval '20 minutes' WHERE id = "
    "(SELECT id FROM bare_slot WHERE state = 'open' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id, task_id"
)
INSERT = "INSERT INTO bare_label (slot_id, expert, answers) VALUES (%s, %s, %s) RETURNING id"


def answer(data: dict[str, object]) -> HttpResponse:
    body = json.dumps(data).encode()
    return HttpResponse(body, content_type="application/json", headers={"Content-Length": str(len(body))})


def claim(request: HttpRequest, expert: int) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [expert])
        row = cursor.fetchone()
    return answer({"slot": row[0], "task": row[1]} if row else {})


def submit(request: HttpRequest, expert: int, slot: int) -> HttpResponse:
    sent = json.loads(request.body)
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [slot, expert, json.dumps(sent["answers"])])
        return answer({"label": cursor.fetchone()[0]})


def step(request: HttpRequest, expert: int, slot: int) -> HttpResponse:
    """Both in one request, as a client does that submits and asks for the next task at once."""
    sent = json.loads(request.body)
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [slot, expert, json.dumps(sent["answers"])])
        label = cursor.fetchone()[0]
        cursor.execute(CLAIM, [expert])
        row = cursor.fetchone()
    return answer({"label": label, "slot": row[0], "task": row[1]} if row else {"label": label})


urlpatterns = [path("claim/<int:expert>/", claim), path("submit/<int:expert>/<int:slot>/", submit)]
urlpatterns.append(path("step/<int:expert>/<int:slot>/", step))
urlpatterns.append(path("ready/", lambda request: answer({})))


def make_application() -> object:
    parts = urlsplit(os.environ["BENCH_BARE_URL"])
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": parts.path.lstrip("/"),
                "USER": parts.username or "",
                "PASSWORD": parts.password or "",
                "HOST": parts.hostname or "",
                "PORT": str(parts.port or ""),
                "CONN_MAX_AGE": 60,
            }
        },
        MIDDLEWARE=[],
        ROOT_URLCONF=__name__,
        SECRET_KEY="bare-" * 10,
        USE_TZ=True,
    )
    return get_wsgi_application()


if os.environ.get("BENCH_BARE_URL"):
    application = make_application()
