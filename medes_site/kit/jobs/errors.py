"""What can go wrong with a job. The core's own sentences are fixed, so that they can be translated."""

from __future__ import annotations

from django.utils.translation import gettext_noop

UNEXPECTED = gettext_noop("The job stopped on an unexpected error; the log has the details.")
WORKER_DIED = gettext_noop("The worker stopped again and again during this job, so it was given up.")
STILL_FAILING = gettext_noop("The job was tried several times and something it needs did not answer.")
UNKNOWN_KIND = gettext_noop("No worker knows this kind of job; is the software up to date everywhere?")


class UnknownJobKind(LookupError):
    """No handler is registered under this name."""


class JobError(Exception):
    """A handler gives up for a reason its reader should know: the message becomes `Job.error` as it stands.

    The message is shown to whoever may see the job, so it names no closed answer and no secret.
    """


class TransientJobError(JobError):
    """Something outside failed (an endpoint, a disk): the job is tried again later, up to `max_attempts`."""


class JobBusy(Exception):
    """A foreground command asked for a job that somebody else holds."""


class JobStopped(BaseException):
    """Ends a handler. Not an `Exception`, so that an `except Exception` does not swallow it."""


class JobCancelled(JobStopped):
    """Somebody asked to cancel the job."""


class JobInterrupted(JobStopped):
    """The worker shuts down in good order; the job goes back to the queue and the attempt does not count."""


class LeaseLost(JobStopped):
    """The job belongs to somebody else by now; nothing of what follows may be written."""
