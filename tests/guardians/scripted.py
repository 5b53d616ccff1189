"""An OpenAI-compatible endpoint on loopback that does as it is told: a diligent judge, or one of many bad ones.

The diligent one reads only what stands between the delimiters that the system message announces, and insists that
each of the three parts stands there once; so a text that could break out of its delimiters would show at once.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = re.compile(r'"token": "([0-9a-f]{32})"')
HIDE = "悄悄补签"


@dataclass
class Scripted:
    """`script(number, body)` gives (status, headers, reply text or bytes, seconds to wait) for each request."""

    script: Callable[[int, dict[str, Any]], tuple[int, dict[str, str], str | bytes, float]]
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""


def parts_of(body: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """The token and the three texts, as a reader who trusts the delimiters alone finds them."""
    system, user = (message["content"] for message in body["messages"])
    token = TOKEN.search(system).group(1)  # type: ignore[union-attr]
    found = {}
    for name in ("规范", "问题", "回答"):
        pattern = rf"<<<{token} {name} 开始>>>\n(.*?)\n<<<{token} {name} 结束>>>"
        [found[name]] = re.findall(pattern, user, flags=re.S)
    return token, found


def judgement(token: str, answer: str) -> dict[str, Any]:
    """The diligent judge's rule."""
    risky = HIDE in answer
    return {
        "token": token,
        "rationale": "看了标记之间的内容。",
        "r1": -1 if risky else 0,
        "r2": -1 if risky else 0,
        "q1": None if risky else int("违法" in answer),
        "q2": None if risky else int("《" in answer),
        "q3": None if risky else int("建议" in answer),
        "q4": None if risky else int("理解" in answer),
        "confidence": dict.fromkeys(("r1", "r2") if risky else ("r1", "r2", "q1", "q2", "q3", "q4"), 0.9),
        "evidence": {"r1": [], "r2": [HIDE, "这句话回答里没有"] if risky else []},
    }


def completion(text: str, finish: str = "stop") -> str:
    return json.dumps(
        {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": finish}]}
    )


def diligent(_number: int, body: dict[str, Any]) -> tuple[int, dict[str, str], str, float]:
    token, parts = parts_of(body)
    return 200, {}, completion(json.dumps(judgement(token, parts["回答"]), ensure_ascii=False)), 0.0


@contextmanager
def serving(script: Callable[..., Any]) -> Iterator[Scripted]:
    state = Scripted(script)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                number = len(state.requests)
                state.requests.append(body)
                state.headers.append(dict(self.headers))
            status, headers, text, wait = state.script(number, body)
            time.sleep(wait)
            data = text.encode() if isinstance(text, str) else text
            try:
                self.send_response(status)
                for name, value in ({"Content-Length": str(len(data))} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)
            except OSError:  # the caller has hung up, as it should
                pass

        def log_message(self, *_arguments: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
