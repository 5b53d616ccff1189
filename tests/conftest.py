"""What all tests share: Hypothesis profile, the cast of users, the research data, the second pass."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.test import Client
from hypothesis import settings as hypothesis_settings

from medes_site.kit.roles import Role
from tests.browser.seeds import uproot

hypothesis_settings.register_profile("medes", derandomize=True, deadline=None, max_examples=100)
hypothesis_settings.load_profile("medes")

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "a long password for tests"
LONG = ("browser", "train", "slow")
DATABASE_FIXTURES = {"db", "transactional_db", "django_db_setup", "live_server", "client_of"}
# A playwright page runs an event loop in this thread, and Django would then refuse plain queries.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The second pass of `make test` (on SQLite) leaves out what no database engine can change. Files that take minutes
    come first: dealt out last, one of them would keep one process busy long after the others have ended."""
    if os.environ.get("MEDES_TEST_PASS") == "database":
        kept = [item for item in items if _depends_on_database(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
        items[:] = kept
    long = {item.path for item in items if any(item.get_closest_marker(name) for name in LONG)}
    items.sort(key=lambda item: item.path not in long)


def _depends_on_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("browser") or item.get_closest_marker("one_database"):
        return False
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool(item.get_closest_marker("django_db") or fixtures & DATABASE_FIXTURES)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Leaves the counts where `tests/run.py` adds up its passes."""
    target = os.environ.get("MEDES_TEST_COUNTS")
    if target:
        counts = {
            name: len(terminalreporter.stats.get(name, ()))
            for name in ("passed", "failed", "error", "skipped")
        }
        Path(target).write_text(json.dumps(counts), "utf-8")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Drops the databases that sites were copied from; deletes our own keys from a Redis that may serve others too."""
    if hasattr(config, "workerinput"):
        return
    uproot(Path(os.environ["MEDES_TEST_HOME"]))
    address = settings.CELERY_BROKER_URL
    if not address.startswith(("redis://", "rediss://")):
        return
    try:
        with redis.Redis.from_url(address, socket_connect_timeout=1) as broker:
            prefix = settings.CELERY_BROKER_TRANSPORT_OPTIONS["global_keyprefix"]
            for key in broker.scan_iter(match=prefix + "*", count=1000):
                broker.delete(key)
    except redis.RedisError:
        pass


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """Throttling counts in the cache; one test must not use up another's share."""
    cache.clear()
    yield


@pytest.fixture
def make_user(db: None) -> Callable[..., Any]:
    """`make_user("name", Role.EXPERT, …)`: an account with these roles and the password PASSWORD."""

    def make(username: str, *roles: Role, **fields: Any) -> Any:
        user = get_user_model().objects.create_user(
            username, f"{username}@example.org", PASSWORD, **{"display_name": username, **fields}
        )
        user.groups.set([Group.objects.get_or_create(name=role.value)[0] for role in roles])
        return user

    return make


@pytest.fixture
def submitter(make_user: Callable[..., Any]) -> Any:
    return make_user("submitter", Role.SUBMITTER)


@pytest.fixture
def stranger(make_user: Callable[..., Any]) -> Any:
    """Another submitter, who may see nothing of `submitter`'s."""
    return make_user("stranger", Role.SUBMITTER)


@pytest.fixture
def expert(make_user: Callable[..., Any]) -> Any:
    return make_user("expert", Role.EXPERT)


@pytest.fixture
def referee(make_user: Callable[..., Any]) -> Any:
    return make_user("referee", Role.REFEREE)


@pytest.fixture
def researcher(make_user: Callable[..., Any]) -> Any:
    return make_user("researcher", Role.RESEARCHER, is_staff=True)


@pytest.fixture
def superuser(db: None) -> Any:
    return get_user_model().objects.create_superuser("superuser", "superuser@example.org", PASSWORD)


@pytest.fixture
def visitor() -> Client:
    """A browser that nobody has logged in with."""
    return Client()


@pytest.fixture
def client_of(db: None) -> Callable[[Any], Client]:
    """`client_of(user)`: a logged-in test client; `client_of(None)` is a visitor's."""

    def log_in(user: Any | None) -> Client:
        client = Client()
        if user is not None:
            client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
        return client

    return log_in


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of the research data, which is not part of the project; without it the test is skipped."""
    folder = Path(os.environ.get("MEDES_SHARED") or ROOT.parent / "shared")
    if not (folder / "medes" / "objective_questions.csv").is_file():
        pytest.skip("needs the research data: set MEDES_SHARED to their folder")
    return folder
