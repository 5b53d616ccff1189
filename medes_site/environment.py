"""Reads the environment once, checks it, and refuses to start on a bad value.

Every setting has a safe default for one machine: SQLite and files under MEDES_HOME, no debug
pages, local host names only. A value that cannot be meant stops the program with one line that names it.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from environs import Env, EnvValidationError, validate

from benchmark.rules.judge_endpoints import ALLOWED, allowed_endpoints

ROOT = Path(__file__).resolve().parent.parent
SQLITE_OPTIONS: dict[str, Any] = {
    # A write transaction takes its lock at BEGIN: two writers wait for each other instead of failing midway.
    "transaction_mode": "IMMEDIATE",
    "timeout": 30,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-65536;",
}


@dataclass(frozen=True, slots=True)
class Environment:
    """The checked environment. Paths are absolute; `redis_url` is a broker Celery understands."""

    home: Path
    demo: bool
    debug: bool
    secret_key: str
    allowed_hosts: tuple[str, ...]
    trusted_origins: tuple[str, ...]
    https: bool
    database: dict[str, Any]
    redis_url: str
    daily_submissions: int
    upload_bytes: int
    labelling_per_minute: int
    email: dict[str, Any]
    metrics_token: str
    time_zone: str
    log_level: str
    job_lease_seconds: int
    model_roots: tuple[Path, ...]
    model_hubs: tuple[str, ...]
    judge_endpoints: tuple[str, ...]
    artefact_store: dict[str, Any]
    train_memory: int


def _secret_key(given: str, home: Path, *, embedded: bool) -> str:
    """The given key, else the one kept in MEDES_HOME.

    Only an installation that keeps its database in MEDES_HOME makes its own: with a database of its own
    several machines may serve one site, and each inventing a key would quietly end the others' sessions.
    """
    if given:
        if len(given) < 32:
            raise ImproperlyConfigured("SECRET_KEY must have at least 32 characters.")
        return given
    kept = home / "secret_key"
    if kept.is_file():
        return kept.read_text("ascii").strip()
    if not embedded:
        raise ImproperlyConfigured(
            f"SECRET_KEY is not set and {kept} does not exist: with DATABASE_URL set, give every machine the same SECRET_KEY."
        )
    home.mkdir(parents=True, exist_ok=True)
    draft = home / f".secret_key.{os.getpid()}"
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(50), "ascii")
    # A link appears whole or not at all: of several processes that start at once, all read the first one's key.
    with suppress(FileExistsError):
        os.link(draft, kept)
    draft.unlink()
    return kept.read_text("ascii").strip()


def _database(url: str, home: Path, *, pool: int) -> dict[str, Any]:
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": home / "medes.sqlite3",
            "OPTIONS": SQLITE_OPTIONS,
            "TEST": {"NAME": home / "test.sqlite3"},
        }
    try:
        parsed: dict[str, Any] = dict(dj_database_url.parse(url, conn_health_checks=True))
    except (ValueError, KeyError) as error:
        raise ImproperlyConfigured(f"DATABASE_URL is not a database address: {error}") from error
    if parsed["ENGINE"] == "django.db.backends.sqlite3":
        parsed["OPTIONS"] = {**parsed.get("OPTIONS", {}), **SQLITE_OPTIONS}
    elif parsed["ENGINE"] != "django.db.backends.postgresql":
        raise ImproperlyConfigured("DATABASE_URL must be postgres://… or sqlite:///…")
    else:
        parsed["CONN_MAX_AGE"] = pool
    return parsed


def _email(url: str) -> dict[str, Any]:
    """Django's e-mail settings from `smtp[s]://user:password@host:port?from=address`; {} without an address.

    `smtp` speaks STARTTLS (port 587 unless given), `smtps` TLS from the first byte (465), `console` prints.
    """
    if not url:
        return {}
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ImproperlyConfigured(f"EMAIL_URL is not an address: {error}") from error
    if parts.scheme == "console":
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    sender = dict(parse_qsl(parts.query)).get("from", "")
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or "@" not in sender:
        raise ImproperlyConfigured(
            "EMAIL_URL must be smtp[s]://user:password@host:port?from=medes@example.org"
        )
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port or (465 if parts.scheme == "smtps" else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp",
        "EMAIL_TIMEOUT": 10,
        "DEFAULT_FROM_EMAIL": sender,
        "SERVER_EMAIL": sender,
    }


def _metrics_token(given: str) -> str:
    if given and len(given) < 16:
        raise ImproperlyConfigured("MEDES_METRICS_TOKEN must have at least 16 characters.")
    return given


def _artefact_store(given: str, home: Path, *, endpoint: str, region: str) -> dict[str, Any]:
    """Where what runs left is kept: a folder, or s3://BUCKET/PREFIX. Credentials are read by boto3, as everywhere."""
    if not given.startswith("s3://"):
        folder = Path(given).expanduser().resolve() if given else home / "store"
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": folder, "allow_overwrite": True},
        }
    bucket, _slash, prefix = given.removeprefix("s3://").partition("/")
    if not bucket:
        raise ImproperlyConfigured("MEDES_ARTEFACT_STORE must be a folder or s3://BUCKET/PREFIX.")
    if find_spec("storages") is None or find_spec("boto3") is None:
        raise ImproperlyConfigured("MEDES_ARTEFACT_STORE in S3 needs the extra s3: pip install 'medes[s3]'.")
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": bucket,
            "location": prefix.strip("/"),
            "endpoint_url": endpoint or None,
            "region_name": region or None,
            "file_overwrite": True,
            "default_acl": None,
        },
    }


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ImproperlyConfigured(f"TZ_NAME is not a time zone such as Asia/Shanghai: {name}") from error
    return name


def read_environment() -> Environment:
    """Raises ImproperlyConfigured naming the variable and what is wrong with it."""
    env = Env()
    try:
        home = Path(env.str("MEDES_HOME", "") or ROOT / "var").expanduser().resolve()
        demo = env.bool("MEDES_DEMO", False)
        database_url = env.str("DATABASE_URL", "")
        # An empty REDIS_URL means the private Redis that `make demo` keeps in MEDES_HOME.
        redis_url = env.str("REDIS_URL", "") or f"redis+socket://{home / 'redis.sock'}"
        if not redis_url.startswith(("redis://", "rediss://", "redis+socket://")):
            raise ImproperlyConfigured("REDIS_URL must begin with redis://, rediss:// or redis+socket://")
        hosts = tuple(env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"]))
        if not hosts or any("*" in host for host in hosts):
            raise ImproperlyConfigured("ALLOWED_HOSTS must name the hosts served; * is refused.")
        origins: tuple[str, ...] = tuple(env.list("CSRF_TRUSTED_ORIGINS", []))
        if any(not origin.startswith(("https://", "http://")) for origin in origins):
            raise ImproperlyConfigured(
                "CSRF_TRUSTED_ORIGINS must hold addresses such as https://medes.example.org"
            )
        return Environment(
            home=home,
            demo=demo,
            debug=env.bool("MEDES_DEBUG", False),
            secret_key=_secret_key(env.str("SECRET_KEY", ""), home, embedded=not database_url),
            allowed_hosts=hosts,
            trusted_origins=origins,
            https=env.bool("MEDES_HTTPS", False),
            database=_database(
                database_url,
                home,
                pool=env.int("DATABASE_POOL_SECONDS", 60, validate=validate.Range(0, 86400)),
            ),
            redis_url=redis_url,
            daily_submissions=env.int("MEDES_DAILY_SUBMISSIONS", 5, validate=validate.Range(1, 10_000)),
            upload_bytes=env.int("MEDES_UPLOAD_MIB", 64, validate=validate.Range(1, 4096)) * 2**20,
            labelling_per_minute=env.int(
                "MEDES_LABELLING_PER_MINUTE", 600, validate=validate.Range(10, 1_000_000)
            ),
            email=_email(env.str("EMAIL_URL", "")),
            metrics_token=_metrics_token(env.str("MEDES_METRICS_TOKEN", "")),
            time_zone=_time_zone(env.str("TZ_NAME", "Asia/Shanghai")),
            log_level=env.str(
                "LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"])
            ),
            # Folders that base models may be read from, and hub owners or ids that may be fetched.
            model_roots=tuple(
                Path(folder).expanduser().resolve()
                for folder in env.list("MEDES_MODEL_ROOTS", [str(home / "models")])
            ),
            model_hubs=tuple(env.list("MEDES_MODEL_HUBS", [])),
            # Base URLs of language models that may judge; what asks them reads the variable itself.
            judge_endpoints=tuple(allowed_endpoints(env.str(ALLOWED, ""))),
            artefact_store=_artefact_store(
                env.str("MEDES_ARTEFACT_STORE", ""),
                home,
                endpoint=env.str("MEDES_S3_ENDPOINT", ""),
                region=env.str("MEDES_S3_REGION", ""),
            ),
            # Memory of one training device, so that pages refuse what cannot fit; 0: only the worker knows.
            train_memory=env.int("MEDES_TRAIN_MEMORY_GIB", 0, validate=validate.Range(0, 100_000)) * 2**30,
            job_lease_seconds=env.int("MEDES_JOB_LEASE_SECONDS", 60, validate=validate.Range(5, 3600)),
        )
    except EnvValidationError as error:
        raise ImproperlyConfigured(str(error)) from error
