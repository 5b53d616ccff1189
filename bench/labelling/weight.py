"""What a first visit to the labelling page costs: bytes over the wire and requests, with a cold cache, in Chromium."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connections
from django.test import Client
from playwright.sync_api import sync_playwright

from bench.labelling.seed import seed_campaign
from bench.labelling.servers import gunicorn

BUDGET_KIB, REQUESTS = 100, 14


def measure_page_weight() -> Iterable[dict[str, Any]]:
    """An answer of the released median length, as an expert meets it on the very first visit."""
    program = os.environ.get("MEDES_CHROMIUM") or shutil.which("chromium")
    if program is None:
        print("no Chromium: the weight of the page is not measured", file=sys.stderr)
        return
    # Playwright runs an event loop in this thread, and Django would refuse plain queries.
    os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    made = seed_campaign(20, experts=1, slug="weight")
    call_command("collectstatic", interactive=False, verbosity=0)
    client = Client()
    client.force_login(get_user_model()._default_manager.get(username="bench-expert-0"))
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    connections.close_all()
    log = Path(os.environ["MEDES_HOME"]) / "weight.log"
    with (
        gunicorn("medes_site.wsgi", ready="/healthz", environment=dict(os.environ), log=log) as site,
        sync_playwright() as playwright,
    ):
        address = f"http://127.0.0.1:{site.port}"
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        context = browser.new_context(locale="zh-CN")
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": address}])
        page = context.new_page()
        tool = context.new_cdp_session(page)
        tool.send("Network.enable")
        tool.send("Network.setCacheDisabled", {"cacheDisabled": True})
        sizes: list[float] = []
        tool.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
        page.goto(f"{address}/annotate/{made['campaign']}/")
        page.wait_for_selector("form[data-seat]")
        page.wait_for_load_state("networkidle")
        browser.close()
    yield {
        "what": "labelling page, first visit, cold cache",
        "figure": sum(sizes) / 1024,
        "unit": "KiB",
        "target": f"< {BUDGET_KIB} KiB",
    }
    yield {
        "what": "… and its requests",
        "figure": float(len(sizes)),
        "unit": "requests",
        "target": f"<= {REQUESTS}",
    }
