"""From an artefact directory to a guardian. Heavy libraries arrive with the kind that needs them, not before."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import cast

from benchmark.guardians.base import Guardian, GuardianError
from benchmark.guardians.manifest import read_manifest


def load_guardian(folder: Path) -> Guardian:
    """The guardian in `folder`, by the kind its `guardian.json` names.

    Raises GuardianError with one clear sentence: no manifest, damaged weights, a missing library.
    """
    folder = Path(folder)
    kind = read_manifest(folder).kind
    try:
        module = import_module(f"benchmark.guardians.{kind}")
    except ImportError as error:
        raise GuardianError(
            f"A guardian of kind {kind} needs {error.name or 'a library'}, which is not installed here."
        ) from error
    return cast(Guardian, module.load(folder))
