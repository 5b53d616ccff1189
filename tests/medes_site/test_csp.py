"""Nothing inline on any page, and the policy's header on every answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    "/",
    "/nothing/",
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/accounts/logout/",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/profile/",
    "/accounts/invitations/",
    "/accounts/invitations/unknown/",
    "/api/docs/",
    "/admin/",
    "/admin/accounts/user/",
    "/admin/accounts/user/add/",
    "/admin/auth/group/add/",
    "/admin/accounts/apitoken/",
]


class Inline(HTMLParser):
    """Collects what a strict policy would refuse. A script of a data type is data and is not executed."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "style":
            self.found.append("<style>")
        if (
            tag == "script"
            and not given.get("src")
            and given.get("type") not in ("application/json", "text/template")
        ):
            self.found.append("<script>")
        for name, value in attrs:
            if (
                name == "style"
                or name.startswith("on")
                or (value or "").strip().lower().startswith("javascript:")
            ):
                self.found.append(f"{tag} {name}={value!r}")


def inline_parts(page: str) -> list[str]:
    reader = Inline()
    reader.feed(page)
    reader.close()
    return reader.found


def test_the_reader_finds_what_it_is_for() -> None:
    page = '<p style="a">x</p><script>1</script><style></style><a onclick="b" href="javascript:c">d</a>'
    assert len(inline_parts(page + '<script src="e"></script>')) == 5


def templates() -> list[Path]:
    return sorted((ROOT / "templates").rglob("*.html"))


@pytest.mark.parametrize(
    "path", templates(), ids=lambda path: path.relative_to(ROOT / "templates").as_posix()
)
def test_no_template_has_anything_inline(path: Path) -> None:
    source = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", "x", path.read_text("utf-8"))
    assert inline_parts(source) == []


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["visitor", "superuser"])
@pytest.mark.parametrize("path", PAGES)
def test_every_answer_has_the_policy_and_nothing_inline(
    client_of: Callable[[Any], Client], superuser: Any, path: str, who: str
) -> None:
    response = client_of(superuser if who == "superuser" else None).get(path)
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy and "style-src 'self'" in policy
    assert "unsafe" not in policy and "http" not in policy
    assert response["X-Content-Type-Options"] == "nosniff"
    if response["Content-Type"].startswith("text/html"):
        assert inline_parts(response.content.decode()) == []


@pytest.mark.django_db
def test_the_script_of_the_api_page_is_a_file_of_its_own(visitor: Client) -> None:
    response = visitor.get(reverse("api_docs") + "?script")
    assert response["Content-Type"].startswith("application/javascript")


def test_every_static_file_that_a_template_names_exists() -> None:
    """Without a manifest a wrong name would only show as a page without its script."""
    named = {
        name
        for path in templates()
        for name in re.findall(r'\{% static "([^"]+)" %\}', path.read_text("utf-8"))
    }
    assert named
    assert [name for name in sorted(named) if finders.find(name) is None] == []


def test_nothing_comes_from_elsewhere() -> None:
    for path in [*(ROOT / "static").rglob("*.css"), *(ROOT / "static").rglob("*.js")]:
        assert not re.search(
            r"""(?:url\(|@import|src=|from\s)\s*["']?(?:https?:)?//""", path.read_text("utf-8")
        ), path
    for path in templates():
        assert not re.search(
            r"""<(?:link|script|img)[^>]+(?:href|src)=["'](?:https?:)?//""", path.read_text("utf-8")
        ), path
