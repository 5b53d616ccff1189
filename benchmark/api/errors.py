"""How the API says no: the services' own sentences, with a code; a refused file with its problems."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException
from rest_framework.response import Response
from rest_framework.views import exception_handler

from benchmark.errors import BenchmarkError
from benchmark.problems import describe
from benchmark.readers.problem import FileRefused


class FileTooLarge(APIException):
    """The upload went over MEDES_UPLOAD_BYTES."""

    status_code = 413
    default_code = "FileTooLarge"


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER: what is not ours goes to the default one."""
    if isinstance(error, BenchmarkError):
        body = {"detail": str(error), "code": type(error).__name__, **error.details}
        return Response(body, status=error.status)
    if isinstance(error, FileRefused):
        problems = [
            {
                "line": problem.line,
                "column": problem.column,
                "code": str(problem.code),
                "reason": describe(problem),
            }
            for problem in error.problems
        ]
        body = {
            "detail": _("The file was refused as a whole; nothing of it was stored."),
            "code": "FileRefused",
            "problems": problems,
            "more": bool(error.more),
        }
        return Response(body, status=422)
    return exception_handler(error, context)
