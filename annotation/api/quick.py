"""The short way through the API of labelling: an ordinary request with a token, without REST framework's machinery.

What it can, it answers in one statement (services.quick_label). Whatever is out of the ordinary, from the headers to
the state of the task, goes on to the view of the address, which finds everything untouched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
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

Rest = Callable[[HttpRequest], HttpResponseBase]
JSON = "application/json"
_PATH = re.compile(r"/api/v1/(?:slots/(?P<pk>[0-9]{1,18})/submit|campaigns/(?P<slug>[-a-zA-Z0-9_]+)/claim)/")
_SCHEME = "Token "
_TOKEN_MAX = 256
# What the middleware that is passed by would say of an answer that no browser shows.
_HEADERS = {
    "Allow": "POST, OPTIONS",
    "Vary": "Accept, Cookie, Accept-Language",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


def quick_labelling(rest: Rest) -> Rest:
    """Middleware, after the one that sees to HTTPS: neither sessions, languages nor messages matter to these requests."""

    def answer_quickly(request: HttpRequest) -> HttpResponseBase:
        if request.method == "POST" and (where := _PATH.fullmatch(request.path_info)):
            found = _answer(request, where["pk"], where["slug"])
            if found is not None:
                data = JSONRenderer().render(found)
                length = {"Content-Length": str(len(data))}
                return HttpResponse(data, content_type=JSON, headers={**_HEADERS, **length})
        return rest(request)

    return answer_quickly


def _answer(request: HttpRequest, pk: str | None, slug: str) -> dict[str, Any] | None:
    digest = _digest(request)
    body = None if digest is None else _body(request)
    if digest is None or body is None:
        return None
    return quick_claim(digest, slug=slug) if pk is None else quick_submit(digest, body, pk=int(pk))


def quick_submit(digest: str, body: Mapping[str, Any], *, pk: int) -> dict[str, Any] | None:
    done = label_by_token(digest, slot_id=pk, sent=body)
    if done is None or done.label is None:
        return None
    answer = {"label": done.label, "gold": None, "task": done.task, "queue": None}
    if body.get("next") and done.task is None:
        user = get_user_model()._default_manager.get(pk=done.expert)
        answer.update(next_task(user, done.label["campaign"]))
    return answer


def quick_claim(digest: str, *, slug: str) -> dict[str, Any] | None:
    done = claim_by_token(digest, campaign=slug)
    return None if done is None else {"task": done.task, "queue": None}


def _digest(request: HttpRequest) -> str | None:
    """The digest of the request's token, if its owner is known here and has not asked too often."""
    meta = request.META
    key = meta.get("HTTP_AUTHORIZATION", "")
    if (
        connection.vendor != "postgresql"
        or not key.startswith(_SCHEME)
        or meta.get("HTTP_ACCEPT", JSON) not in (JSON, "*/*")
        or meta.get("QUERY_STRING")
    ):
        return None
    key = key[len(_SCHEME) :]
    if not (key.isascii() and key.isalnum() and len(key) <= _TOKEN_MAX):
        return None
    request.get_host()  # refuses a name that is not the site's
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
