"""API tokens: `Authorization: Token <key>`. A header that cannot be a token is refused, never a traceback."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.plumbing import build_bearer_security_scheme_object
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed


class ApiTokenAuthentication(TokenAuthentication):
    """Knox's scheme, for any bytes a client may send.

    Knox decodes the key as UTF-8 and asks the database for its beginning; other bytes would raise there
    (a lone 0xff while decoding, NUL in PostgreSQL). A key is letters and digits: nothing else gets that far.
    """

    def authenticate(self, request: Any) -> tuple[Any, Any] | None:
        try:
            return super().authenticate(request)
        except UnicodeError as error:
            raise AuthenticationFailed(_("Invalid token.")) from error

    def authenticate_credentials(self, token: bytes) -> tuple[Any, Any]:
        if not token.isalnum() or len(token) > 256:
            raise AuthenticationFailed(_("Invalid token."))
        return super().authenticate_credentials(token)

    def _cleanup_token(self, auth_token: Any) -> bool:
        """Only whether this one has expired: knox also looks for others of the user's, on every request."""
        if auth_token.expiry is None or auth_token.expiry >= timezone.now():
            return False
        auth_token.delete()
        return True


class ApiTokenScheme(OpenApiAuthenticationExtension):
    target_class = "medes_site.kit.authentication.ApiTokenAuthentication"
    name = "apiToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return build_bearer_security_scheme_object(header_name="Authorization", token_prefix="Token")
