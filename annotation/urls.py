"""Addresses of the labelling app."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path, re_path

from annotation.downloads import ENDINGS
from annotation.views import adjudication, campaign_acts, campaigns, exports, gold, records

app_name = "annotation"
urlpatterns: list[URLPattern | URLResolver] = [
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
