"""Files that nobody should be able to harm us with: each with the code it must be refused for.

`CASES` is for the tests of the reader, and for those of the page and the API: `case.open()` gives a fresh
seekable stream. Files marked `big` exist only as a rule for making their bytes; their stream counts what is
read (`LazyFile.bytes_read`), so that a test can see the reader stop early. Do not read such a stream whole.

Valid rows in here answer items of `KNOWN_ITEMS`, which every benchmark has.
"""

from __future__ import annotations

import codecs
import gzip
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from benchmark.readers.predictions import question_key
from benchmark.readers.problem import Code

MIB = 1024 * 1024
KNOWN_ITEMS = ("obj-0001", "obj-0002", "obj-0003", "obj-0004", "obj-0005")
KNOWN_QUESTIONS = (
    "医生可以把病历给患者的雇主看吗？\nA. 可以\nB. 不可以",
    "下列哪些属于知情同意的要素？\nA. 告知\nB. 自愿\nC. 付费",
    "A repeated question?\nA. yes\nB. no",
    "A repeated question?\nA. yes\nB. no",
    "急诊患者无法联系家属时，谁可以决定？",
)


class ListedItems:
    """An ItemCatalogue in memory: ids, and the questions that go with them, in the benchmark's order."""

    def __init__(
        self, ids: tuple[str, ...] = KNOWN_ITEMS, questions: tuple[str, ...] = KNOWN_QUESTIONS
    ) -> None:
        self._ids = frozenset(ids)
        self._by_question: dict[tuple[str, int], str] = {}
        for code, question in zip(ids, questions, strict=False):
            text = question_key(question)
            occurrence = 1
            while (text, occurrence) in self._by_question:
                occurrence += 1
            self._by_question[text, occurrence] = code

    def resolve(self, code: str) -> str | None:
        return code if code in self._ids else None

    def resolve_question(self, text: str, occurrence: int) -> str | None:
        return self._by_question.get((text, occurrence))


class LazyFile(io.RawIOBase):
    """A file of `size` bytes: `head`, then `filler` over and over. It is made as it is read."""

    def __init__(self, head: bytes, filler: bytes, size: int) -> None:
        super().__init__()
        self._head = head
        self._block = filler * max(1, 64 * 1024 // len(filler))
        self._size = size
        self._at = 0
        self.bytes_read = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        wanted = self._size - self._at if size < 0 else min(size, self._size - self._at)
        parts = []
        while wanted > 0:
            if self._at < len(self._head):
                part = self._head[self._at : self._at + wanted]
            else:
                start = (self._at - len(self._head)) % len(self._block)
                part = self._block[start : start + wanted]
            parts.append(part)
            wanted -= len(part)
            self._at += len(part)
        data = b"".join(parts)
        self.bytes_read += len(data)
        return data

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


@dataclass(frozen=True, slots=True)
class Case:
    """A hostile file: its name, how to make it, why it must be refused and on which line (None: any)."""

    name: str
    filename: str
    open: Callable[[], BinaryIO]
    expected_code: Code
    line: int | None = None
    big: bool = False


def csv_of(*rows: str, header: str = "item,response", end: str = "\n") -> bytes:
    """A CSV file of these raw lines."""
    return "".join(line + end for line in (header, *rows)).encode()


def jsonl_of(*records: Mapping[str, object] | str) -> bytes:
    """A JSON Lines file of these objects; strings go in as they stand."""
    lines = (record if isinstance(record, str) else json.dumps(record) for record in records)
    return "".join(line + "\n" for line in lines).encode()


def _small(
    name: str, data: bytes, code: Code, line: int | None = None, filename: str = "replies.csv"
) -> Case:
    return Case(name, filename, lambda: io.BytesIO(data), code, line)


def _json(name: str, data: bytes, code: Code, line: int | None = None) -> Case:
    return _small(name, data, code, line, "replies.jsonl")


def _big(name: str, head: bytes, filler: bytes, size: int, code: Code, filename: str = "replies.csv") -> Case:
    return Case(name, filename, lambda: LazyFile(head, filler, size), code, big=True)  # type: ignore[arg-type,return-value]


def _zip(*names: str) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), "item,response\nobj-0001,A\n")
    return sink.getvalue()


def _damaged_utf8() -> bytes:
    rows = csv_of("obj-0001,选择甲项，理由充分", "obj-0002,选择乙项", "obj-0003,选择丙项，理由充分").decode()
    data = rows.encode()
    at = data.index("丙".encode()) + 1
    return data[:at] + b"\xff" + data[at:]


def _cut_utf8() -> bytes:
    return csv_of("obj-0001,答案是甲，因为这样更合适").rstrip(b"\n")[:-1]


_LONG = "很" * 200_001
_DEEP = "[" * 5_000 + "]" * 5_000
_HEADER = b"item,response\n"

_NOT_TEXT = (
    _small("empty", b"", Code.EMPTY_FILE),
    _small("byte order mark only", codecs.BOM_UTF8, Code.EMPTY_FILE),
    _small("white space only", b" \r\n\t\n \n", Code.ONLY_WHITESPACE),
    _small("white space only as JSON Lines", b"\n\n  \n", Code.ONLY_WHITESPACE, filename="replies.jsonl"),
    _small("zip named csv", _zip("replies.csv"), Code.ZIP_ARCHIVE),
    _small("empty zip", _zip(), Code.ZIP_ARCHIVE),
    _small("xlsx named csv", _zip("[Content_Types].xml", "xl/workbook.xml"), Code.EXCEL_WORKBOOK),
    _small(
        "old xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), Code.EXCEL_WORKBOOK, filename="r.xls"
    ),
    _small("gzip", gzip.compress(csv_of("obj-0001,A"), mtime=0), Code.COMPRESSED_FILE),
    _small("zstandard", b"\x28\xb5\x2f\xfd\x04\x00", Code.COMPRESSED_FILE, filename="replies.jsonl"),
    _small("pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", Code.PDF_FILE),
    _small("parquet", b"PAR1\x15\x04\x15\x00", Code.BINARY_FILE),
    _small("png", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", Code.BINARY_FILE),
    _small("web page", b"\n<!DOCTYPE html><html><script>alert(1)</script></html>", Code.WEB_PAGE),
    _small("utf-16", "item,response\nobj-0001,A\n".encode("utf-16"), Code.UTF16),
    _small("utf-32", "item,response\nobj-0001,A\n".encode("utf-32"), Code.UTF16),
    _small("utf-16 without mark", "item,response\nobj-0001,A\n".encode("utf-16-le"), Code.NUL_BYTE, 1),
    _small("NUL byte in a reply", csv_of("obj-0001,A", "obj-0002,B\x00C"), Code.NUL_BYTE, 3),
    _small("NUL bytes only", bytes(1000), Code.NUL_BYTE, 1),
    _small(
        "neither UTF-8 nor GB18030", csv_of("obj-0001,A") + b"obj-0002,\xff\xfe\n", Code.WRONG_ENCODING, 3
    ),
    _small("latin-1", "item,response\nobj-0001,où ça\n".encode("latin-1"), Code.WRONG_ENCODING, 2),
    _small(
        "big5 mark",
        codecs.BOM_UTF8 + "item,response\nobj-0001,中文\n".encode("gb18030"),
        Code.WRONG_ENCODING,
        2,
    ),
    _small("one damaged byte in UTF-8", _damaged_utf8(), Code.WRONG_ENCODING, 4),
    _small("last character cut in half", _cut_utf8(), Code.WRONG_ENCODING, 2),
)

_BAD_TABLES = (
    _small("header only", _HEADER, Code.NO_ROWS),
    _small("header and blank rows", csv_of("", ",", " , "), Code.NO_ROWS),
    _small("other columns", csv_of("1,2", header="a,b"), Code.NO_ITEM_COLUMN, 1),
    _small("no header", b"obj-0001,A\nobj-0002,B\n", Code.NO_ITEM_COLUMN, 1),
    _small("no response column", csv_of("obj-0001,A", header="item,notes"), Code.NO_RESPONSE_COLUMN, 1),
    _small(
        "script tag as header", csv_of("a,b", header="<script>alert(1)</script>,x"), Code.NO_ITEM_COLUMN, 1
    ),
    _small(
        "item twice", csv_of("obj-0001,obj-0002,A", header="item,Item,response"), Code.AMBIGUOUS_COLUMN, 1
    ),
    _small(
        "two answer columns", csv_of("obj-0001,A,B", header="item,answer,output"), Code.AMBIGUOUS_COLUMN, 1
    ),
    _small(
        "100,000 columns", b",".join(b"c%d" % n for n in range(100_000)) + b"\n", Code.TOO_MANY_COLUMNS, 1
    ),
    _small("100,000 blank columns", b"item,response" + b"," * 100_000 + b"\n", Code.TOO_MANY_COLUMNS, 1),
    _small(
        "a row of 100,000 cells", csv_of("obj-0001,A", "obj-0002" + ",x" * 100_000), Code.TOO_MANY_COLUMNS, 3
    ),
    _small("a row of 100,000 quoted cells", csv_of('"x",' * 100_000), Code.TOO_MANY_COLUMNS, 2),
    _small("a row of a million quotation marks", csv_of('"' * 2_000_000 + ",A"), Code.UNKNOWN_ITEM, 2),
    _small("too many cells", csv_of("obj-0001,A,B"), Code.WRONG_CELL_COUNT, 2),
    _small("too few cells", csv_of("obj-0001,A", "obj-0002"), Code.WRONG_CELL_COUNT, 3),
    _small(
        "quote never closed", csv_of("obj-0001,A", 'obj-0002,"B', "obj-0003,C"), Code.UNTERMINATED_QUOTE, 3
    ),
    _small("text after the closing quote", csv_of('obj-0001,"A" and B'), Code.BAD_QUOTING, 2),
    _small("over-long reply", csv_of(f"obj-0001,{_LONG}"), Code.RESPONSE_TOO_LONG, 2),
    _small("same id twice", csv_of("obj-0001,A", "obj-0002,B", "obj-0001,B"), Code.DUPLICATE_ITEM, 4),
    _small("unknown id", csv_of("obj-0001,A", "obj-9999,B"), Code.UNKNOWN_ITEM, 3),
    _small("missing id", csv_of("obj-0001,A", ",B"), Code.MISSING_ITEM, 3),
    _small("formula as id", csv_of('"=HYPERLINK(""https://example.org"")",A'), Code.UNKNOWN_ITEM, 2),
    _small("script tag as id", csv_of("<script>alert('x')</script>,A"), Code.UNKNOWN_ITEM, 2),
    _small("path as id", csv_of("../../../etc/passwd,A"), Code.UNKNOWN_ITEM, 2),
    _small("SQL as id", csv_of("obj-0001' OR '1'='1,A"), Code.UNKNOWN_ITEM, 2),
    _small("format string as id", csv_of("%(item)s%s%n{0},A"), Code.UNKNOWN_ITEM, 2),
    _small("id of a million characters", csv_of("x" * 1_000_000 + ",A"), Code.UNKNOWN_ITEM, 2),
    _small("control characters as id", csv_of("\x1b[31mred\x07,A"), Code.UNKNOWN_ITEM, 2),
    _small("unknown question", csv_of("何谓正义？,A", header="query,response"), Code.UNKNOWN_QUESTION, 2),
    _small(
        "question once too often",
        csv_of(*[f'"{KNOWN_QUESTIONS[2]}",A'] * 3, header="query,response"),
        Code.DUPLICATE_QUESTION,
        8,
    ),
    _small(
        "question of nested debris",
        csv_of("_x000D" * 500_000 + "_" * 500_000 + ",A", header="query,response"),
        Code.UNKNOWN_QUESTION,
        2,
    ),
    _small("sixty unknown ids", csv_of(*(f"no-{n},A" for n in range(60))), Code.UNKNOWN_ITEM, 2),
)

_BAD_JSON = (
    _json("a JSON array", jsonl_of('[{"item": "obj-0001", "response": "A"}]'), Code.JSON_NOT_LINES, 1),
    _json(
        "an indented JSON object", b'{\n  "item": "obj-0001",\n  "response": "A"\n}\n', Code.JSON_NOT_LINES, 1
    ),
    _json("deep lists as JSON", _DEEP.encode(), Code.JSON_NOT_LINES, 1),
    _json("CSV named jsonl", csv_of("obj-0001,A"), Code.NOT_JSON, 1),
    _json("cut-off JSON", jsonl_of({"item": "obj-0001", "response": "A"}, '{"item": "ob'), Code.NOT_JSON, 2),
    _json("raw control character", b'{"item": "obj-0001", "response": "a\x01b"}\n', Code.NOT_JSON, 1),
    _json("single quotes", b"{'item': 'obj-0001', 'response': 'A'}\n", Code.NOT_JSON, 1),
    _json("two objects on a line", b'{"item": "obj-0001", "response": "A"} {}\n', Code.NOT_JSON, 1),
    _json("a string", jsonl_of({"item": "obj-0001", "response": "A"}, '"obj-0002"'), Code.NOT_AN_OBJECT, 2),
    _json("null", jsonl_of({"item": "obj-0001", "response": "A"}, "null"), Code.NOT_AN_OBJECT, 2),
    _json(
        "deep lists inside",
        f'{{"item": "obj-0001", "response": "A", "x": {_DEEP}}}\n'.encode(),
        Code.JSON_TOO_DEEP,
        1,
    ),
    _json("deep objects inside", b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"\n", Code.JSON_TOO_DEEP, 1),
    _json("a million lists", b'{"x": [' + b"[]," * 1_000_000 + b"0]}\n", Code.JSON_TOO_MANY_VALUES, 1),
    _json(
        "a million escaped marks", b'{"x": "' + b'\\"' * 1_000_000 + b"," * 30_000 + b"\n", Code.NOT_JSON, 1
    ),
    _json("a million closing brackets", b'{"x": 0' + b"]" * 1_000_000 + b"\n", Code.JSON_TOO_MANY_VALUES, 1),
    _json("NaN", b'{"item": "obj-0001", "response": "A", "score": NaN}\n', Code.JSON_NOT_A_NUMBER, 1),
    _json("minus infinity", b'{"item": "obj-0001", "response": -Infinity}\n', Code.JSON_NOT_A_NUMBER, 1),
    _json(
        "a huge integer",
        b'{"item": "obj-0001", "response": "A", "n": ' + b"9" * 100_000 + b"}\n",
        Code.JSON_HUGE_NUMBER,
        1,
    ),
    _json(
        "a key twice",
        b'{"item": "obj-0001", "item": "obj-0002", "response": "A"}\n',
        Code.JSON_DUPLICATE_KEY,
        1,
    ),
    _json("a number as reply", jsonl_of({"item": "obj-0001", "response": 3}), Code.WRONG_TYPE, 1),
    _json("a list as reply", jsonl_of({"item": "obj-0001", "response": ["A"]}), Code.WRONG_TYPE, 1),
    _json("a number as id", jsonl_of({"item": 1, "response": "A"}), Code.WRONG_TYPE, 1),
    _json("no id key", jsonl_of({"response": "A"}), Code.MISSING_ITEM, 1),
    _json("no reply key", jsonl_of({"item": "obj-0001"}), Code.MISSING_RESPONSE, 1),
    _json(
        "100,000 keys",
        json.dumps({f"k{n}": 0 for n in range(100_000)}).encode(),
        Code.JSON_TOO_MANY_VALUES,
        1,
    ),
    _json("600 keys", json.dumps({f"k{n}": 0 for n in range(600)}).encode(), Code.TOO_MANY_COLUMNS, 1),
    _json(
        "half a character", jsonl_of({"item": "obj-0001", "response": "ok \ud83d"}), Code.LONE_SURROGATE, 1
    ),
    _json("half a character as id", jsonl_of({"item": "\udc00", "response": "A"}), Code.UNKNOWN_ITEM, 1),
    _json(
        "half a character as question",
        jsonl_of({"query": "\udc00", "response": "A"}),
        Code.UNKNOWN_QUESTION,
        1,
    ),
    _json(
        "script tag as JSON id",
        jsonl_of({"item": "<img src=x onerror=alert(1)>", "response": "A"}),
        Code.UNKNOWN_ITEM,
        1,
    ),
)

_BIG = (
    _big(
        "300 MB zip named csv",
        b"PK\x03\x04\x14\x00\x00\x00\x08\x00",
        b"\x9c\x03\xff\x00",
        300 * MIB,
        Code.ZIP_ARCHIVE,
    ),
    _big("300 MB of valid rows", _HEADER, b"obj-0001,A\n", 300 * MIB, Code.TOO_LARGE),
    _big("a line of 50 MB", _HEADER + b"obj-0001,", b"A", 50 * MIB, Code.ROW_TOO_LONG),
    _big(
        "a JSON line of 50 MB",
        b'{"item": "obj-0001", "response": "',
        b"A",
        50 * MIB,
        Code.ROW_TOO_LONG,
        "r.jsonl",
    ),
    _big(
        "a quoted cell of 50 MB",
        _HEADER + b'obj-0001,"',
        b"one more line of the same reply\n",
        50 * MIB,
        Code.ROW_TOO_LONG,
    ),
    _big("a header of 50 MB", b"", b"item,", 50 * MIB, Code.ROW_TOO_LONG),
    _big("60 MB of line breaks", b"", b"\n", 60 * MIB, Code.TOO_MANY_LINES),
    _big("60 MB of carriage returns", b"", b"\r", 60 * MIB, Code.TOO_MANY_LINES),
    _big("60 MB of one id", _HEADER, b"obj-0001,the answer is A, and B\n", 60 * MIB, Code.WRONG_CELL_COUNT),
    _big("60 MB of quotation marks", _HEADER + b"obj-0001,", b'""', 60 * MIB, Code.ROW_TOO_LONG),
    _big("60 MB of NUL", b"", b"\x00", 60 * MIB, Code.NUL_BYTE),
)

CASES: tuple[Case, ...] = _NOT_TEXT + _BAD_TABLES + _BAD_JSON + _BIG
