"""The learning curve: quality on the audit answers after learning from a growing share of the norm groups.

The shares are nested and seeded. The kind `linear` is quick enough to be trained again for each; the neural kinds are
trained four more times where it is asked for, each time in a folder of its own, `RUN_DIR/curve/PERCENT`, and a point
that was measured is kept, so that a run which was killed goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmark.guardians.base import CRITERIA, Guardian
from benchmark.guardians.linear import LinearGuardian
from benchmark.guardians.manifest import Manifest, read_manifest
from training.engine import guardian_linear
from training.engine.guardian_measuring import judged_rows, predictions
from training.engine.guardian_run import AuditRow, Config, Run, RunRefused, TrainingRow
from training.rules.guardian_quality import quality_report

SHARES = (0.2, 0.4, 0.6, 0.8, 1.0)
FOLDER = "curve"
MIN_GROUPS = 2
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
    """One part a share, each within the next, of two groups at least; none of rows of one group."""
    groups = sorted({row.group for row in rows})
    random.Random(config.seed + 1).shuffle(groups)
    parts = []
    for share in SHARES:
        kept = set(groups[: max(MIN_GROUPS, round(len(groups) * share))])
        if len(kept) >= MIN_GROUPS:
            parts.append(Part(share, [row for row in rows if row.group in kept], len(kept)))
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
    whole: Mapping[str, Any],
    train: Train,
) -> list[dict[str, Any]]:
    """`whole`: the report of the guardian itself, which is the last point. A part that no guardian of this kind can be
    trained on has no point."""
    points = []
    told = json.dumps(asdict(config), sort_keys=True, default=str)
    mark = hashlib.sha256(f"{run.data_hash()} {told}".encode()).hexdigest()
    parts = parts_of(rows, config) if audit else []
    total = sum(part.share for part in parts if part.share < 1)
    done = 0.0
    for part in parts:
        if part.share == 1:
            points.append(point_of(part, whole))
            continue
        here = PartRun(run, part, done / total, part.share / total)
        done += part.share
        point = here.kept(mark)
        if point is None:
            point = _measured(here, part, config, audit, train)
            here.keep(mark, point)
        if point:
            points.append(point)
    return points


def _measured(
    here: PartRun, part: Part, config: Config, audit: Sequence[AuditRow], train: Train
) -> dict[str, Any]:
    """The point; an empty one where the part is too small to be trained on."""
    here.artefact.mkdir(parents=True, exist_ok=True)
    here.tell(0.0)
    try:
        guardian = train(here, config, part.rows)
    except RunRefused:
        return {}
    thresholds = read_manifest(here.artefact).thresholds
    return point_of(part, _report(here, guardian, thresholds, config, audit))


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
        if phase == "train" and of:
            self.tell(step / of)

    def tell(self, done: float) -> None:
        """`done`: the share of this training that is done. Each percent of the whole curve is told once."""
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
        """And forgets the weights that it was measured on."""
        self._whole.write_json(f"{FOLDER}/{self._point.name}", {"of": mark, "point": point})
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _point(self) -> Path:
        return self.folder.with_suffix(".json")


def forget(folder: Path) -> None:
    """After a run that came to its end."""
    shutil.rmtree(folder / FOLDER, ignore_errors=True)
