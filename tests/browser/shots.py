"""Screenshots of every page: `python -m tests.browser.shots OUT_DIR [PART …]`.

Chinese and English, light and dark, at 1280 pixels; some pages also at 1024 and 400. PART: only pages whose
address or role contains one of these.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, sync_playwright

from tests.browser.answering import fill_in
from tests.browser.material import replies_file
from tests.browser.pages import PAGES, address
from tests.browser.stack import Stack, running_stack
from tests.browser.visits import Visits, chromium

LANGUAGES: Final = {"zh": "zh-hans", "en": "en"}
NARROW: Final = (1024, 400)
# Of these also a narrow picture, in Chinese and light.
NARROWED: Final = (
    "/", "/leaderboard/demo/objective/", "/entries/", "/entries/qingyuan-32b/", "/submissions/", "/submissions/new/",
    "/submissions/{private}/", "/norms/", "/norms/{norm}/", "/items/?benchmark=demo", "/items/demo/obj-0003/",
    "/compare/?board=demo/objective&entry=qingyuan-32b&entry=suixin-7b&entry={long_entry}", "/accounts/profile/",
)  # fmt: skip
BAD_FILE: Final = b"item,response\n" + b"".join(b"obj-%04d,A\n" % number for number in range(9000, 9080))


@dataclass(frozen=True, slots=True)
class Shot:
    role: str
    page: str
    language: str
    dark: bool
    width: int

    @property
    def name(self) -> str:
        plain = re.sub(r"[^\w]+", "-", self.page).strip("-") or "home"
        theme = "dark" if self.dark else "light"
        return f"{self.role}-{plain[:60]}-{self.language}-{theme}-{self.width}.png"


def shots(wanted: list[str]) -> Iterator[Shot]:
    for role, page in PAGES:
        if wanted and not any(part in page or part in role for part in wanted):
            continue
        for language in LANGUAGES:
            for dark in (False, True):
                yield Shot(role, page, language, dark, 1280)
        if page in NARROWED:
            for width in NARROW:
                yield Shot(role, page, "zh", False, width)


def take(visits: Visits, folder: Path, wanted: list[str]) -> None:
    windows: dict[tuple[str, str], Page] = {}
    for shot in shots(wanted):
        key = shot.role, shot.language
        if key not in windows:
            windows[key] = visits.context(shot.role, LANGUAGES[shot.language]).new_page()
        window = windows[key]
        window.set_viewport_size({"width": shot.width, "height": 860})
        window.emulate_media(color_scheme="dark" if shot.dark else "light")
        window.goto(address(shot.page, visits.stack.scene))
        window.wait_for_load_state("networkidle")
        window.screenshot(path=folder / shot.name, full_page=True)


def take_states(visits: Visits, stack: Stack, folder: Path) -> None:
    """What cannot be reached by an address: a refused form, a refused file, a scoring under way."""
    work = Path(tempfile.mkdtemp(dir=stack.home))
    (work / "bad.csv").write_bytes(BAD_FILE)
    (work / "good.csv").write_bytes(replies_file({"obj-0001": "答案：A", "obj-0002": "答案：B"}))
    for language, code in LANGUAGES.items():
        page = visits.context("submitter", code).new_page()
        fill_in(page, f"Stand {language}", work / "bad.csv")
        page.click("form#submit-form button.primary")
        page.wait_for_selector("section.problems")
        page.screenshot(path=folder / f"state-bad-file-{language}.png", full_page=True)
        stack.worker.signal_group(signal.SIGSTOP)
        page.set_input_files("input[name=file]", work / "good.csv")
        page.click("form#submit-form button.primary")
        page.wait_for_url(re.compile(r"/submissions/\d+/$"))
        page.screenshot(path=folder / f"state-waiting-{language}.png", full_page=True)
        stack.worker.signal_group(signal.SIGCONT)
        page.wait_for_selector("section.result")
        page.goto("/accounts/login/")
        empty = visits.context("visitor", code).new_page()
        empty.goto("/accounts/login/")
        empty.fill("input[name=login]", "nobody")
        empty.fill("input[name=password]", "nothing at all")
        empty.click("main button.primary")
        empty.wait_for_selector(".errorlist")
        empty.screenshot(path=folder / f"state-login-refused-{language}.png", full_page=True)


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0].startswith("-"):
        sys.stderr.write(f"{__doc__}\n")
        return 2
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    program = os.environ.get("MEDES_CHROMIUM") or shutil.which("chromium")
    with (
        running_stack(long=False) as stack,
        sync_playwright() as playwright,
        chromium(playwright, program) as browser,
    ):
        visits = Visits(browser, stack, {})
        take(visits, folder, arguments[1:])
        if not arguments[1:]:
            take_states(visits, stack, folder)
        for problem in visits.close():
            sys.stderr.write(f"{problem}\n")
    sys.stdout.write(f"{len(list(folder.glob('*.png')))} pictures in {folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
