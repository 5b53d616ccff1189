"""Visits each page once per role and language and keeps what the audits found there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from playwright.sync_api import Page

from tests.browser import audits, pages_campaigns
from tests.browser.pages import FOREIGN, STATUSES, address
from tests.browser.visits import Visits

WIDTHS: Final = (1024, 400)
HTML_LANG: Final = {"zh-hans": "zh-Hans", "en": "en"}
NAMES: Final = (
    "SELECT name FROM benchmark_entry",
    "SELECT organisation FROM benchmark_entry",
    "SELECT licence FROM benchmark_entry",
    "SELECT name FROM benchmark_scorer",
    "SELECT username FROM accounts_user",
    "SELECT display_name FROM accounts_user",
    "SELECT note FROM benchmark_submission",
    "SELECT review_note FROM benchmark_submission",
    *pages_campaigns.NAMES,
)


@dataclass(frozen=True, slots=True)
class Findings:
    """Of one page: `faults` in any language, `foreign` texts where it is Chinese."""

    faults: tuple[str, ...]
    foreign: tuple[str, ...]


class Sweep:
    def __init__(self, visits: Visits) -> None:
        self._visits = visits
        self._windows: dict[tuple[str, str], Page] = {}
        self._found: dict[tuple[str, str, str], Findings] = {}
        self._names = {str(row[0]) for question in NAMES for row in visits.stack.query(question)}
        self._names |= {model.name for model in (visits.stack.home / "models").iterdir()}

    def findings(self, role: str, language: str, page: str) -> Findings:
        key = (role, language, page)
        if key not in self._found:
            self._found[key] = self._visit(role, language, page)
        return self._found[key]

    def _visit(self, role: str, language: str, page: str) -> Findings:
        if (role, language) not in self._windows:
            self._windows[role, language] = self._visits.context(role, language).new_page()
        window = self._windows[role, language]
        window.set_viewport_size({"width": 1280, "height": 900})
        window.emulate_media(color_scheme="light")
        status = STATUSES.get((role, page), 200)
        guard = self._visits.guard
        guard.allowed = {status} - {200}
        answer = window.goto(address(page, self._visits.stack.scene))
        faults = [] if answer and answer.status == status else [f"answered {answer and answer.status}"]
        if window.evaluate("document.documentElement.lang") != HTML_LANG[language]:
            faults.append("the page's lang attribute is wrong")
        if page in FOREIGN:
            window.wait_for_load_state("networkidle")
            foreign = []
        else:
            window.evaluate(audits.UNFOLD)
            faults += self._looks(window)
            foreign = audits.foreign_texts(window, self._names) if language == "zh-hans" else []
        faults += guard.problems
        guard.problems.clear()
        return Findings(tuple(faults), tuple(foreign))

    def _looks(self, window: Page) -> list[str]:
        audits.start_axe(window)
        faults = [f"light: {text}" for text in audits.violations(window)]
        window.emulate_media(color_scheme="dark")
        faults += [f"dark: {text}" for text in audits.violations(window, audits.COLOURS)]
        for width in WIDTHS:
            faults += audits.over_the_edge(window, width)
        return faults
