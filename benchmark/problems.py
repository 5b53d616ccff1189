"""Sentences for what is wrong with a predictions file: what the matter is, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from benchmark.readers.problem import Code, Problem

MESSAGES: Mapping[Code, Promise] = {
    Code.EMPTY_FILE: _("The file is empty. Choose the file that holds the replies."),
    Code.ONLY_WHITESPACE: _("The file holds only white space. Choose the file that holds the replies."),
    Code.NO_ROWS: _("The file has a header but no replies. Add one row for each item answered."),
    Code.TOO_LARGE: _(
        "The file is larger than %(limit_mib)s MiB. Leave out columns other than item and response."
    ),
    Code.TOO_MANY_LINES: _("The file has more than %(limit)s lines. Remove blank lines and unused columns."),
    Code.TOO_MANY_ROWS: _("The file has more than %(limit)s rows. Give one row for each item."),
    Code.ROW_TOO_LONG: _(
        "The row that begins here is longer than %(limit_mib)s MiB. "
        "Perhaps a line break is missing, or a quotation mark is opened and never closed."
    ),
    Code.ZIP_ARCHIVE: _("This is a zip archive. Unpack it and upload the CSV or JSON Lines file inside."),
    Code.EXCEL_WORKBOOK: _("This is an Excel workbook. Save it as “CSV UTF-8” and upload that file."),
    Code.COMPRESSED_FILE: _("This is a compressed file (%(kind)s). Unpack it and upload what is inside."),
    Code.PDF_FILE: _("This is a PDF document. Upload the replies as CSV or JSON Lines."),
    Code.WEB_PAGE: _(
        "This is a web page (HTML), perhaps saved in place of the file. "
        "Upload the replies as CSV or JSON Lines."
    ),
    Code.BINARY_FILE: _("This is a %(kind)s file, not text. Upload the replies as CSV or JSON Lines."),
    Code.UTF16: _("The file is encoded as UTF-16 or UTF-32. Save it as UTF-8 (in Excel: “CSV UTF-8”)."),
    Code.NUL_BYTE: _(
        "Byte %(offset)s of the file is a NUL byte, which text never holds. "
        "The file is damaged, or not a text file: export it again as UTF-8."
    ),
    Code.WRONG_ENCODING: _(
        "Byte %(offset)s of the file fits neither UTF-8 nor GB18030. "
        "Save the file as UTF-8 and upload it again."
    ),
    Code.TOO_MANY_COLUMNS: _("There are more than %(limit)s columns. Keep only item and response."),
    Code.NO_ITEM_COLUMN: _(
        "No column says which item a row answers. Name one “item” (ids) or “query” (question texts). "
        "Columns found: %(found)s"
    ),
    Code.NO_RESPONSE_COLUMN: _("No column holds the replies. Name it “response”. Columns found: %(found)s"),
    Code.AMBIGUOUS_COLUMN: _(
        "Several columns could be meant: %(names)s. Name them “item” and “response” and rename the others."
    ),
    Code.WRONG_CELL_COUNT: _(
        "The row has %(found)s cells where the header has %(expected)s. "
        "Put cells that hold a separator or a line break in double quotation marks."
    ),
    Code.UNTERMINATED_QUOTE: _(
        "In the row that begins here a quotation mark is opened and never closed. "
        "Close it; inside a quoted cell, double every quotation mark."
    ),
    Code.BAD_QUOTING: _(
        "After the closing quotation mark of a cell there is more text. "
        "Inside a quoted cell, double every quotation mark."
    ),
    Code.JSON_NOT_LINES: _(
        "This is one JSON document, not JSON Lines. "
        "Put one object on each line, without brackets around the whole."
    ),
    Code.NOT_JSON: _(
        "The line is not valid JSON (at character %(position)s). "
        "Each line must be one complete object with the keys “item” and “response”."
    ),
    Code.NOT_AN_OBJECT: _("The line is not a JSON object. Write one with the keys “item” and “response”."),
    Code.JSON_TOO_DEEP: _("The JSON is nested more than %(limit)s levels deep. Keep only item and response."),
    Code.JSON_TOO_MANY_VALUES: _(
        "The line has more than %(limit)s JSON values. Keep only item and response."
    ),
    Code.JSON_NOT_A_NUMBER: _("JSON has no value “%(value)s”. Write null, or leave the key out."),
    Code.JSON_HUGE_NUMBER: _(
        "A number has more than %(limit)s digits. Write it as a string, or leave the key out."
    ),
    Code.JSON_DUPLICATE_KEY: _("The key “%(key)s” occurs twice in one object. Keep one of them."),
    Code.WRONG_TYPE: _("The value is not text. Write it as a JSON string in double quotation marks."),
    Code.MISSING_ITEM: _("The row does not say which item it answers. Fill in the item's id."),
    Code.MISSING_RESPONSE: _(
        "The object has no reply. Add the key “response”, with an empty string where the model gave none."
    ),
    Code.UNKNOWN_ITEM: _(
        "The benchmark has no item “%(item)s”. Use the ids of the list of questions offered for download."
    ),
    Code.UNKNOWN_QUESTION: _(
        "The benchmark has no question “%(question)s”. "
        "Leave the text of questions unchanged, or give ids in a column “item”."
    ),
    Code.DUPLICATE_ITEM: _(
        "The item “%(item)s” was answered before, on line %(first_line)s. Keep one reply for each item."
    ),
    Code.DUPLICATE_QUESTION: _(
        "The file answers the question “%(question)s” %(occurrence)s times, "
        "more often than the benchmark asks it. "
        "Keep one reply for each time."
    ),
    Code.RESPONSE_TOO_LONG: _(
        "The reply has %(length)s characters; at most %(limit)s are accepted. "
        "Shorten it, or leave the row out."
    ),
    Code.LONE_SURROGATE: _(
        "Character %(position)s of the reply is half a character (a lone surrogate). "
        "Replace the broken escape and export the file again."
    ),
}


def describe(problem: Problem) -> str:
    """The sentence for `problem` in the active language: plain text, to be escaped like any other."""
    return str(MESSAGES[problem.code]) % problem.params
