"""Addresses of the labelling app."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path, re_path

from annotation.downloads import ENDINGS
from annotation.views import (
    adjudication,
    campaign_acts,
    campaigns,
    explaining,
    exports,
    gold,
    labelling,
    records,
    revealing,
)
from annotation.views.response_urls import patterns as response_patterns

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
urlpatterns: list[URLPattern | URLResolver] = [
    *labelling_patterns,
    *response_patterns,
    path("api/v1/", include("annotation.api.urls")),
    re_path(
        rf"^campaigns/(?P<pk>[0-9]+)/export\.{ENDINGS}\Z", exports.campaign_export, name="campaign_export"
    ),
    path("campaigns/", campaigns.campaigns, name="campaigns"),
    path("campaigns/new/", campaigns.campaign_new, name="campaign_new"),
    path("campaigns/preview/", campaigns.guideline_preview, name="guideline_preview"),
    path("campaigns/own/", records.own_records, name="own_records"),
    path("campaigns/silent/", adjudication.silent, name="silent_norms"),
    path("campaigns/<int:pk>/", campaigns.campaign, name="campaign"),
    path("campaigns/<int:pk>/act/<slug:act>/", campaign_acts.campaign_act, name="campaign_act"),
    path("campaigns/<int:pk>/gold/", gold.gold, name="campaign_gold"),
    path("campaigns/<int:pk>/gold/<slug:code>/", gold.gold_item, name="campaign_gold_item"),
    path("campaigns/<int:pk>/experts/<str:pseudonym>/", records.expert_record, name="campaign_expert"),
    path("adjudicate/", adjudication.adjudicate, name="adjudicate"),
    path("adjudicate/<int:pk>/", adjudication.adjudicate_task, name="adjudicate_task"),
]
