"""Runs: planned with a checked configuration, prepared as a folder, closed with their product."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from benchmark.models import Scorer
from benchmark.services.guardians import NAME
from training.errors import BadInput, NotAllowed
from training.models import Run, TrainingKind
from training.policies import can_train
from training.rules.guardian_settings import asks_an_endpoint
from training.services.guardian_config import check_config
from training.services.guardian_data import check_recipe

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = (
    "numpy", "scipy", "scikit-learn", "torch", "transformers", "trl", "peft", "accelerate", "tokenizers", "safetensors",
)  # fmt: skip
SOURCES = ("benchmark/guardians", "benchmark/rules", "training/engine", "training/rules")


def plan_guardian_run(
    *,
    actor: Any,
    config: Mapping[str, Any] | None = None,
    recipe: Mapping[str, Any] | None = None,
    name: str = "",
    note: str = "",
    time_limit: int = 7200,
    reason_if_first: str = "",
) -> Run:
    """A run of the next version under this name. `actor` None: the command line. Raises NotAllowed, and BadInput, in
    one sentence, for settings, a base model or an endpoint that cannot be used."""
    if actor is not None and not can_train(actor):
        raise NotAllowed(_("Only researchers train guardians."))
    checked = check_config(config or {})
    behind = asks_an_endpoint(checked["kind"], checked.get("settings", {}))
    name = name.strip() or f"medes-{'endpoint' if behind else checked['kind']}"
    if not NAME.fullmatch(name):
        raise BadInput(
            _("A guardian's name is 1 to 40 letters, digits, dots, dashes or underscores."), field="name"
        )
    if not 10 <= time_limit <= 30 * 86_400:
        raise BadInput(_("The time limit lies between 10 seconds and 30 days."), field="time_limit")
    fields = {
        "kind": TrainingKind.GUARDIAN,
        "name": name,
        "recipe": check_recipe(recipe or {}),
        "config": checked,
        "note": note.replace("\0", "").strip()[:2000],
        "time_limit": time_limit,
        "reason_if_first": reason_if_first.strip(),
        "code_version": code_version(),
        "libraries": library_versions(),
        "created_by": actor,
    }
    for tries_left in (4, 3, 2, 1, 0):
        try:
            with transaction.atomic():
                return Run.objects.create(version=next_version(TrainingKind.GUARDIAN, name), **fields)
        except IntegrityError:  # somebody else took the number at the same moment
            if not tries_left:
                raise
    raise AssertionError("unreachable")


def next_version(kind: str, name: str) -> str:
    """The smallest whole number above every version under this name, of runs and of scorers."""
    used = [*Run.objects.filter(kind=kind, name=name).values_list("version", flat=True)]
    if kind == TrainingKind.GUARDIAN:
        used += Scorer.objects.filter(name=name).values_list("version", flat=True)
    return str(max((int(text) for text in used if text.isascii() and text.isdecimal()), default=0) + 1)


def code_version() -> str:
    """The package's version and a hash of the sources that shape what is trained, committed or not."""
    digest = hashlib.sha256()
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*.py")):
            digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    try:
        package = version("medes")
    except PackageNotFoundError:
        package = "0"
    return f"medes {package} {digest.hexdigest()[:16]}"


def library_versions() -> dict[str, str]:
    """What is installed of the libraries that train; read from their metadata, so nothing is imported."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def close_run(run: Run, **product: Any) -> None:
    """Writes what came of the run; in the caller's transaction."""
    Run.objects.filter(pk=run.pk).update(
        finished_at=timezone.now(), engine_host="", engine_pid=None, engine_started=None, **product
    )
    run.refresh_from_db()
