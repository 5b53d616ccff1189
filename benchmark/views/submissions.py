"""Submitting a model, the lists of submissions, and the page of one submission."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import HttpResponseClientRedirect, reswap, retarget

from benchmark.errors import AlreadySubmitted, BenchmarkError, NameTaken, NotAllowed
from benchmark.forms import NEW_ENTRY_FIELDS, ReviewForm, SubmissionForm
from benchmark.models import BenchmarkVersion, Judgement, Submission
from benchmark.policies import can_submit
from benchmark.problems import describe
from benchmark.queries.item_results import OUTCOMES, item_results_page, open_boards
from benchmark.queries.judgements import SHOWN, guardian_verdicts
from benchmark.queries.submissions import (
    allowed_acts,
    own_submissions,
    published_judgements,
    submission_answering,
    submission_results,
    submission_rows,
    submission_scoring,
    submission_steps,
    visible_submissions,
    waiting_submissions,
)
from benchmark.readers.problem import FileRefused, Problem
from benchmark.services.seeing import note_seen
from benchmark.services.submissions import submissions_left_today
from benchmark.services.submitting import NewEntry, submit_file
from benchmark.tasks import launch_evaluation
from medes_site.kit.roles import is_researcher
from medes_site.kit.uploads import upload_limit

LIST_SIZE = 30
JUDGEMENTS_SIZE = 10


@dataclass(frozen=True, slots=True)
class ProblemRow:
    """One line of the table of problems: plain text, escaped by the template."""

    line: int | None
    column: str
    reason: str

    @classmethod
    def of(cls, problem: Problem) -> ProblemRow:
        return cls(problem.line, problem.column or "", describe(problem))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def submit(request: HttpRequest) -> HttpResponse:
    """The form for a predictions file. What is refused answers 422 and leaves nothing behind."""
    user: Any = request.user
    if not user.is_authenticated:
        answer = redirect_to_login(request.get_full_path())
        return HttpResponseClientRedirect(answer.url) if request.htmx else answer  # type: ignore[attr-defined]
    if not can_submit(user):
        return render(request, "benchmark/submissions/no_role.html", status=403)
    if request.method != "POST":
        return _form_page(request, SubmissionForm(user=user, initial=_initial(request)))
    form = SubmissionForm(request.POST, request.FILES, user=user)
    if not form.is_valid():
        return _form_page(request, form, status=422)
    try:
        submission = _store(form, user)
    except FileRefused as refusal:
        rows = [ProblemRow.of(problem) for problem in refusal.problems]
        return _form_page(request, form, status=422, problems=rows, more_problems=refusal.more)
    except AlreadySubmitted as error:
        return _form_page(request, form, status=422, file_error=error, earlier=error.details["submission"])
    except BenchmarkError as error:
        form.add_error("name" if isinstance(error, NameTaken) else None, str(error))
        return _form_page(request, form, status=403 if isinstance(error, NotAllowed) else 422)
    launch_evaluation(submission, actor=user)
    address = reverse("benchmark:submission", args=[submission.pk])
    return HttpResponseClientRedirect(address) if request.htmx else redirect(address)  # type: ignore[attr-defined]


def _store(form: SubmissionForm, user: Any) -> Submission:
    data = form.cleaned_data
    return submit_file(
        actor=user,
        model=data["entry"] or NewEntry(**{name: data[name] for name in NEW_ENTRY_FIELDS}),
        version=data["version"],
        file=data["file"],
        file_name=data["file"].name,
        note=data["note"].strip(),
    )


def _initial(request: HttpRequest) -> dict[str, Any]:
    """What an address chooses beforehand: `?benchmark=slug`, `?entry=slug` of one's own."""
    initial: dict[str, Any] = {}
    versions = BenchmarkVersion.objects.filter(state=BenchmarkVersion.State.FROZEN)
    versions = versions.filter(benchmark__slug=_slug(request, "benchmark"))
    version = versions.order_by("-frozen_at", "-pk").first()
    if version:
        initial["version"] = version.pk
    user: Any = request.user
    entry = user.entries.filter(slug=_slug(request, "entry")).first()
    if entry:
        initial["entry"] = entry.pk
    return initial


def _slug(request: HttpRequest, name: str) -> str:
    """A value of the address without NUL, which PostgreSQL refuses to look for."""
    return request.GET.get(name, "").replace("\x00", "")


def _form_page(
    request: HttpRequest,
    form: SubmissionForm,
    *,
    status: int = 200,
    problems: Iterable[ProblemRow] = (),
    **more: Any,
) -> HttpResponse:
    context = {
        "form": form,
        "refused": form.is_bound,
        "problems": list(problems),
        "left": submissions_left_today(request.user),
        "per_day": settings.MEDES_DAILY_SUBMISSIONS,
        "limit": filesizeformat(upload_limit()),
        **more,
    }
    template = "_form.html" if request.htmx else "new.html"  # type: ignore[attr-defined]
    return render(request, f"benchmark/submissions/{template}", context, status=status)


@never_cache
@login_required
@require_safe
def submissions(request: HttpRequest) -> HttpResponse:
    """One's own submissions; for researchers also those that wait for review, and all."""
    tab = request.GET.get("tab", "")
    reviewer = is_researcher(request.user)
    if reviewer and tab == "review":
        found = waiting_submissions(request.user)
    elif reviewer and tab == "all":
        found = visible_submissions(request.user)
    else:
        tab, found = "", own_submissions(request.user)
    page = Paginator(found, LIST_SIZE).get_page(request.GET.get("page"))
    context = {
        "tab": tab,
        "reviewer": reviewer,
        "waiting": waiting_submissions(request.user).count() if reviewer else 0,
        "page": page,
        "rows": submission_rows(page),
        "query": f"tab={tab}" if tab else "",
        "may_submit": can_submit(request.user),
    }
    return render(request, "benchmark/submissions/list.html", context)


def submission_or_404(request: HttpRequest, pk: int) -> Submission:
    """A submission that the reader may not see does not exist for them."""
    rows = Submission.objects.visible_to(request.user).select_related(
        "entry", "version__benchmark", "submitted_by", "reviewed_by"
    )
    return get_object_or_404(rows, pk=pk)


@never_cache
@require_safe
def submission(request: HttpRequest, pk: int) -> HttpResponse:
    """State, results and acts. While the scoring goes on, the page asks for `_progress.html` every second."""
    found = submission_or_404(request, pk)
    if request.htmx and request.htmx.target == "progress":  # type: ignore[attr-defined]
        return _progress(request, found)
    if request.htmx and request.htmx.target == "guardian-verdicts":  # type: ignore[attr-defined]
        return _verdicts(request, found)
    return submission_page(request, found)


def _progress(request: HttpRequest, found: Submission) -> HttpResponse:
    """How far it is; once it is over, everything that depends on it, in one piece and without a trigger."""
    context = _live_context(request, found)
    if context["scoring"].active or context["answering"].active:
        return render(request, "benchmark/submissions/_progress.html", {**context, "polled": True})
    response = render(request, "benchmark/submissions/_live.html", context)
    return reswap(retarget(response, "#live"), "outerHTML")


def _verdicts(request: HttpRequest, found: Submission) -> HttpResponse:
    """The guardian's verdicts so far; once it is done, everything that depends on them."""
    verdicts = guardian_verdicts(found, request.user, request.GET)
    if verdicts is None or not verdicts.active:
        response = render(request, "benchmark/submissions/_live.html", _live_context(request, found))
        return reswap(retarget(response, "#live"), "outerHTML")
    _note_seen(request, verdicts.page)
    context = {"submission": found, "found": verdicts, "verdict_filters": SHOWN}
    return render(request, "benchmark/submissions/_guardian_verdicts.html", context)


def submission_page(
    request: HttpRequest, found: Submission, *, status: int = 200, **more: Any
) -> HttpResponse:
    """The whole page; also what a refused act answers with (`act_error`, a bound `review_form`)."""
    context = {**_live_context(request, found), "review_form": ReviewForm(), **more}
    if request.method == "POST":  # the address of an act takes no GET, so the language switch goes here
        context["here"] = reverse("benchmark:submission", args=[found.pk])
    return render(request, "benchmark/submissions/detail.html", context, status=status)


def _live_context(request: HttpRequest, found: Submission) -> dict[str, Any]:
    scoring = submission_scoring(found, request.user)
    results = submission_results(found, request.user)
    published = published_judgements(found, request.user)
    judgements = Paginator(published, JUDGEMENTS_SIZE).get_page(request.GET.get("page"))
    verdicts = guardian_verdicts(found, request.user, request.GET)
    _note_seen(request, judgements, verdicts.page if verdicts else ())
    return {
        "submission": found,
        "scoring": scoring,
        "answering": submission_answering(found),
        "results": results,
        "steps": submission_steps(found, scoring),
        "may": allowed_acts(request.user, found, scoring, results),
        "judgements": judgements,
        "reviewer": is_researcher(request.user),
        "guardian_verdicts": verdicts,
        "verdict_filters": SHOWN,
        **_item_context(request, found, results),
    }


def _note_seen(request: HttpRequest, *pages: Iterable[Judgement]) -> None:
    judged = Judgement.Outcome.JUDGED
    read = [row.response_id for page in pages for row in page if row.outcome == judged]
    note_seen(request.user, read)


def _item_context(request: HttpRequest, found: Submission, results: list[Any]) -> dict[str, Any]:
    """The table of items, for a board on which the reader may see them."""
    boards = open_boards(request.user, found, [result.score for result in results])
    if not boards:
        return {"item_boards": []}
    board = next((row for row in boards if row.slug == request.GET.get("board")), boards[0])
    outcome = request.GET.get("outcome", "")
    outcome = outcome if outcome in OUTCOMES else ""
    page, rows = item_results_page(found, board, outcome, request.GET.get("page"))
    return {
        "item_boards": boards,
        "item_board": board,
        "outcome": outcome,
        "outcomes": OUTCOMES,
        "items": page,
        "item_rows": rows,
        "item_query": f"board={board.slug}" + (f"&outcome={outcome}" if outcome else ""),
    }
