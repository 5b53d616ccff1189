"""Starting real processes on the test's own database."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from celery import current_app
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]


def database_address() -> str:
    """DATABASE_URL of the database this test works on."""
    given = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{given['NAME']}"
    password = f":{quote(given['PASSWORD'])}" if given["PASSWORD"] else ""
    host = given["HOST"] or given["OPTIONS"].get("host", "")
    if host.startswith("/"):
        return f"postgres://{given['USER']}{password}@/{given['NAME']}?host={quote(host, safe='')}"
    port = f":{given['PORT']}" if given["PORT"] else ""
    return f"postgres://{given['USER']}{password}@{host}{port}/{given['NAME']}"


def start(*command: str, **environment: str) -> subprocess.Popen[bytes]:
    """A child with the tests' settings on the test database, in a process group of its own."""
    env: dict[str, Any] = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "MEDES_TEST_DB": "given",
        "DATABASE_URL": database_address(),
        **environment,
    }
    return subprocess.Popen([sys.executable, *command], cwd=ROOT, env=env, start_new_session=True)


def wait_for(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """The first true value of `condition`; AssertionError when there is none within `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"still not true after {seconds} s")


def use_broker(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Messages of this process go to the broker at `url`, also where one was used before."""
    monkeypatch.setattr(current_app.conf, "broker_url", url)
    monkeypatch.setattr(current_app.amqp, "_producer_pool", None)
    monkeypatch.setattr(current_app, "_pool", None)
