"""From bytes to lines of text: is this text at all, in which encoding, and are its lines of sane length?

`scan` reads the file once in chunks and refuses what is no text, before anything is parsed. `text_lines`
then gives the decoded lines. Neither ever holds more than one line and one chunk.

Encodings: UTF-8 with or without byte order mark, else GB18030 (which contains GBK and GB2312), both
strictly. UTF-16 and UTF-32 are refused by name. A UTF-8 file with a few damaged bytes often decodes
"successfully" as GB18030, into nonsense; so GB18030 is believed only where a fifth or more of the non-ASCII
bytes do not fit UTF-8 (in real GB18030 text it is most of them, in a damaged UTF-8 file a few).
"""

from __future__ import annotations

import codecs
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from benchmark.readers.problem import Code, Limits, Problem, StopReading, as_mib

CHUNK = 64 * 1024
GB18030_MINIMUM_MISFIT = 0.2

_HIGH_BYTES = bytes(range(128, 256))
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
_COMPRESSED = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "RAR"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"),
)
_BINARY = (
    (b"PAR1", "Parquet"),
    (b"SQLite format 3\x00", "SQLite"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"\x7fELF", "ELF"),
    (b"\x93NUMPY", "NumPy"),
    (b"\x80\x02", "pickle"),
    (b"\x80\x04\x95", "pickle"),
    (b"\x80\x05\x95", "pickle"),
)


@dataclass(frozen=True, slots=True)
class Scan:
    """A file that is text: `encoding` is "utf-8", "utf-8-sig" (with byte order mark) or "gb18030";
    `sha256` is the hexadecimal digest of all its `size` bytes."""

    encoding: str
    size: int
    lines: int
    sha256: str


class _Undecodable(Exception):
    def __init__(self, offset: int, line: int) -> None:
        super().__init__(offset, line)
        self.offset = offset
        self.line = line


def scan(stream: BinaryIO, limits: Limits) -> Scan:
    """Read the whole seekable `stream` once (twice for GB18030) and say what it is.

    Raises StopReading at the first byte that rules the file out: a foreign format, too many bytes or lines, a
    line over `limits.row`, a NUL byte, or bytes that are neither UTF-8 nor GB18030.
    """
    stream.seek(0)
    head = stream.read(CHUNK)
    if not head or head == codecs.BOM_UTF8:
        raise StopReading(Problem(Code.EMPTY_FILE))
    _refuse_foreign_format(head)
    stream.seek(0, io.SEEK_END)
    if stream.tell() > limits.bytes:
        raise StopReading(Problem(Code.TOO_LARGE, params={"limit_mib": as_mib(limits.bytes)}))
    marked = head.startswith(codecs.BOM_UTF8)
    try:
        return _Pass("utf-8-sig" if marked else "utf-8", limits).run(stream)
    except _Undecodable as error:
        as_utf8 = error
    if marked:
        raise _wrong_encoding(as_utf8)
    attempt = _Pass("gb18030", limits)
    try:
        result = attempt.run(stream)
    except _Undecodable as as_gb18030:
        # The encoding that got further is most likely the intended one: its position helps.
        raise _wrong_encoding(max(as_utf8, as_gb18030, key=lambda error: error.offset)) from None
    if attempt.misfit_of_utf8() < GB18030_MINIMUM_MISFIT:
        raise _wrong_encoding(as_utf8)
    return result


def text_lines(stream: BinaryIO, encoding: str, limits: Limits) -> Iterator[tuple[int, str]]:
    """Yield (line number from 1, line with its line break) of a scanned file; CR, LF and CRLF break lines.

    A leading byte order mark is dropped. The stream is left open. Raises StopReading if the file no longer is
    what `scan` saw.
    """
    stream.seek(0)
    codec = "utf-8" if encoding == "utf-8-sig" else encoding
    raw = io.BufferedReader(_Unowned(stream), CHUNK)
    with io.TextIOWrapper(raw, encoding=codec, errors="strict", newline="") as text:
        number = 0
        while True:
            try:
                line = text.readline(limits.row + 1)
            except UnicodeDecodeError:
                raise StopReading(
                    Problem(Code.WRONG_ENCODING, line=number + 1, params={"offset": stream.tell()})
                ) from None
            if not line:
                return
            number += 1
            if len(line) > limits.row:
                raise StopReading(_row_too_long(number, limits))
            if number == 1:
                line = line.removeprefix("\ufeff")
            yield number, line


class _Unowned(io.RawIOBase):
    """A reader's view of somebody else's stream: closing the view leaves the stream open."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _Pass:
    """One pass over the bytes, assuming one encoding."""

    def __init__(self, encoding: str, limits: Limits) -> None:
        self._encoding = encoding
        self._limits = limits
        self._decoder = codecs.getincrementaldecoder(encoding)("strict")
        self._size = 0
        self._breaks = 0  # line breaks before the current chunk
        self._after_cr = False
        self._unbroken = 0  # bytes since the last line break
        self._utf8 = codecs.getincrementaldecoder("utf-8")("ignore")
        self._high = 0
        self._fitting = 0

    def run(self, stream: BinaryIO) -> Scan:
        digest = hashlib.sha256()
        stream.seek(0)
        while chunk := stream.read(CHUNK):
            if self._size + len(chunk) > self._limits.bytes:
                raise StopReading(Problem(Code.TOO_LARGE, params={"limit_mib": as_mib(self._limits.bytes)}))
            digest.update(chunk)
            self._check_nul(chunk)
            self._check_line_length(chunk)
            self._decode(chunk)
            if self._encoding == "gb18030":
                self._weigh_utf8(chunk)
            self._breaks += self._breaks_in(chunk)
            self._after_cr = chunk.endswith(b"\r")
            self._size += len(chunk)
            if self._breaks > self._limits.lines:
                raise StopReading(Problem(Code.TOO_MANY_LINES, params={"limit": self._limits.lines}))
        self._decode(b"", final=True)
        lines = self._breaks + (1 if self._unbroken else 0)
        return Scan(self._encoding, self._size, lines, digest.hexdigest())

    def misfit_of_utf8(self) -> float:
        """Share of the non-ASCII bytes seen that are no part of a UTF-8 character, 0 to 1."""
        return 1.0 if self._high == 0 else (self._size - self._fitting) / self._high

    def _breaks_in(self, data: bytes) -> int:
        breaks = data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")
        return breaks - 1 if self._after_cr and data.startswith(b"\n") else breaks

    def _line_of(self, chunk: bytes, position: int) -> int:
        return self._breaks + 1 + (self._breaks_in(chunk[:position]) if position > 0 else 0)

    def _check_nul(self, chunk: bytes) -> None:
        position = chunk.find(b"\x00")
        if position >= 0 and not self._limits.nul:
            line = self._line_of(chunk, position)
            raise StopReading(Problem(Code.NUL_BYTE, line=line, params={"offset": self._size + position + 1}))

    def _check_line_length(self, chunk: bytes) -> None:
        # A chunk is shorter than any limit worth setting, so only lines that cross chunks need measuring.
        first = min((p for p in (chunk.find(b"\n"), chunk.find(b"\r")) if p >= 0), default=len(chunk))
        if self._unbroken + first > self._limits.row:
            raise StopReading(_row_too_long(self._breaks + 1, self._limits))
        last = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
        self._unbroken = self._unbroken + len(chunk) if last < 0 else len(chunk) - last - 1

    def _decode(self, chunk: bytes, *, final: bool = False) -> None:
        try:
            self._decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            # The object holds what the decoder kept from before, and for utf-8-sig lacks the mark.
            carried = len(error.object) - len(chunk)
            position = error.start - carried
            raise _Undecodable(self._size + position + 1, self._line_of(chunk, position)) from None

    def _weigh_utf8(self, chunk: bytes) -> None:
        self._high += len(chunk) - len(chunk.translate(None, _HIGH_BYTES))
        self._fitting += len(self._utf8.decode(chunk).encode())


def _refuse_foreign_format(head: bytes) -> None:
    if head.startswith(_UTF16_MARKS):
        raise StopReading(Problem(Code.UTF16))
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        workbook = b"[Content_Types].xml" in head or b"xl/" in head
        raise StopReading(Problem(Code.EXCEL_WORKBOOK if workbook else Code.ZIP_ARCHIVE))
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise StopReading(Problem(Code.EXCEL_WORKBOOK))
    if head.startswith(b"%PDF-"):
        raise StopReading(Problem(Code.PDF_FILE))
    for code, table in ((Code.COMPRESSED_FILE, _COMPRESSED), (Code.BINARY_FILE, _BINARY)):
        for magic, kind in table:
            if head.startswith(magic):
                raise StopReading(Problem(code, params={"kind": kind}))
    if head.removeprefix(codecs.BOM_UTF8).lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        raise StopReading(Problem(Code.WEB_PAGE))


def _wrong_encoding(error: _Undecodable) -> StopReading:
    return StopReading(Problem(Code.WRONG_ENCODING, line=error.line, params={"offset": error.offset}))


def _row_too_long(line: int, limits: Limits) -> Problem:
    return Problem(Code.ROW_TOO_LONG, line=line, params={"limit_mib": as_mib(limits.row)})
