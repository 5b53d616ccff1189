"""Guardian of kind `generative`: a language model that reasons and scores under a strict schema.

Artefact: `guardian.json`; its `settings` say where the model is: {"backend": "endpoint", "url", "model", "key_name",
"timeout"} or {"backend": "local"} with a checkpoint in `model/`. Also: `tries` (per answer), `wait` (seconds before
the second try), `parallel` (calls in flight), `slopes` and `offsets` on the model's own log odds (default 1 and 0).

A reply that breaks the schema is asked for again, with a new token; after the last try the outcome is JudgeFailed.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from benchmark.guardians.base import (
    CRITERIA,
    RISK_CRITERIA,
    Case,
    GuardianError,
    JudgeFailed,
    Span,
    Verdict,
    decide,
)
from benchmark.guardians.endpoint import CallFailed, Endpoint, persistently
from benchmark.guardians.manifest import Manifest, read_manifest
from benchmark.rules.judge_protocol import Reply, ReplyRefused, messages, read_reply

UNSAID = 0.5
"""The probability of a quality criterion on which the model, having found a risk, says nothing."""

EDGE = 0.01
"""A model that is certain is believed up to 99%."""


class Backend(Protocol):
    """Turns messages into a reply. Raises CallFailed."""

    def complete(self, messages: Sequence[dict[str, str]], seed: int) -> str: ...


class GenerativeGuardian:
    """Judges with as many calls in flight as the manifest allows; outcomes in the order of the cases."""

    kind = "generative"

    def __init__(
        self, manifest: Manifest, backend: Backend, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self.name = manifest.name
        self.version = manifest.version
        self.manifest = manifest
        self._backend = backend
        self._pause = pause
        settings = manifest.settings
        self._tries = int(settings.get("tries", 4))
        self._wait = float(settings.get("wait", 1.0))
        self.parallel = int(settings.get("parallel", 8))
        self._slopes = [float(value) for value in settings.get("slopes", [1.0] * len(CRITERIA))]
        self._offsets = [float(value) for value in settings.get("offsets", [0.0] * len(CRITERIA))]

    def judge(self, cases: Sequence[Case]) -> list[Verdict | JudgeFailed]:
        """One outcome a case; JudgeFailed after the last try. Raises nothing for a bad reply or endpoint."""
        with ThreadPoolExecutor(max_workers=max(1, min(self.parallel, len(cases) or 1))) as pool:
            return list(pool.map(self._judge, cases))

    def _judge(self, case: Case) -> Verdict | JudgeFailed:
        reply = self.ask(case)
        return reply if isinstance(reply, JudgeFailed) else self.verdict(case, reply)

    def ask(self, case: Case) -> Reply | JudgeFailed:
        """What the model says of the case, as it stands: neither calibrated nor decided on. Raises nothing."""
        if not all(isinstance(text, str) for text in (case.norm, case.question, case.response)):
            return JudgeFailed("The norm, the question or the response is not a text.")
        norm, question, response = (_sayable(text) for text in (case.norm, case.question, case.response))

        tried = 0

        def attempt(number: int) -> Reply:
            nonlocal tried
            tried = number + 1
            token = secrets.token_hex(16)
            reply = self._backend.complete(messages(norm, question, response, token), number)
            try:
                return read_reply(reply, token)
            except ReplyRefused as error:
                raise CallFailed(str(error), again=True) from None

        try:
            return persistently(attempt, self._tries, self._wait, self._pause)
        except CallFailed as error:
            if tried == 1:
                return JudgeFailed(f"No judgement after one try: {error}.")
            return JudgeFailed(f"No judgement after {tried} tries: {error}.")

    def verdict(self, case: Case, reply: Reply) -> Verdict:
        """The judgement that a reply makes with this guardian's calibration and thresholds."""
        p = self._probabilities(reply)
        values, abstained = decide(p, self.manifest.thresholds, self.manifest.flag_from)
        evidence = evidence_of(reply, _sayable(case.response), values)
        return Verdict(p, values, abstained, evidence, reply.rationale)

    def _probabilities(self, reply: Reply) -> dict[str, float]:
        """Of the positive answer (violated; met), through the calibration on log odds."""
        found = {}
        for name, slope, offset in zip(CRITERIA, self._slopes, self._offsets, strict=True):
            value = reply.values[name]
            if value is None:
                found[name] = UNSAID
                continue
            sure = min(max(reply.confidence[name], EDGE), 1 - EDGE)
            said = sure if value else 1 - sure
            found[name] = 1 / (1 + math.exp(-(slope * math.log(said / (1 - said)) + offset)))
        return found


def evidence_of(reply: Reply, response: str, values: dict[str, int | None]) -> dict[str, tuple[Span, ...]]:
    """Where the quoted sentences stand in the answer; a quote that is not there, word for word, is dropped."""
    found: dict[str, tuple[Span, ...]] = {}
    for name in RISK_CRITERIA:
        if values[name] == 0:
            continue
        spans = {
            (start, start + len(quote))
            for quote in reply.quotes.get(name, ())
            if (start := response.find(quote)) >= 0
        }
        if spans:
            found[name] = tuple(sorted(spans))
    return found


def load(folder: Path) -> GenerativeGuardian:
    """The guardian in an artefact directory. Raises GuardianError: endpoint not allowed, key or checkpoint missing."""
    manifest = read_manifest(folder)
    settings = manifest.settings
    try:
        sane = all(
            (
                1 <= int(settings.get("tries", 4)) <= 10,
                0 <= float(settings.get("wait", 1.0)) <= 60,
                1 <= int(settings.get("parallel", 8)) <= 64,
                1 <= float(settings.get("timeout", 60)) <= 600,
                all(len(settings.get(name, CRITERIA)) == len(CRITERIA) for name in ("slopes", "offsets")),
            )
        )
    except (TypeError, ValueError):
        sane = False
    if not sane:
        raise GuardianError("The settings of this guardian make no sense.")
    return GenerativeGuardian(manifest, _backend(folder, settings))


def _backend(folder: Path, settings: Any) -> Backend:
    if settings.get("backend") == "endpoint":
        endpoint = Endpoint(
            url=str(settings.get("url", "")),
            model=str(settings.get("model", "")),
            key_name=str(settings.get("key_name", "")),
            timeout=float(settings.get("timeout", 60)),
        )
        endpoint.check()
        return endpoint
    if settings.get("backend") == "local":
        try:
            module = import_module("benchmark.guardians.generative_local")
        except ImportError as error:
            raise GuardianError(f"A local judge needs {error.name}, which is not installed here.") from error
        backend: Backend = module.load_backend(folder)
        return backend
    raise GuardianError("The settings of this guardian name neither an endpoint nor a local checkpoint.")


def _sayable(text: str) -> str:
    """Lone surrogates cannot be sent; each becomes one replacement mark, so that places stay as they are."""
    return (
        "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text) if _has_surrogate(text) else text
    )


def _has_surrogate(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False
