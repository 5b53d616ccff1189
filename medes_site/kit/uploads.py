"""Uploads go straight to disk and stop at the limit; whoever sent too much still gets an answer.

Django reads a multipart body before any view runs (the CSRF check needs the form's fields). Three ways to
stop a file that is too large, and what each does to the sender:

- drop the connection: the browser shows "connection reset" and the person learns nothing;
- keep storing: anybody can fill the disk;
- stop storing, drop the temporary file at once, and read the rest without keeping it: fields after the file
  (the CSRF token may be among them) still arrive, and the form can say what was wrong. This is done here.

Reading on is bounded: a body announced as larger than DRAIN_BYTES is refused before its first byte (413).
The limit counts all files of one request together, or a hundred files would fit where one does not.
"""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler

DRAIN_BYTES: Final = 2**30


class TooLargeUpload(SimpleUploadedFile):
    """Stands where a file over the limit would be: empty, while `size` tells how many bytes came."""

    def __init__(self, name: str | None, size: int) -> None:
        super().__init__(name or "upload", b"")
        self.size = size


def upload_limit() -> int:
    """Bytes that the files of one request may have together."""
    return int(settings.MEDES_UPLOAD_BYTES)


def is_too_large(upload: Any) -> bool:
    return isinstance(upload, TooLargeUpload)


class LimitedTemporaryFileUploadHandler(TemporaryFileUploadHandler):
    """Streams to temporary files, up to `upload_limit()` bytes per request (an instance serves one)."""

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self._stored = 0
        self._over = False

    def handle_raw_input(
        self, input_data: Any, META: Any, content_length: int, boundary: Any, encoding: str | None = None
    ) -> None:
        """Raises RequestDataTooBig when the announced body is not worth reading to its end."""
        if content_length > max(DRAIN_BYTES, 2 * upload_limit()):
            raise RequestDataTooBig("The announced body is larger than this site reads.")

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._over = False

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if self._over:
            return
        if self._stored + len(raw_data) > upload_limit():
            self._over = True
            self._stored -= start  # this file's bytes leave the disk now
            self.file.close()
            return
        self._stored += len(raw_data)
        self.file.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile | None:
        if self._over:
            return TooLargeUpload(self.file_name, file_size)
        return super().file_complete(file_size)
