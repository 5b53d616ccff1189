"""The demo's tiny policy: a language model built from nothing on the demo's own texts, so that tuning really runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings

from medes_site.kit.jobs.context import JobContext
from medes_site.kit.jobs.errors import JobError
from training.readers.child_environment import child_environment
from training.services.engine_process import ROOT

NAME = "tiny-policy"
ENGINE = "training.engine.tiny_policy"
CORPUS = ("norms.jsonl", "items.jsonl", "answers/*.jsonl")
POLL_SECONDS = 0.5


def policy_folder() -> Path:
    return Path(settings.MEDES_HOME) / "models" / NAME


def policy_is_wanted() -> bool:
    """Whether it is not there yet, and the packages that make it are."""
    return not (policy_folder() / "config.json").is_file() and find_spec("torch") is not None


def build_policy(context: JobContext) -> None:
    """Builds it in a child process, aside, and puts it in its place whole. Raises JobError with its last words."""
    if not policy_is_wanted():
        return
    demo = ROOT / "benchmark" / "demo"
    corpus = [str(path) for pattern in CORPUS for path in sorted(demo.glob(pattern))]
    target = policy_folder()
    draft = target.with_name(f".{NAME}.{context.job_id}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    context.progress(0, 0, "tiny policy")
    log = target.parent / f"{NAME}.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            # Tied to this worker: a builder that outlived it would write beside its successor.
            [
                sys.executable,
                "-m",
                "training.engine.leash",
                str(os.getpid()),
                ENGINE,
                str(draft),
                "--corpus",
                *corpus,
            ],
            cwd=ROOT,
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        while child.poll() is None:
            time.sleep(POLL_SECONDS)
            context.check()
    finally:
        child.kill()
        child.wait()
    words = log.read_text("utf-8", "replace").replace("\r", "\n").strip().splitlines() or [""]
    if child.returncode:
        shutil.rmtree(draft, ignore_errors=True)
        raise JobError(words[-1][:500] or "The tiny policy could not be built.")
    context.log(words[-1])
    shutil.rmtree(target, ignore_errors=True)
    (draft / ".engine.lock").unlink(missing_ok=True)
    draft.rename(target)
