from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medes_site.kit.roles import Role
from tests.training.scene import Scene, label_all, make_scene


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
