"""A throw-away PostgreSQL database: DATABASE_URL's server, localhost's, or one started from a wheel."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tests.services import postgres


@contextmanager
def postgresql_database() -> Iterator[str]:
    """Yields the address of an empty database and drops it afterwards."""
    name = f"medes_bench_{secrets.token_hex(4)}"
    with postgres() as server:
        parts = urlsplit(server.url)
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield urlunsplit(parts._replace(path=f"/{name}"))
        finally:
            with psycopg.connect(server.url, autocommit=True) as connection:
                connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
