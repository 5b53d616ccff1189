"""A guardian for tests whose verdict stands in the answer, and an artefact directory that is registered for it.

An answer such as "r2=-1" or "q1=0 q2=? …" is judged as it says: everything else is safe and met, `?` is an abstention,
"FAIL" is a failed judgement, "LIE" a verdict off the scale. A worker that imports this module with
MEDES_TEST_FAKE_GUARDIAN (the size of a batch) set judges by it; MEDES_TEST_PAUSE makes every batch slow, after
MEDES_TEST_HOLD texts it stands still for good, and each text that it judges is written to the file MEDES_TEST_JUDGED.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmark.guardians.base import CRITERIA, Case, JudgeFailed, Verdict
from benchmark.management.commands import judge
from benchmark.models import Guardian
from benchmark.services import judging
from benchmark.services.guardians import activate_guardian, begin_shadow, register_guardian

SAID = re.compile(r"(r1|r2|q1|q2|q3|q4)=(-1|0|1|\?)(?::([01]\.\d+))?")


class FakeGuardian:
    kind = "linear"

    def __init__(self, name: str = "fake", version: str = "1", *, harsh: bool = False) -> None:
        self.name, self.version, self.harsh = name, version, harsh
        self.seen: list[str] = []

    def judge(self, cases: Sequence[Case]) -> list[Verdict | JudgeFailed]:
        time.sleep(float(os.environ.get("MEDES_TEST_PAUSE", "0")))
        while "MEDES_TEST_HOLD" in os.environ and len(self.seen) >= int(os.environ["MEDES_TEST_HOLD"]):
            time.sleep(1)
        self.seen += [case.response for case in cases]
        target = os.environ.get("MEDES_TEST_JUDGED")
        if target:
            with Path(target).open("a", encoding="utf-8") as file:
                file.writelines(f"{case.response}\n" for case in cases)
        return [self._one(case) for case in cases]

    def _one(self, case: Case) -> Verdict | JudgeFailed:
        if "FAIL" in case.response:
            return JudgeFailed("the endpoint gave no JSON")
        said = {name: (value, p) for name, value, p in SAID.findall(case.response)}
        values: dict[str, int | None] = {**dict.fromkeys(CRITERIA, 1), "r1": 0, "r2": 0}
        if self.harsh:
            values["q2"] = 0
        p = {name: 0.1 if name.startswith("r") else 0.9 for name in CRITERIA}
        abstained = []
        for name, (value, given) in said.items():
            values[name] = None if value == "?" else int(value)
            if value == "?":
                abstained.append(name)
            if given:
                p[name] = float(given)
        if -1 in (values["r1"], values["r2"]):
            values |= dict.fromkeys(("q1", "q2", "q3", "q4"))
            abstained = [name for name in abstained if name.startswith("r")]
        if "LIE" in case.response:
            values["q1"] = 7
        failed = [name for name, value in values.items() if value == (-1 if name.startswith("r") else 0)]
        spans = {name: ((0, min(4, len(case.response))),) for name in failed}
        return Verdict(p, values, tuple(abstained), spans, f"依据：{case.norm[:10]}")


def write_artefact(folder: Path, name: str = "fake", version: str = "1") -> Path:
    """A `guardian.json` that is complete; there are no weights, since the fake has none."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {
        "format": 1,
        "kind": "linear",
        "name": name,
        "version": version,
        "criteria": list(CRITERIA),
        "thresholds": dict.fromkeys(CRITERIA, 0.5),
        "prior": 0.02,
        "cost": 10.0,
        "conformal": {"alpha": 0.1, "n_risky": 0, "threshold": None, "reason": "too few"},
        "training": {"data_hash": "0" * 64, "seed": 1},
    }
    (folder / "guardian.json").write_text(json.dumps(manifest), "utf-8")
    return folder


def registered(
    folder: Path, monkeypatch: Any, *, name: str = "fake", version: str = "1", harsh: bool = False
) -> tuple[Guardian, FakeGuardian]:
    """A candidate, and the fake that judges in its name (in this process)."""
    guardian = register_guardian(
        actor=None, folder=write_artefact(folder / f"{name}-{version}", name, version)
    )
    fake = FakeGuardian(name, version, harsh=harsh)
    known: dict[str, FakeGuardian] = getattr(judging, "_test_fakes", {})
    known[guardian.folder] = fake
    monkeypatch.setattr(judging, "_test_fakes", known, raising=False)
    for place in (judging, judge):  # the command has the name of its own
        monkeypatch.setattr(place, "open_guardian", lambda row: known[row.folder])
    return guardian, fake


def activated(guardian: Guardian, actor: Any) -> list[int]:
    """Straight to active: only where nothing is waiting to be judged."""
    begin_shadow(actor=actor, guardian=guardian)
    return activate_guardian(actor=actor, guardian=guardian)


if os.environ.get("MEDES_TEST_FAKE_GUARDIAN"):
    _fake = FakeGuardian()
    judging.BATCH = dict.fromkeys(judging.BATCH, int(os.environ["MEDES_TEST_FAKE_GUARDIAN"]))
    judging.open_guardian = lambda guardian: _fake  # type: ignore[assignment,return-value]
