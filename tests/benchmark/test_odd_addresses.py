"""Whatever stands in an address: never a traceback, on any page, for any reader.

What PostgreSQL will not look for (NUL, half a character), what no number can be, what is far too long.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import DatabaseError, transaction
from django.test import Client

from tests.benchmark.cast import make_cast

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
PLACES = [
    "/items/?benchmark={}",
    "/items/?benchmark=tiny&version={}",
    "/items/?kind={}&split={}&norm={}&dimension={}&scenario={}&duplicates={}&q={}&page={}",
    "/items/tiny/obj-0001/?version={}",
    "/items/tiny/obj-0001/?q={}",
    "/items/tiny/{}/",
    "/items/tiny/questions.csv?version={}",
    "/items/tiny/questions.csv?kind={}",
    "/items/{}/questions.csv",
    "/norms/?q={}&page={}",
    "/norms/?corpus={}&scenario={}&source={}",
    "/entries/?q={}&type={}&page={}",
    "/entries/{}/",
    "/leaderboard/{}/objective/",
    "/leaderboard/tiny/objective/?version={}",
    "/leaderboard/tiny/objective/?scenario={}&sort={}&type={}&page={}",
    "/leaderboard/tiny/objective/export.csv?version={}",
    "/leaderboard/tiny/objective/export.json?scenario={}&sort={}&type={}",
    "/compare/?board={}",
    "/compare/?board=tiny/{}",
    "/compare/?board={}/objective",
    "/compare/?board=tiny/objective&version={}",
    "/compare/?board=tiny/objective&entry={}&entry=open-model-7b",
    "/submissions/?tab={}&page={}",
    "/submissions/new/?benchmark={}",
    "/submissions/new/?entry={}",
    "/submissions/PUBLIC/?board={}&outcome={}&page={}&judgements={}",
    "/submissions/{}/",
    "/accounts/invitations/{}/",
    "/accounts/login/?next={}",
    "/i18n/setlang/?next={}",
    "/api/schema/?lang={}",
    "/api/v1/benchmarks/{}/",
    "/api/v1/benchmarks/{}/items/",
    "/api/v1/benchmarks/tiny/items/?version={}",
    "/api/v1/benchmarks/tiny/items/?search={}",
    "/api/v1/benchmarks/tiny/items/?kind={}&split={}&scenario={}&dimension={}",
    "/api/v1/benchmarks/tiny/items/{}/",
    "/api/v1/norms/?search={}",
    "/api/v1/norms/{}/",
    "/api/v1/entries/?limit={}",
    "/api/v1/entries/?offset={}",
    "/api/v1/entries/{}/",
    "/api/v1/submissions/{}/",
    "/api/v1/boards/tiny/objective/?version={}",
    "/api/v1/boards/tiny/objective/?scenario={}&sort={}&type={}",
    "/healthz?{}",
]
VALUES = [
    "%00",
    "a%00b",
    "%FF%FE",
    "%ED%A0%80",
    "%F0%9F%98%80",
    "%D9%A1",
    "9" * 40,
    "-1",
    "1e400",
    "x" * 5000,
    "%27",
    "%25s%7B0%7D",
    "%0A",
]


def test_no_address_ends_in_a_traceback(
    tmp_path: Path, submitter: Any, stranger: Any, researcher: Any, client_of: Callable[..., Client]
) -> None:
    cast = make_cast(tmp_path / "tiny", submitter=submitter, stranger=stranger, researcher=researcher)
    public = str(cast.submissions["public"].pk)
    wrong = []
    for user in (None, submitter, researcher):
        client = client_of(user)
        client.raise_request_exception = False
        for url in (place.replace("{}", value) for place in PLACES for value in VALUES):
            cache.clear()  # throttles
            try:
                with transaction.atomic():
                    status: int | str = client.get(url.replace("PUBLIC", public)).status_code
                    transaction.set_rollback(True)
            except DatabaseError as error:  # the transaction was broken before
                status = str(error)
            if not isinstance(status, int) or status >= 500:
                wrong.append(f"{url[:90]} as {user}: {status}")
    assert wrong == [], "\n".join(wrong)
