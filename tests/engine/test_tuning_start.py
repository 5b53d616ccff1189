"""From where a run goes on, and with how many rows at a time: decided once, whatever the site changes meanwhile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from training.engine.tuning_folder import RunFolder, RunRefused
from training.engine.tuning_loop import starting_point
from training.rules.tuning_config import Config, parse_config

pytestmark = [pytest.mark.train, pytest.mark.one_database]


@pytest.fixture
def config() -> Config:
    given = {"base_model": "/models/a", "batch_size": 16, "accumulation": 1}
    return replace(parse_config(given, "sft"), model_roots=["/models"], hubs=[], lineage={"run": 1})


def test_other_settings_of_the_site_do_not_end_a_run(tmp_path: Path, config: Config) -> None:
    run = RunFolder(tmp_path)
    starting_point(run, config, resume=False)
    moved = replace(
        config, model_roots=["/models", "/more"], hubs=["Qwen"], lineage={"run": 1, "code_version": "2"}
    )
    assert starting_point(run, moved, resume=True) is None
    with pytest.raises(RunRefused, match="has changed since the run began"):
        starting_point(run, replace(config, seed=config.seed + 1), resume=True)
    (tmp_path / "train.jsonl").write_text("{}\n", "utf-8")
    with pytest.raises(RunRefused, match="has changed since the run began"):
        starting_point(run, config, resume=True)
