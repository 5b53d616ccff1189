"""Datasets: their list and the form that draws one, the page of one with its figures, its rows, its files."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from benchmark.errors import BenchmarkError
from medes_site.kit.jobs.core import request_cancel
from training.downloads import file_response
from training.models import Dataset, Drawing, TrainingKind
from training.queries.dataset_page import (
    drawing_view,
    parts_of,
    scenario_parts,
    spreads_of,
    unfinished_drawings,
)
from training.queries.runs import run_rows
from training.queries.tuning_pages import dataset_rows, row_view
from training.readers.dataset_rows import UnreadableRows
from training.services.dataset_reading import note_file_read, note_rows_read
from training.services.drawings import plan_drawing, takes_long
from training.services.tuning_data import build_tuning_dataset
from training.tasks import launch_dataset
from training.tuning_forms import RecipeForm
from training.views.access import researchers_only

PAGE_SIZE = 30
ROWS = 10


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@researchers_only
def datasets(request: HttpRequest) -> HttpResponse:
    """The list, and the form that draws a dataset: at once where that takes seconds, else in a worker."""
    form = RecipeForm(request.POST) if request.method == "POST" else RecipeForm()
    if form.is_bound and form.is_valid():
        wish: dict[str, Any] = {
            "actor": request.user,
            "kind": form.cleaned_data["kind"],
            "recipe": form.recipe(),
        }
        try:
            if takes_long():
                planned = plan_drawing(**wish)
                launch_dataset(planned, actor=request.user)
                return redirect("training:drawing", pk=planned.pk)
            made = build_tuning_dataset(**wish)
        except BenchmarkError as error:
            name = error.details.get("field")
            form.add_error(name if name in form.fields else None, str(error))
        else:
            messages.success(request, _("The dataset is drawn."))
            return redirect("training:dataset", pk=made.pk)
    page = Paginator(Dataset.objects.visible_to(request.user), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"page": page, "form": form, "drawings": unfinished_drawings(request.user)}
    return render(request, "training/datasets/list.html", context, status=422 if form.errors else 200)


@never_cache
@require_safe
@researchers_only
def drawing(request: HttpRequest, pk: int) -> HttpResponse:
    """How far a worker is with a dataset; at the end it leads to the dataset."""
    found = get_object_or_404(Drawing.objects.visible_to(request.user), pk=pk)
    polled = request.htmx and request.htmx.target == "drawing-progress"  # type: ignore[attr-defined]
    if found.dataset_id is not None:
        if polled:
            return HttpResponseClientRedirect(reverse("training:dataset", args=[found.dataset_id]))
        return redirect("training:dataset", pk=found.dataset_id)
    context: dict[str, Any] = {"drawing": found, "view": drawing_view(found)}
    if polled:
        return render(request, "training/datasets/_drawing.html", context)
    context["trail"] = [(_("Datasets"), reverse("training:datasets"))]
    return render(request, "training/datasets/drawing.html", context)


@require_POST
@researchers_only
def drawing_act(request: HttpRequest, pk: int) -> HttpResponse:
    """`act` "stop": one that is under way; "again": one that is not. Each does nothing in the other's place, so that a
    second click on one button is not a click on the other."""
    found = get_object_or_404(Drawing.objects.visible_to(request.user), pk=pk)
    view, act = drawing_view(found), request.POST.get("act")
    if act == "stop" and view.active and view.job is not None:
        request_cancel(view.job.pk)
    elif act == "again" and not view.active and found.dataset_id is None:
        launch_dataset(found, actor=request.user)
    return redirect("training:drawing", pk=pk)


@never_cache
@require_safe
@researchers_only
def dataset(request: HttpRequest, pk: int) -> HttpResponse:
    """What a dataset is made of: figures, card, files with their hashes, the runs that used it."""
    found = get_object_or_404(Dataset.objects.visible_to(request.user), pk=pk)
    context = {
        "dataset": found,
        "files": sorted(found.manifest.get("files", {}).items()),
        "spreads": spreads_of(found),
        "origins": parts_of(found, "by_origin"),
        "scenarios": scenario_parts(found),
        "left_out": parts_of(found, "left_out"),
        "rows": run_rows(found.runs.select_related("guardian__scorer")),
        "trail": [(_("Datasets"), reverse("training:datasets"))],
    }
    return render(request, "training/datasets/dataset.html", context)


@never_cache
@require_safe
@researchers_only
def rows(request: HttpRequest, pk: int) -> HttpResponse:
    """Ten rows a page; of a pair, what differs is marked."""
    found = get_object_or_404(
        Dataset.objects.visible_to(request.user).exclude(kind=TrainingKind.GUARDIAN), pk=pk
    )
    page = Paginator(range(found.rows), ROWS).get_page(request.GET.get("page"))
    broken = False
    try:
        read = dataset_rows(found, page.start_index() - 1 if found.rows else 0, ROWS)
    except UnreadableRows:
        read, broken = [], True
    note_rows_read(request.user, read)
    context = {
        "dataset": found,
        "page": page,
        "rows": [row_view(row) for row in read],
        "broken": broken,
        "trail": [
            (_("Datasets"), reverse("training:datasets")),
            (str(found), reverse("training:dataset", args=[pk])),
        ],
    }
    return render(request, "training/datasets/rows.html", context)


@never_cache
@require_safe
@researchers_only
def dataset_file(request: HttpRequest, pk: int, name: str) -> HttpResponseBase:
    """A file as it lies there, or the manifest or the card."""
    found = get_object_or_404(Dataset.objects.visible_to(request.user), pk=pk)
    note_file_read(request.user, found, name)
    return file_response(found, name)
