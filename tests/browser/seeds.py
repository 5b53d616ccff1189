"""The prepared site, made once in a run of the tests and copied for every file that starts one.

Preparing takes most of a site's start. A seed is a folder (what will be MEDES_HOME) and a database, made by whichever
process of the tests comes first while the others wait for it; a copy of both has nothing to do with the seed any more.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

FOLDER = "browser-seeds"
SERVER = "server"


@contextmanager
def database_of(server: str, template: str = "") -> Iterator[str]:
    """The address of a new database on this PostgreSQL, dropped on leaving; "" stays "" (SQLite).

    `template`: the name of the database that it is a copy of.
    """
    if not server:
        yield ""
        return
    name = _new_database(server, template)
    try:
        yield address_of(server, name)
    finally:
        _drop(server, name)


def address_of(server: str, name: str) -> str:
    return urlsplit(server)._replace(path=f"/{name}").geturl() if server else ""


@contextmanager
def planted(name: str, server: str, home: Path, prepare: Callable[[Path, str], None]) -> Iterator[str]:
    """Fills `home` and yields the address of a database, both copied from the seed of this name.

    `server`: a PostgreSQL, or "" for the SQLite file that lies in the folder. `prepare(folder, address)` makes the seed
    where there is none; without a folder that all tests share (MEDES_TEST_HOME) it makes just this one.
    """
    shared = os.environ.get("MEDES_TEST_HOME")
    if not shared:
        with database_of(server) as address:
            prepare(home, address)
            yield address
        return
    seeds = Path(shared) / FOLDER
    seeds.mkdir(exist_ok=True)
    with ExitStack() as copy:
        with (seeds / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            template = _seed(seeds / name, server, prepare)
            shutil.copytree(seeds / name, home, dirs_exist_ok=True)
            address = copy.enter_context(database_of(server, template))
        yield address


def _seed(folder: Path, server: str, prepare: Callable[[Path, str], None]) -> str:
    """The name of the seed's database, "" on SQLite."""
    noted = folder.with_suffix(".database")
    if noted.exists():
        return noted.read_text("ascii")
    shutil.rmtree(folder, ignore_errors=True)  # of somebody who failed
    folder.mkdir()
    database = _new_database(server, "") if server else ""
    try:
        prepare(folder, address_of(server, database))
    except BaseException:
        if server:
            _drop(server, database)
        raise
    (folder.parent / SERVER).write_text(server, "utf-8")
    noted.write_text(database, "ascii")
    return database


def uproot(shared: Path) -> None:
    """Drops the databases of all seeds below this folder; whoever made the folder takes it away."""
    for noted in (shared / FOLDER).glob("*.database"):
        database = noted.read_text("ascii")
        noted.unlink()
        if database:
            _drop((noted.parent / SERVER).read_text("utf-8"), database)


def _new_database(server: str, template: str) -> str:
    name = f"medes_browser_{secrets.token_hex(4)}"
    copied = f' TEMPLATE "{template}"' if template else ""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"{copied}')  # type: ignore[arg-type]
    return name


def _drop(server: str, name: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')  # type: ignore[arg-type]
