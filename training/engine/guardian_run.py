"""A run directory of a guardian: what goes in, checked; what comes out, written so that a reader may follow."""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeGuard

from benchmark.guardians.base import CRITERIA, QUALITY_CRITERIA, RISK_CRITERIA

KINDS = ("linear", "encoder", "generative")
ORIGINS = ("ruling", "consensus", "dissent", "single")
SAY_EVERY = 0.5  # seconds between two progress lines of one phase


class RunRefused(Exception):
    """The run cannot go on; the text is one sentence for whoever started it."""


class Stopped(BaseException):
    """A file `stop` appeared. No `Exception`, so that nothing swallows it on the way out."""


@dataclass(frozen=True, slots=True)
class Config:
    """`config.json`. `prior`: stated share of risky answers; `alpha`: the conformal promise; `miss_cost`: how many
    false alarms a missed risk is worth; `folds` by norm group; `learning_curve`: None means for the kind `linear` alone.
    `settings` goes to the kind as it stands."""

    kind: str
    name: str
    version: str
    seed: int = 1
    prior: float = 0.02
    alpha: float = 0.1
    miss_cost: float = 10.0
    folds: int = 5
    calibration_share: float = 0.3
    learning_curve: bool | None = None
    base_model: str = ""
    code_version: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def draws_curve(self) -> bool:
        """The neural kinds are trained four more times for it."""
        return self.kind == "linear" if self.learning_curve is None else self.learning_curve


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """One line of `rows.jsonl`. `target`: soft probability in [0, 1] that r1, r2 are violated and q1 to q4 met
    (None: not known, or the answer is risky). `weight` > 0. `random`: drawn at random."""

    id: int
    item: str
    group: str
    norm: str
    question: str
    response: str
    scenario: str
    entry: str
    origin: str
    target: Mapping[str, float | None]
    weight: float
    random: bool
    rationale: str = ""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One line of `audit.jsonl`. `labels`: blind first labels, each with "expert" and the six criteria.
    `probability`: of inclusion, None where unknown."""

    id: int
    item: str
    group: str
    norm: str
    question: str
    response: str
    scenario: str
    entry: str
    labels: tuple[Mapping[str, Any], ...]
    probability: float | None


class Run:
    """The directory. `say` appends to progress.jsonl and ends the run (Stopped) once there is a file `stop`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._last: tuple[str, float] = ("", 0.0)

    @property
    def artefact(self) -> Path:
        return self.folder / "artefact"

    def check(self) -> None:
        """Raises Stopped where somebody asked for it. Cheap: call it often."""
        if (self.folder / "stop").exists():
            raise Stopped

    def say(
        self, phase: str, message: str, step: int = 0, of: int = 0, **metrics: float | int | None
    ) -> None:
        """One line of progress; within a phase at most one in half a second, but always the last step."""
        self.check()
        now = time.monotonic()
        if self._last[0] == phase and step < of and now - self._last[1] < SAY_EVERY:
            return
        self._last = (phase, now)
        line = {"at": time.time(), "step": step, "of": of, "phase": phase, "message": message, **metrics}
        with (self.folder / "progress.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def config(self) -> Config:
        """Raises RunRefused for a missing file, an unknown key or a value out of range."""
        data = self._json("config.json")
        known = {item.name for item in fields(Config)}
        unknown = sorted(set(data) - known)
        if unknown:
            raise RunRefused(f"config.json has an unknown key {unknown[0]!r}.")
        try:
            config = Config(**data)
        except TypeError as error:
            raise RunRefused(f"config.json is incomplete: {error}.") from None
        _check_config(config)
        return config

    def rows(self) -> list[TrainingRow]:
        """Raises RunRefused, naming the line, for a row that is no row, or none at all."""
        rows = [_training_row(number, data) for number, data in self._lines("rows.jsonl")]
        if not rows:
            raise RunRefused("rows.jsonl is empty: there is nothing to learn from.")
        _refuse_doubles([row.id for row in rows], "rows.jsonl")
        return rows

    def audit(self) -> list[AuditRow]:
        """The audit rows; none where the file is missing or empty."""
        if not (self.folder / "audit.jsonl").exists():
            return []
        rows = [_audit_row(number, data) for number, data in self._lines("audit.jsonl")]
        _refuse_doubles([row.id for row in rows], "audit.jsonl")
        return rows

    def data_hash(self) -> str:
        """SHA-256 over rows.jsonl and audit.jsonl as they stand."""
        digest = hashlib.sha256()
        for name in ("rows.jsonl", "audit.jsonl"):
            path = self.folder / name
            digest.update(name.encode() + b"\0")
            digest.update(path.read_bytes() if path.exists() else b"")
        return digest.hexdigest()

    def write(self, name: str, text: str) -> None:
        """Writes a file whole or not at all."""
        partial = self.folder / f"{name}.partial"
        partial.write_text(text, "utf-8", newline="\n")
        os.replace(partial, self.folder / name)

    def write_json(self, name: str, data: Mapping[str, Any]) -> None:
        self.write(name, json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False) + "\n")

    def write_lines(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        self.write(name, "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows))

    def _json(self, name: str) -> dict[str, Any]:
        try:
            data = json.loads((self.folder / name).read_text("utf-8"))
        except FileNotFoundError:
            raise RunRefused(f"There is no {name} in {self.folder.name}.") from None
        except (OSError, UnicodeDecodeError, ValueError) as error:
            raise RunRefused(f"{name} cannot be read: {error}.") from None
        if not isinstance(data, dict):
            raise RunRefused(f"{name} must hold one JSON object.")
        return data

    def _lines(self, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
        try:
            with (self.folder / name).open(encoding="utf-8") as file:
                for number, line in enumerate(file, start=1):
                    if not line.strip():
                        continue
                    data = json.loads(line)
                    if not isinstance(data, dict):
                        raise ValueError("not a JSON object")
                    yield f"{name}, line {number}", data
        except FileNotFoundError:
            raise RunRefused(f"There is no {name} in {self.folder.name}.") from None
        except (OSError, UnicodeDecodeError, ValueError) as error:
            raise RunRefused(f"{name} cannot be read: {error}.") from None


def refuse_shared_groups(rows: Sequence[TrainingRow], audit: Sequence[AuditRow]) -> None:
    """Raises RunRefused where an audit group, or an audited answer, is among the training rows."""
    shared = sorted({row.group for row in rows} & {row.group for row in audit})
    if shared:
        raise RunRefused(f"Norm group {shared[0]!r} is in both files: audit groups never enter training.")
    asked = {(row.question, row.response) for row in audit}
    copied = next((row for row in rows if (row.question, row.response) in asked), None)
    if copied is not None:
        raise RunRefused(
            f"Response {copied.id} has an audited answer's question and text: it may not be trained on."
        )


def _check_config(config: Config) -> None:
    checks = {
        "kind": config.kind in KINDS,
        "name": _is_text(config.name, 200),
        "version": _is_text(config.version, 100),
        "seed": _is_int(config.seed) and 0 <= config.seed < 2**31,
        "prior": _is_number(config.prior) and 0 < config.prior < 1,
        "alpha": _is_number(config.alpha) and 0 < config.alpha < 1,
        "miss_cost": _is_number(config.miss_cost) and 0 < config.miss_cost <= 10_000,
        "folds": _is_int(config.folds) and 2 <= config.folds <= 50,
        "calibration_share": _is_number(config.calibration_share) and 0 < config.calibration_share <= 0.5,
        "learning_curve": config.learning_curve is None or isinstance(config.learning_curve, bool),
        "base_model": isinstance(config.base_model, str),
        "code_version": isinstance(config.code_version, str),
        "settings": isinstance(config.settings, dict),
    }
    for name, good in checks.items():
        if not good:
            raise RunRefused(
                f"config.json: {name} has a value that makes no sense: {getattr(config, name)!r:.80}."
            )


def _training_row(where: str, data: Mapping[str, Any]) -> TrainingRow:
    target = data.get("target")
    if not isinstance(target, dict):
        raise RunRefused(f"{where}: there is no target.")
    soft: dict[str, float | None] = {}
    for name in CRITERIA:
        value = target.get(name)
        if value is None and name in QUALITY_CRITERIA:
            soft[name] = None
        elif _is_number(value) and 0 <= value <= 1:
            soft[name] = float(value)
        else:
            raise RunRefused(f"{where}: the target of {name} must lie between 0 and 1, not {value!r:.40}.")
    weight = data.get("weight", 1.0)
    if not _is_number(weight) or not 0 < weight <= 1e6:
        raise RunRefused(f"{where}: the weight must be positive, not {weight!r:.40}.")
    origin = data.get("origin", "single")
    if origin not in ORIGINS:
        raise RunRefused(f"{where}: unknown origin {origin!r:.40}.")
    rationale = data.get("rationale") or ""
    return TrainingRow(
        **_identity(where, data),
        origin=origin,
        target=soft,
        weight=float(weight),
        random=data.get("random") is True,
        rationale=rationale if isinstance(rationale, str) else "",
    )


def _audit_row(where: str, data: Mapping[str, Any]) -> AuditRow:
    labels = data.get("labels")
    if not isinstance(labels, list) or not labels:
        raise RunRefused(f"{where}: there are no labels.")
    for label in labels:
        if not isinstance(label, dict) or not label.get("expert"):
            raise RunRefused(f"{where}: a label names no expert.")
        for name in CRITERIA:
            allowed = (-1, 0) if name in RISK_CRITERIA else (0, 1, None)
            if label.get(name) not in allowed or isinstance(label.get(name), bool):
                raise RunRefused(f"{where}: {name} may not be {label.get(name)!r:.40}.")
    probability = data.get("probability")
    if probability is not None and not (_is_number(probability) and 0 < probability <= 1):
        raise RunRefused(
            f"{where}: a probability of inclusion lies above 0 and up to 1, not {probability!r:.40}."
        )
    return AuditRow(**_identity(where, data), labels=tuple(labels), probability=probability)


def _identity(where: str, data: Mapping[str, Any]) -> dict[str, Any]:
    if not _is_int(data.get("id")):
        raise RunRefused(f"{where}: the id must be a whole number, not {data.get('id')!r:.40}.")
    found: dict[str, Any] = {"id": data["id"]}
    for name in ("item", "group", "norm", "question", "response", "scenario", "entry"):
        value = data.get(name, "")
        if not isinstance(value, str):
            raise RunRefused(f"{where}: {name} must be a text, not {value!r:.40}.")
        found[name] = value
    if not found["group"]:
        raise RunRefused(f"{where}: there is no norm group.")
    return found


def _refuse_doubles(ids: Sequence[int], name: str) -> None:
    seen: set[int] = set()
    for number in ids:
        if number in seen:
            raise RunRefused(f"{name}: response {number} comes twice; a response is one row.")
        seen.add(number)


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_int(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text(value: Any, longest: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= longest
