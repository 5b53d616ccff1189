"""Base models as entries: what tuning starts from answers the benchmark too, so that its effect can be seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from benchmark.models import BenchmarkVersion, Entry, Submission
from benchmark.services.entries import create_entry
from training.errors import BadInput, NotAllowed, WrongState
from training.models import BaseEntry
from training.names import sentence
from training.policies import can_promote
from training.queries.model_folders import root_models
from training.readers.base_models import BaseModelError, base_in


@transaction.atomic
def promote_base(*, actor: Any, folder: str, version: BenchmarkVersion, name: str = "") -> Submission:
    """An entry for an untuned model in one of MEDES_MODEL_ROOTS, with a private submission its answers will fill.

    A model that is an entry already gets another submission. `actor` None: the command line. Raises NotAllowed,
    BadInput for a folder that is not offered or holds no whole model, WrongState, NameTaken.
    """
    if actor is not None and not can_promote(actor):
        raise NotAllowed(_("Only researchers promote models."))
    offered = dict(root_models())
    if folder not in offered:
        raise BadInput(_("This is none of the base models on this machine."), field="folder")
    try:
        base_in(folder, None)
    except BaseModelError as error:
        raise BadInput(sentence(str(error)), field="folder") from None
    if not version.is_frozen:
        raise WrongState(_("This benchmark version is not frozen yet, so it takes no submissions."))
    known = (
        BaseEntry.objects.select_for_update(of=("self",))
        .select_related("entry")
        .filter(folder=folder)
        .first()
    )
    if known is None:
        entry = create_entry(
            actor=None, name=name.strip() or Path(offered[folder]).name, type=Entry.Type.GENERAL
        )
        known = BaseEntry.objects.create(entry=entry, folder=folder, created_by=actor)
    return Submission.objects.create(
        entry=known.entry,
        version=version,
        method=Submission.Method.CHECKPOINT,
        submitted_by=actor,
        note=_("Answers of the untuned model %(name)s.") % {"name": offered[folder]},
    )
