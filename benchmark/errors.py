"""What a service may refuse, in words for the person who asked. Views and the API show `str(error)`."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _


class BenchmarkError(Exception):
    """A request that cannot be met; `str()` is one clear, translated sentence. `status`: HTTP status."""

    status = 409

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.details = details


class NotAllowed(BenchmarkError):
    status = 403

    def __init__(self, message: str = "") -> None:
        super().__init__(message or _("You may not do this."))


class VersionFrozen(BenchmarkError):
    """A frozen benchmark version was to be changed."""


class VersionNotOpen(BenchmarkError):
    """Submissions are taken for frozen versions only."""


class QuotaReached(BenchmarkError):
    status = 429


class AlreadySubmitted(BenchmarkError):
    """The same file was submitted for this entry before; `details["submission"]` is the earlier one."""


class NameTaken(BenchmarkError):
    """The entry's name belongs to somebody else."""


class WrongState(BenchmarkError):
    """The submission is not in a state that allows this step."""


class BadInput(BenchmarkError):
    """A command or an import got something it cannot use."""

    status = 400
