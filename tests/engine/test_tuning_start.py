"""From where a run goes on, and with how many rows at a time: decided once, whatever the site changes meanwhile."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from training.engine.tuning_folder import RunFolder, RunRefused
from training.engine.tuning_loop import starting_point
from training.engine.tuning_room import batch_of, halve
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


def test_a_kill_halves_the_batch_once_for_all_processes(tmp_path: Path, config: Config) -> None:
    ranks = [RunFolder(tmp_path, writes=not rank) for rank in range(4)]
    for rank in ranks:
        starting_point(rank, config, resume=False)
    started = json.loads((tmp_path / "started.json").read_text("utf-8"))
    if started["out_of_memory_kills"] is None:
        pytest.skip("this kernel does not count them")
    started["out_of_memory_kills"] -= 1
    for rank in reversed(ranks):  # the first one last, so that all of them see the kill
        (tmp_path / "started.json").write_text(json.dumps(started), "utf-8")
        starting_point(rank, config, resume=True)
    assert [batch_of(rank, config) for rank in ranks] == [8, 8, 8, 8]
    starting_point(ranks[0], config, resume=True)
    assert batch_of(ranks[0], config) == 8


def test_processes_that_run_out_at_once_halve_the_batch_once(tmp_path: Path, config: Config) -> None:
    ranks = [RunFolder(tmp_path, writes=not rank) for rank in range(3)]
    batch = 16
    for expected in (8, 4, 2, 1, 1):
        found = {halve(rank, config, batch, "out of memory") for rank in ranks}
        assert found == {expected} == {batch_of(ranks[2], config)}
        assert json.loads((tmp_path / "memory.json").read_text("utf-8")) == {
            "batch_size": expected,
            "accumulation": 16 // expected,
        }
        batch = expected
    assert halve(ranks[1], config, 16, "a late one") == 1
