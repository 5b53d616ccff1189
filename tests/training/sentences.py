"""Every sentence that rules, readers, engine and services may end a run with, read from their source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACES = ("training/engine", "training/readers", "training/rules", "training/services")
ERRORS = frozenset(
    (
        "RunRefused",
        "ConfigError",
        "BaseModelError",
        "SettingsError",
        "SettingsRefused",
        "JobError",
        "TransientJobError",
        "Damaged",
    )
)
STANDS_FOR = {
    "where": "rows.jsonl, line 7",
    "refused": "the chat template of the base model refuses the turns: no",
    "why": "out of memory",
    "_word(wanted)": "whole number",
    "kind.upper()": "SFT",
    "FILE": "guardian.json",
    "arithmetic": "int8",
    "who": "A guardian behind an endpoint",
}
Text = ast.Constant | ast.JoinedStr


def said_in(path: Path, errors: frozenset[str] = ERRORS) -> Iterator[tuple[int, Text]]:
    """(line, text) of what is given to one of the errors, directly or by a constant of the module."""
    tree = ast.parse(path.read_text("utf-8"))
    named = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in errors):
            continue
        for given in node.args[:1]:
            found = given
            if isinstance(found, ast.BoolOp):
                found = found.values[-1]
            if isinstance(found, ast.Call) and isinstance(found.func, ast.Attribute):
                found = found.func.value  # TEXT.format(…)
            if isinstance(found, ast.Name):
                found = named.get(found.id, found)
            if isinstance(found, ast.JoinedStr) or (
                isinstance(found, ast.Constant) and isinstance(found.value, str)
            ):
                yield node.lineno, found


def all_said() -> Iterator[tuple[str, Text]]:
    """("training/engine/x.py:12", text) of all of them."""
    for place in PLACES:
        for path in sorted((ROOT / place).glob("*.py")):
            for line, text in said_in(path):
                yield f"{path.relative_to(ROOT)}:{line}", text


def filled(text: Text, value: str) -> str:
    """As it might read: where a figure or a name stands, `value` or what is known to stand there, in quotes as a repr."""
    if isinstance(text, ast.Constant):
        return str(text.value).replace("{seconds}", "7")
    parts = []
    for part in text.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value))
        elif isinstance(part, ast.FormattedValue):
            known = STANDS_FOR.get(ast.unparse(part.value), value)
            parts.append(f"'{known}'" if part.conversion == ord("r") else known)
    return "".join(parts)


def progress_said() -> Iterator[tuple[str, Text]]:
    """The same of what a run says of its progress: the second of `say`'s arguments, or the first of the constants that
    the function gave to a name of it."""
    for path in sorted((ROOT / "training/engine").glob("*.py")):
        for function in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(function, ast.FunctionDef):
                continue
            for node in ast.walk(function):
                said = node.args[1:2] if isinstance(node, ast.Call) and _name(node.func) == "say" else []
                for given in said:
                    texts = (
                        [given] if not isinstance(given, ast.Name) else list(_given_to(given.id, function))
                    )
                    for text in texts:
                        if isinstance(text, ast.JoinedStr) or isinstance(getattr(text, "value", None), str):
                            assert isinstance(text, ast.JoinedStr | ast.Constant)
                            yield f"{path.relative_to(ROOT)}:{node.lineno}", text


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _given_to(name: str, function: ast.FunctionDef) -> Iterator[ast.expr]:
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and _name(node.targets[0]) == name:
            if isinstance(node.value, ast.IfExp):
                yield from (node.value.body, node.value.orelse)
            else:
                yield node.value
