"""Training pages are researchers' alone: a visitor logs in first, anybody else is told that this is not for them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

from training.policies import can_see_training

View = Callable[..., HttpResponseBase]


def researchers_only(view: View) -> View:
    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not can_see_training(request.user):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return login_required(checked)
