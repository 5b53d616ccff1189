"""A submission's way: file in, private, reviewed, public; or withdrawn."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime, time
from itertools import islice
from typing import Any, BinaryIO

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.files import File
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from benchmark.errors import AlreadySubmitted, NotAllowed, QuotaReached, VersionNotOpen, WrongState
from benchmark.models import BenchmarkVersion, Entry, Response, Score, Submission
from benchmark.policies import can_manage_submission, can_review_submission, can_submit_for
from benchmark.readers.predictions import Prediction, check_predictions, read_predictions
from benchmark.services.boards import designate_open_scores, lock_boards
from benchmark.services.catalogue import VersionCatalogue
from medes_site.kit.roles import is_researcher

BATCH = 1000
_State = Submission.State


def submissions_left_today(user: Any) -> int | None:
    """How many more the user may send before midnight (site time); None: no limit, for researchers."""
    if is_researcher(user):
        return None
    midnight = timezone.make_aware(datetime.combine(timezone.localdate(), time.min))
    used = Submission.objects.filter(submitted_by=user, created_at__gte=midnight).count()
    return max(0, settings.MEDES_DAILY_SUBMISSIONS - used)


def create_submission(
    *, actor: Any, entry: Entry, version: BenchmarkVersion, file: BinaryIO, file_name: str, note: str = ""
) -> Submission:
    """Checks the whole file, then stores it with its responses, or stores nothing at all.

    `file` is read twice and must be seekable. Raises FileRefused (up to 50 problems), NotAllowed,
    QuotaReached, VersionNotOpen, AlreadySubmitted.
    """
    if not can_submit_for(actor, entry):
        raise NotAllowed(_("This entry belongs to somebody else."))
    if not version.is_frozen:
        raise VersionNotOpen(_("This benchmark version is not frozen yet, so it takes no submissions."))
    if submissions_left_today(actor) == 0:
        raise _quota_reached()
    catalogue = VersionCatalogue.load(version, with_hidden=False)
    file.seek(0)
    summary = check_predictions(file, name=file_name, catalogue=catalogue)
    earlier = _earlier(entry, version, summary.sha256)
    if earlier:
        raise _already(earlier)
    try:
        with transaction.atomic():
            _lock_quota(actor)
            submission = Submission.objects.create(
                entry=entry,
                version=version,
                method=Submission.Method.FILE,
                submitted_by=actor,
                note=note,
                file_name=file_name[:200],
                file_sha256=summary.sha256,
                responses_count=summary.rows,
            )
            file.seek(0)
            rows = read_predictions(file, name=file_name, catalogue=catalogue)
            store_responses(submission, catalogue, rows)
            _keep_file(submission, file, summary.sha256)
    except IntegrityError as error:  # the same file came twice at once
        earlier = _earlier(entry, version, summary.sha256)
        if earlier is None:
            raise
        raise _already(earlier) from error
    return submission


def _lock_quota(actor: Any) -> None:
    """Counts again under a lock of the user's row, so that two uploads at once cannot pass one quota."""
    get_user_model()._default_manager.select_for_update().only("pk").get(pk=actor.pk)
    if submissions_left_today(actor) == 0:
        raise _quota_reached()


def _quota_reached() -> QuotaReached:
    return QuotaReached(
        _("You have used today's %(limit)s submissions; there are new ones after midnight.")
        % {"limit": settings.MEDES_DAILY_SUBMISSIONS}
    )


def _already(earlier: Submission) -> AlreadySubmitted:
    return AlreadySubmitted(
        _("This very file was already submitted for this entry, as submission %(number)s.")
        % {"number": earlier.pk},
        submission=earlier.pk,
    )


def _earlier(entry: Entry, version: BenchmarkVersion, sha256: str) -> Submission | None:
    same = Submission.objects.filter(entry=entry, version=version, file_sha256=sha256)
    return same.exclude(state=_State.WITHDRAWN).first()


def _keep_file(submission: Submission, file: BinaryIO, sha256: str) -> None:
    """Stores the upload under its hash. Should the transaction fail later, the file goes again."""
    file.seek(0)
    submission.file.save(f"{sha256[:32]}.txt", File(file), save=False)
    submission.save(update_fields=["file"])


def store_responses(submission: Submission, catalogue: VersionCatalogue, rows: Iterable[Prediction]) -> int:
    """Inserts responses in batches, streaming; returns their number."""
    count = 0
    for batch in batches(rows, BATCH):
        Response.objects.bulk_create(
            [
                Response(
                    submission=submission,
                    item_id=catalogue.ids[row.item],
                    text=row.response,
                    text_hash=text_hash(row.response),
                    cut_off=row.cut_off,
                )
                for row in batch
            ]
        )
        count += len(batch)
    return count


def text_hash(text: str) -> str:
    """SHA-256 of the text: identical answers are recognised, and judged once."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def batches(rows: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Lists of up to `size` rows."""
    rows = iter(rows)
    while batch := list(islice(rows, size)):
        yield batch


def _locked(submission: Submission) -> Submission:
    return Submission.objects.select_for_update().get(pk=submission.pk)


@transaction.atomic
def request_review(*, actor: Any, submission: Submission) -> Submission:
    submission = _locked(submission)
    if not can_manage_submission(actor, submission):
        raise NotAllowed()
    if submission.state not in (_State.PRIVATE, _State.REJECTED):
        raise WrongState(_("Only a private submission can be sent to review."))
    if submission.evaluated_at is None:
        raise WrongState(_("The submission must be scored before it can be reviewed."))
    submission.state = _State.IN_REVIEW
    submission.save(update_fields=["state"])
    return submission


@transaction.atomic
def publish_submission(*, actor: Any, submission: Submission, note: str = "") -> tuple[Submission, list[int]]:
    """Makes it public and lets it stand where its entry does not stand yet.

    Returns the submission and the ids of the boards whose ranks must be refreshed.
    """
    submission = _locked(submission)
    if not can_review_submission(actor, submission):
        raise NotAllowed(_("Only researchers publish submissions."))
    if submission.state != _State.IN_REVIEW:
        raise WrongState(_("Only a submission in review can be published."))
    _record_review(submission, actor, _State.PUBLIC, note)
    return submission, designate_open_scores(submission)


@transaction.atomic
def return_submission(*, actor: Any, submission: Submission, note: str) -> Submission:
    """Sends it back to its owner with a note that says why."""
    submission = _locked(submission)
    if not can_review_submission(actor, submission):
        raise NotAllowed(_("Only researchers review submissions."))
    if submission.state != _State.IN_REVIEW:
        raise WrongState(_("Only a submission in review can be returned."))
    if not note.strip():
        raise WrongState(_("Say why the submission is returned."))
    _record_review(submission, actor, _State.REJECTED, note)
    return submission


def _record_review(submission: Submission, actor: Any, state: str, note: str) -> None:
    submission.state = state
    submission.reviewed_by = actor
    submission.reviewed_at = timezone.now()
    submission.review_note = note.strip()
    submission.save(update_fields=["state", "reviewed_by", "reviewed_at", "review_note"])


@transaction.atomic
def withdraw_submission(*, actor: Any, submission: Submission) -> tuple[Submission, list[int]]:
    """Takes it off every board and out of sight; returns it and the boards whose ranks must be refreshed."""
    submission = _locked(submission)
    if not can_manage_submission(actor, submission):
        raise NotAllowed()
    if submission.state == _State.WITHDRAWN:
        raise WrongState(_("The submission is already withdrawn."))
    boards = list(submission.scores.filter(designated=True).values_list("board_id", flat=True))
    lock_boards(boards)
    Score.objects.filter(submission=submission).update(designated=False, rank_low=None, rank_high=None)
    submission.state = _State.WITHDRAWN
    submission.save(update_fields=["state"])
    return submission, boards
