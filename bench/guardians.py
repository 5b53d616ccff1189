"""Judgements a second of each kind of guardian, beside the bare model in the same run.

Encoder and generative kinds run on random weights of a real architecture: speed does not depend on what was learnt.
The generative kind is measured against a local endpoint that takes its time, since the model is not ours.
"""

from __future__ import annotations

import json
import os
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmark.guardians.base import CRITERIA, Case, Verdict
from benchmark.guardians.linear import LinearGuardian
from benchmark.guardians.loading import load_guardian
from benchmark.guardians.manifest import Manifest, write_manifest
from training.engine.guardian import main as train_guardian

Row = dict[str, Any]
WORDS = tuple("患本同医应家建违记病风告伦委隐法责不立停联理您的了是")
LENGTH = 1_200
CALL_SECONDS = 0.1


def text(rng: random.Random, length: int) -> str:
    """Chinese-looking text of about that many characters, with a law and a full stop now and then."""
    parts: list[str] = []
    size = 0
    while size < length:
        part = "".join(rng.choices(WORDS, k=18)) + rng.choice(
            ("。", "，", "\n1. ", "《中华人民共和国医师法》第二十五条")
        )
        parts.append(part)
        size += len(part)
    return "".join(parts)[:length]


def cases(count: int, seed: int = 3) -> list[Case]:
    """Lengths around the released median, from half to twice."""
    rng = random.Random(seed)
    return [
        Case(text(rng, 60), text(rng, 180), text(rng, int(LENGTH * 2 ** rng.uniform(-1, 1))))
        for _ in range(count)
    ]


def run_folder(folder: Path, groups: int = 60) -> Path:
    """A run directory whose labels follow from a word, so that there is something to fit."""
    rng = random.Random(11)
    folder.mkdir()
    (folder / "config.json").write_text(
        json.dumps({"kind": "linear", "name": "bench", "version": "1", "learning_curve": False})
    )
    with (folder / "rows.jsonl").open("w", encoding="utf-8") as lines:
        for number in range(groups * 4):
            case = Case(text(rng, 60), text(rng, 180), text(rng, LENGTH))
            share = case.response.count("立") % 5
            target = {"r1": float(share == 4), "r2": float(share == 4)}
            target |= {name: None if share == 4 else float(share > 1) for name in CRITERIA[2:]}
            row = {
                "id": number,
                "item": f"i{number // 4}",
                "group": f"g{number // 4}",
                "entry": f"e{number % 4}",
            }
            row |= {"norm": case.norm, "question": case.question, "response": case.response, "target": target}
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
    return folder


def best_of(act: Any, times: int = 3, clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds of the quickest of a few runs: the machine is not ours alone. `clock` may count processor time."""
    found = []
    for _ in range(times):
        begun = clock()
        act()
        found.append(clock() - begun)
    return min(found)


def measure_linear() -> Iterable[Row]:
    with tempfile.TemporaryDirectory() as place:
        folder = run_folder(Path(place) / "run")
        begun = time.perf_counter()
        if train_guardian([str(folder)]) != 0:
            raise RuntimeError("the linear guardian was not trained")
        yield {"what": "train linear on 240 answers", "figure": time.perf_counter() - begun, "unit": "s"}
        guardian = load_guardian(folder / "artefact")
        assert isinstance(guardian, LinearGuardian)
        many = cases(1_000)
        verdicts = best_of(lambda: guardian.judge(many), clock=time.process_time)
        bare = best_of(lambda: [guardian.scores(case) for case in many], clock=time.process_time)
    yield {
        "what": "judge, linear (1,200 characters, a core)",
        "figure": len(many) / verdicts,
        "unit": "answers/s",
        "floor": len(many) / bare,
        "ratio": bare / verdicts,
        "target": ">= 1,000 answers/s",
    }


def measure_encoder() -> Iterable[Row]:
    try:
        encoder = __import__("bench.guardian_encoder", fromlist=["measure"])
    except ImportError as error:
        yield {
            "what": f"judge, encoder: left out, {error.name} is not installed",
            "figure": 0.0,
            "unit": "answers/s",
        }
        return
    yield from encoder.measure(cases(64))


def measure_generative() -> Iterable[Row]:
    """320 answers, 64 in flight, an endpoint that answers after 100 ms: the ideal is 640 a second."""
    with tempfile.TemporaryDirectory() as place, slow_endpoint() as url:
        settings = {"backend": "endpoint", "url": url, "model": "m", "parallel": 64, "tries": 1}
        manifest = Manifest(
            "generative",
            "bench",
            "1",
            dict.fromkeys(CRITERIA, 0.5),
            0.02,
            10.0,
            {"threshold": None},
            {},
            settings,
        )
        write_manifest(Path(place), manifest)
        guardian = load_guardian(Path(place))
        many = cases(320)
        begun = time.perf_counter()
        outcomes = guardian.judge(many)
        seconds = time.perf_counter() - begun
    if not all(isinstance(outcome, Verdict) for outcome in outcomes):
        raise RuntimeError("a judgement failed")
    ideal = 64 / CALL_SECONDS
    yield {
        "what": "judge, generative (endpoint of 100 ms, 64 in flight)",
        "figure": len(many) / seconds,
        "unit": "answers/s",
        "floor": ideal,
        "ratio": len(many) / seconds / ideal,
    }


class slow_endpoint:  # noqa: N801 - used as a context manager
    """Answers every prompt with a valid judgement after CALL_SECONDS, and is allowed while it stands."""

    def __enter__(self) -> str:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                token = body["messages"][0]["content"].split('"token": "')[1][:32]
                time.sleep(CALL_SECONDS)
                values = {name: 0 for name in CRITERIA}
                reply = {
                    "token": token,
                    "rationale": "x",
                    **values,
                    "confidence": dict.fromkeys(CRITERIA, 0.9),
                    "evidence": {},
                }
                text = json.dumps(
                    {"choices": [{"message": {"content": json.dumps(reply)}, "finish_reason": "stop"}]}
                )
                self.send_response(200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_arguments: Any) -> None:
                return

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{self.server.server_port}/v1"
        os.environ["MEDES_JUDGE_ENDPOINTS"] = url
        return url

    def __exit__(self, *_error: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def measure_guardians() -> Iterable[Row]:
    yield from measure_linear()
    yield from measure_encoder()
    yield from measure_generative()
