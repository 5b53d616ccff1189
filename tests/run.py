"""`make test`: finds services and a browser, runs all on PostgreSQL, then again on SQLite what differs there.

Arguments go to pytest, in both passes. Nothing is left out silently: what cannot be had ends the run.
Test files are dealt to as many processes as there are cores, at most four; `ARGS='-n0'` keeps to one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from playwright.sync_api import Error as PlaywrightError  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402

from tests import services  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NOTHING_SELECTED = 5


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class BrowserMissing(RuntimeError):
    """There is no browser and none could be installed."""


def find_browser() -> str:
    """Path of a Chromium: MEDES_CHROMIUM, the system's, Debian's package, else Playwright's own."""
    given = os.environ.get("MEDES_CHROMIUM")
    if given:
        if not os.access(given, os.X_OK):
            raise BrowserMissing(f"MEDES_CHROMIUM is {given}, which is no program.")
        return given
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found:
        return found
    if Path("/etc/debian_version").is_file() and os.geteuid() == 0:
        say("browser: installing Debian's chromium ...")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], env=environment, check=False)
        packages = ["chromium", "fonts-noto-cjk"]
        subprocess.run(["apt-get", "install", "-y", "-qq", *packages], env=environment, check=False)
        found = shutil.which("chromium")
        if found:
            return found
    say("browser: installing Playwright's Chromium ...")
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    try:
        with sync_playwright() as playwright:
            own = playwright.chromium.executable_path
    except PlaywrightError as error:
        raise BrowserMissing(f"Playwright does not start: {error}") from error
    if not Path(own).is_file():
        raise BrowserMissing(
            "The browser tests need Chromium. Install it (Debian: apt install chromium fonts-noto-cjk) "
            "or name one by MEDES_CHROMIUM."
        )
    return own


def spread() -> list[str]:
    """pytest-xdist's options: whole files go to a process, so that what a file sets up is set up once; in the order of
    `conftest.py`, not by the number of their tests, since the fewest tests take the longest."""
    processes = str(max(1, min(4, os.cpu_count() or 1)))
    return ["-n", processes, "--dist", "loadfile", "--no-loadscope-reorder"]


def run_pass(title: str, counts: Counter[str], arguments: list[str], **environment: str) -> int:
    """One run of pytest; adds up its counts and returns its exit code."""
    say(f"\n=== {title} ===")
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="medes-counts-") as folder:
        target = Path(folder) / "counts.json"
        command = [sys.executable, "-m", "pytest", *spread(), *arguments]
        code = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **environment, "MEDES_TEST_COUNTS": str(target)},
            check=False,
        ).returncode
        if target.is_file():
            counts.update(json.loads(target.read_text("utf-8")))
    say(f"=== {title}: exit code {code} after {time.monotonic() - begun:.0f} s ===")
    return code


def main(arguments: list[str]) -> int:
    counts: Counter[str] = Counter()
    with ExitStack() as stack:
        try:
            browser = find_browser()
            database = stack.enter_context(services.postgres())
            broker = stack.enter_context(services.broker())
        except (BrowserMissing, services.ServiceMissing, RuntimeError) as error:
            sys.stderr.write(f"make test: {error}\n")
            return 2
        say(f"browser: {browser}")
        say(f"PostgreSQL: {database.origin}")
        say(f"Redis: {broker.origin}")
        given = {"MEDES_CHROMIUM": browser, "REDIS_URL": broker.url}
        # Importing the site has named its own settings in our environment.
        given["DJANGO_SETTINGS_MODULE"] = "tests.settings"
        first = run_pass(
            "PostgreSQL: all tests",
            counts,
            arguments,
            MEDES_TEST_DB="postgres",
            DATABASE_URL=database.url,
            **given,
        )
        second = run_pass(
            "SQLite: the tests with a database",
            counts,
            arguments,
            MEDES_TEST_DB="sqlite",
            MEDES_TEST_PASS="database",
            **given,
        )
    failed = counts["failed"] + counts["error"]
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    say(f"\n{counts['passed']} passed, {failed} failed{skipped}")
    # The second pass may have nothing to do when arguments name tests without a database.
    return first or (0 if second == NOTHING_SELECTED else second)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
