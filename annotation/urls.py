"""Addresses of the labelling app."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path, re_path

from annotation.downloads import ENDINGS
from annotation.views import exports

app_name = "annotation"
urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", include("annotation.api.urls")),
    re_path(
        rf"^campaigns/(?P<pk>[0-9]+)/export\.{ENDINGS}\Z", exports.campaign_export, name="campaign_export"
    ),
]
