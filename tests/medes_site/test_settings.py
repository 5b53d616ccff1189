"""A bad value in the environment stops the program with one line that names the variable."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from medes_site.environment import Environment, read_environment

ROOT = Path(__file__).resolve().parents[2]
NAMES = [
    "MEDES_DEMO",
    "MEDES_DEBUG",
    "MEDES_HTTPS",
    "SECRET_KEY",
    "ALLOWED_HOSTS",
    "CSRF_TRUSTED_ORIGINS",
    "DATABASE_URL",
    "REDIS_URL",
    "DATABASE_POOL_SECONDS",
    "MEDES_DAILY_SUBMISSIONS",
    "MEDES_UPLOAD_MIB",
    "EMAIL_URL",
    "TZ_NAME",
    "LOG_LEVEL",
    "MEDES_JOB_LEASE_SECONDS",
    "MEDES_METRICS_TOKEN",
    "MEDES_STORAGE",
    "MEDES_ARTEFACT_STORE",
]
BAD = [
    ("MEDES_DEMO", "perhaps"),
    ("MEDES_DEBUG", "2"),
    ("MEDES_HTTPS", "https"),
    ("SECRET_KEY", "short"),
    ("ALLOWED_HOSTS", "*"),
    ("ALLOWED_HOSTS", "medes.example.org,*.example.org"),
    ("CSRF_TRUSTED_ORIGINS", "medes.example.org"),
    ("DATABASE_URL", "mysql://h/db"),
    ("DATABASE_URL", "nonsense"),
    ("DATABASE_URL", "postgres://u:p@h:port/db"),
    ("REDIS_URL", "memory://"),
    ("REDIS_URL", "http://h"),
    ("DATABASE_POOL_SECONDS", "-1"),
    ("MEDES_DAILY_SUBMISSIONS", "0"),
    ("MEDES_DAILY_SUBMISSIONS", "many"),
    ("MEDES_UPLOAD_MIB", "0"),
    ("MEDES_UPLOAD_MIB", "9999"),
    ("EMAIL_URL", "mail.example.org"),
    ("EMAIL_URL", "smtp://mail.example.org"),
    ("EMAIL_URL", "smtp://h:port?from=a@b.c"),
    ("EMAIL_URL", "http://h?from=a@b.c"),
    ("TZ_NAME", "Shanghai"),
    ("TZ_NAME", "../etc"),
    ("LOG_LEVEL", "chatty"),
    ("MEDES_JOB_LEASE_SECONDS", "1"),
    ("MEDES_METRICS_TOKEN", "short"),
    ("MEDES_ARTEFACT_STORE", "s3:///prefix"),
]


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MEDES_HOME", str(tmp_path))
    return monkeypatch


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_value_is_refused_by_name_in_one_line(clean: pytest.MonkeyPatch, name: str, value: str) -> None:
    clean.setenv(name, value)
    clean.setenv("SECRET_KEY", value if name == "SECRET_KEY" else "k" * 40)
    with pytest.raises(ImproperlyConfigured) as raised:
        read_environment()
    assert name in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_defaults_are_safe(clean: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given = read_environment()
    assert not given.debug and not given.demo and not given.email and not given.metrics_token
    assert "*" not in "".join(given.allowed_hosts)
    assert set(given.allowed_hosts) == {"localhost", "127.0.0.1", "[::1]"}
    assert given.upload_bytes == 64 * 2**20
    assert given.database["NAME"].is_relative_to(tmp_path)


def test_the_key_of_one_machine_is_made_once_and_kept_private(
    clean: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first, second = read_environment(), read_environment()
    assert first.secret_key == second.secret_key and len(first.secret_key) >= 50
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0


def test_with_a_database_of_its_own_a_key_must_be_given(clean: pytest.MonkeyPatch) -> None:
    clean.setenv("DATABASE_URL", "postgres://medes:p@db/medes")
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY"):
        read_environment()


def email(clean: pytest.MonkeyPatch, address: str) -> Environment:
    clean.setenv("EMAIL_URL", address)
    return read_environment()


def test_mail_servers(clean: pytest.MonkeyPatch) -> None:
    given = email(clean, "smtp://me%40example.org:p%2Fw@mail.example.org?from=medes@example.org").email
    assert (given["EMAIL_HOST_USER"], given["EMAIL_HOST_PASSWORD"], given["EMAIL_PORT"]) == (
        "me@example.org",
        "p/w",
        587,
    )
    assert given["EMAIL_USE_TLS"] and not given["EMAIL_USE_SSL"]
    given = email(clean, "smtps://mail.example.org?from=medes@example.org").email
    assert given["EMAIL_USE_SSL"] and given["EMAIL_PORT"] == 465


def test_manage_py_prints_one_line_and_no_traceback(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "MEDES_HOME": str(tmp_path),
        "LOG_LEVEL": "chatty",
        "DJANGO_SETTINGS_MODULE": "medes_site.settings",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("medes: ") and "LOG_LEVEL" in done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_a_bucket_or_a_folder_keeps_the_artefacts(clean: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert read_environment().artefact_store["OPTIONS"]["location"] == read_environment().home / "store"
    clean.setenv("MEDES_ARTEFACT_STORE", str(tmp_path / "shared"))
    assert read_environment().artefact_store["OPTIONS"]["location"] == tmp_path / "shared"
    pytest.importorskip("storages")
    clean.setenv("MEDES_ARTEFACT_STORE", "s3://models/medes/")
    clean.setenv("MEDES_S3_ENDPOINT", "https://s3.example.org")
    options = read_environment().artefact_store["OPTIONS"]
    assert (options["bucket_name"], options["location"], options["endpoint_url"]) == (
        "models", "medes", "https://s3.example.org",
    )  # fmt: skip
