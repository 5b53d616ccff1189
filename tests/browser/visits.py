"""Pages that notice what a person would only feel: errors in the console, refused styles, failed requests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Request, Response

from tests.browser.stack import Stack

FLAGS: Final = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip
TIMEOUT_MS: Final = 60_000  # of an event that is sure to come, on a machine that may be busy
POLICY_LISTENER: Final = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""
# Chromium writes this beside every answer of 400 and more; the answer itself is looked at instead.
ECHO_OF_STATUS: Final = "Failed to load resource: the server responded with a status of"
# A poll under way when the page is left, or a navigation that turned into a download.
GIVEN_UP: Final = "net::ERR_ABORTED"
# A labelling page renews its lease now and then; where its label came in first the answer is 409, and the page takes it so.
# A lease that is truly lost shows as an alert.
RENEWED_TOO_LATE: Final = (409, "/renew/")


@dataclass
class Guard:
    """What went wrong on some pages. `allowed`: statuses from 400 that the test itself provokes."""

    allowed: set[int] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(f"error in a script: {error}"))
        page.on("requestfailed", self._failed)
        page.on("response", self._answered)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(ECHO_OF_STATUS):
            self.problems.append(f"console {message.type}: {message.text}")

    def _failed(self, request: Request) -> None:
        if request.failure != GIVEN_UP:
            self.problems.append(f"failed: {request.method} {request.url}: {request.failure}")

    def _answered(self, response: Response) -> None:
        if (response.status, response.url[-len(RENEWED_TOO_LATE[1]) :]) == RENEWED_TOO_LATE:
            return
        if response.status >= 400 and response.status not in self.allowed:
            self.problems.append(f"{response.status}: {response.request.method} {response.url}")


class Visits:
    """Opens pages as somebody. Whoever logs in does so once; later contexts take the cookies along."""

    def __init__(self, browser: Browser, stack: Stack, sessions: dict[str, Any]) -> None:
        self.stack = stack
        self._browser = browser
        self._sessions = sessions
        self.guard = Guard()
        self._open: list[BrowserContext] = []

    def allow(self, *statuses: int) -> None:
        """Answers that this test provokes on purpose."""
        self.guard.allowed |= set(statuses)

    def context(
        self,
        role: str,
        language: str,
        *,
        dark: bool = False,
        width: int = 1280,
        javascript: bool = True,
    ) -> BrowserContext:
        """A browser window of its own, logged in with the demo account of this role."""
        context = self._browser.new_context(
            base_url=self.stack.url,
            storage_state=self._session(role),
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            locale="zh-CN" if language == "zh-hans" else "en-GB",
            java_script_enabled=javascript,
            accept_downloads=True,
            reduced_motion="reduce",
        )
        context.add_cookies([{"name": "django_language", "value": language, "url": self.stack.url}])
        context.set_default_timeout(TIMEOUT_MS)
        context.add_init_script(POLICY_LISTENER)
        elsewhere = re.compile(rf"^(?!{re.escape(self.stack.url)}/|blob:|data:)")
        context.route(elsewhere, lambda route: route.abort("blockedbyclient"))
        context.on("page", self.guard.watch)
        self._open.append(context)
        return context

    def _session(self, role: str) -> Any:
        if role == "visitor":
            return None
        if role not in self._sessions:
            context = self._browser.new_context(base_url=self.stack.url)
            try:
                page = context.new_page()
                log_in(page, role, self.stack.passwords[role])
                self._sessions[role] = context.storage_state()
            finally:
                context.close()
        return self._sessions[role]

    def close(self) -> list[str]:
        """Closes every window and returns what went wrong in them."""
        for context in self._open:
            for page in context.pages:
                if page.locator("#alert-lost").count():
                    self.guard.problems.append(f"a lease was lost: {page.url}")
            context.close()
        self._open.clear()
        return self.guard.problems


def log_in(page: Page, name: str, password: str) -> None:
    page.goto("/accounts/login/")
    page.fill("input[name=login]", name)
    page.fill("input[name=password]", password)
    page.click("main button.primary")
    page.wait_for_url(lambda address: "/accounts/login/" not in address)


@contextmanager
def chromium(playwright: Playwright, executable: str | None) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
    try:
        yield browser
    finally:
        browser.close()
