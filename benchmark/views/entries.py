"""Entries: the list, one entry with its standing, and changing what describes it."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from benchmark.errors import BenchmarkError
from benchmark.forms import EntryForm
from benchmark.models import Entry
from benchmark.policies import can_submit, can_submit_for
from benchmark.queries.entries import entries_page, entry_page
from benchmark.services.entries import update_entry


@require_safe
def entries(request: HttpRequest) -> HttpResponse:
    words = request.GET.get("q", "").replace("\x00", "").strip()
    chosen = request.GET.get("type", "")
    type_ = chosen if chosen in Entry.Type.values else ""
    context = {
        "page": entries_page(request.user, words, type_, request.GET.get("page")),
        "words": words,
        "type": type_,
        "types": Entry.Type.choices,
        "query": urlencode({key: value for key, value in (("q", words), ("type", type_)) if value}),
        "may_submit": can_submit(request.user),
    }
    return render(request, "benchmark/entries/list.html", context)


@require_safe
def entry(request: HttpRequest, slug: str) -> HttpResponse:
    found = get_object_or_404(Entry.objects.visible_to(request.user), slug=slug)
    context = {
        "entry": found,
        "shown": entry_page(found, request.user),
        "may_edit": can_submit_for(request.user, found),
    }
    return render(request, "benchmark/entries/entry.html", context)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def entry_edit(request: HttpRequest, slug: str) -> HttpResponse:
    found = get_object_or_404(Entry.objects.visible_to(request.user), slug=slug)
    if not can_submit_for(request.user, found):
        raise PermissionDenied(_("This entry belongs to somebody else."))
    # The form gets a row of its own: checking it writes into that row what may be refused.
    form = EntryForm(request.POST or None, instance=Entry.objects.get(pk=found.pk))
    if request.method == "POST" and form.is_valid():
        try:
            update_entry(actor=request.user, entry=found, **form.cleaned_data)
        except BenchmarkError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("The description is saved."))
            return redirect("benchmark:entry", slug=found.slug)
    status = 422 if form.errors else 200
    return render(request, "benchmark/entries/edit.html", {"entry": found, "form": form}, status=status)
