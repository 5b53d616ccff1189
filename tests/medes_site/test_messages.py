"""The catalogues are complete, and the program that says so notices when they are not."""

from __future__ import annotations

import gettext
from pathlib import Path

import polib
import pytest
from django.template import Context, Engine
from django.utils.translation import override, trans_real

from medes_site import messages
from medes_site.template_messages import raw_texts, template_messages

ROOT = Path(__file__).resolve().parents[2]
PYTHON = """
from django.utils.translation import gettext as _, gettext_lazy, ngettext, npgettext, pgettext_lazy
one = _("first")
two = gettext_lazy("second " "half")
three = pgettext_lazy("where", "third")
four = ngettext("%(n)s row", "%(n)s rows", 2)
five = npgettext("where", "%(n)s box", "%(n)s boxes", 2)
six = _(variable)
"""
TEMPLATE = """{% load i18n %}<p title="{% translate 'hint' %}">
{% translate "text" context "place" %} {{ _("constant")|upper }}</p>
{# {% translate "not this" %} #}{% comment %}{% translate "nor this" %}{% endcomment %}
{% blocktranslate trimmed count n=rows|length %}
  One row
  of 100%.
{% plural %}
  {{ n }} rows of 100%.
{% endblocktranslate %}{% translate "half 50%" as x %}{% include "a.html" with label=_("given") %}"""


def project(folder: Path) -> Path:
    (folder / "medes_site").mkdir()
    (folder / "templates").mkdir()
    (folder / "medes_site" / "a.py").write_text(PYTHON, "utf-8")
    (folder / "templates" / "a.html").write_text(TEMPLATE, "utf-8")
    messages.main(["extract"], folder)
    return folder


def translate_all(folder: Path) -> polib.POFile:
    catalogue = polib.pofile(str(messages.catalogue_path(folder, "zh_Hans")))
    for entry in catalogue:
        if entry.msgid_plural:
            entry.msgstr_plural = {0: "译" + entry.msgid_plural}
        else:
            entry.msgstr = "译" + entry.msgid
    catalogue.save()
    return catalogue


def problems(folder: Path) -> list[str]:
    return [str(problem) for problem in messages.check(folder)]


def test_what_is_found_in_python_and_templates(tmp_path: Path) -> None:
    found = {(m.context, m.text, m.plural) for m in messages.all_messages(project(tmp_path))}
    assert found == {
        (None, "first", None),
        (None, "second half", None),
        ("where", "third", None),
        (None, "%(n)s row", "%(n)s rows"),
        ("where", "%(n)s box", "%(n)s boxes"),
        (None, "hint", None),
        ("place", "text", None),
        (None, "constant", None),
        (None, "One row of 100%%.", "%(n)s rows of 100%%."),
        (None, "half 50%%", None),
        (None, "given", None),
    }


def test_the_ids_are_those_that_django_looks_up(tmp_path: Path) -> None:
    """Renders the template with a translated catalogue: every string must come out translated."""
    folder = project(tmp_path)
    translate_all(folder)
    messages.main(["compile"], folder)
    catalogue = gettext.translation("django", folder / "locale", languages=["zh_Hans"])
    engine = Engine(libraries={"i18n": "django.templatetags.i18n"})
    source = TEMPLATE.replace('{% include "a.html" with label=_("given") %}', "{{ x }}")
    with override("zh-hans"):
        active = trans_real._active.value
        kept = active._catalog
        active._catalog = trans_real.TranslationCatalog(catalogue)
        try:
            page = engine.from_string(source).render(Context({"rows": [1, 2, 3]}))
        finally:
            active._catalog = kept
    for text in ('title="译hint"', "译text", "译CONSTANT", "译3 rows of 100%.", "译half 50%"):
        assert text in page


def test_a_complete_project_has_no_problem(tmp_path: Path) -> None:
    folder = project(tmp_path)
    translate_all(folder)
    assert problems(folder) == []
    assert messages.main(["check"], folder) == 0


def test_planted_mistakes_are_found(tmp_path: Path) -> None:
    folder = project(tmp_path)
    catalogue = translate_all(folder)
    catalogue.find("first").msgstr = ""
    catalogue.find("second half").flags.append("fuzzy")
    catalogue.find("%(n)s row").msgstr_plural = {0: "%(m)s 行"}
    catalogue.save()
    (folder / "medes_site" / "b.py").write_text(
        'from x import gettext as _\nlabel = _("brand new")\n', "utf-8"
    )
    (folder / "templates" / "b.html").write_text("<p>\nForgotten text</p><img alt='漏译'>", "utf-8")
    found = "\n".join(problems(folder))
    assert "not translated: 'first'" in found
    assert "marked fuzzy: 'second half'" in found
    assert "other placeholders than the original: '%(n)s row'" in found
    assert "medes_site/b.py:2: not in the zh_Hans catalogue: 'brand new'" in found
    assert "templates/b.html:2: text outside a translation tag: 'Forgotten text'" in found
    assert "'漏译'" in found
    assert messages.main(["check"], folder) == 1


def test_extracting_keeps_translations_and_drops_what_is_gone(tmp_path: Path) -> None:
    folder = project(tmp_path)
    translate_all(folder)
    before = messages.catalogue_path(folder, "zh_Hans").read_bytes()
    messages.main(["extract"], folder)
    assert messages.catalogue_path(folder, "zh_Hans").read_bytes() != b""
    messages.main(["extract"], folder)
    again = messages.catalogue_path(folder, "zh_Hans").read_bytes()
    (folder / "templates" / "a.html").unlink()
    messages.main(["extract"], folder)
    catalogue = polib.pofile(str(messages.catalogue_path(folder, "zh_Hans")))
    assert polib.pofile(before.decode()).find("first").msgstr == catalogue.find("first").msgstr == "译first"
    assert catalogue.find("constant") is None and not catalogue.obsolete_entries()
    assert polib.pofile(again.decode()).find("constant").msgstr == "译constant"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>{{ name }} · 12 / 30 MiB</p>", []),
        ("<script>let words = 1</script><code>GET /api</code><style>p {}</style>", []),
        (
            "{% blocktranslate %}Fine here{% endblocktranslate %}{# no #}{% comment %}And{% endcomment %}",
            [],
        ),
        ("{% block page_class %}page-narrow{% endblock %}", []),
        ("<a href='{% url 'home' %}' class='button primary' data-copy='key'></a>", []),
        ("<a>{% block title %}Title{% endblock %}</a>", ["Title"]),
        (
            "<input placeholder='Search'><input type='submit' value='Send'><input value='hidden'>",
            ["Search", "Send"],
        ),
        ("<p>\n\n  {{ n }} rows</p>", ["rows"]),
    ],
)
def test_text_that_was_forgotten(source: str, found: list[str]) -> None:
    assert [text.strip("… ") for _line, text in raw_texts(source, html=True)] == found


def test_plain_text_templates_are_read_too() -> None:
    source = "{% load i18n %}{% translate 'Hello' %}\nForgotten\n{{ link }}"
    assert list(raw_texts(source, html=False)) == [(2, "Forgotten")]
    assert [m.text for m in template_messages(source, "a.txt")] == ["Hello"]


def test_the_projects_own_catalogues_are_complete() -> None:
    found = problems(ROOT)
    assert found == [], "\n".join(found[:50])
