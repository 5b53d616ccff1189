"""Addresses of the labelling app. Its pages are not built yet; labels come and go through services and commands."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

app_name = "annotation"
urlpatterns: list[URLPattern | URLResolver] = []
