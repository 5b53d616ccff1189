from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from medes_site.demo.private_redis import PrivateRedis
from medes_site.kit.roles import Role
from tests.kit.processes import use_broker
from tests.training.guardian_models import URL, model
from tests.training.scene import Scene, label_all, make_scene
from tests.training.workers import Worker


@pytest.fixture
def scene(db: None, tmp_path: Path, researcher: Any, make_user: Callable[..., Any], settings: Any) -> Scene:
    """72 answers, none of them labelled."""
    experts = (make_user("label-one", Role.EXPERT), make_user("label-two", Role.EXPERT))
    return make_scene(tmp_path / "free", researcher, experts)


@pytest.fixture
def labelled(scene: Scene) -> Scene:
    """72 answers, labelled twice, with some dissent."""
    label_all(scene, dissent=9)
    return scene


@pytest.fixture
def redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PrivateRedis]:
    with PrivateRedis(tmp_path / "redis") as server:
        use_broker(monkeypatch, server.url)
        yield server


@pytest.fixture
def worker(redis: PrivateRedis) -> Iterator[Worker]:
    found = Worker(redis.url)
    yield found
    found.kill()


@pytest.fixture
def models(tmp_path: Path, settings: Any) -> Path:
    """The one folder for base models, with a model in it that only looks like one; and the one endpoint allowed."""
    settings.MEDES_ARTEFACTS = tmp_path / "artefacts"
    settings.MEDES_MODEL_ROOTS = [tmp_path / "models"]
    settings.MEDES_JUDGE_ENDPOINTS = [URL]
    model(tmp_path / "models" / "small")
    return tmp_path / "models"
