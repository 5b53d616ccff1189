"""Two runs side by side: `?a=` and `?b=`, by number."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from training.models import Run, TrainingKind
from training.queries.run_comparison import compare_runs
from training.views.access import researchers_only

OFFERED = 100


@never_cache
@require_safe
@researchers_only
def compare(request: HttpRequest) -> HttpResponse:
    """Without two different runs it asks for them."""
    runs = Run.objects.visible_to(request.user).exclude(kind=TrainingKind.GUARDIAN).select_related("dataset")
    chosen = [request.GET.get(name, "").strip() for name in ("a", "b")]
    context: dict[str, Any] = {
        "offered": runs[:OFFERED],
        "chosen": chosen,
        "trail": [(_("Runs"), reverse("training:runs"))],
    }
    if all(chosen) and chosen[0] != chosen[1]:
        if not all(text.isascii() and text.isdecimal() and len(text) < 10 for text in chosen):
            raise Http404
        first, second = (get_object_or_404(runs, pk=int(text)) for text in chosen)
        context["found"] = compare_runs(first, second)
    return render(request, "training/runs/compare.html", context)
