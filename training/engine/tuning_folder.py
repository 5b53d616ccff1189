"""The directory of an SFT or DPO run: what is read, how progress is told, how a stop is noticed."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.rules.tuning_config import Config, ConfigError, Kind, parse_config

STOP = "stop"
STEPWISE = ("train", "eval", "sample")
"""Phases whose lines belong to a step and are said again by a run that goes on from before it."""


class RunRefused(Exception):
    """The run cannot start or go on; the text is one sentence for whoever started it."""


class Stopped(BaseException):
    """Somebody asked for the run to stop. No `Exception`, so that nothing swallows it on the way out."""


class RunFolder:
    """A run directory. Of several processes of one run only the first, `writes=True`, writes files."""

    def __init__(self, path: Path, *, writes: bool = True) -> None:
        self.path = path
        self.writes = writes

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def artefact(self) -> Path:
        return self.path / "artefact"

    @property
    def cache(self) -> Path:
        return self.path / "cache"

    def stop_asked(self) -> bool:
        return (self.path / STOP).exists()

    def check(self) -> None:
        """Raises Stopped where there is a file `stop`."""
        if self.stop_asked():
            raise Stopped

    def stop_obeyed(self) -> None:
        """Takes the request away, so that the run may be resumed."""
        if self.writes:
            (self.path / STOP).unlink(missing_ok=True)

    def say(self, phase: str, message: str, step: int = 0, of: int = 0, **figures: Any) -> None:
        """Appends one line to progress.jsonl and tells the log. A figure that is no finite number becomes null."""
        if not self.writes:
            return
        line = {"at": time.time(), "step": step, "of": of, "phase": phase, "message": message}
        line |= {name: _plain(value) for name, value in figures.items()}
        with (self.path / "progress.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")
        told = " ".join(
            f"{name}={value:.4g}" for name, value in figures.items() if isinstance(value, int | float)
        )
        sys.stdout.write(f"{phase}: {message} {told}".rstrip() + "\n")
        sys.stdout.flush()

    def append(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        if not self.writes:
            return
        with (self.path / name).open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)

    def forget_after(self, step: int) -> None:
        """Takes out of progress and samples what a resumed run will say again, and a line that a kill cut off.

        `step`: of the checkpoint the run goes on from; -1 where it starts from the beginning.
        """
        for name in ("progress.jsonl", "samples.jsonl"):
            path = self.path / name
            if not self.writes or not path.exists():
                continue
            data = path.read_bytes()
            kept = [
                line
                for line in data[: data.rfind(b"\n") + 1].splitlines(keepends=True)
                if not _said_after(line, step)
            ]
            partial = path.with_name(name + ".partial")
            partial.write_bytes(b"".join(kept))
            os.replace(partial, path)

    def write_json(self, name: str, data: Mapping[str, Any]) -> None:
        """Writes a file whole or not at all."""
        if not self.writes:
            return
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
        partial.write_text(json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True) + "\n", "utf-8")
        os.replace(partial, target)

    def read_json(self, name: str) -> dict[str, Any]:
        """The object in a file of ours; empty where there is none."""
        try:
            data = json.loads((self.path / name).read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return data if isinstance(data, dict) else {}


def read_config(path: Path, kind: Kind) -> Config:
    """The same from a file. Raises ConfigError also where it is missing or no JSON."""
    try:
        data = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"There is no {path.name} in {path.parent}.") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path.name} cannot be read: {error}.") from None
    return parse_config(data, kind)


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(2**20):
            digest.update(piece)
    return digest.hexdigest()


def file_list(folder: Path) -> dict[str, dict[str, Any]]:
    """{relative name: {"bytes", "sha256"}} of all files below a folder, sorted by name."""
    return {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": file_hash(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _said_after(line: bytes, step: int) -> bool:
    try:
        said = json.loads(line)
        return said.get("phase", "sample") in STEPWISE and said["step"] > step
    except (ValueError, KeyError, TypeError, AttributeError):
        return True


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None
    return value
