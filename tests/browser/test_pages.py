"""Every page × role × language × theme: no fault of accessibility, no sideways scrolling, one language, no
complaint of the browser. The pages show a model whose name has 120 letters and a reply of 20,000."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.material import LONG_NAME, LONG_REPLY
from tests.browser.pages import FOREIGN, PAGES
from tests.browser.stack import Stack
from tests.browser.sweep import Sweep
from tests.browser.visits import Visits

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def sweep(browser: Browser, stack: Stack, sessions: dict[str, Any]) -> Iterator[Sweep]:
    visits = Visits(browser, stack, sessions)
    yield Sweep(visits)
    visits.close()


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize(("role", "page"), PAGES)
def test_page(sweep: Sweep, role: str, page: str, language: str) -> None:
    faults = sweep.findings(role, language, page).faults
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(("role", "page"), [row for row in PAGES if row[1] not in FOREIGN])
def test_a_chinese_page_is_in_chinese(sweep: Sweep, role: str, page: str) -> None:
    foreign = sweep.findings(role, "zh-hans", page).foreign
    assert not foreign, "\n".join(foreign)


def test_the_long_texts_are_long() -> None:
    assert len(LONG_NAME) == 120 and len(LONG_REPLY) > 19_000
