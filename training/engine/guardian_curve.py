"""The learning curve: quality on the audit answers after learning from a growing share of the norm groups.

The shares are nested and seeded. The kind `linear` is quick enough to be trained again for each; the neural kinds are
trained four more times where it is asked for, each time in a folder of its own, `RUN_DIR/curve/PERCENT`, and a point
that was measured is kept, so that a run which was killed goes on where it was.
"""

from __future__ import annotations

import gc
import hashlib
import json
import random
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.guardians.base import CRITERIA, Guardian
from benchmark.guardians.linear import LinearGuardian
from benchmark.guardians.manifest import Manifest, read_manifest
from training.engine import guardian_linear
from training.engine.guardian_measuring import judged_rows, predictions
from training.engine.guardian_run import AuditRow, Config, Run, TrainingRow
from training.rules.guardian_quality import quality_report

SHARES = (0.2, 0.4, 0.6, 0.8, 1.0)
FOLDER = "curve"
MIN_GROUPS = 2
PHASES: Mapping[str, tuple[float, float]] = {
    "train": (0.0, 0.8),
    "calibration": (0.8, 0.1),
    "audit": (0.9, 0.1),
}
"""Of a part: from which share of it a phase reaches how far, roughly."""
Train = Callable[[Run, Config, Sequence[TrainingRow]], Guardian]
"""Trains in the run's folder and loads what came of it. Raises RunRefused."""


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of a share of the norm groups, of which there are `groups`."""

    share: float
    rows: Sequence[TrainingRow]
    groups: int

    @property
    def title(self) -> str:
        return f"{self.share:.0%} of the norm groups"


def parts_of(rows: Sequence[TrainingRow], config: Config) -> list[Part]:
    """A part a share, each within the next and larger, of two groups at least; none of rows of one group."""
    groups = sorted({row.group for row in rows})
    random.Random(config.seed + 1).shuffle(groups)
    if len(groups) < MIN_GROUPS:
        return []
    sizes = {
        max(MIN_GROUPS, round(len(groups) * share)): share for share in SHARES
    }  # of one size the last share
    parts = []
    for size, share in sizes.items():
        kept = set(groups[:size])
        parts.append(Part(share, [row for row in rows if row.group in kept], size))
    return parts


def point_of(part: Part, report: Mapping[str, Any]) -> dict[str, Any]:
    """Labelled answers used, macro kappa and each criterion's kappa, None where refused."""
    return {
        "rows": len(part.rows),
        "groups": part.groups,
        "macro_kappa": report["macro_kappa"],
        "kappa": {name: report["criteria"][name]["figures"]["kappa"]["value"] for name in CRITERIA},
    }


def linear_curve(
    run: Run,
    config: Config,
    rows: Sequence[TrainingRow],
    audit: Sequence[AuditRow],
    trained: guardian_linear.Fitted,
) -> list[dict[str, Any]]:
    """With what was chosen for the whole, which spares the choosing."""
    points = []
    for step, part in enumerate(parts_of(rows, config) if audit else (), start=1):
        run.say("learning curve", part.title, step, len(SHARES))
        fitted = guardian_linear.train(part.rows, config, lambda *_step: run.check(), trained.choices)
        manifest = Manifest(
            config.kind, "", "", fitted.thresholds, config.prior, config.miss_cost, {}, {}, {}
        )
        judge = LinearGuardian(manifest, fitted.weights)
        points.append(point_of(part, _report(run, judge, fitted.thresholds, config, audit)))
    return points


def retrained_curve(
    run: Run,
    config: Config,
    rows: Sequence[TrainingRow],
    audit: Sequence[AuditRow],
    whole: tuple[Manifest, Mapping[str, Any]],
    train: Train,
) -> list[dict[str, Any]]:
    """`whole`: manifest and report of the guardian itself, which is the last point. A part that could not be trained on is
    told of and has no point: the guardian is worth no less for it."""
    points = []
    manifest, report = whole
    told = json.dumps([manifest.name, manifest.version, manifest.training], sort_keys=True, default=str)
    mark = hashlib.sha256(told.encode()).hexdigest()
    parts = parts_of(rows, config) if audit else []
    total = sum(part.share for part in parts if part.share < 1)
    done = 0.0
    for part in parts:
        if part.share == 1:
            points.append(point_of(part, report))
            continue
        here = PartRun(run, part, done / total, part.share / total)
        done += part.share
        point = here.kept(mark)
        if point is None:
            point = _measured(here, part, config, audit, train)
            if point is None:
                continue
            here.keep(mark, point)
        points.append(point)
    return points


def _measured(
    here: PartRun, part: Part, config: Config, audit: Sequence[AuditRow], train: Train
) -> dict[str, Any] | None:
    """The point; None, and a line that says why, where no guardian came of the part."""
    here.folder.mkdir(parents=True, exist_ok=True)
    try:
        guardian = train(here, config, part.rows)
        thresholds = read_manifest(here.artefact).thresholds
        return point_of(part, _report(here, guardian, thresholds, config, audit))
    except Exception as error:  # whatever it is, the whole guardian stands; a stop is no Exception
        here.leave(str(error) or type(error).__name__)
        return None
    finally:
        shutil.rmtree(here.artefact, ignore_errors=True)
        gc.collect()  # trained models refer to themselves, and the next one needs their room


def _report(
    run: Run,
    guardian: Guardian,
    thresholds: Mapping[str, float],
    config: Config,
    audit: Sequence[AuditRow],
) -> dict[str, Any]:
    judged = judged_rows(audit, predictions(run, guardian, audit))
    return quality_report(judged, thresholds, prior=config.prior, seed=config.seed)


class PartRun(Run):
    """A run in a folder below the whole one. It hears the whole one's stop file and tells of its training there, as the
    part from `begin` to `begin + length` of the learning curve, both in [0, 1]."""

    def __init__(self, whole: Run, part: Part, begin: float, length: float) -> None:
        super().__init__(whole.folder / FOLDER / f"{part.share:.0%}".rstrip("%"))
        self._whole = whole
        self._part = part
        self._begin = begin
        self._length = length
        self._told = -1

    def check(self) -> None:
        self._whole.check()

    def data_hash(self) -> str:
        return hashlib.sha256(f"{self._whole.data_hash()} {self._part.share}".encode()).hexdigest()

    def say(
        self, phase: str, message: str, step: int = 0, of: int = 0, **metrics: float | int | None
    ) -> None:
        self.check()
        if phase == "resume":
            self._whole.say(phase, message)
        begin, length = PHASES.get(phase, (0.0, 0.0))
        if length and of:
            self.tell(begin + length * step / of)

    def leave(self, reason: str) -> None:
        """Always told, unlike progress, of which half a second holds one line."""
        self._whole.say("learning curve", f"left alone: {reason.splitlines()[0][:300]}")

    def tell(self, done: float) -> None:
        """`done`: the share of this part that is done. Each percent of the whole curve is told once."""
        percent = int(100 * (self._begin + self._length * done))
        if percent > self._told:
            self._told = percent
            self._whole.say("learning curve", self._part.title, percent, 100)

    def kept(self, mark: str) -> dict[str, Any] | None:
        """The point that was measured in this very run, before it was killed."""
        try:
            found = json.loads(self._point.read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return found["point"] if isinstance(found, dict) and found.get("of") == mark else None

    def keep(self, mark: str, point: Mapping[str, Any]) -> None:
        """And forgets what it came from."""
        self._whole.write_json(f"{FOLDER}/{self._point.name}", {"of": mark, "point": point})
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _point(self) -> Path:
        return self.folder.with_suffix(".json")


def forget(folder: Path) -> None:
    """After a run that came to its end."""
    shutil.rmtree(folder / FOLDER, ignore_errors=True)
