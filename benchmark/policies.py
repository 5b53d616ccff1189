"""Who may do what: can_<verb>(user, obj) -> bool. Views, API and services all ask here."""

from __future__ import annotations

from typing import Any

from benchmark.models import Entry, Item, Split, Submission
from medes_site.kit.roles import Role, has_role, is_researcher


def can_see_answer_key(user: Any, item: Item) -> bool:
    """Keys of `dev` are open; all others stay with researchers."""
    return item.split == Split.DEV or is_researcher(user)


def can_compare_keys(user: Any, item: Item, other: Item) -> bool:
    """Whether two keys agree is told where both are open to the user, or both closed: one would tell the other."""
    if not can_see_split(user, other.split):
        return False
    return can_see_answer_key(user, item) == can_see_answer_key(user, other)


def can_see_item_results(user: Any, submission: Submission, item: Item) -> bool:
    """Right or wrong per item: on `dev` only, for whoever may see the submission; researchers always."""
    if is_researcher(user):
        return True
    return item.split == Split.DEV and can_view_submission(user, submission)


def can_see_split(user: Any, split: str) -> bool:
    return split != Split.HIDDEN or is_researcher(user)


def can_see_verdicts(user: Any) -> bool:
    """Verdicts on single replies beside the model's name: not for those who label or settle such replies.

    Experts and referees work blind, so the rule goes by role, not by task: what is read today would colour
    tomorrow's label. Boards, which say nothing of single replies, stay open to them.
    """
    return is_researcher(user) or not has_role(user, Role.EXPERT, Role.REFEREE)


def can_submit(user: Any) -> bool:
    return has_role(user, Role.SUBMITTER, Role.RESEARCHER)


def can_submit_for(user: Any, entry: Entry) -> bool:
    """A name belongs to whoever registered it."""
    return is_researcher(user) or (can_submit(user) and entry.owner_id == user.pk)


def can_view_submission(user: Any, submission: Submission) -> bool:
    if submission.state == Submission.State.PUBLIC or is_researcher(user):
        return True
    return bool(getattr(user, "is_authenticated", False)) and submission.submitted_by_id == user.pk


def can_manage_submission(user: Any, submission: Submission) -> bool:
    """Ask for review, withdraw, cancel the evaluation, choose which one stands on the board."""
    if is_researcher(user):
        return True
    return bool(getattr(user, "is_authenticated", False)) and submission.submitted_by_id == user.pk


def can_manage_guardians(user: Any) -> bool:
    return is_researcher(user)


def can_see_judgements(user: Any, submission: Submission) -> bool:
    """A guardian's verdicts item by item: whoever submitted the answers, and researchers.

    Not an expert or a referee, who may be asked to label these answers blind: for them the response's page
    decides (annotation.policies), where it is known what they have labelled.
    """
    if is_researcher(user):
        return True
    return can_manage_submission(user, submission) and not has_role(user, Role.EXPERT, Role.REFEREE)


def can_review_submission(user: Any, submission: Submission) -> bool:
    return is_researcher(user)


def can_decide_on_norms(user: Any) -> bool:
    """Where a norm comes from, which statute took the place of which, and what renews an outdated norm."""
    return is_researcher(user)
