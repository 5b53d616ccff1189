"""Which endpoints may judge, and how the variable with an endpoint's key is called."""

from __future__ import annotations

import re

ALLOWED = "MEDES_JUDGE_ENDPOINTS"
KEY_NAME = re.compile(r"MEDES_JUDGE_KEY(_[A-Z0-9]+)*\Z")


def allowed_endpoints(text: str) -> list[str]:
    """The base URLs of an allow-list, separated by white space or commas, in its order, each once, without a
    slash at the end. Left out is what is no address of http or https, and what holds a name, a key or a query: the
    addresses are shown on pages and stand in artefacts."""
    found = (entry.rstrip("/") for entry in re.split(r"[\s,]+", text.strip()))
    return list(dict.fromkeys(url for url in found if re.fullmatch(r"https?://[^/@?#]+(/[^@?#]*)?", url)))
