"""`guardian.json`: what every artefact directory says about itself, read strictly and written the same way twice."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.guardians.base import CRITERIA, GuardianError

FILE = "guardian.json"
FORMAT = 1
KINDS = ("linear", "encoder", "generative")
MAX_BYTES = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Manifest:
    """`thresholds`: six numbers in [0, 1] (above 1: never reached). `prior`: the stated share of risky
    answers. `cost`: what a missed risk costs in false alarms. `conformal`: alpha, n_risky, threshold (None
    where nothing is promised), reason. `training`: data_hash, code_version, seed, libraries, config.
    `settings`: what only this kind knows."""

    kind: str
    name: str
    version: str
    thresholds: Mapping[str, float]
    prior: float
    cost: float
    conformal: Mapping[str, Any]
    training: Mapping[str, Any]
    settings: Mapping[str, Any]

    @property
    def flag_from(self) -> float | None:
        """The conformal threshold on P(risky); None where nothing is promised."""
        found = self.conformal.get("threshold")
        return None if found is None else float(found)


def read_manifest(folder: Path) -> Manifest:
    """Raises GuardianError, with one clear sentence, for a missing or damaged file or an unknown format."""
    path = folder / FILE
    try:
        if path.stat().st_size > MAX_BYTES:
            raise GuardianError(f"{FILE} is larger than any guardian's.")
        data = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise GuardianError(f"There is no {FILE} in {folder.name or folder}.") from None
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise GuardianError(f"{FILE} cannot be read: {error}") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise GuardianError(f"{FILE} is not of format {FORMAT}, the one this version reads.")
    if data.get("kind") not in KINDS:
        raise GuardianError(f"{FILE} names an unknown kind of guardian: {str(data.get('kind'))[:40]!r}.")
    try:
        thresholds = {name: _number(data["thresholds"][name]) for name in CRITERIA}
        manifest = Manifest(
            kind=data["kind"],
            name=str(data["name"]),
            version=str(data["version"]),
            thresholds=thresholds,
            prior=_number(data["prior"]),
            cost=_number(data["cost"]),
            conformal=dict(data["conformal"]),
            training=dict(data.get("training", {})),
            settings=dict(data.get("settings", {})),
        )
        if manifest.flag_from is not None:
            _number(manifest.flag_from)
    except (KeyError, TypeError, ValueError) as error:
        raise GuardianError(f"{FILE} is incomplete or damaged: {error}.") from None
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes the file whole or not at all; equal manifests make equal bytes."""
    data = {
        "format": FORMAT,
        "kind": manifest.kind,
        "name": manifest.name,
        "version": manifest.version,
        "criteria": list(CRITERIA),
        "thresholds": dict(manifest.thresholds),
        "prior": manifest.prior,
        "cost": manifest.cost,
        "conformal": dict(manifest.conformal),
        "training": dict(manifest.training),
        "settings": dict(manifest.settings),
    }
    text = json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False)
    partial = folder / f"{FILE}.partial"
    partial.write_text(text + "\n", "utf-8")
    partial.replace(folder / FILE)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a number")
    return float(value)
