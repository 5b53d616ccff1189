"""A file over the limit leaves nothing on the disk and still gets an answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.test import RequestFactory

from medes_site.kit.forms import UploadField
from medes_site.kit.uploads import DRAIN_BYTES, LimitedTemporaryFileUploadHandler, is_too_large

LIMIT = 200_000


class Upload(forms.Form):
    file = UploadField()


@pytest.fixture(autouse=True)
def _limit(settings: Any, tmp_path: Path) -> None:
    settings.MEDES_UPLOAD_BYTES = LIMIT
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)


def sent(*sizes: int) -> Any:
    files = {
        f"file{number or ''}": SimpleUploadedFile("a.csv", b"x" * size) for number, size in enumerate(sizes)
    }
    return RequestFactory().post("/", {**files, "after": "still read"})


def test_a_file_within_the_limit_is_on_disk_and_whole(tmp_path: Path) -> None:
    request = sent(LIMIT)
    upload = request.FILES["file"]
    assert isinstance(upload, TemporaryUploadedFile) and Path(upload.temporary_file_path()).parent == tmp_path
    assert upload.size == LIMIT and upload.read() == b"x" * LIMIT
    assert Upload(request.POST, request.FILES).is_valid()


def test_a_file_over_the_limit_leaves_nothing_and_the_form_says_so(tmp_path: Path) -> None:
    request = sent(LIMIT + 1)
    assert request.POST["after"] == "still read"
    assert is_too_large(request.FILES["file"]) and request.FILES["file"].read() == b""
    assert list(tmp_path.iterdir()) == []
    form = Upload(request.POST, request.FILES)
    assert form.errors.as_data()["file"][0].code == "too_large"


def test_the_limit_counts_all_files_of_a_request(tmp_path: Path) -> None:
    request = sent(LIMIT // 2, LIMIT // 2 + 1, LIMIT // 2)
    marks = [is_too_large(request.FILES[name]) for name in ("file", "file1", "file2")]
    assert marks == [False, True, False]  # the second left the disk again, so the third had room
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= LIMIT


def test_a_body_not_worth_reading_is_refused_before_its_first_byte() -> None:
    request = sent(10)
    request.META["CONTENT_LENGTH"] = str(DRAIN_BYTES + 1)
    handler = LimitedTemporaryFileUploadHandler(request)
    with pytest.raises(RequestDataTooBig):
        handler.handle_raw_input(None, request.META, DRAIN_BYTES + 1, b"--b")


def test_an_empty_file_keeps_its_own_message() -> None:
    request = sent(0)
    assert Upload(request.POST, request.FILES).errors.as_data()["file"][0].code == "empty"
