"""Settings in a box and out of it; what makes two configurations different."""

from __future__ import annotations

from typing import Any

import pytest

from training.rules.tuning_config import ConfigError
from training.rules.tuning_settings import boxed, differences, unboxed

OWN = frozenset(("epochs", "seed"))


def test_settings_of_the_trainer_go_one_level_down() -> None:
    box = {"eval_every": 5, "optim": "adafactor", "neftune_noise_alpha": 5}
    config = unboxed("sft", box, OWN)
    assert config == {"eval_every": 5, "extra": {"optim": "adafactor", "neftune_noise_alpha": 5}}
    assert boxed({**config, "epochs": 3, "base_model": "/x"}, OWN) == box


def test_the_old_way_of_writing_them_is_read_too() -> None:
    assert unboxed("sft", {"extra": {"optim": "sgd"}, "tf32": False}, OWN) == {
        "extra": {"optim": "sgd", "tf32": False}
    }


def test_loss_type_is_the_engines_for_dpo_and_the_trainers_for_sft() -> None:
    assert unboxed("dpo", {"loss_type": ["ipo"]}, OWN) == {"loss_type": ["ipo"]}
    assert unboxed("sft", {"loss_type": "dft"}, OWN) == {"extra": {"loss_type": "dft"}}


@pytest.mark.parametrize(
    ("kind", "box", "words"),
    [
        ("sft", {"epochs": 3}, "field of its own"),
        ("sft", {"output_dir": "/etc"}, "not among the allowed settings of SFT"),
        ("sft", {"hub_token": "x"}, "not among"),
        ("sft", {"base_model": "/x"}, "not among"),
        ("sft", {"model_roots": ["/"]}, "not among"),
        ("sft", {"hubs": None}, "not among"),
        ("sft", {"lineage": {}}, "not among"),
        ("sft", {"label_smoothing": 0.1}, "not among the allowed settings of SFT"),
        ("dpo", {"assistant_only_loss": True}, "not among the allowed settings of DPO"),
        ("dpo", {"extra": 3}, "extra must be"),
    ],
)
def test_what_may_not_stand_there(kind: Any, box: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        unboxed(kind, box, OWN)


def test_a_default_that_is_said_is_no_difference() -> None:
    first = {"base_model": "/a", "epochs": 1, "learning_rate": 0.0001, "extra": {"optim": "sgd"}}
    second = {"base_model": "/a", "beta": 0.1, "extra": {"optim": "sgd"}}
    assert differences(first, second, ("sft", "sft")) == []
    third = {**second, "epochs": 2, "extra": {"tf32": True}}
    assert differences(first, third, ("sft", "sft")) == [
        ("epochs", 1, 2), ("optim", "sgd", None), ("tf32", None, True),
    ]  # fmt: skip


def test_the_rates_of_the_kinds_differ_by_default() -> None:
    assert differences({"base_model": "/a"}, {"base_model": "/a"}, ("sft", "dpo")) == [
        ("learning_rate", 1e-4, 1e-5)
    ]


def test_a_configuration_that_is_none_any_more_is_still_compared() -> None:
    assert differences({"base_model": "/a", "gone": 1}, {"base_model": "/a", "gone": 2}, ("sft", "sft")) == [
        ("gone", 1, 2)
    ]
