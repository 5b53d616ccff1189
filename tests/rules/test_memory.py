"""The estimate against published sizes and against arithmetic by hand."""

from __future__ import annotations

import pytest

from training.rules.memory import (
    GIB,
    Plan,
    Shape,
    disk_bytes,
    estimate,
    fitting_batch,
    least,
    lora_parameters,
    parameters_of,
    refusal,
    shape_of,
    steps_of,
)

# Qwen/Qwen2.5-7B-Instruct and Qwen2.5-0.5B, from their config.json.
QWEN_7B = {
    "hidden_size": 3584, "num_hidden_layers": 28, "intermediate_size": 18944, "vocab_size": 152064,
    "num_attention_heads": 28, "num_key_value_heads": 4, "tie_word_embeddings": False,
}  # fmt: skip
QWEN_HALF = {
    "hidden_size": 896, "num_hidden_layers": 24, "intermediate_size": 4864, "vocab_size": 151936,
    "num_attention_heads": 14, "num_key_value_heads": 2, "tie_word_embeddings": True,
}  # fmt: skip


@pytest.mark.parametrize(("config", "billions"), [(QWEN_7B, 7.616), (QWEN_HALF, 0.494)])
def test_parameters_are_those_of_the_model_cards(config: dict[str, object], billions: float) -> None:
    assert parameters_of(shape_of(config)) / 1e9 == pytest.approx(billions, rel=0.001)


def test_lora_parameters_by_hand() -> None:
    shape = Shape(hidden=4, layers=2, feed_forward=6, vocabulary=10, attention_width=4, kv_width=2, tied=True)
    # Query and output 4-4, key and value 4-2, three of 4-6: 8 + 8 + 6 + 6 + 10 + 10 + 10 = 58 a block and rank.
    assert lora_parameters(shape, 3) == 2 * 3 * 58
    # 2*4*4 + 2*4*2 + 3*4*6 + 2*4 = 128 a block, two blocks, a table of 40, a norm of 4.
    assert parameters_of(shape) == 2 * 128 + 40 + 4


def test_full_training_keeps_sixteen_bytes_a_parameter() -> None:
    shape = shape_of(QWEN_HALF)
    found = estimate(shape, Plan(batch=1, max_length=1, lora_r=0, weight_bytes=4, checkpointing=True))
    assert (found.weights + found.gradients + found.optimizer) == 16 * parameters_of(shape)


def test_seven_billion_fit_one_gpu_of_80_gib_with_lora_and_not_without() -> None:
    shape = shape_of(QWEN_7B)
    lora = Plan(batch=4, max_length=2048, lora_r=16, weight_bytes=2, checkpointing=True)
    assert refusal(least(shape, lora), 78 * GIB) is None
    assert estimate(shape, lora).total < 78 * GIB
    full = Plan(batch=4, max_length=2048, lora_r=0, weight_bytes=4, checkpointing=True)
    sentence = refusal(least(shape, full), 78 * GIB, estimate(shape, full).total)
    assert sentence is not None
    assert "the device has 78.0 GiB" in sentence
    assert "optimizer" in sentence


def test_dpo_doubles_what_depends_on_tokens() -> None:
    shape = shape_of(QWEN_HALF)
    sft = estimate(shape, Plan(2, 512, 8, 2, True))
    dpo = estimate(shape, Plan(2, 512, 8, 2, True, dpo=True))
    assert dpo.logits == 2 * sft.logits
    assert (dpo.weights, dpo.optimizer) == (sft.weights, sft.optimizer)


def test_a_cpu_computes_in_fp32_and_keeps_eight_tiles_of_logits() -> None:
    """Measured peaks of whole runs (docs/tuning.md): 3.42, 3.95 GiB; the estimate lies above, by no more than a fifth."""
    shape = shape_of(QWEN_HALF)
    small = Plan(4, 256, 16, 4, checkpointing=True, cpu=True)
    assert estimate(shape, small).logits == 1024 * 32_768 * 4 * 8
    assert estimate(shape, Plan(64, 256, 16, 4, checkpointing=True, cpu=True)).logits == 4096 * 32_768 * 4 * 8
    assert 3.42 < estimate(shape, small).total / GIB < 3.42 * 1.2
    without = Plan(2, 256, 16, 4, checkpointing=False, cpu=True)
    assert 3.95 < estimate(shape, without).total / GIB < 3.95 * 1.2


def test_the_batch_is_the_largest_divisor_that_leaves_an_eighth_free() -> None:
    shape = shape_of(QWEN_HALF)
    plan = Plan(12, 512, 16, 4, checkpointing=True, cpu=True)
    totals = {
        batch: estimate(shape, Plan(batch, 512, 16, 4, True, cpu=True)).total for batch in (1, 3, 4, 6, 12)
    }
    assert fitting_batch(shape, plan, totals[12] * 2) == 12
    assert fitting_batch(shape, plan, totals[6] * 8 // 7 + 8) == 6
    assert fitting_batch(shape, plan, totals[6] * 8 // 7 - 8) == 4
    assert fitting_batch(shape, plan, totals[1]) == 1


def test_a_config_without_numbers_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="num_hidden_layers"):
        shape_of({"hidden_size": 8, "num_attention_heads": 2})


@pytest.mark.parametrize(
    ("rows", "batch", "accumulation", "processes", "epochs", "max_steps", "steps"),
    [
        (24, 2, 2, 1, 1, -1, 6),
        (25, 2, 2, 1, 1, -1, 7),  # 13 batches, 7 steps
        (24, 2, 2, 2, 1, -1, 3),
        (24, 2, 2, 1, 2.5, -1, 15),
        (1, 8, 8, 1, 1, -1, 1),
        (24, 2, 2, 1, 1, 40, 40),
    ],
)
def test_steps_by_hand(
    rows: int, batch: int, accumulation: int, processes: int, epochs: float, max_steps: int, steps: int
) -> None:
    found = steps_of(
        rows, batch=batch, accumulation=accumulation, processes=processes, epochs=epochs, max_steps=max_steps
    )
    assert found == steps


def test_no_rows_make_no_steps() -> None:
    with pytest.raises(ValueError, match="empty"):
        steps_of(0, batch=1, accumulation=1, epochs=1)


def test_disk_holds_one_checkpoint_more_than_is_kept() -> None:
    shape = Shape(hidden=4, layers=2, feed_forward=6, vocabulary=10, attention_width=4, kv_width=2, tied=True)
    found = estimate(shape, Plan(1, 1, 0, 4, False))
    # 300 parameters: 12 bytes each in a checkpoint, 4 each in the result.
    assert disk_bytes(found, lora=False, merge=False, kept=2) == 3 * 300 * 12 + 300 * 4
