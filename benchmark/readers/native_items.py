"""Items of our own format, from a benchmark directory or from a file alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from benchmark.readers.csv_rows import RowError
from benchmark.readers.json_objects import Fields
from benchmark.readers.problem import echo
from benchmark.readers.records import ItemRecord, Option, Rejected, ScenarioRecord
from benchmark.readers.released import DIMENSIONS, KEY_FORM
from benchmark.rules.cleaning import clean_text
from benchmark.rules.item_ids import KINDS, OBJECTIVE, parse_item_code
from benchmark.rules.options import LETTERS, normal_key
from benchmark.rules.scenario_names import find_scenario, scenario_identity
from benchmark.rules.splits import SPLITS

ALL_DIMENSIONS = ("ethics_knowledge", "ethics_reasoning", "emergency_care", "drug_safety")


class ItemReader:
    """Converts item objects, remembering the ids it has seen.

    `scenarios`: slug by identity of every spelling; `norms`: text by ref; `templates`: text by kind. None
    for the first two means that nothing was declared: any scenario and any norm is then accepted.
    """

    def __init__(
        self,
        *,
        scenarios: Mapping[str, str] | None = None,
        norms: Mapping[str, str] | None = None,
        templates: Mapping[str, str] | None = None,
    ) -> None:
        self._scenarios = scenarios
        self._norms = norms
        self._templates = templates or {}
        self._codes: set[str] = set()
        self._yielded: set[str] = set()

    def read(
        self, objects: Iterator[Fields | Rejected], file: str
    ) -> Iterator[ScenarioRecord | ItemRecord | Rejected]:
        """The item of each object, behind its scenario where that was not declared; rejects pass through."""
        for fields in objects:
            if isinstance(fields, Rejected):
                yield fields
                continue
            try:
                item, scenario = self._item(fields), self._undeclared(fields)
            except RowError as error:
                yield error.rejected(fields.line, file)
                continue
            self._codes.add(item.code)
            if scenario is not None:
                self._yielded.add(scenario.slug)
                yield scenario
            yield item

    def _item(self, fields: Fields) -> ItemRecord:
        kind = fields.choice("kind", KINDS)
        code, number = self._code(fields, kind)
        question = clean_text(fields.string("question"))
        if not question.text:
            raise RowError("question", "missing")
        options = _options(fields, kind)
        key, key_repairs = _key(fields, kind, options)
        norm = fields.string("norm", required=False) or None
        return ItemRecord(
            code=code,
            kind=kind,
            number=number,
            scenario=self._scenario(fields),
            norm_ref=norm,
            norm_text=self._norm_text(norm),
            question=question.text,
            options=options,
            key=key,
            dimension=fields.choice("dimension", ALL_DIMENSIONS, DIMENSIONS[kind]),
            split=fields.choice("split", SPLITS) if fields.values.get("split") is not None else None,
            template=self._templates.get(kind),
            line=fields.line,
            repairs=(*question.repairs, *key_repairs),
        )

    def _code(self, fields: Fields, kind: str) -> tuple[str, int]:
        code = fields.string("id")
        try:
            kind_of_code, number = parse_item_code(code)
        except ValueError:
            raise RowError("id", "bad_id", value=echo(code)) from None
        if kind_of_code != kind:
            raise RowError("id", "bad_id", value=code)
        if code in self._codes:
            raise RowError("id", "repeated", value=code)
        return code, number

    def _scenario(self, fields: Fields) -> str:
        name = fields.string("scenario")
        identity = scenario_identity(name)
        slug = None
        if self._scenarios is not None:
            slug = self._scenarios.get(identity)
        elif identity:
            slug = find_scenario(name).slug
        if slug is None:
            raise RowError("scenario", "unknown_scenario", value=echo(name))
        return slug

    def _undeclared(self, fields: Fields) -> ScenarioRecord | None:
        if self._scenarios is not None:
            return None
        found = find_scenario(fields.string("scenario"))
        if found.slug in self._yielded:
            return None
        return ScenarioRecord(
            found.slug, found.name_zh, found.name_en, found.aliases, fields.line, found.known
        )

    def _norm_text(self, norm: str | None) -> str:
        if norm is None or self._norms is None:
            return ""
        text = self._norms.get(norm)
        if text is None:
            raise RowError("norm", "unknown_norm", value=echo(norm))
        return text


def _options(fields: Fields, kind: str) -> tuple[Option, ...]:
    members = fields.objects("options")
    if kind != OBJECTIVE:
        if members:
            raise RowError("options", "bad_options")
        return ()
    options = []
    for member in members:
        text = clean_text(member.string("text")).text
        if not text:
            raise RowError(member.prefix + "text", "missing")
        options.append((member.string("letter"), text))
    letters = [letter for letter, _ in options]
    if not 2 <= len(letters) <= len(LETTERS) or letters != list(LETTERS[: len(letters)]):
        raise RowError("options", "bad_options")
    return tuple(options)


def _key(fields: Fields, kind: str, options: tuple[Option, ...]) -> tuple[str, tuple[str, ...]]:
    written = fields.string("key", required=kind == OBJECTIVE)
    if kind != OBJECTIVE:
        if written:
            raise RowError("key", "bad_key", value=echo(written))
        return "", ()
    try:
        key = normal_key(written)
    except ValueError:
        raise RowError("key", "bad_key", value=echo(written)) from None
    letters = "".join(letter for letter, _ in options)
    if not set(key) <= set(letters):
        raise RowError("key", "key_not_among_options", key=key, options=letters)
    return key, (KEY_FORM,) if key != written else ()
