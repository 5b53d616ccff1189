"""Addresses of the labelling app."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

from annotation.views.response_urls import patterns as response_patterns

app_name = "annotation"
urlpatterns: list[URLPattern | URLResolver] = [*response_patterns]
