"""Sign-up, log-in, profile, API tokens and invitations."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import reverse

from medes_site.accounts import services
from medes_site.accounts.errors import InvitationGone, NotAllowed, OtherAddressInvited, TooManyTokens
from medes_site.accounts.models import ApiToken, Invitation
from medes_site.kit.authentication import ApiTokenAuthentication
from medes_site.kit.roles import Role, roles_of
from tests.conftest import PASSWORD

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
SIGN_UP = {
    "username": "newcomer",
    "email": "new@example.org",
    "password1": "rather unusual words",
    "password2": "rather unusual words",
}
ENGLISH = {"HTTP_ACCEPT_LANGUAGE": "en"}

pytestmark = pytest.mark.django_db


def roles(user: Any) -> set[str]:
    return set(roles_of(get_user_model().objects.get(pk=user.pk)))


# ---- sign-up and log-in ----


def test_the_four_roles_come_with_the_migrations() -> None:
    """Whatever an earlier test left of them: the step is taken again, twice, from nothing."""
    Group.objects.all().delete()
    step = import_module("medes_site.accounts.migrations.0002_roles")
    for _time in range(2):
        step.create_roles(apps, SimpleNamespace(connection=connection))
    assert sorted(Group.objects.values_list("name", flat=True)) == sorted(role.value for role in Role)


def test_sign_up_makes_a_submitter_whatever_the_form_says(visitor: Client) -> None:
    wish = {"role": "researcher", "groups": "1", "is_staff": "on", "is_superuser": "on"}
    response = visitor.post(reverse("account_signup"), {**SIGN_UP, **wish})
    assert response.status_code == 302
    user = get_user_model().objects.get(username="newcomer")
    assert roles(user) == {"submitter"}
    assert not user.is_staff and not user.is_superuser


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "https://testserver.evil.example/"],
)
def test_log_in_sends_nobody_to_another_site(visitor: Client, submitter: Any, target: str) -> None:
    data = {"login": submitter.username, "password": PASSWORD, "next": target}
    response = visitor.post(reverse("account_login"), data)
    assert response.status_code == 302
    assert response["Location"] == "/"


def test_log_in_returns_to_the_page_asked_for(visitor: Client, submitter: Any) -> None:
    data = {"login": submitter.email, "password": PASSWORD, "next": "/accounts/profile/"}
    assert visitor.post(reverse("account_login"), data)["Location"] == "/accounts/profile/"


def test_repeated_wrong_passwords_are_slowed_down(visitor: Client, submitter: Any) -> None:
    data = {"login": submitter.username, "password": "wrong"}
    for _ in range(5):
        visitor.post(reverse("account_login"), data)
    response = visitor.post(reverse("account_login"), {**data, "password": PASSWORD}, **ENGLISH)
    assert response.status_code == 200
    assert "Too many failed login attempts" in response.content.decode()


def test_log_out_needs_the_button(client_of: Callable[[Any], Client], submitter: Any) -> None:
    client = client_of(submitter)
    client.get(reverse("account_logout"))
    assert "_auth_user_id" in client.session
    client.post(reverse("account_logout"))
    assert "_auth_user_id" not in client.session


def test_passwords_and_keys_are_never_logged(
    visitor: Client, client_of: Callable[[Any], Client], submitter: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    visitor.post(reverse("account_login"), {"login": submitter.username, "password": "wrong secret 81"})
    visitor.post(reverse("account_login"), {"login": submitter.username, "password": PASSWORD})
    visitor.post(reverse("account_reset_password"), {"email": submitter.email})
    page = client_of(submitter).post(reverse("create_token"), {"name": "a", "days": "30"}).content.decode()
    key = re.search(r'value="([0-9a-f]{64})"', page)
    assert key
    for secret in ("wrong secret 81", PASSWORD, key[1]):
        assert secret not in caplog.text


# ---- every page of allauth wears our look ----

ACCOUNT_PAGES = [
    ("account_login", False),
    ("account_signup", False),
    ("account_inactive", False),
    ("account_reset_password", False),
    ("account_reset_password_done", False),
    ("account_reset_password_from_key_done", False),
    ("account_email_verification_sent", False),
    ("account_logout", True),
    ("account_email", True),
    ("account_change_password", True),
    ("account_reauthenticate", True),
]


@pytest.mark.parametrize(("name", "logged_in"), ACCOUNT_PAGES)
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_account_pages_wear_our_look_in_one_language(
    client_of: Callable[[Any], Client], submitter: Any, name: str, logged_in: bool, language: str
) -> None:
    client = client_of(submitter if logged_in else None)
    response = client.get(reverse(name), HTTP_ACCEPT_LANGUAGE=language)
    assert response.status_code == 200
    page = response.content.decode()
    assert "css/medes.css" in page and 'class="bar"' in page and 'id="main"' in page
    visible = text_of(page)
    if language == "en":
        assert not re.search(r"[\u4e00-\u9fff]", visible.replace("中文", ""))
    else:
        known = visible.replace(submitter.email, "").replace(submitter.username, "")
        assert set(re.findall(r"[A-Za-z]{2,}", known)) <= {"MedES", "API", "EN"}


def text_of(page: str) -> str:
    """What a reader sees: the page without head, scripts and tags."""
    body = re.sub(r"(?s)^.*<body", "<body", page)
    return re.sub(r"(?s)<script.*?</script>|<[^>]+>", " ", body)


def test_account_pages_with_a_link_of_an_e_mail(visitor: Client) -> None:
    for path in ("/accounts/confirm-email/unknown-key/", "/accounts/password/reset/key/1-unknown/"):
        page = visitor.get(path, **ENGLISH)
        assert page.status_code == 200
        assert "no longer valid" in page.content.decode()
        assert "css/medes.css" in page.content.decode()


def test_without_a_mail_server_the_page_says_so_and_nothing_is_sent(visitor: Client, submitter: Any) -> None:
    assert "sends no e-mail" in visitor.get(reverse("account_reset_password"), **ENGLISH).content.decode()
    visitor.post(reverse("account_reset_password"), {"email": submitter.email})
    assert mail.outbox == []


def test_with_a_mail_server_the_password_can_be_reset(visitor: Client, submitter: Any, settings: Any) -> None:
    settings.MEDES_SENDS_EMAIL = True
    EmailAddress.objects.create(user=submitter, email=submitter.email, verified=True, primary=True)
    visitor.post(reverse("account_reset_password"), {"email": submitter.email})
    link = re.search(r"http://testserver(/\S+)", mail.outbox[0].body)
    assert link
    form = visitor.get(link[1], follow=True)
    answer = visitor.post(
        form.request["PATH_INFO"], {"password1": "brand new words 5", "password2": "brand new words 5"}
    )
    assert answer.status_code == 302
    assert get_user_model().objects.get(pk=submitter.pk).check_password("brand new words 5")


# ---- profile and API tokens ----


def test_profile_changes_only_what_its_form_has(client_of: Callable[[Any], Client], submitter: Any) -> None:
    data = {"display_name": "王", "organisation": "示例大学", "is_superuser": "on", "username": "other"}
    assert client_of(submitter).post(reverse("profile"), data).status_code == 302
    submitter.refresh_from_db()
    assert (submitter.display_name, submitter.organisation) == ("王", "示例大学")
    assert submitter.username == "submitter" and not submitter.is_superuser


def test_an_invalid_profile_answers_422_and_keeps_the_old_name(
    client_of: Callable[[Any], Client], submitter: Any
) -> None:
    response = client_of(submitter).post(reverse("profile"), {"display_name": "x" * 81})
    assert response.status_code == 422
    submitter.refresh_from_db()
    assert submitter.display_name == "submitter"


def test_token_is_shown_once_and_stored_as_a_hash(client_of: Callable[[Any], Client], submitter: Any) -> None:
    client = client_of(submitter)
    page = client.post(reverse("create_token"), {"name": "server", "days": "30"})
    key = re.search(r'value="([0-9a-f]{64})"', page.content.decode())
    assert key and "no-store" in page["Cache-Control"]
    row = ApiToken.objects.get(user=submitter)
    assert key[1] not in (row.digest, row.token_key, str(row))
    assert timedelta(days=29) < row.expiry - row.created < timedelta(days=31)
    assert key[1] not in client.get(reverse("profile")).content.decode()
    assert ApiTokenAuthentication().authenticate_credentials(key[1].encode())[0] == submitter


def test_token_until_revoked_and_revoking_it(
    client_of: Callable[[Any], Client], submitter: Any, stranger: Any
) -> None:
    row, _key = services.create_api_token(actor=submitter, name="a", days=None)
    assert row.expiry is None
    assert client_of(stranger).post(reverse("revoke_token"), {"token": row.digest}).status_code == 404
    assert client_of(submitter).get(reverse("revoke_token")).status_code == 405
    assert client_of(submitter).post(reverse("revoke_token"), {"token": row.digest}).status_code == 302
    assert not ApiToken.objects.exists()


def test_tokens_are_limited_and_need_a_name(client_of: Callable[[Any], Client], submitter: Any) -> None:
    for number in range(services.MAX_TOKENS):
        services.create_api_token(actor=submitter, name=str(number), days=1)
    with pytest.raises(TooManyTokens):
        services.create_api_token(actor=submitter, name="one more", days=1)
    client = client_of(submitter)
    assert client.post(reverse("create_token"), {"name": "x", "days": "30"}).status_code == 422
    assert client.post(reverse("create_token"), {"name": "", "days": "30"}).status_code == 422
    assert client.post(reverse("create_token"), {"name": "x", "days": "7"}).status_code == 422
    assert ApiToken.objects.count() == services.MAX_TOKENS


# ---- invitations ----


def test_only_researchers_invite(
    client_of: Callable[[Any], Client], submitter: Any, expert: Any, referee: Any
) -> None:
    data = {"email": "guest@example.org", "role": "expert"}
    for user in (submitter, expert, referee):
        assert client_of(user).get(reverse("invitations")).status_code == 403
        assert client_of(user).post(reverse("invitations"), data).status_code == 403
        with pytest.raises(NotAllowed):
            services.create_invitation(actor=user, email="guest@example.org", role=Role.EXPERT)
    assert client_of(None).post(reverse("invitations"), data).status_code == 302  # to the log-in page
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("role", ["researcher", "submitter", "superuser", ""])
def test_no_other_role_can_be_given_away(
    client_of: Callable[[Any], Client], researcher: Any, role: str
) -> None:
    response = client_of(researcher).post(
        reverse("invitations"), {"email": "guest@example.org", "role": role}
    )
    assert response.status_code == 422
    with pytest.raises(NotAllowed):
        services.create_invitation(actor=researcher, email="guest@example.org", role=Role.RESEARCHER)


def test_an_invitation_from_page_to_role(
    client_of: Callable[[Any], Client], researcher: Any, make_user: Callable[..., Any]
) -> None:
    page = client_of(researcher).post(
        reverse("invitations"), {"email": "Guest@example.org", "role": "expert"}
    )
    link = re.search(r'value="http://testserver(/accounts/invitations/[^"/]+/)"', page.content.decode())
    assert link and "no-store" in page["Cache-Control"]
    token = link[1].rstrip("/").rsplit("/", 1)[1]
    assert token not in Invitation.objects.get().token_hash
    assert token not in client_of(researcher).get(reverse("invitations")).content.decode()
    guest = make_user("guest", Role.SUBMITTER)
    client = client_of(guest)
    assert client.get(link[1]).status_code == 200
    assert roles(guest) == {"submitter"}  # opening the link is not accepting
    assert client.post(link[1]).status_code == 302
    assert roles(guest) == {"submitter", "expert"}
    assert client.post(link[1]).status_code == 403
    assert Invitation.objects.get().accepted_by == guest


def test_a_visitor_signs_up_and_comes_back(visitor: Client, researcher: Any) -> None:
    _row, token = services.create_invitation(actor=researcher, email="new@example.org", role=Role.REFEREE)
    path = reverse("accept_invitation", args=[token])
    assert "next=" in visitor.get(path).content.decode()
    assert visitor.post(path).status_code == 403
    assert visitor.post(reverse("account_signup"), {**SIGN_UP, "next": path})["Location"] == path
    visitor.post(path)
    assert roles(get_user_model().objects.get(username="newcomer")) == {"submitter", "referee"}


def test_the_link_is_worth_nothing_to_somebody_else(
    client_of: Callable[[Any], Client], researcher: Any, stranger: Any
) -> None:
    _row, token = services.create_invitation(actor=researcher, email="guest@example.org", role=Role.EXPERT)
    with pytest.raises(OtherAddressInvited):
        services.accept_invitation(actor=stranger, token=token)
    assert client_of(stranger).post(reverse("accept_invitation", args=[token])).status_code == 403
    assert roles(stranger) == {"submitter"}


def test_where_e_mail_works_the_address_must_be_verified(
    researcher: Any, make_user: Callable[..., Any], settings: Any
) -> None:
    settings.MEDES_SENDS_EMAIL = True
    guest = make_user("guest")
    _row, token = services.create_invitation(actor=researcher, email=guest.email, role=Role.EXPERT)
    with pytest.raises(OtherAddressInvited):
        services.accept_invitation(actor=guest, token=token)
    EmailAddress.objects.create(user=guest, email=guest.email, verified=True)
    assert services.accept_invitation(actor=guest, token=token) == Role.EXPERT


def test_an_invitation_ends_when_revoked_expired_or_replaced(
    researcher: Any, make_user: Callable[..., Any]
) -> None:
    guest = make_user("guest")
    invite: dict[str, Any] = {"actor": researcher, "email": guest.email, "role": Role.EXPERT, "now": NOW}
    row, revoked = services.create_invitation(**invite)
    services.revoke_invitation(actor=researcher, invitation=row, now=NOW)
    _row, replaced = services.create_invitation(**invite)
    _row, expired = services.create_invitation(**invite)
    for token, when in (
        (revoked, NOW),
        (replaced, NOW),
        (expired, NOW + timedelta(days=14)),
        ("unknown", NOW),
    ):
        with pytest.raises(InvitationGone):
            services.accept_invitation(actor=guest, token=token, now=when)
    assert services.accept_invitation(actor=guest, token=expired, now=NOW + timedelta(days=13)) == Role.EXPERT


def test_invitations_are_sent_where_e_mail_works(
    client_of: Callable[[Any], Client], researcher: Any, settings: Any
) -> None:
    settings.MEDES_SENDS_EMAIL = True
    client_of(researcher).post(reverse("invitations"), {"email": "guest@example.org", "role": "expert"})
    assert mail.outbox[0].to == ["guest@example.org"]
    assert "/accounts/invitations/" in mail.outbox[0].body


# ---- the admin ----


def test_staff_without_superuser_rights_cannot_touch_accounts(
    client_of: Callable[[Any], Client], researcher: Any
) -> None:
    client = client_of(researcher)
    for path in ("accounts/user", "auth/group", "accounts/invitation", "accounts/apitoken"):
        assert client.get(f"/admin/{path}/").status_code == 403


def test_the_admin_shows_no_secret(client_of: Callable[[Any], Client], superuser: Any) -> None:
    row, key = services.create_api_token(actor=superuser, name="server", days=None)
    invitation, token = services.create_invitation(
        actor=superuser, email="guest@example.org", role=Role.EXPERT
    )
    client = client_of(superuser)
    pages = [
        f"/admin/accounts/apitoken/{row.pk}/change/",
        "/admin/accounts/apitoken/",
        "/admin/accounts/invitation/",
        f"/admin/accounts/invitation/{invitation.pk}/change/",
    ]
    for page in pages:
        response = client.get(page)
        assert response.status_code == 200
        for secret in (key, token, invitation.token_hash):
            assert secret not in response.content.decode()


def test_the_admin_uses_the_one_log_in_page(visitor: Client) -> None:
    assert visitor.get("/admin/login/?next=/admin/")["Location"].startswith(reverse("account_login"))
