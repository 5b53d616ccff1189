"""Addresses of a response: its page, its objections, and the same in the API."""

from __future__ import annotations

from django.urls import URLPattern, path

from annotation.api import responses as api
from annotation.views import responses

patterns: list[URLPattern] = [
    path("responses/<int:pk>/", responses.response, name="response"),
    path("responses/<int:pk>/contest/", responses.contest, name="response_contest"),
    path("api/v1/responses/<int:pk>/", api.ResponseView.as_view(), name="api-response"),
    path("api/v1/responses/<int:pk>/feedback/", api.FeedbackView.as_view(), name="api-response-feedback"),
]
