"""The short way through the API of labelling: an ordinary request with a token, without REST framework's machinery.

A view that is wrapped here first tries to answer in one statement (services.quick_label). Whatever is out of the
ordinary, from the headers to the state of the task, is left to the view itself, which finds it untouched.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from knox.crypto import hash_token
from rest_framework.renderers import JSONRenderer

from annotation.api.throttles import counted_ahead
from annotation.api.views import next_task
from annotation.services.quick_label import claim_by_token, label_by_token

View = Callable[..., HttpResponseBase]
JSON = "application/json"
_SCHEME = "Token "
_TOKEN_MAX = 256
_HEADERS = {"Allow": "POST, OPTIONS", "Vary": "Accept"}


def quickly(view: View, answer: Callable[..., dict[str, Any] | None]) -> View:
    """`view`, but `answer(digest, body, …)` is tried first; it returns None where it has done nothing."""

    @wraps(view)
    def first_quickly(request: HttpRequest, **where: Any) -> HttpResponseBase:
        digest = _digest(request)
        body = None if digest is None else _body(request)
        found = None if body is None else answer(digest, body, **where)
        if found is None:
            return view(request, **where)
        return HttpResponse(JSONRenderer().render(found), content_type=JSON, headers=_HEADERS)

    return first_quickly


def quick_submit(digest: str, body: Mapping[str, Any], *, pk: int) -> dict[str, Any] | None:
    done = label_by_token(digest, slot_id=pk, sent=body)
    if done is None or done.label is None:
        return None
    answer = {"label": done.label, "gold": None, "task": done.task, "queue": None}
    if body.get("next") and done.task is None:
        user = get_user_model()._default_manager.get(pk=done.expert)
        answer.update(next_task(user, done.label["campaign"]))
    return answer


def quick_claim(digest: str, body: Mapping[str, Any], *, slug: str) -> dict[str, Any] | None:
    done = claim_by_token(digest, campaign=slug)
    return None if done is None else {"task": done.task, "queue": None}


def _digest(request: HttpRequest) -> str | None:
    """The digest of the request's token, if its owner is known here and has not asked too often."""
    meta = request.META
    key = meta.get("HTTP_AUTHORIZATION", "")
    if (
        connection.vendor != "postgresql"
        or request.method != "POST"
        or not key.startswith(_SCHEME)
        or meta.get("HTTP_ACCEPT", JSON) not in (JSON, "*/*")
        or meta.get("QUERY_STRING")
    ):
        return None
    key = key[len(_SCHEME) :]
    if not (key.isascii() and key.isalnum() and len(key) <= _TOKEN_MAX):
        return None
    digest = hash_token(key)
    return digest if counted_ahead(request, digest) else None


def _body(request: HttpRequest) -> Mapping[str, Any] | None:
    """The JSON object that was sent. None: there is none, or it is not plainly one."""
    announced = request.META.get("CONTENT_LENGTH") or ""
    if request.META.get("CONTENT_TYPE") != JSON or not announced.isdecimal():
        return None
    if int(announced) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        return None
    try:
        body = json.loads(request.body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
