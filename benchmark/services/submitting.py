"""A submission by file, for a model that is registered already or together with its first file."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, BinaryIO

from django.db import transaction
from django.utils.translation import gettext as _

from benchmark.errors import NameTaken, NotAllowed
from benchmark.models import BenchmarkVersion, Entry, Submission
from benchmark.policies import can_submit
from benchmark.readers.predictions import check_predictions
from benchmark.services.catalogue import VersionCatalogue
from benchmark.services.entries import create_entry
from benchmark.services.submissions import create_submission, submissions_left_today


@dataclass(frozen=True, slots=True)
class NewEntry:
    """A model that is not registered yet; `parameters_b` in billions, the rest as in Entry."""

    name: str
    organisation: str = ""
    parameters_b: Decimal | None = None
    type: str = Entry.Type.GENERAL
    licence: str = ""
    link: str = ""


def submit_file(
    *,
    actor: Any,
    model: Entry | NewEntry,
    version: BenchmarkVersion,
    file: BinaryIO,
    file_name: str,
    note: str = "",
) -> Submission:
    """Stores a file for `model`, registering it if it is new; if anything is refused, nothing of both stays.

    Raises what create_submission and create_entry raise. A refused file is found before a transaction
    begins, so that a large one does not keep others from writing.
    """
    arguments = {"actor": actor, "version": version, "file": file, "file_name": file_name, "note": note}
    if isinstance(model, Entry):
        return create_submission(entry=model, **arguments)
    if not can_submit(actor):
        raise NotAllowed()
    if Entry.objects.filter(name__iexact=" ".join(model.name.split())).exists():
        raise NameTaken(_("The name “%(name)s” is already registered.") % {"name": model.name})
    if version.is_frozen and submissions_left_today(actor) != 0:  # else create_submission says why not
        file.seek(0)
        catalogue = VersionCatalogue.load(version, with_hidden=False)
        check_predictions(file, name=file_name, catalogue=catalogue)
    with transaction.atomic():
        entry = create_entry(actor=actor, **asdict(model))
        return create_submission(entry=entry, **arguments)
