"""Who gets which answer where: one table of every address × role × method, checked cell by cell.

An address that is missing from the table fails `test_every_address_is_in_the_table`. Each cell runs in a
savepoint of its own, so that a POST which succeeds does not change what the next role meets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from benchmark.models import Norm
from medes_site.accounts.models import ApiToken, Invitation
from medes_site.accounts.services import create_invitation
from medes_site.kit.roles import Role
from tests.benchmark.cast import DEV, HIDDEN, PUBLIC, Cast, answers, make_cast, predictions

pytestmark = pytest.mark.django_db
ROLES = ("visitor", "submitter", "stranger", "expert", "referee", "researcher", "superuser")
ROOTS = ("admin:", "account_", "js-settings")  # summarised: their own tests are Django's and allauth's


@dataclass(frozen=True)
class Row:
    """One address with its answers: `methods` maps a method to the statuses in the order of ROLES."""

    view: str
    args: Callable[[Cast], list[Any]] = lambda cast: []
    note: str = ""
    query: str = ""
    data: Callable[[Cast], Mapping[str, Any]] = lambda cast: {}
    json: bool = False
    methods: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return f"{self.view} {self.note}".strip()


def all_(status: int) -> str:
    return " ".join([str(status)] * len(ROLES))


def upload(right: int) -> SimpleUploadedFile:
    return SimpleUploadedFile("replies.csv", predictions(answers(PUBLIC, right)))


def submission(state: str) -> Callable[[Cast], list[Any]]:
    return lambda cast: [cast.submissions[state].pk]


def norm_of(article: str) -> Callable[[Cast], list[Any]]:
    return lambda cast: [Norm.objects.get(article=article).pk]


def words(*values: str) -> Callable[[Cast], list[Any]]:
    return lambda cast: list(values)


NOTE = {"note": "please say which prompt"}
TABLE: list[Row] = [
    Row("home",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("healthz",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("readyz",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("metrics", note="without its token",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("set_language", data=lambda cast: {"language": "en", "next": "/"},
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("profile", data=lambda cast: {"display_name": "A", "organisation": "B"},
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("create_token", data=lambda cast: {"name": "t", "days": "30"},
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("revoke_token", note="of submitter", data=lambda cast: {"token": TOKENS["api"]},
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("invitations", data=lambda cast: {"email": "new@example.org", "role": "expert"},
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("revoke_invitation", lambda cast: [Invitation.objects.get().pk],
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("accept_invitation", lambda cast: [TOKENS["invitation"]], note="made out to submitter",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("accept_invitation", words("nonsense"), note="unknown",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("schema",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("api_docs",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("account_login",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("account_signup",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("account_logout",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("account_email",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("admin:index",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("admin:benchmark_item_changelist",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("admin:benchmark_answerkey_changelist",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("admin:benchmark_extraction_changelist",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("admin:accounts_user_changelist",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:leaderboards",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:board", words("tiny", "objective"),
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:board", words("tiny", "nothing"), note="unknown",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:board_export", words("tiny", "objective", "csv"),
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:board_export", words("tiny", "objective", "json"), note="as JSON",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:entries",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:entry", lambda cast: [cast.open.slug], note="public",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:entry", lambda cast: [cast.secret.slug], note="private",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row(
        "benchmark:entry_edit",
        lambda cast: [cast.open.slug],
        note="public",
        data=lambda cast: {"type": "general", "organisation": "Lab"},
        methods={"GET": all_(0), "POST": all_(0)}),
    Row(
        "benchmark:entry_edit",
        lambda cast: [cast.secret.slug],
        note="private",
        data=lambda cast: {"type": "general", "organisation": "Lab"},
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:compare",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row(
        "benchmark:compare",
        note="with a private entry",
        query="?board=tiny/objective&entry=open-model-7b&entry=qzsecret-70b",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:norms",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:norm", norm_of("第一条"), note="of an open item",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:norm", norm_of("第三条"), note="of hidden items only",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:items",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:items", note="hidden asked for", query="?benchmark=tiny&split=hidden",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:item", words("tiny", PUBLIC[0]), note="public",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:item", words("tiny", DEV[0]), note="dev",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:item", words("tiny", HIDDEN[0]), note="hidden",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:questions_export", words("tiny", "csv"),
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:questions_export", words("tiny", "jsonl"), note="hidden asked for", query="?split=hidden",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:submissions",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:submissions", note="review queue", query="?tab=review",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row(
        "benchmark:submit",
        note="for the entry of submitter",
        data=lambda cast: {"entry": cast.open.pk, "version": cast.version.pk, "file": upload(3)},
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:submission", submission("public"), note="public",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:submission", submission("private"), note="private",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:submission", submission("in_review"), note="in_review",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:submission", submission("rejected"), note="rejected",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:submission", submission("withdrawn"), note="withdrawn",
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:submission_review", submission("private"), note="private", data=lambda cast: NOTE,
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:submission_review", submission("public"), note="public", data=lambda cast: NOTE,
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:submission_publish", submission("in_review"), note="in_review", data=lambda cast: NOTE,
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:submission_publish", submission("public"), note="public", data=lambda cast: NOTE,
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:submission_return", submission("in_review"), note="in_review", data=lambda cast: NOTE,
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:submission_return", submission("public"), note="public", data=lambda cast: NOTE,
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:submission_withdraw", submission("private"), note="private", data=lambda cast: NOTE,
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:submission_withdraw", submission("public"), note="public", data=lambda cast: NOTE,
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:submission_designate", submission("public"), note="public", data=lambda cast: NOTE,
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:submission_designate", submission("private"), note="private", data=lambda cast: NOTE,
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:submission_evaluate", submission("private"), note="private", data=lambda cast: NOTE,
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:submission_evaluate", submission("public"), note="public", data=lambda cast: NOTE,
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:submission_cancel", submission("private"), note="private", data=lambda cast: NOTE,
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:submission_cancel", submission("public"), note="public", data=lambda cast: NOTE,
        methods={"GET": all_(0), "POST": all_(0)}),
    Row("benchmark:api-benchmark-list",
        methods={"GET": all_(0), "POST": all_(0), "PATCH": all_(0), "DELETE": all_(0)}),
    Row("benchmark:api-benchmark-detail", words("tiny"),
        methods={"GET": all_(0), "POST": all_(0), "PATCH": all_(0), "DELETE": all_(0)}),
    Row("benchmark:api-item-list", words("tiny"),
        methods={"GET": all_(0), "POST": all_(0), "PATCH": all_(0), "DELETE": all_(0)}),
    Row("benchmark:api-item-detail", words("tiny", PUBLIC[0]), note="public",
        methods={"GET": all_(0), "POST": all_(0), "PATCH": all_(0), "DELETE": all_(0)}),
    Row("benchmark:api-item-detail", words("tiny", DEV[0]), note="dev",
        methods={"GET": all_(0), "POST": all_(0), "PATCH": all_(0), "DELETE": all_(0)}),
    Row("benchmark:api-item-detail", words("tiny", HIDDEN[0]), note="hidden",
        methods={"GET": all_(0), "POST": all_(0), "PATCH": all_(0), "DELETE": all_(0)}),
    Row("benchmark:api-norm-list",
        methods={"GET": all_(0), "POST": all_(0), "PATCH": all_(0), "DELETE": all_(0)}),
    Row("benchmark:api-norm-detail", norm_of("第一条"), note="of an open item",
        methods={"GET": all_(0), "POST": all_(0), "PATCH": all_(0), "DELETE": all_(0)}),
    Row("benchmark:api-norm-detail", norm_of("第三条"), note="of hidden items only",
        methods={"GET": all_(0), "POST": all_(0), "PATCH": all_(0), "DELETE": all_(0)}),
    Row("benchmark:api-entry-list", data=lambda cast: {"name": "New Model"}, json=True,
        methods={"GET": all_(0), "POST": all_(0), "PATCH": all_(0), "DELETE": all_(0)}),
    Row(
        "benchmark:api-entry-detail",
        lambda cast: [cast.open.slug],
        note="public",
        data=lambda cast: {"organisation": "Lab"},
        json=True,
        methods={"GET": all_(0), "POST": all_(0), "PATCH": all_(0), "DELETE": all_(0)}),
    Row(
        "benchmark:api-entry-detail",
        lambda cast: [cast.secret.slug],
        note="private",
        data=lambda cast: {"organisation": "Lab"},
        json=True,
        methods={"GET": all_(0), "POST": all_(0), "PATCH": all_(0), "DELETE": all_(0)}),
    Row(
        "benchmark:api-submission-list",
        note="for the entry of submitter",
        data=lambda cast: {"entry": cast.open.slug, "benchmark": "tiny", "file": upload(3)},
        methods={"GET": all_(0), "POST": all_(0), "PATCH": all_(0), "DELETE": all_(0)}),
    Row("benchmark:api-submission-detail", submission("public"), note="public",
        methods={"GET": all_(0), "POST": all_(0), "PATCH": all_(0), "DELETE": all_(0)}),
    Row("benchmark:api-submission-detail", submission("private"), note="private",
        methods={"GET": all_(0), "POST": all_(0), "PATCH": all_(0), "DELETE": all_(0)}),
    Row("benchmark:api-submission-detail", submission("in_review"), note="in_review",
        methods={"GET": all_(0), "POST": all_(0), "PATCH": all_(0), "DELETE": all_(0)}),
    Row("benchmark:api-submission-detail", submission("rejected"), note="rejected",
        methods={"GET": all_(0), "POST": all_(0), "PATCH": all_(0), "DELETE": all_(0)}),
    Row("benchmark:api-submission-detail", submission("withdrawn"), note="withdrawn",
        methods={"GET": all_(0), "POST": all_(0), "PATCH": all_(0), "DELETE": all_(0)}),
    Row(
        "benchmark:api-submission-review",
        submission("private"),
        note="private",
        data=lambda cast: NOTE,
        json=True,
        methods={"GET": all_(0), "POST": all_(0), "PATCH": all_(0), "DELETE": all_(0)}),
    Row(
        "benchmark:api-submission-review",
        submission("public"),
        note="public",
        data=lambda cast: NOTE,
        json=True,
        methods={"GET": all_(0), "POST": all_(0), "PATCH": all_(0), "DELETE": all_(0)}),
    Row(
        "benchmark:api-submission-publish",
        submission("in_review"),
        note="in_review",
        data=lambda cast: NOTE,
        json=True,
        methods={"GET": all_(0), "POST": all_(0), "PATCH": all_(0), "DELETE": all_(0)}),
    Row(
        "benchmark:api-submission-publish",
        submission("public"),
        note="public",
        data=lambda cast: NOTE,
        json=True,
        methods={"GET": all_(0), "POST": all_(0), "PATCH": all_(0), "DELETE": all_(0)}),
    Row(
        "benchmark:api-submission-send-back",
        submission("in_review"),
        note="in_review",
        data=lambda cast: NOTE,
        json=True,
        methods={"GET": all_(0), "POST": all_(0), "PATCH": all_(0), "DELETE": all_(0)}),
    Row(
        "benchmark:api-submission-send-back",
        submission("public"),
        note="public",
        data=lambda cast: NOTE,
        json=True,
        methods={"GET": all_(0), "POST": all_(0), "PATCH": all_(0), "DELETE": all_(0)}),
    Row(
        "benchmark:api-submission-withdraw",
        submission("private"),
        note="private",
        data=lambda cast: NOTE,
        json=True,
        methods={"GET": all_(0), "POST": all_(0), "PATCH": all_(0), "DELETE": all_(0)}),
    Row(
        "benchmark:api-submission-withdraw",
        submission("public"),
        note="public",
        data=lambda cast: NOTE,
        json=True,
        methods={"GET": all_(0), "POST": all_(0), "PATCH": all_(0), "DELETE": all_(0)}),
    Row(
        "benchmark:api-submission-designate",
        submission("public"),
        note="public",
        data=lambda cast: NOTE,
        json=True,
        methods={"GET": all_(0), "POST": all_(0), "PATCH": all_(0), "DELETE": all_(0)}),
    Row(
        "benchmark:api-submission-designate",
        submission("private"),
        note="private",
        data=lambda cast: NOTE,
        json=True,
        methods={"GET": all_(0), "POST": all_(0), "PATCH": all_(0), "DELETE": all_(0)}),
    Row("benchmark:api-board-list",
        methods={"GET": all_(0), "POST": all_(0), "PATCH": all_(0), "DELETE": all_(0)}),
    Row("benchmark:api-board", words("tiny", "objective"),
        methods={"GET": all_(0), "POST": all_(0), "PATCH": all_(0), "DELETE": all_(0)}),
]


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
def cast(tmp_path: Path, submitter: Any, stranger: Any, researcher: Any) -> Cast:
    cast = make_cast(tmp_path / "tiny", submitter=submitter, stranger=stranger, researcher=researcher)
    _invitation, token = create_invitation(actor=researcher, email=submitter.email, role=Role.EXPERT)
    TOKENS["invitation"] = token
    TOKENS["api"] = ApiToken.objects.create(user=submitter, name="t")[0].digest
    return cast


TOKENS: dict[str, str] = {}


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


def test_the_table(
    cast: Cast, request: pytest.FixtureRequest, client_of: Callable[..., Client]
) -> None:
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
