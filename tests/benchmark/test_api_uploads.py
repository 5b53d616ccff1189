"""Files and bodies posted to the API: what is refused, how it is said, and that nothing of it is stored."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from benchmark.models import BenchmarkVersion, Entry, Response, Submission
from benchmark.services.entries import create_entry
from benchmark.services.submissions import withdraw_submission
from medes_site.kit.jobs.models import Job
from tests.benchmark.cast import DEV, HIDDEN, KEYS, PUBLIC, answers, import_tiny, predictions, submit
from tests.readers.hostile import CASES, Case

URL = "/api/v1/submissions/"
pytestmark = pytest.mark.django_db
BOUNDARY = "a-boundary-that-no-file-holds"


@pytest.fixture
def entry(tmp_path: Path, submitter: Any) -> Entry:
    import_tiny(tmp_path / "tiny")
    return create_entry(actor=submitter, name="My Model")


@pytest.fixture
def owner(client_of: Callable[..., Client], submitter: Any) -> Client:
    return client_of(submitter)


class Multipart:
    """The body of a form with one file, made while it is read: 300 MB cost no memory."""

    def __init__(self, fields: dict[str, str], name: str, file: BinaryIO, size: int) -> None:
        head = "".join(
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
            for key, value in fields.items()
        )
        head += (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        self._rest = head.encode()
        self._tail: bytes | None = f"\r\n--{BOUNDARY}--\r\n".encode()
        self._file = file
        self.length = len(self._rest) + size + len(self._tail or b"")

    def readline(self, size: int = -1) -> bytes:
        raise AssertionError("a multipart body is read in blocks")

    def read(self, size: int = 65536) -> bytes:
        if not self._rest:
            self._rest = self._file.read(65536)
        if not self._rest and self._tail is not None:
            self._rest, self._tail = self._tail, None
        part, self._rest = self._rest[:size], self._rest[size:]
        return part


def send(client: Client, case_name: str, file: BinaryIO, size: int, **fields: str) -> Any:
    body = Multipart({"entry": "my-model", "benchmark": "tiny", **fields}, case_name, file, size)
    return client.generic(
        "POST",
        URL,
        CONTENT_TYPE=f"multipart/form-data; boundary={BOUNDARY}",
        CONTENT_LENGTH=str(body.length),
        **{"wsgi.input": body},
    )


def size_of(file: BinaryIO) -> int:
    size = file.seek(0, 2)
    file.seek(0)
    return size


def nothing_is_stored() -> bool:
    files = [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]
    return not (Submission.objects.exists() or Response.objects.exists() or Job.objects.exists() or files)


@pytest.fixture(autouse=True)
def uploads(settings: Any, tmp_path: Path) -> Iterator[Path]:
    """An empty folder for stored files, and for the temporary ones."""
    stored, temporary = tmp_path / "stored", tmp_path / "temporary"
    temporary.mkdir()
    settings.MEDIA_ROOT = stored
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": stored},
        },
    }
    settings.FILE_UPLOAD_TEMP_DIR = str(temporary)
    yield temporary
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_hostile_files(entry: Entry, owner: Client, case: Case) -> None:
    file = case.open()
    response = send(owner, case.filename, file, size_of(file))
    answer = response.json()
    assert response.status_code == (413 if size_of(case.open()) > settings.MEDES_UPLOAD_BYTES else 422)
    assert answer["detail"]
    if response.status_code == 422:
        assert answer["code"] == "FileRefused"
        assert 0 < len(answer["problems"]) <= 50
        for problem in answer["problems"]:
            assert set(problem) == {"line", "column", "code", "reason"}
            assert problem["reason"] and len(problem["reason"]) < 2000
    assert "Traceback" not in response.content.decode()
    assert nothing_is_stored()


def test_a_hidden_id_is_as_unknown_as_nonsense(entry: Entry, owner: Client) -> None:
    def refusal(code: str) -> Any:
        answer = owner.post(URL, _form(predictions({code: "A"})))
        assert answer.status_code == 422
        return json.loads(answer.content.decode().replace(code, "…"))

    for code in (*HIDDEN, "sub-0003"):
        assert refusal(code) == refusal("obj-9999")
    assert nothing_is_stored()


def _form(data: bytes, name: str = "replies.csv", **fields: Any) -> dict[str, Any]:
    return {"entry": "my-model", "benchmark": "tiny", "file": SimpleUploadedFile(name, data), **fields}


def test_csv_and_json_lines_are_taken(entry: Entry, owner: Client) -> None:
    replies = answers((*PUBLIC, *DEV), 5)
    made = owner.post(URL, _form(predictions(replies))).json()
    lines = "".join(json.dumps({"item": code, "response": text}) + "\n" for code, text in replies.items())
    also = owner.post(URL, _form(lines.encode(), "replies.jsonl")).json()
    assert made["responses"] == also["responses"] == 16
    for row in (made, also):
        stored = Response.objects.filter(submission=row["id"]).values_list("item__code", "text")
        assert dict(stored) == replies
    gb = owner.post(URL, _form(predictions(replies).decode().encode("gb18030"))).json()
    assert gb["responses"] == 16


def test_the_same_file_twice(entry: Entry, owner: Client, submitter: Any) -> None:
    data = predictions(answers(PUBLIC, 5))
    first = owner.post(URL, _form(data)).json()
    again = owner.post(URL, _form(data, "renamed.csv"))
    assert again.status_code == 409
    assert (again.json()["code"], again.json()["submission"]) == ("AlreadySubmitted", first["id"])
    withdraw_submission(actor=submitter, submission=Submission.objects.get(pk=first["id"]))
    assert owner.post(URL, _form(data)).status_code == 201


def test_the_quota_counts_what_is_stored(entry: Entry, owner: Client, settings: Any, submitter: Any) -> None:
    settings.MEDES_DAILY_SUBMISSIONS = 2
    assert owner.post(URL, _form(b"nonsense")).status_code == 422
    for right in (1, 2):
        assert owner.post(URL, _form(predictions(answers(PUBLIC, right)))).status_code == 201
    refused = owner.post(URL, _form(predictions(answers(PUBLIC, 3))))
    assert (refused.status_code, refused.json()["code"]) == (429, "QuotaReached")
    withdraw_submission(actor=submitter, submission=Submission.objects.first())
    assert owner.post(URL, _form(predictions(answers(PUBLIC, 3)))).status_code == 429
    assert Submission.objects.count() == 2


def test_over_the_limit_is_413(entry: Entry, owner: Client, settings: Any) -> None:
    settings.MEDES_UPLOAD_BYTES = 2000
    data = predictions(answers(PUBLIC, 1)) + b"x" * 2000
    response = owner.post(URL, _form(data))
    assert (response.status_code, response.json()["detail"] != "") == (413, True)
    huge = owner.generic(
        "POST",
        URL,
        CONTENT_TYPE=f"multipart/form-data; boundary={BOUNDARY}",
        CONTENT_LENGTH=str(2**40),
        **{"wsgi.input": Multipart({}, "x", io.BytesIO(b""), 0)},
    )
    assert huge.status_code == 413
    assert huge.json()["detail"]
    assert nothing_is_stored()


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"file": None}, 400, "file"),
        ({"file": "item,response"}, 400, "file"),
        ({"entry": None}, 400, "entry"),
        ({"entry": ""}, 400, "entry"),
        ({"entry": "\x00"}, 400, "entry"),
        ({"entry": "no-such-entry"}, 404, "detail"),
        ({"entry": "theirs"}, 404, "detail"),
        ({"entry": "well-known"}, 403, "detail"),
        ({"benchmark": None}, 400, "benchmark"),
        ({"benchmark": "nothing"}, 400, "detail"),
        ({"benchmark": "\x00"}, 400, "benchmark"),
        ({"version": "2"}, 400, "detail"),
        ({"version": "\x00"}, 400, "version"),
        ({"note": "x" * 2001}, 400, "note"),
        ({"note": "\x00"}, 400, "note"),
    ],
)
def test_fields_that_are_wrong(
    entry: Entry, owner: Client, stranger: Any, change: dict[str, Any], status: int, field: str
) -> None:
    create_entry(actor=stranger, name="Theirs")
    known = create_entry(actor=stranger, name="Well known")
    version = submit(stranger, known, BenchmarkVersion.objects.get(), predictions(answers(PUBLIC, 1)))
    Submission.objects.filter(pk=version.pk).update(state="public")
    body = {
        name: value
        for name, value in {**_form(predictions(KEYS_OPEN)), **change}.items()
        if value is not None
    }
    response = owner.post(URL, body)
    assert response.status_code == status, response.content
    assert field in response.json()
    assert Submission.objects.count() == 1


KEYS_OPEN = {code: KEYS[code] for code in PUBLIC}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{"),
        ("application/json", b"[]"),
        ("application/json", b"null"),
        ("application/json", b"\xff\xfe"),
        ("application/json", b"[" * 100_000),
        ("application/json", b'{"entry": "my-model", "benchmark": "tiny", "file": "a,b"}'),
        ("application/json; charset=nonsense", b"{}"),
        ("application/x-www-form-urlencoded", b"entry=my-model&file=%00&%FF=%FF"),
        ("application/x-www-form-urlencoded", b"a=" + b"x" * 3_000_000),
        ("application/json", b'"' + b"x" * 3_000_000 + b'"'),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=", b"x"),
        ("multipart/form-data; boundary=abc", b""),
        (
            "multipart/form-data; boundary=abc",
            b"--abc\r\nContent-Disposition: form-data; name=\xff\r\n\r\nx\r\n",
        ),
        ("multipart/form-data; boundary=abc", b"--abc\r\n" * 2000),
        ("text/plain", b"item,response"),
        ("text/csv", b"item,response\nobj-0001,A\n"),
        ("", b"x"),
        ("nonsense", b"x"),
    ],
)
@pytest.mark.parametrize("path", [URL, "/api/v1/entries/"])
def test_bodies_that_are_wrong(
    entry: Entry, owner: Client, path: str, content_type: str, body: bytes
) -> None:
    response = owner.generic("POST", path, body, content_type=content_type)
    assert response.status_code in (400, 413, 415), response.content
    assert response.json()
    assert Entry.objects.count() == 1
    assert nothing_is_stored()


def test_many_small_fields_are_refused(entry: Entry, owner: Client) -> None:
    body = {f"f{n}": "x" for n in range(1001)}
    response = owner.post(URL, {**_form(predictions(KEYS_OPEN)), **body})
    assert response.status_code == 400
    assert response.json()["detail"]
    assert nothing_is_stored()
