"""Addresses of the labelling app."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from annotation.views import explaining, labelling, revealing

app_name = "annotation"
# What an expert works with.
labelling_patterns: list[URLPattern | URLResolver] = [
    path("annotate/", labelling.annotate, name="annotate"),
    path("annotate/<slug:slug>/", labelling.label, name="label"),
    path("annotate/<slug:slug>/join/", labelling.join, name="join"),
    path("annotate/<slug:slug>/next/", labelling.take_next, name="next"),
    path("annotate/<slug:slug>/seats/<int:slot>/submit/", labelling.submit, name="submit"),
    path("annotate/<slug:slug>/seats/<int:slot>/draft/", labelling.draft, name="draft"),
    path("annotate/<slug:slug>/seats/<int:slot>/renew/", labelling.renew, name="renew"),
    path("annotate/<slug:slug>/seats/<int:slot>/leave/", labelling.leave, name="leave"),
    path("annotate/<slug:slug>/seats/<int:slot>/skip/", labelling.skip, name="skip"),
    path("annotate/<slug:slug>/seats/<int:slot>/flag/", labelling.flag, name="flag"),
    path("annotate/<slug:slug>/labels/<int:label>/undo/", labelling.undo, name="undo"),
    path("annotate/<slug:slug>/labels/<int:label>/explained/", explaining.explain, name="explain"),
    path("annotate/<slug:slug>/labels/<int:label>/stored/", revealing.stored, name="stored"),
    path("annotate/<slug:slug>/labels/<int:label>/reveal/", revealing.reveal, name="reveal"),
    path("annotate/<slug:slug>/reveals/<int:reveal>/", revealing.answer_reveal, name="answer_reveal"),
]
urlpatterns: list[URLPattern | URLResolver] = [*labelling_patterns]
