"""A browser for all tests of this folder, and the running site, a new one for each file: which files share a process
is chance when they are dealt to several, so no file may find what another has left behind."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.stack import Stack, running_stack
from tests.browser.visits import TIMEOUT_MS, Visits, chromium

FAILED = pytest.StashKey[bool]()
# What is expected mostly comes at once; on a busy machine it may be long in coming and is still right.
expect.set_options(timeout=TIMEOUT_MS)
# The site's start counts towards the first test of a file, and every wait must be able to end before this does.
TEST_SECONDS = 1_500


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("browser") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(TEST_SECONDS))


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    postgres = os.environ.get("MEDES_TEST_DB") == "postgres"
    with running_stack(os.environ["DATABASE_URL"] if postgres else "") as site:
        yield site


# For the package, not for the session: Playwright's event loop must not run under the tests that follow.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    program = os.environ.get("MEDES_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright, chromium(playwright, program) as started:
        yield started


@pytest.fixture(scope="module")
def sessions() -> dict[str, Any]:
    """The cookies of whoever has logged in to this site."""
    return {}


@pytest.fixture
def visits(
    browser: Browser, stack: Stack, sessions: dict[str, Any], request: pytest.FixtureRequest
) -> Iterator[Visits]:
    """Fails the test on anything its pages complained about; a failed test shows the logs of the site."""
    opened = Visits(browser, stack, sessions)
    yield opened
    problems = opened.close()
    if problems or request.node.stash.get(FAILED, False):
        sys.stdout.write(stack.logs())
    assert not problems, "\n".join(problems)


@pytest.fixture
def page_as(visits: Visits) -> Callable[..., Page]:
    """`page_as("submitter", "en", dark=True, width=400, javascript=False)`: a page in a window of its own."""

    def open_page(role: str = "visitor", language: str = "en", **options: Any) -> Page:
        return visits.context(role, language, **options).new_page()

    return open_page


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report = yield
    if report.when == "call" and report.failed:
        item.stash[FAILED] = True
    return report
