"""Texts and files that the scene is made of and the tests know of. Needs no Django."""

from __future__ import annotations

import csv
import io
from typing import Final

# Nothing in them lets a line break, so what does not wrap by itself pushes the page apart.
LONG_NAME: Final = "Ausgezeichnetmitdreifachemlangennamen" * 3 + "Nachwort9"
LONG_ORGANISATION: Final = "Zentralinstitutfuerlangebezeichnungen" * 4
LONG_REPLY: Final = "这是一段没有尽头的论证" * 900 + "Undimmernochkeinende" * 500 + "\n最终答案：A"
BIG_ITEMS: Final = 6000


def big_key(number: int) -> str:
    """The key of item `number` (from 1) of the big benchmark."""
    return "ABCD"[number % 4]


def replies_file(answers: dict[str, str]) -> bytes:
    """A predictions file: CSV of item and response."""
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(("item", "response"))
    writer.writerows(answers.items())
    return sink.getvalue().encode()
