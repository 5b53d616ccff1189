"""The registry of guardians: registered as candidates, shadowed, activated, retired."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from benchmark.errors import BadInput, NotAllowed, WrongState
from benchmark.guardians.base import GuardianError
from benchmark.guardians.manifest import FILE, read_manifest
from benchmark.models import Board, Guardian, Kind, Scorer
from benchmark.policies import can_manage_guardians
from benchmark.queries.guardians import active_guardian, unjudged_submissions
from benchmark.services.boards import make_current

_State = Guardian.State
NAME = re.compile(r"[A-Za-z0-9][-_.A-Za-z0-9]{0,39}")


def artefact_folder(guardian: Guardian) -> Path:
    """Where the guardian's files lie."""
    return Path(settings.MEDES_ARTEFACTS) / guardian.folder


def register_guardian(*, actor: Any, folder: Path, reliability: Mapping[str, Any] | None = None) -> Guardian:
    """Makes a candidate of an artefact directory. `actor` None: the platform itself.

    A directory outside of MEDES_HOME/artefacts is copied there. Name and version come from its `guardian.json`
    and belong to it for good; the same directory again gives the same guardian. Raises NotAllowed, BadInput.
    """
    _manage(actor)
    manifest = _manifest(folder)
    name, version = manifest["name"], manifest["version"]
    known = _registered(name, version, manifest)
    if known is not None:
        return known
    try:
        with transaction.atomic():
            scorer = Scorer.objects.create(type=Scorer.Type.GUARDIAN, name=name, version=version)
            return Guardian.objects.create(
                scorer=scorer,
                kind=manifest["kind"],
                folder=_keep(folder, f"guardians/{name}-{version}"),
                manifest=manifest,
                reliability=dict(reliability or {}),
                registered_by=actor,
            )
    except IntegrityError as error:  # registered by somebody else a moment ago
        known = _registered(name, version, manifest)
        if known is None:
            raise _taken(name, version) from error
        return known


def write_reliability(*, guardian: Guardian, reliability: Mapping[str, Any]) -> None:
    """Stores how good the guardian was found to be; boards show it beside its scores."""
    Guardian.objects.filter(pk=guardian.pk).update(reliability=dict(reliability))


@transaction.atomic
def begin_shadow(*, actor: Any, guardian: Guardian) -> Guardian:
    """A candidate goes into the shadow: from now on it judges whatever the active one judges.

    Raises NotAllowed, WrongState.
    """
    _manage(actor)
    guardian = _locked(guardian)
    if guardian.state == _State.SHADOW:
        return guardian
    if guardian.state != _State.CANDIDATE:
        raise WrongState(_("Only a candidate can go into the shadow."))
    guardian.state = _State.SHADOW
    guardian.save(update_fields=["state"])
    return guardian


@transaction.atomic
def activate_guardian(*, actor: Any, guardian: Guardian, override_reason: str = "") -> list[int]:
    """The guardian becomes the active one; returns the ids of the boards whose ranks must be refreshed.

    Its boards take the plain addresses (`subjective`); those of the guardian it follows are frozen under
    addresses of their own, and that guardian is retired. Whether it is good enough is for the caller to ask
    (the promotion gate stands a floor above): `override_reason` says why, where the answer was no. Raises
    NotAllowed, and WrongState while anything that the active guardian judged is not judged by this one.
    """
    _manage(actor)
    guardian = _locked(guardian)
    if guardian.state == _State.ACTIVE:
        return []
    if guardian.state != _State.SHADOW:
        raise WrongState(_("A guardian scores everything in the shadow before it is promoted."))
    waiting = unjudged_submissions(guardian.scorer_id).count()
    if waiting:
        raise WrongState(
            _("%(count)s submissions are not yet scored in the shadow.") % {"count": waiting}, count=waiting
        )
    former = active_guardian(lock=True)
    if former is not None:
        former.state = _State.RETIRED
        former.retired_at = timezone.now()
        former.save(update_fields=["state", "retired_at"])
    guardian.state = _State.ACTIVE
    guardian.promoted_by = actor
    guardian.promoted_at = timezone.now()
    guardian.override_reason = override_reason.strip()
    guardian.save(update_fields=["state", "promoted_by", "promoted_at", "override_reason"])
    boards = list(Board.objects.filter(scorer=guardian.scorer_id, kind=Kind.SUBJECTIVE).order_by("pk"))
    for board in boards:
        make_current(board)
    if former is not None:  # also where the new one has no board, because nobody answered there
        Board.objects.filter(scorer=former.scorer_id, frozen_at=None).update(frozen_at=timezone.now())
    return [board.pk for board in boards]


@transaction.atomic
def retire_guardian(*, actor: Any, guardian: Guardian) -> None:
    """Takes a guardian out of use; the boards of one that was active are frozen where they stand."""
    _manage(actor)
    guardian = _locked(guardian)
    if guardian.state == _State.RETIRED:
        return
    if guardian.state == _State.ACTIVE:
        Board.objects.filter(scorer=guardian.scorer_id, frozen_at=None).update(frozen_at=timezone.now())
    guardian.state = _State.RETIRED
    guardian.retired_at = timezone.now()
    guardian.save(update_fields=["state", "retired_at"])


def _manage(actor: Any) -> None:
    if actor is not None and not can_manage_guardians(actor):
        raise NotAllowed(_("Only researchers manage guardians."))


def _locked(guardian: Guardian) -> Guardian:
    return Guardian.objects.select_for_update().get(pk=guardian.pk)


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        read_manifest(folder)
        manifest: dict[str, Any] = json.loads((folder / FILE).read_text("utf-8"))
    except GuardianError as error:
        raise BadInput(str(error)) from error
    for field in ("name", "version"):
        if not isinstance(manifest.get(field), str) or not NAME.fullmatch(manifest[field]):
            raise BadInput(
                _("The %(field)s of a guardian is 1 to 40 letters, digits, dots, dashes or underscores.")
                % {"field": field}
            )
    return manifest


def _registered(name: str, version: str, manifest: Mapping[str, Any]) -> Guardian | None:
    known = Guardian.objects.select_related("scorer").filter(scorer__name=name, scorer__version=version)
    guardian = known.first()
    if guardian is not None and guardian.manifest != manifest:
        raise _taken(name, version)
    return guardian


def _taken(name: str, version: str) -> BadInput:
    return BadInput(_("There is a scorer %(name)s %(version)s already.") % {"name": name, "version": version})


def _keep(folder: Path, place: str) -> str:
    """The folder relative to MEDES_HOME/artefacts, copied there if it lies elsewhere: whole or not at all."""
    root, folder = Path(settings.MEDES_ARTEFACTS).resolve(), folder.resolve()
    if folder.is_relative_to(root):
        return folder.relative_to(root).as_posix()
    target = root / place
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=target.parent, prefix=".draft-"))
    shutil.copytree(folder, draft, dirs_exist_ok=True, symlinks=False)
    draft.chmod(0o755)
    if target.exists():  # left over from a registration that was rolled back
        shutil.rmtree(target)
    draft.rename(target)
    return place
