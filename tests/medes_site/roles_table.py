"""The table of test_roles_table.py: who gets which answer where.

Statuses stand in the order of ROLES. `submitter` owns the entries and submissions spoken of, `stranger` is another
submitter. What somebody may not see is 404, what they may not do with something visible 403; a page sends a
visitor who must log in to the login page (302), the API answers 401.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from benchmark.models import Norm
from medes_site.accounts.models import Invitation
from tests.benchmark.cast import DEV, HIDDEN, PUBLIC, Cast, answers, predictions
from tests.medes_site import roles_campaigns, roles_norms

ROLES = ("visitor", "submitter", "stranger", "expert", "referee", "researcher", "superuser")
TOKENS: dict[str, str] = {}  # filled by the test: of an invitation, of an API token


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


def all_(status: int | str) -> str:
    return " ".join([str(status)] * len(ROLES))


def page(view: str, *args: Any, get: str = all_(200), post: str = all_(405), **more: Any) -> Row:
    """A page that everybody may read and nobody may post to, unless said otherwise."""
    return Row(view, *args, methods={"GET": get, "POST": post}, **more)


NO_WRITES = "401 405 405 405 405 405 405"


def api(
    view: str,
    *args: Any,
    get: str = all_(200),
    post: str = NO_WRITES,
    patch: str = NO_WRITES,
    delete: str = NO_WRITES,
    **more: Any,
) -> Row:
    """An address of the API that everybody may read and nobody may write to, unless said otherwise."""
    return Row(view, *args, methods={"GET": get, "POST": post, "PATCH": patch, "DELETE": delete}, **more)


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
    page("home"),
    page("healthz"),
    page("readyz", get=all_("200/503")),
    page("metrics", note="without its token", get=all_(404)),
    page("set_language", data=lambda cast: {"language": "en", "next": "/"}, get=all_(302), post=all_(302)),
    page(
        "profile",
        data=lambda cast: {"display_name": "A", "organisation": "B"},
        get="302 200 200 200 200 200 200",
        post=all_(302),
    ),
    page(
        "create_token",
        data=lambda cast: {"name": "t", "days": "30"},
        get="302 405 405 405 405 405 405",
        post="302 200 200 200 200 200 200",
    ),
    page(
        "revoke_token",
        note="of submitter",
        data=lambda cast: {"token": TOKENS["api"]},
        get="302 405 405 405 405 405 405",
        post="302 302 404 404 404 404 404",
    ),
    page(
        "invitations",
        data=lambda cast: {"email": "new@example.org", "role": "expert"},
        get="302 403 403 403 403 200 200",
        post="302 403 403 403 403 200 200",
    ),
    page(
        "revoke_invitation",
        lambda cast: [Invitation.objects.get().pk],
        get="302 405 405 405 405 405 405",
        post="302 403 403 403 403 302 302",
    ),
    page(
        "accept_invitation",
        lambda cast: [TOKENS["invitation"]],
        note="made out to submitter",
        post="403 302 403 403 403 403 403",
    ),
    page("accept_invitation", words("nonsense"), note="unknown", get=all_(403), post=all_(403)),
    page("schema"),
    page("api_docs"),
    page("account_login", get="200 302 302 302 302 302 302", post="200 302 302 302 302 302 302"),
    page("account_signup", get="200 302 302 302 302 302 302", post="200 302 302 302 302 302 302"),
    page("account_logout", get="302 200 200 200 200 200 200", post=all_(302)),
    page("account_email", get="302 200 200 200 200 200 200", post=all_(302)),
    page("admin:index", get="302 302 302 302 302 200 200", post="302 302 302 302 302 200 200"),
    page(
        "admin:benchmark_item_changelist",
        get="302 302 302 302 302 200 200",
        post="302 302 302 302 302 200 200",
    ),
    page(
        "admin:benchmark_answerkey_changelist",
        get="302 302 302 302 302 403 200",
        post="302 302 302 302 302 403 200",
    ),
    page(
        "admin:benchmark_extraction_changelist",
        get="302 302 302 302 302 403 200",
        post="302 302 302 302 302 403 200",
    ),
    page(
        "admin:accounts_user_changelist",
        get="302 302 302 302 302 403 200",
        post="302 302 302 302 302 403 200",
    ),
    page("benchmark:leaderboards"),
    page("benchmark:board", words("tiny", "objective")),
    page("benchmark:board", words("tiny", "nothing"), note="unknown", get=all_(404)),
    page("benchmark:board_export", words("tiny", "objective", "csv")),
    page("benchmark:board_export", words("tiny", "objective", "json"), note="as JSON"),
    page("benchmark:entries"),
    page("benchmark:entry", lambda cast: [cast.open.slug], note="public"),
    page(
        "benchmark:entry", lambda cast: [cast.secret.slug], note="private", get="404 200 404 404 404 200 200"
    ),
    page(
        "benchmark:entry_edit",
        lambda cast: [cast.open.slug],
        note="public",
        data=lambda cast: {"type": "general", "organisation": "Lab"},
        get="302 200 403 403 403 200 200",
        post="302 302 403 403 403 302 302",
    ),
    page(
        "benchmark:entry_edit",
        lambda cast: [cast.secret.slug],
        note="private",
        data=lambda cast: {"type": "general", "organisation": "Lab"},
        get="302 200 404 404 404 200 200",
        post="302 302 404 404 404 302 302",
    ),
    page("benchmark:compare"),
    page(
        "benchmark:compare",
        note="with a private entry",
        query="?board=tiny/objective&entry=open-model-7b&entry=qzsecret-70b",
    ),
    page("benchmark:norms"),
    page("benchmark:norm", norm_of("第一条"), note="of an open item"),
    page("benchmark:norm", norm_of("第三条"), note="of hidden items only", get="404 404 404 404 404 200 200"),
    page("benchmark:items"),
    page("benchmark:items", note="hidden asked for", query="?benchmark=tiny&split=hidden"),
    page("benchmark:item", words("tiny", PUBLIC[0]), note="public"),
    page("benchmark:item", words("tiny", DEV[0]), note="dev"),
    page("benchmark:item", words("tiny", HIDDEN[0]), note="hidden", get="404 404 404 404 404 200 200"),
    page("benchmark:questions_export", words("tiny", "csv")),
    page(
        "benchmark:questions_export",
        words("tiny", "jsonl"),
        note="hidden asked for",
        query="?split=hidden",
        get=all_(404),
    ),
    page("benchmark:submissions", get="302 200 200 200 200 200 200", post="302 405 405 405 405 405 405"),
    page(
        "benchmark:submissions",
        note="review queue",
        query="?tab=review",
        get="302 200 200 200 200 200 200",
        post="302 405 405 405 405 405 405",
    ),
    page(
        "benchmark:submit",
        note="for the entry of submitter",
        data=lambda cast: {"entry": cast.open.pk, "version": cast.version.pk, "file": upload(3)},
        get="302 200 200 403 403 200 200",
        post="302 302 422 403 403 302 302",
    ),
    page("benchmark:submission", submission("public"), note="public"),
    page("benchmark:submission", submission("private"), note="private", get="404 200 404 404 404 200 200"),
    page(
        "benchmark:submission", submission("in_review"), note="in_review", get="404 200 404 404 404 200 200"
    ),
    page("benchmark:submission", submission("rejected"), note="rejected", get="404 200 404 404 404 200 200"),
    page(
        "benchmark:submission", submission("withdrawn"), note="withdrawn", get="404 200 404 404 404 200 200"
    ),
    page(
        "benchmark:submission_review",
        submission("private"),
        note="private",
        data=lambda cast: NOTE,
        get=all_(405),
        post="302 302 404 404 404 302 302",
    ),
    page(
        "benchmark:submission_review",
        submission("public"),
        note="public",
        data=lambda cast: NOTE,
        get=all_(405),
        post="302 409 403 403 403 409 409",
    ),
    page(
        "benchmark:submission_publish",
        submission("in_review"),
        note="in_review",
        data=lambda cast: NOTE,
        get=all_(405),
        post="302 403 404 404 404 302 302",
    ),
    page(
        "benchmark:submission_publish",
        submission("public"),
        note="public",
        data=lambda cast: NOTE,
        get=all_(405),
        post="302 403 403 403 403 409 409",
    ),
    page(
        "benchmark:submission_return",
        submission("in_review"),
        note="in_review",
        data=lambda cast: NOTE,
        get=all_(405),
        post="302 403 404 404 404 302 302",
    ),
    page(
        "benchmark:submission_return",
        submission("public"),
        note="public",
        data=lambda cast: NOTE,
        get=all_(405),
        post="302 403 403 403 403 409 409",
    ),
    page(
        "benchmark:submission_withdraw",
        submission("private"),
        note="private",
        data=lambda cast: NOTE,
        get=all_(405),
        post="302 302 404 404 404 302 302",
    ),
    page(
        "benchmark:submission_withdraw",
        submission("public"),
        note="public",
        data=lambda cast: NOTE,
        get=all_(405),
        post="302 302 403 403 403 302 302",
    ),
    page(
        "benchmark:submission_designate",
        submission("public"),
        note="public",
        data=lambda cast: NOTE,
        get=all_(405),
        post="302 302 403 403 403 302 302",
    ),
    page(
        "benchmark:submission_designate",
        submission("private"),
        note="private",
        data=lambda cast: NOTE,
        get=all_(405),
        post="302 409 404 404 404 409 409",
    ),
    page(
        "benchmark:submission_evaluate",
        submission("private"),
        note="private",
        data=lambda cast: NOTE,
        get=all_(405),
        post="302 409 404 404 404 302 302",
    ),
    page(
        "benchmark:submission_evaluate",
        submission("public"),
        note="public",
        data=lambda cast: NOTE,
        get=all_(405),
        post="302 409 403 403 403 302 302",
    ),
    page(
        "benchmark:submission_cancel",
        submission("private"),
        note="private",
        data=lambda cast: NOTE,
        get=all_(405),
        post="302 409 404 404 404 409 409",
    ),
    page(
        "benchmark:submission_cancel",
        submission("public"),
        note="public",
        data=lambda cast: NOTE,
        get=all_(405),
        post="302 409 403 403 403 409 409",
    ),
    api("benchmark:api-benchmark-list"),
    api("benchmark:api-benchmark-detail", words("tiny")),
    api("benchmark:api-item-list", words("tiny")),
    api("benchmark:api-item-detail", words("tiny", PUBLIC[0]), note="public"),
    api("benchmark:api-item-detail", words("tiny", DEV[0]), note="dev"),
    api(
        "benchmark:api-item-detail",
        words("tiny", HIDDEN[0]),
        note="hidden",
        get="404 404 404 404 404 200 200",
    ),
    api("benchmark:api-norm-list"),
    api("benchmark:api-norm-detail", norm_of("第一条"), note="of an open item"),
    api(
        "benchmark:api-norm-detail",
        norm_of("第三条"),
        note="of hidden items only",
        get="404 404 404 404 404 200 200",
    ),
    api(
        "benchmark:api-entry-list",
        data=lambda cast: {"name": "New Model"},
        json=True,
        post="401 201 201 403 403 201 201",
    ),
    api(
        "benchmark:api-entry-detail",
        lambda cast: [cast.open.slug],
        note="public",
        data=lambda cast: {"organisation": "Lab"},
        json=True,
        patch="401 200 403 403 403 200 200",
    ),
    api(
        "benchmark:api-entry-detail",
        lambda cast: [cast.secret.slug],
        note="private",
        data=lambda cast: {"organisation": "Lab"},
        json=True,
        get="404 200 404 404 404 200 200",
        patch="401 200 404 404 404 200 200",
    ),
    api(
        "benchmark:api-submission-list",
        note="for the entry of submitter",
        data=lambda cast: {"entry": cast.open.slug, "benchmark": "tiny", "file": upload(3)},
        post="401 201 403 403 403 201 201",
    ),
    api("benchmark:api-submission-detail", submission("public"), note="public"),
    api(
        "benchmark:api-submission-detail",
        submission("private"),
        note="private",
        get="404 200 404 404 404 200 200",
    ),
    api(
        "benchmark:api-submission-detail",
        submission("in_review"),
        note="in_review",
        get="404 200 404 404 404 200 200",
    ),
    api(
        "benchmark:api-submission-detail",
        submission("rejected"),
        note="rejected",
        get="404 200 404 404 404 200 200",
    ),
    api(
        "benchmark:api-submission-detail",
        submission("withdrawn"),
        note="withdrawn",
        get="404 200 404 404 404 200 200",
    ),
    api(
        "benchmark:api-submission-review",
        submission("private"),
        note="private",
        data=lambda cast: NOTE,
        json=True,
        get="401 405 405 405 405 405 405",
        post="401 200 404 404 404 200 200",
    ),
    api(
        "benchmark:api-submission-review",
        submission("public"),
        note="public",
        data=lambda cast: NOTE,
        json=True,
        get="401 405 405 405 405 405 405",
        post="401 409 403 403 403 409 409",
    ),
    api(
        "benchmark:api-submission-publish",
        submission("in_review"),
        note="in_review",
        data=lambda cast: NOTE,
        json=True,
        get="401 405 405 405 405 405 405",
        post="401 403 404 404 404 200 200",
    ),
    api(
        "benchmark:api-submission-publish",
        submission("public"),
        note="public",
        data=lambda cast: NOTE,
        json=True,
        get="401 405 405 405 405 405 405",
        post="401 403 403 403 403 409 409",
    ),
    api(
        "benchmark:api-submission-send-back",
        submission("in_review"),
        note="in_review",
        data=lambda cast: NOTE,
        json=True,
        get="401 405 405 405 405 405 405",
        post="401 403 404 404 404 200 200",
    ),
    api(
        "benchmark:api-submission-send-back",
        submission("public"),
        note="public",
        data=lambda cast: NOTE,
        json=True,
        get="401 405 405 405 405 405 405",
        post="401 403 403 403 403 409 409",
    ),
    api(
        "benchmark:api-submission-withdraw",
        submission("private"),
        note="private",
        data=lambda cast: NOTE,
        json=True,
        get="401 405 405 405 405 405 405",
        post="401 200 404 404 404 200 200",
    ),
    api(
        "benchmark:api-submission-withdraw",
        submission("public"),
        note="public",
        data=lambda cast: NOTE,
        json=True,
        get="401 405 405 405 405 405 405",
        post="401 200 403 403 403 200 200",
    ),
    api(
        "benchmark:api-submission-designate",
        submission("public"),
        note="public",
        data=lambda cast: NOTE,
        json=True,
        get="401 405 405 405 405 405 405",
        post="401 200 403 403 403 200 200",
    ),
    api(
        "benchmark:api-submission-designate",
        submission("private"),
        note="private",
        data=lambda cast: NOTE,
        json=True,
        get="401 405 405 405 405 405 405",
        post="401 409 404 404 404 409 409",
    ),
    api("benchmark:api-board-list"),
    api("benchmark:api-board", words("tiny", "objective")),
]

from tests.medes_site.roles_api import ROWS as LABELLING_API  # noqa: E402 - it needs the words above

TABLE += LABELLING_API
LOGIN_OR_405 = "302 405 405 405 405 405 405"
TABLE += [
    page(row.view, row.args, note=row.note, data=row.data, get=row.get, post=row.post or LOGIN_OR_405)
    for row in roles_campaigns.ROWS
]
from tests.medes_site.roles_labelling import LABELLING  # noqa: E402

TABLE += LABELLING
from tests.medes_site.roles_responses import ROWS as RESPONSES  # noqa: E402 - it needs the words above

TABLE += RESPONSES
TABLE += [page(f"benchmark:{view}", args, **more) for view, args, more in roles_norms.ROWS]

from tests.medes_site.roles_training import ROWS as TRAINING  # noqa: E402 - it needs the words above

TABLE += TRAINING
from tests.medes_site.roles_tuning import ROWS as TUNING  # noqa: E402 - it needs the words above

TABLE += TUNING
