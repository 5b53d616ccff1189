"""The pages of the site, as each role sees them. Braces are filled from what `scene.py` made."""

from __future__ import annotations

from typing import Any, Final

from tests.browser import pages_campaigns

VISITOR: Final = (
    "/",
    "/leaderboard/",
    "/leaderboard/demo/objective/",
    "/leaderboard/demo/objective/?scenario=assisted-reproduction&sort=entry",
    "/leaderboard/demo/objective/?type=baseline",
    "/leaderboard/demo/objective-dev/",
    "/leaderboard/demo/subjective/",
    "/entries/",
    "/entries/?q=qqqqq",
    "/entries/qingyuan-32b/",
    "/entries/{long_entry}/",
    "/compare/",
    "/compare/?board=demo/objective",
    "/compare/?board=demo/objective&entry=qingyuan-32b&entry=suixin-7b&entry={long_entry}",
    "/submissions/{public}/",
    "/submissions/{judged}/",
    "/norms/",
    "/norms/?q=知情同意",
    "/norms/{norm}/",
    "/norms/coverage/",
    "/norms/coverage/?scenario=emergency-critical-care",
    "/norms/outdated/",
    "/norms/sources/",
    "/norms/sources/?corpus=us-federal",
    "/items/?benchmark=demo",
    "/items/?benchmark=demo&q=知情",
    "/items/?benchmark=demo&q=qqqqq",
    "/items/demo/obj-0001/",
    "/items/demo/obj-0003/",
    "/items/demo/sub-0002/",
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/nothing/",
    "/api/docs/",
)
SUBMITTER: Final = (
    "/",
    "/leaderboard/demo/objective/",
    "/submissions/",
    "/submissions/new/",
    "/submissions/{private}/",
    "/submissions/{in_review}/",
    "/submissions/{rejected}/",
    "/submissions/{withdrawn}/",
    "/submissions/{failed}/",
    "/submissions/{long}/",
    "/entries/{long_entry}/",
    "/entries/{long_entry}/edit/",
    "/accounts/profile/",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/logout/",
    "/accounts/invitations/unknown/",
)
RESEARCHER: Final = (
    "/",
    "/submissions/?tab=review",
    "/submissions/?tab=all",
    "/submissions/new/",
    "/submissions/{in_review}/",
    "/submissions/{long}/",
    "/items/?benchmark=demo&split=hidden",
    "/items/demo/obj-0001/",
    "/norms/{norm}/",
    "/responses/{answer}/",
    "/norms/traces/",
    "/norms/sources/",
    "/training/guardians/",
    "/training/runs/",
    "/training/runs/new/",
    "/training/runs/compare/",
    "/accounts/invitations/",
)
EXPERT: Final = ("/", "/submissions/new/", "/annotate/")
PAGES: Final = (*tuple(
    (role, page)
    for role, pages in (
        ("visitor", VISITOR), ("submitter", SUBMITTER), ("researcher", RESEARCHER), ("expert", EXPERT)
    )
    for page in pages
), *pages_campaigns.PAGES)  # fmt: skip
# What they answer when it is not 200.
STATUSES: Final = {
    ("visitor", "/nothing/"): 404,
    ("submitter", "/accounts/invitations/unknown/"): 403,
    ("expert", "/submissions/new/"): 403,
}
# Swagger UI is an English program of its own; its page carries our frame only.
FOREIGN: Final = ("/api/docs/", "/training/runs/new/")  # the latter names settings as the libraries do


def address(page: str, scene: dict[str, Any]) -> str:
    """`page` with its braces filled. Without the long texts, the public submission stands in for them."""
    numbers, entries = scene["submissions"], scene["entries"]
    long = {"long": numbers["public"], **numbers}
    return page.format(
        **long,
        long_entry=entries.get("long", entries["public"]),
        norm=scene["norm"],
        answer=scene["answer"],
        **scene["campaigns"],
    )
