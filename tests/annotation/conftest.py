from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.annotation.scene import Scene, make_scene


@pytest.fixture
def scene(db: None, tmp_path: Path, researcher: Any) -> Scene:
    """Six items, twelve judged replies of two models."""
    return make_scene(tmp_path / "labels", researcher)
