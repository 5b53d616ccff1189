"""What a service may refuse, in words for the person who asked. Views and the API show `str(error)`.

They are BenchmarkErrors (translated text, `.status`, `.details`), so one handler answers for both apps.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from benchmark.errors import BadInput, BenchmarkError, NotAllowed, WrongState

__all__ = [
    "AnnotationError",
    "BadAnswers",
    "BadInput",
    "CampaignNotOpen",
    "DraftConflict",
    "LeaseLost",
    "NotAllowed",
    "NotFound",
    "NothingToReveal",
    "UndoRefused",
    "WrongState",
]


class AnnotationError(BenchmarkError):
    """A request about labelling that cannot be met."""


class NotFound(AnnotationError):
    """No such thing, or not for this person: the two must look alike."""

    status = 404

    def __init__(self, message: str = "") -> None:
        super().__init__(message or _("There is nothing here for you."))


class CampaignNotOpen(AnnotationError):
    """The campaign gives out no tasks now."""


class LeaseLost(AnnotationError):
    """The seat has gone to somebody else, or is no longer needed; a label would be kept as an extra."""

    def __init__(self) -> None:
        super().__init__(_("Your time for this task ran out and somebody else has it now."))


class DraftConflict(AnnotationError):
    """The draft was changed elsewhere; `details` holds its `version` and `content`."""


class BadAnswers(AnnotationError):
    """The answers are incomplete or off the scale; `details["field"]` names the criterion."""

    status = 422


class UndoRefused(AnnotationError):
    """Too late, or the label has been used."""


class NothingToReveal(AnnotationError):
    """The guardian has not judged this response."""

    status = 404
