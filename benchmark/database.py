"""What the database itself guards or indexes and Django's models cannot say: used by the migrations.

Two things: full-text indexes over `search_terms`, and triggers that refuse a change to the items of a
frozen benchmark version, whoever asks (admin, shell, a careless service).

SQLite drops triggers when Django rebuilds a table: a later migration that alters `benchmark_item`,
`benchmark_norm`, `benchmark_answerkey` or `benchmark_benchmarkversion` calls `install` again.
tests/benchmark/test_database.py fails if it was forgotten.
"""

from __future__ import annotations

from typing import Any

SEARCHED = {"benchmark_norm": "benchmark_norm_search", "benchmark_item": "benchmark_item_search"}
REFUSAL = "this benchmark version is frozen"

# (table, name, condition on the row under the given alias that means "belongs to a frozen version")
_FROZEN_ROWS = (
    (
        "benchmark_item",
        "EXISTS (SELECT 1 FROM benchmark_benchmarkversion v WHERE v.id = {row}.version_id AND v.state = 'frozen')",
    ),
    (
        "benchmark_answerkey",
        "EXISTS (SELECT 1 FROM benchmark_item i JOIN benchmark_benchmarkversion v ON v.id = i.version_id "
        "WHERE i.id = {row}.item_id AND v.state = 'frozen')",
    ),
    (
        "benchmark_prompttemplate",
        "EXISTS (SELECT 1 FROM benchmark_benchmarkversion v WHERE v.id = {row}.version_id AND v.state = 'frozen')",
    ),
)
_UNFREEZES = "OLD.state = 'frozen' AND (NEW.state <> OLD.state OR NEW.content_hash <> OLD.content_hash)"


# Long replies are compressed as they are stored; lz4 does it several times faster than the default, where the
# server was built with it.
_POSTGRESQL_COMPRESSION = (
    "DO $$ BEGIN ALTER TABLE benchmark_response ALTER COLUMN text SET COMPRESSION lz4; "
    "EXCEPTION WHEN feature_not_supported THEN NULL; END $$"
)


def install(apps: Any, schema_editor: Any) -> None:
    """A RunPython operation: creates what is missing, safe to repeat."""
    for statement in _statements(schema_editor.connection.vendor):
        schema_editor.execute(statement, params=None)


def _statements(vendor: str) -> list[str]:
    if vendor == "postgresql":
        return [*_postgresql_search(), *_postgresql_guards(), _POSTGRESQL_COMPRESSION]
    if vendor == "sqlite":
        return [*_sqlite_search(), *_sqlite_guards()]
    raise NotImplementedError(f"no full-text search for {vendor}")


def _postgresql_search() -> list[str]:
    # The expression must be the one Django's SearchVector writes, or the planner passes the index by.
    return [
        f"CREATE INDEX IF NOT EXISTS {name} ON {table} "
        "USING gin (to_tsvector('simple'::regconfig, COALESCE(search_terms, '')))"
        for table, name in SEARCHED.items()
    ]


def _postgresql_guards() -> list[str]:
    statements = []
    for table, condition in _FROZEN_ROWS:
        checks = "".join(
            f"IF TG_OP {operations} AND {condition.format(row=row)} THEN RAISE EXCEPTION '{REFUSAL}' "
            "USING ERRCODE = 'integrity_constraint_violation'; END IF; "
            for row, operations in (("NEW", "<> 'DELETE'"), ("OLD", "<> 'INSERT'"))
        )
        statements += [
            f"CREATE OR REPLACE FUNCTION {table}_guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"{checks} IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$",
            f"DROP TRIGGER IF EXISTS {table}_guard ON {table}",
            f"CREATE TRIGGER {table}_guard BEFORE INSERT OR UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {table}_guard()",
        ]
    version = "benchmark_benchmarkversion"
    return [
        *statements,
        f"CREATE OR REPLACE FUNCTION {version}_guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {_UNFREEZES} THEN RAISE EXCEPTION '{REFUSAL}' "
        "USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END $$",
        f"DROP TRIGGER IF EXISTS {version}_guard ON {version}",
        f"CREATE TRIGGER {version}_guard BEFORE UPDATE ON {version} "
        f"FOR EACH ROW EXECUTE FUNCTION {version}_guard()",
    ]


def _sqlite_search() -> list[str]:
    statements = []
    for table, index in SEARCHED.items():
        removal = (
            f"INSERT INTO {index}({index}, rowid, search_terms) VALUES ('delete', old.id, old.search_terms);"
        )
        addition = f"INSERT INTO {index}(rowid, search_terms) VALUES (new.id, new.search_terms);"
        statements += [
            f"CREATE VIRTUAL TABLE IF NOT EXISTS {index} USING "
            f"fts5(search_terms, content='{table}', content_rowid='id', tokenize='unicode61 remove_diacritics 0')",
            f"CREATE TRIGGER IF NOT EXISTS {index}_i AFTER INSERT ON {table} BEGIN {addition} END",
            f"CREATE TRIGGER IF NOT EXISTS {index}_d AFTER DELETE ON {table} BEGIN {removal} END",
            f"CREATE TRIGGER IF NOT EXISTS {index}_u AFTER UPDATE OF search_terms ON {table} "
            f"BEGIN {removal} {addition} END",
        ]
    return statements


def _sqlite_guards() -> list[str]:
    """No guard on DELETE here: Django empties tables with DELETE between tests. Responses PROTECT items."""
    statements = []
    for table, condition in _FROZEN_ROWS:
        for operation, rows in (("INSERT", ("NEW",)), ("UPDATE", ("NEW", "OLD"))):
            when = " OR ".join(condition.format(row=row) for row in rows)
            statements.append(
                f"CREATE TRIGGER IF NOT EXISTS {table}_guard_{operation.lower()} BEFORE {operation} ON {table} "
                f"WHEN {when} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
            )
    return [
        *statements,
        "CREATE TRIGGER IF NOT EXISTS benchmark_benchmarkversion_guard BEFORE UPDATE ON benchmark_benchmarkversion "
        f"WHEN {_UNFREEZES} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
    ]
