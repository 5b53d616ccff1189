"""Parsers that refuse a body larger than DATA_UPLOAD_MAX_MEMORY_SIZE before they read it.

DRF reads JSON and form bodies whole, past Django's limit. Files come as multipart, which is streamed and
has its own limit (medes_site/kit/uploads.py).
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import FormParser, JSONParser


def _check_length(context: dict[str, Any] | None) -> None:
    request = (context or {}).get("request")
    announced = str(request.META.get("CONTENT_LENGTH", "")) if request is not None else ""
    # Django reads nothing of a body whose length is no number.
    if announced.isdecimal() and int(announced) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        raise RequestDataTooBig("The body is larger than this site reads into memory.")


class BoundedJSONParser(JSONParser):
    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        _check_length(parser_context)
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:  # nested a thousand levels deep
            raise ParseError(_("The JSON is nested too deeply.")) from error


class BoundedFormParser(FormParser):
    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        _check_length(parser_context)
        return super().parse(stream, media_type, parser_context)
