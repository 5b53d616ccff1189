"""Whatever bytes a client sends as its token: refused in words, never a traceback."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from knox.models import get_token_model
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.test import APIRequestFactory

from medes_site.kit.authentication import ApiTokenAuthentication

pytestmark = pytest.mark.django_db


def attempt(header: str) -> Any:
    return ApiTokenAuthentication().authenticate(APIRequestFactory().get("/", HTTP_AUTHORIZATION=header))


@pytest.mark.parametrize(
    "header",
    ["Token", "Token a b", "Token \xff\xfe", "Token \x00", "Token 令牌", "Token ", "Token " + "a" * 5000],
)
def test_what_cannot_be_a_token_is_refused(header: str) -> None:
    with pytest.raises(AuthenticationFailed):
        attempt(header)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(min_size=1, max_size=80))
def test_any_bytes(raw: bytes) -> None:
    with contextlib.suppress(AuthenticationFailed):
        assert attempt("Token " + raw.decode("latin-1")) is None


def test_other_schemes_are_left_to_others() -> None:
    assert attempt("Basic dXNlcjpwYXNz") is None
    assert attempt("") is None


def test_a_good_token_an_expired_one_and_one_of_an_inactive_user(submitter: Any) -> None:
    _row, key = get_token_model().objects.create(user=submitter, expiry=None, name="good")
    assert attempt(f"Token {key}")[0] == submitter
    with pytest.raises(AuthenticationFailed):
        attempt(f"Token {key[:-1]}0" if key[-1] != "0" else f"Token {key[:-1]}1")
    _row, old = get_token_model().objects.create(user=submitter, expiry=timedelta(seconds=-1), name="old")
    with pytest.raises(AuthenticationFailed):
        attempt(f"Token {old}")
    submitter.is_active = False
    submitter.save()
    with pytest.raises(AuthenticationFailed):
        attempt(f"Token {key}")
