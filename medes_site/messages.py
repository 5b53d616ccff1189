"""Message catalogues without GNU gettext: `python -m medes_site.messages extract|check|compile`.

- `extract` finds every marked string in Python and templates and merges it into the catalogues in locale/:
  translations are kept, strings no longer used are dropped, new ones come in empty.
- `check` fails on a string not yet extracted, a missing or fuzzy Chinese translation, placeholders that
  differ, and on text in a template that is in no translation tag.
- `compile` writes the .mo files that Django reads; they are not committed.

Needs no settings and no database. Django's own templatize() prepares templates for xgettext, the very program
that is not there on a machine with only Python; so template tags are read here, with Django's lexer.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polib
from babel.messages.extract import extract_python

from medes_site.template_messages import Message, raw_texts, template_messages

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCE_FOLDERS: Final = ("medes_site", "benchmark", "annotation", "training", "templates")
LOCALES: Final = ("zh_Hans", "en")
TRANSLATED: Final = "zh_Hans"  # the English catalogue may stay empty: the message ids are English
PLURALS: Final = {"zh_Hans": "nplurals=1; plural=0;", "en": "nplurals=2; plural=(n != 1);"}

# What follows each function name: which arguments are message (1), plural (2), context (c); babel's notation.
KEYWORDS: Final[dict[str, tuple[int | tuple[int, str], ...] | None]] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
# No space among the flags: the text "95% interval" holds no placeholder, and nobody writes "% d".
PERCENT: Final = re.compile(r"%(?:\((\w+)\))?[#0\-+]*\d*(?:\.\d+)?([sdifrxg%])")
BRACE: Final = re.compile(r"(?<!\{)\{(\w*)(?:[!:][^{}]*)?\}(?!\})")


@dataclass(frozen=True, slots=True)
class Problem:
    """One line for the person who has to repair it. `where` is path:line or a catalogue's name."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def python_messages(path: Path, name: str) -> Iterator[Message]:
    """Marked strings of one Python file. A call whose argument is no literal is left out, as by xgettext."""
    with path.open("rb") as file:
        for line, function, found, _comments in extract_python(file, KEYWORDS, [], {"encoding": "utf-8"}):
            arguments = list(found) if isinstance(found, (tuple, list)) else [found]
            context, texts = None, []
            for position, value in zip(KEYWORDS[str(function)] or (1,), arguments, strict=False):
                if isinstance(position, tuple):
                    context = value
                else:
                    texts.append(value)
            if texts and all(texts):
                yield Message(texts[0], texts[1] if len(texts) == 2 else None, context, name, line)


def source_files(root: Path) -> Iterator[Path]:
    """Python files and templates of the project, in a fixed order; migrations say nothing to people."""
    for folder in SOURCE_FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            is_template = path.suffix in (".html", ".txt") and "templates" in path.relative_to(root).parts
            if is_template or (path.suffix == ".py" and "migrations" not in path.parts):
                yield path


def all_messages(root: Path) -> list[Message]:
    found: list[Message] = []
    for path in source_files(root):
        name = path.relative_to(root).as_posix()
        if path.suffix == ".py":
            found.extend(python_messages(path, name))
        else:
            found.extend(template_messages(path.read_text("utf-8"), name))
    return found


def catalogue_path(root: Path, locale: str) -> Path:
    return root / "locale" / locale / "LC_MESSAGES" / "django.po"


def _key(message_id: str, context: str | None) -> tuple[str, str]:
    return (context or "", message_id)


def _read(root: Path, locale: str) -> polib.POFile:
    path = catalogue_path(root, locale)
    if path.is_file():
        return polib.pofile(str(path), encoding="utf-8")
    return polib.POFile(encoding="utf-8")


def merge(root: Path, locale: str, messages: Iterable[Message]) -> tuple[int, int]:
    """Rewrites one catalogue, sorted by context and id; returns (strings in it, of them new)."""
    old = {_key(entry.msgid, entry.msgctxt): entry for entry in _read(root, locale) if not entry.obsolete}
    new = polib.POFile(encoding="utf-8", wrapwidth=100)
    new.metadata = {
        "Project-Id-Version": "MedES",
        "Language": locale,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": PLURALS[locale],
    }
    plurals: dict[tuple[str, str], str | None] = {}
    places: dict[tuple[str, str], set[str]] = {}
    for message in messages:
        key = _key(message.text, message.context)
        plurals[key] = plurals.get(key) or message.plural
        places.setdefault(key, set()).add(message.where)
    forms = int(PLURALS[locale][len("nplurals=")])
    for context, text in sorted(plurals):
        kept = old.get((context, text))
        plural = plurals[context, text]
        # Places without line numbers: otherwise every edit anywhere would change the catalogues.
        entry = polib.POEntry(
            msgid=text,
            msgctxt=context or None,
            occurrences=[(place, "") for place in sorted(places[context, text])],
        )
        if plural:
            given = dict(kept.msgstr_plural) if kept else {}
            entry.msgid_plural = plural
            entry.msgstr_plural = {
                form: given.get(form, kept.msgstr if kept else "") for form in range(forms)
            }
        elif kept:
            entry.msgstr = kept.msgstr or kept.msgstr_plural.get(0, "")
        if kept and kept.fuzzy:
            entry.flags.append("fuzzy")
        if PERCENT.search(text):
            entry.flags.append("python-format")
        new.append(entry)
    path = catalogue_path(root, locale)
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, str(new).encode("utf-8") + b"\n")
    return len(new), sum(key not in old for key in plurals)


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all: a server may read the catalogue while another process compiles."""
    if path.is_file() and path.read_bytes() == data:
        return
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    os.chmod(temporary, 0o644)
    os.replace(temporary, path)


def placeholders(text: str) -> list[str]:
    """What has to stand in a translation as well: %(name)s, %s, %%, {name}; sorted."""
    percent = [f"%({name}){kind}" if name else f"%{kind}" for name, kind in PERCENT.findall(text)]
    return sorted(percent + [f"{{{name}}}" for name in BRACE.findall(text)])


def _entry_problems(entry: polib.POEntry, locale: str) -> Iterator[str]:
    translations = list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]
    if entry.fuzzy:
        yield f"marked fuzzy: {entry.msgid!r}"
    if locale == TRANSLATED and not all(translations):
        yield f"not translated: {entry.msgid!r}"
    # A language with one form uses the plural's placeholders; the singular may leave out the number.
    allowed = [placeholders(entry.msgid_plural or entry.msgid), placeholders(entry.msgid)]
    for translation in filter(None, translations):
        if placeholders(translation) not in allowed:
            yield f"other placeholders than the original: {entry.msgid!r} -> {translation!r}"


def check(root: Path) -> list[Problem]:
    """Everything that would show a person the wrong language; [] when all is well."""
    problems: list[Problem] = []
    messages = all_messages(root)
    for path in source_files(root):
        if path.suffix != ".py":
            name = path.relative_to(root).as_posix()
            for line, text in raw_texts(path.read_text("utf-8"), html=path.suffix == ".html"):
                problems.append(Problem(f"{name}:{line}", f"text outside a translation tag: {text!r}"))
    for locale in LOCALES:
        entries = {
            _key(entry.msgid, entry.msgctxt): entry for entry in _read(root, locale) if not entry.obsolete
        }
        for message in messages:
            entry = entries.get(_key(message.text, message.context))
            if entry is None or bool(message.plural) > bool(entry.msgid_plural):
                problems.append(
                    Problem(
                        f"{message.where}:{message.line}", f"not in the {locale} catalogue: {message.text!r}"
                    )
                )
        for entry in entries.values():
            problems.extend(Problem(f"locale/{locale}", what) for what in _entry_problems(entry, locale))
    return problems


def compile_catalogues(root: Path = ROOT) -> None:
    """Writes django.mo beside each django.po. Cheap and safe to repeat: an unchanged file is left alone."""
    for locale in LOCALES:
        path = catalogue_path(root, locale)
        if path.is_file():
            _write(path.with_suffix(".mo"), _read(root, locale).to_binary())


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Exit status 0, or 1 when `check` found something."""
    parser = argparse.ArgumentParser(prog="python -m medes_site.messages", description=__doc__)
    parser.add_argument("action", choices=["extract", "check", "compile"])
    action = parser.parse_args(arguments).action
    if action == "extract":
        messages = all_messages(root)
        for locale in LOCALES:
            total, new = merge(root, locale, messages)
            sys.stdout.write(f"{locale}: {total} strings, {new} new\n")
    elif action == "compile":
        compile_catalogues(root)
    else:
        problems = check(root)
        for problem in problems:
            sys.stderr.write(f"{problem}\n")
        sys.stderr.write(
            f"{len(problems)} problems with messages\n" if problems else "messages are complete\n"
        )
        return 1 if problems else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
