"""python -m training.engine.rank MODULE RUN_DIR …: MODULE as one of several processes (`training.engine.launch`).

It dies with its launcher. How it ended, with the last line it wrote to stderr, goes into RUN_DIR/ended.RANK.json, since
the launcher between keeps neither. Once another process has ended badly, this one waits for it no longer: it would
wait in vain, for half an hour, for a message that never comes.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any, NoReturn, TextIO

from training.engine.leash import tie_to

LAUNCHER = "MEDES_LAUNCHER"
STOPPED = 3
LOOK_SECONDS = 0.5
PATIENCE = {"failed": 3.0, "first stopped": 5.0, "other stopped": 60.0}
"""Seconds to end by oneself. Another process may stop while the first still writes the checkpoint."""


def main(arguments: list[str]) -> NoReturn:
    module, folder = arguments[0], Path(arguments[1])
    number = int(os.environ.get("RANK", "0"))
    if not tie_to(int(os.environ[LAUNCHER])):
        leave(1)
    words = LastLine(sys.stderr)
    sys.stderr = words
    threading.Thread(target=leave_with_others, args=(folder, number), daemon=True).start()
    code = run(module, arguments[1:])
    if code:
        tell(folder, number, code, words.line)
    leave(0 if code == STOPPED else code)


def leave(code: int) -> NoReturn:
    """Ends at once: taking the libraries down takes seconds on a busy machine, and somebody waits for the stop; and a
    process whose neighbour has gone may abort in the middle of it, after everything was done well."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def run(module: str, arguments: list[str]) -> int:
    """The exit code of `python -m module arguments`."""
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(bool(leaving.code))
    except Exception:
        traceback.print_exc()
        return 1
    return 0


def leave_with_others(folder: Path, number: int) -> None:
    while True:
        time.sleep(LOOK_SECONDS)
        waits = [patience(said, number) for said in endings(folder) if said["rank"] != number]
        if waits:
            time.sleep(min(waits))
            if not ended_file(folder, number).exists():
                os._exit(1)


def patience(said: dict[str, Any], number: int) -> float:
    if said["code"] != STOPPED:
        return PATIENCE["failed"]
    return PATIENCE["first stopped" if said["rank"] == 0 and number else "other stopped"]


def tell(folder: Path, number: int, code: int, words: str) -> None:
    said = {"rank": number, "code": code, "words": words[:2000], "at": time.time()}
    partial = ended_file(folder, number).with_suffix(".partial")
    partial.write_text(json.dumps(said, ensure_ascii=False), "utf-8")
    os.replace(partial, ended_file(folder, number))


def ended_file(folder: Path, number: int) -> Path:
    return folder / f"ended.{number}.json"


def endings(folder: Path) -> list[dict[str, Any]]:
    """{"rank", "code", "words", "at"} of every process that ended with another code than 0."""
    return [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("ended.*.json"))]


class LastLine:
    """A stream that remembers the last line with words in it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._open = ""
        self.line = ""

    def write(self, text: str) -> int:
        *whole, self._open = (self._open + text).split("\n")
        self.line = next((line.strip() for line in reversed(whole) if line.strip()), self.line)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


if __name__ == "__main__":
    main(sys.argv[1:])
