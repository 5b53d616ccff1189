"""Calls to an OpenAI-compatible endpoint that a researcher has allowed, with keys from the environment alone.

`MEDES_JUDGE_ENDPOINTS`: allowed base URLs, separated by white space or commas. A key lies in a variable whose name
begins with `MEDES_JUDGE_KEY`; neither artefact nor database ever holds one, and no redirect carries it elsewhere.
"""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, TypeVar

from benchmark.guardians.base import GuardianError
from benchmark.rules.judge_endpoints import ALLOWED, KEY_NAME, allowed_endpoints

R = TypeVar("R")

MAX_BYTES = 2 * 2**20
AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
MAX_WAIT = 60.0
CHUNK = 65_536


class CallFailed(Exception):
    """No usable reply. `again`: worth another attempt; `after`: seconds the endpoint asked to be left alone."""

    def __init__(self, reason: str, *, again: bool, after: float = 0.0) -> None:
        super().__init__(reason)
        self.again = again
        self.after = after


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`url`: base URL as it stands in the allow-list; `timeout`: seconds for one whole call."""

    url: str
    model: str
    key_name: str = ""
    timeout: float = 60.0

    def check(self) -> None:
        """Raises GuardianError unless the endpoint is allowed here and its key is at hand."""
        if self.url.rstrip("/") not in allowed_endpoints(os.environ.get(ALLOWED, "")):
            raise GuardianError(f"The endpoint {self.url[:200]} is not among those allowed in {ALLOWED}.")
        if self.key_name and not KEY_NAME.match(self.key_name):
            raise GuardianError(
                "The key's variable must be called MEDES_JUDGE_KEY or MEDES_JUDGE_KEY_<NAME>."
            )
        if self.key_name and not os.environ.get(self.key_name):
            raise GuardianError(
                f"The key for this endpoint belongs into the environment variable {self.key_name}."
            )

    def complete(self, messages: Sequence[Mapping[str, str]], seed: int) -> str:
        """The text of the first choice. Raises CallFailed."""
        body = {
            "model": self.model,
            "messages": list(messages),
            "temperature": 0,
            "seed": seed,
            "max_tokens": 1_500,
        }
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.key_name:
            headers["Authorization"] = f"Bearer {os.environ.get(self.key_name, '')}"
        request = urllib.request.Request(
            f"{self.url.rstrip('/')}/chat/completions", json.dumps(body).encode(), headers, method="POST"
        )
        try:
            return _content(self._read(request))
        except urllib.error.HTTPError as error:
            error.close()
            again = error.code in AGAIN
            raise CallFailed(
                f"the endpoint answered {error.code}", again=again, after=_after(error.headers)
            ) from None
        except (OSError, HTTPException, ValueError) as error:
            raise CallFailed(f"the endpoint could not be read: {type(error).__name__}", again=True) from None

    def _read(self, request: urllib.request.Request) -> bytes:
        """The whole body within the time limit, however slowly it drips."""
        deadline = time.monotonic() + self.timeout
        with _OPENER.open(request, timeout=self.timeout) as response:
            parts, size = [], 0
            while part := response.read1(CHUNK):
                parts.append(part)
                size += len(part)
                if size > MAX_BYTES:
                    raise CallFailed("the reply is too large", again=True)
                if time.monotonic() > deadline:
                    raise CallFailed("the endpoint was too slow", again=True)
            return b"".join(parts)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: Any, **_named: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))


def persistently(attempt: Callable[[int], R], tries: int, wait: float, pause: Callable[[float], None]) -> R:
    """The first result of `attempt(0)`, `attempt(1)` …; between two waits `wait` seconds, then twice that, up to a
    minute, or as long as the endpoint asked for. Raises the last CallFailed, at once where another try is no use."""
    for number in range(tries):
        try:
            return attempt(number)
        except CallFailed as error:
            if not error.again or number == tries - 1:
                raise
            pause(min(MAX_WAIT, max(error.after, wait * 2**number)))
    raise CallFailed("there was no attempt", again=False)


def _content(body: bytes) -> str:
    """Raises ValueError for a body that is no chat completion, or one that was cut off."""
    choice = json.loads(body)["choices"][0] if _is_completion(body) else None
    if choice is None:
        raise ValueError("not a chat completion")
    if choice.get("finish_reason") == "length":
        raise ValueError("cut off")
    return str(choice["message"]["content"])


def _is_completion(body: bytes) -> bool:
    try:
        data = json.loads(body)
        return isinstance(data["choices"][0]["message"]["content"], str)
    except (KeyError, IndexError, TypeError, ValueError, RecursionError):
        return False


def _after(headers: Any) -> float:
    """Seconds named by a Retry-After header; 0 where there is none to be understood."""
    try:
        return min(MAX_WAIT, max(0.0, float(headers.get("Retry-After", 0))))
    except (TypeError, ValueError):
        return 0.0
