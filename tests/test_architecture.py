"""The plan of the house: data flows one way, and a line of code stays in its room (docs/decisions)."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ("medes_site", "benchmark", "annotation", "training")  # from the ground up
SHARED_LABELS = {
    "jobs",
    "auth",
    "contenttypes",
    "sessions",
}  # the kit's and Django's own: everybody may point at them
SOURCES = sorted(
    path
    for floor in FLOORS
    for path in (ROOT / floor).rglob("*.py")
    if "migrations" not in path.parts and path.is_file()
)


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in SOURCES:
        yield path, ast.parse(path.read_text("utf-8"))


def test_imports_point_down() -> None:
    """The contracts in pyproject.toml."""
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml")) == EXIT_STATUS_SUCCESS


def test_foreign_keys_point_down() -> None:
    """A model refers to its own app, to a floor below, or to the user and the kit."""
    order = {"accounts": 0, "benchmark": 1, "annotation": 2, "training": 3}
    upward = [
        f"{model._meta.label}.{field.name} -> {field.related_model._meta.label}"
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if model._meta.app_label in order
        and field.is_relation
        and not field.auto_created
        and field.related_model is not None
        and field.related_model._meta.app_label not in SHARED_LABELS
        and order.get(field.related_model._meta.app_label, 9) > order[model._meta.app_label]
    ]
    assert upward == []


def test_no_import_inside_a_function() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{inner.lineno}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert found == []


def test_no_overridden_save_and_no_model_signals() -> None:
    """Side effects live in services, where they can be seen."""
    forbidden = {"post_save", "pre_save", "post_delete", "pre_delete", "m2m_changed"}
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} {getattr(node, 'name', getattr(node, 'id', ''))}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if (isinstance(node, ast.FunctionDef) and node.name == "save" and "models" in path.parts)
        or (isinstance(node, ast.Name) and node.id in forbidden)
    ]
    assert found == []


def test_no_room_for_odds_and_ends() -> None:
    assert [path for path in SOURCES if path.stem in {"utils", "helpers", "misc", "common"}] == []


def test_every_app_has_the_same_rooms() -> None:
    for floor in FLOORS[1:]:
        if not (ROOT / floor).is_dir():
            continue
        for room in ("models", "rules", "services", "queries", "views", "api", "management/commands"):
            assert (ROOT / floor / room).is_dir(), f"{floor} has no {room}"
        for room in ("policies.py", "querysets.py", "tasks.py", "errors.py", "urls.py", "apps.py"):
            assert (ROOT / floor / room).is_file(), f"{floor} has no {room}"


def test_tests_mirror_the_house() -> None:
    for room in ("rules", "readers", "benchmark", "medes_site", "kit", "browser"):
        assert (ROOT / "tests" / room).is_dir()


@pytest.mark.one_database
def test_the_web_process_stays_light() -> None:
    """No training library, and no scipy, enters the process that serves pages: all views are imported here."""
    program = (
        "import sys, medes_site.wsgi; from django.urls import get_resolver; get_resolver().url_patterns; "
        "heavy = {'torch', 'sklearn', 'transformers', 'pandas', 'scipy', 'pyarrow', 'matplotlib'} & set(sys.modules); "
        "sys.exit(','.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_rules_run_without_django() -> None:
    program = (
        "import pkgutil, importlib, sys, benchmark.rules, benchmark.readers\n"
        "for package in (benchmark.rules, benchmark.readers):\n"
        "    for found in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        importlib.import_module(found.name)\n"
        "sys.exit('django came along' if 'django' in sys.modules else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
