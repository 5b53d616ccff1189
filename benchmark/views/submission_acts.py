"""What can be done with a submission: small POST views. Success redirects back to its page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from benchmark.errors import BenchmarkError, NotAllowed, WrongState
from benchmark.forms import ReviewForm
from benchmark.models import Submission
from benchmark.policies import can_manage_submission
from benchmark.queries.judgements import judging_jobs
from benchmark.queries.submissions import allowed_acts, submission_results, submission_scoring
from benchmark.services.boards import designate_submission
from benchmark.services.submissions import (
    publish_submission,
    request_review,
    return_submission,
    withdraw_submission,
)
from benchmark.tasks import launch_evaluation, launch_ranking
from benchmark.views.submissions import submission_or_404, submission_page
from medes_site.kit.jobs.core import request_cancel

Act = Callable[[HttpRequest, Submission], str]


def _act(act: Act) -> Callable[..., HttpResponse]:
    """A view around `act`, which returns the sentence to say. Not visible: 404; not allowed: 403."""

    @require_POST
    def view(request: HttpRequest, pk: int) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(reverse("benchmark:submission", args=[pk]))
        found = submission_or_404(request, pk)
        try:
            done = act(request, found)
        except NotAllowed as error:
            raise PermissionDenied(str(error)) from error
        except BenchmarkError as error:
            found = submission_or_404(request, pk)
            more = {"act_error": str(error), "review_form": ReviewForm(request.POST)}
            return submission_page(request, found, status=error.status, **more)
        messages.success(request, done)
        return redirect("benchmark:submission", pk=pk)

    return view


def _note(request: HttpRequest) -> str:
    form = ReviewForm(request.POST)
    if not form.is_valid():
        raise WrongState(" ".join(str(error) for errors in form.errors.values() for error in errors))
    return form.cleaned_data["note"]


def _request_review(request: HttpRequest, found: Submission) -> str:
    request_review(actor=request.user, submission=found)
    return _("A researcher will look at the submission.")


def _publish(request: HttpRequest, found: Submission) -> str:
    _found, boards = publish_submission(actor=request.user, submission=found, note=_note(request))
    launch_ranking(boards, actor=request.user)
    return _("The submission is public.")


def _return(request: HttpRequest, found: Submission) -> str:
    return_submission(actor=request.user, submission=found, note=_note(request))
    return _("The submission was returned with your note.")


def _withdraw(request: HttpRequest, found: Submission) -> str:
    _found, boards = withdraw_submission(actor=request.user, submission=found)
    launch_ranking(boards, actor=request.user)
    return _("The submission is withdrawn.")


def _designate(request: HttpRequest, found: Submission) -> str:
    launch_ranking(designate_submission(actor=request.user, submission=found), actor=request.user)
    return _("This submission stands for its model now.")


def _evaluate(request: HttpRequest, found: Submission) -> str:
    _check_manager(request, found)
    scoring = submission_scoring(found, request.user)
    if not allowed_acts(request.user, found, scoring, submission_results(found, request.user)).evaluate:
        raise WrongState(_("The submission cannot be scored again now."))
    launch_evaluation(found, actor=request.user)
    return _("The scoring begins anew. What was read already is not read again.")


def _cancel(request: HttpRequest, found: Submission) -> str:
    _check_manager(request, found)
    jobs = [submission_scoring(found, request.user).job, *judging_jobs(found)]
    # All of them are asked to stop, also after the first that does.
    if not any([request_cancel(job.pk) for job in jobs if job is not None and job.is_active]):
        raise WrongState(_("Nothing is being scored now."))
    return _("The scoring stops.")


def _check_manager(request: HttpRequest, found: Submission) -> None:
    user: Any = request.user
    if not can_manage_submission(user, found):
        raise NotAllowed()


ask_review = _act(_request_review)
publish = _act(_publish)
send_back = _act(_return)
withdraw = _act(_withdraw)
designate = _act(_designate)
evaluate = _act(_evaluate)
cancel = _act(_cancel)
