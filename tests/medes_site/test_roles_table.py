"""Who gets which answer where: one table of every address × role × method, checked cell by cell.

An address that is missing from the table fails `test_every_address_is_in_the_table`. Each cell runs in a
savepoint of its own, so that a POST which succeeds does not change what the next role meets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from medes_site.accounts.models import ApiToken
from medes_site.accounts.services import create_invitation
from medes_site.kit.roles import Role
from tests.benchmark.cast import Cast, make_cast
from tests.medes_site import roles_campaigns
from tests.medes_site.roles_table import ROLES, TABLE, TOKENS, Row

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
ROOTS = ("admin:", "account_")  # summarised: their own tests are Django's and allauth's


def named_patterns(resolver: URLResolver, namespace: str = "") -> Iterator[str]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from named_patterns(pattern, inner)
        else:
            assert isinstance(pattern, URLPattern)
            yield f"{namespace}{pattern.name}"


def test_every_address_is_in_the_table() -> None:
    known = set(named_patterns(get_resolver()))
    listed = {row.view for row in TABLE}
    assert {name for name in known if not name.startswith(ROOTS)} - listed == set()
    assert listed - known == set()


def test_the_rows_of_the_table_differ() -> None:
    titles = [row.title for row in TABLE]
    assert len(titles) == len(set(titles))
    for row in TABLE:
        assert row.methods, row.title
        for statuses in row.methods.values():
            assert len(statuses.split()) == len(ROLES), row.title
        # Every page is asked by GET and POST, every address of the API by PATCH and DELETE too.
        wanted = {"GET", "POST", "PATCH", "DELETE"} if ":api-" in row.view else {"GET", "POST"}
        assert wanted <= row.methods.keys(), row.title


@pytest.fixture
def cast(tmp_path: Path, submitter: Any, stranger: Any, researcher: Any, expert: Any) -> Cast:
    cast = make_cast(tmp_path / "tiny", submitter=submitter, stranger=stranger, researcher=researcher)
    _invitation, token = create_invitation(actor=researcher, email=submitter.email, role=Role.EXPERT)
    TOKENS["invitation"] = token
    roles_campaigns.prepare(expert, researcher)
    TOKENS["api"] = ApiToken.objects.create(user=submitter, name="t")[0].digest
    return cast


def ask(client: Client, row: Row, cast: Cast, method: str) -> int:
    """The status of one cell; what it wrote is rolled back."""
    cache.clear()  # neither throttles nor login limits carry over
    url = reverse(row.view, args=row.args(cast)) + row.query
    data = dict(row.data(cast)) if method != "GET" else {}
    call = getattr(client, method.lower())
    content = {"content_type": "application/json"} if row.json or method in ("PATCH", "DELETE") else {}
    if method in ("PATCH", "DELETE"):
        data = {name: value for name, value in data.items() if isinstance(value, str)}
    return call(url, data, **content).status_code


@pytest.mark.timeout(900)  # some thousand requests, most with a scene of their own
def test_the_table(cast: Cast, request: pytest.FixtureRequest, client_of: Callable[..., Client]) -> None:
    users = {role: None if role == "visitor" else request.getfixturevalue(role) for role in ROLES}
    wrong = []
    for row in TABLE:
        for method, statuses in row.methods.items():
            for role, expected in zip(ROLES, statuses.split(), strict=True):
                with transaction.atomic():
                    found = ask(client_of(users[role]), row, cast, method)
                    transaction.set_rollback(True)
                if str(found) not in expected.split("/"):
                    wrong.append(f"{row.title}: {method} as {role}: {found}, not {expected}")
    assert wrong == []
