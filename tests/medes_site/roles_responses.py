"""Rows of the roles table: the page of a response, contesting its verdict, and the same in the API.

Nobody but its submitter and researchers sees a response; an expert does once they have labelled it
(tests/annotation/test_response_page.py), which the cast's expert has not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmark.models import Item, Response, Scorer
from tests.benchmark.cast import Cast
from tests.medes_site.roles_table import Row, api, page

CODES = {"public": "sub-0001", "hidden": "sub-0003"}


def response_to(split: str, state: str) -> Callable[[Cast], list[Any]]:
    """A response of the submission in `state` to the subjective item of `split`, made on first use."""

    def arguments(cast: Cast) -> list[Any]:
        item = Item.objects.get(version=cast.version, code=CODES[split])
        made, _created = Response.objects.get_or_create(
            submission=cast.submissions[state],
            item=item,
            defaults={"text": "不能给。", "text_hash": "0" * 64},
        )
        return [made.pk]

    return arguments


def objection(cast: Cast) -> dict[str, Any]:
    return {"scorer": str(Scorer.objects.order_by("pk").values_list("pk", flat=True)[0]), "reason": "x"}


ROWS: list[Row] = [
    page(
        "annotation:response",
        response_to("public", "private"),
        note="to an open item",
        get="302 200 404 404 404 200 200",
        post="302 405 405 405 405 405 405",
    ),
    page(
        "annotation:response",
        response_to("public", "public"),
        note="of a public submission",
        get="302 200 404 404 404 200 200",
        post="302 405 405 405 405 405 405",
    ),
    page(
        "annotation:response",
        response_to("hidden", "private"),
        note="to a hidden item",
        get="302 404 404 404 404 200 200",
        post="302 405 405 405 405 405 405",
    ),
    page(
        "annotation:response_contest",
        response_to("public", "private"),
        note="without a verdict",
        data=objection,
        get="302 405 405 405 405 405 405",
        post="302 403 404 404 404 403 403",
    ),
    api(
        "annotation:api-response",
        response_to("public", "private"),
        note="to an open item",
        get="401 200 404 404 404 200 200",
    ),
    api(
        "annotation:api-response",
        response_to("hidden", "private"),
        note="to a hidden item",
        get="401 404 404 404 404 200 200",
    ),
    api(
        "annotation:api-response-feedback",
        response_to("public", "private"),
        note="that nobody judged",
        get="401 404 404 404 404 404 404",
    ),
    api(
        "benchmark:api-submission-judgements",
        lambda cast: [cast.submissions["private"].pk],
        note="that nobody judged",
        get="401 404 404 404 404 404 404",
    ),
]
