"""Linear layers in whole numbers: exact sums with and without the processor's help, and how far rounding goes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from benchmark.guardians import int8  # noqa: E402
from benchmark.guardians.encoder_model import load_body  # noqa: E402
from benchmark.guardians.int8 import EXACT_TERMS, Int8Linear, in_int8, whole_products  # noqa: E402
from tests.guardians.checkpoints import tiny_causal, tiny_encoder  # noqa: E402

pytestmark = [pytest.mark.one_database, pytest.mark.train]


@pytest.fixture(params=["as it is", "without the instructions"])
def processor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param != "as it is":
        monkeypatch.setattr(int8, "has_int8_instructions", lambda: False)
    return str(request.param)


def layer(weight: list[list[float]], bias: list[float] | None) -> torch.nn.Linear:
    """A layer with these numbers; `weight` (out, in)."""
    made = torch.nn.Linear(len(weight[0]), len(weight), bias=bias is not None)
    with torch.no_grad():
        made.weight.copy_(torch.tensor(weight))
        if bias is not None:
            made.bias.copy_(torch.tensor(bias))
    return made


def test_worked_by_hand(processor: str) -> None:
    """Weights 2, -1 and 0.5, 0.25: scales 2/127 and 0.5/127, whole 127, -64 (63.5 goes to even) and 127, 64.
    The token 1, -0.5: step 1/127, whole 127, -64. Sums 127*127 + 64*64 = 20225 and 127*127 - 64*64 = 12033."""
    made = Int8Linear(layer([[2.0, -1.0], [0.5, 0.25]], [10.0, 0.0]))
    assert made.weight.tolist() == [[127, 127], [-64, 64]]
    found = made(torch.tensor([[1.0, -0.5]]))
    expected = [20225 * 2 / 127**2 + 10, 12033 * 0.5 / 127**2]
    assert found[0].tolist() == pytest.approx(expected, rel=1e-6)


@settings(deadline=None)
@given(st.integers(1, 70), st.integers(1, 40), st.integers(1, 20), st.integers(0, 2**31 - 1))
def test_whole_products_are_exact_on_any_processor(terms: int, outputs: int, rows: int, seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    left = torch.randint(-127, 128, (rows, terms), generator=draw)
    right = torch.randint(-127, 128, (terms, outputs), generator=draw)
    expected = left @ right  # int64
    with pytest.MonkeyPatch.context() as patch:
        for _ in range(2):
            found = whole_products(left.float(), right.to(torch.int8))
            assert found.dtype == torch.int32 and torch.equal(found.long(), expected)
            patch.setattr(int8, "has_int8_instructions", lambda: False)


def test_the_largest_sums_are_exact(processor: str) -> None:
    """Where float32 alone would begin to round: four times the terms that it can add."""
    terms = 4 * EXACT_TERMS + 1
    weight = torch.full((terms, 3), 127, dtype=torch.int8)
    weight[:, 1] = -127
    weight[0, 2] = 126
    found = whole_products(torch.full((2, terms), 127.0), weight)
    most = 127 * 127 * terms
    assert found.tolist() == [[most, -most, most - 127]] * 2


def test_near_to_the_layer_it_stands_for(processor: str) -> None:
    torch.manual_seed(3)
    plain = torch.nn.Linear(256, 64)
    x = torch.randn(2, 9, 256)
    with torch.inference_mode():
        found, meant = Int8Linear(plain)(x), plain(x)
    assert found.shape == (2, 9, 64)
    # Half a step of each of 256 terms on both sides adds up at random to some 1% of an output's spread.
    assert float((found - meant).std()) < 0.02 * float(meant.std())


def test_a_token_does_not_depend_on_its_company(processor: str) -> None:
    torch.manual_seed(4)
    made = Int8Linear(torch.nn.Linear(32, 16))
    x = torch.randn(5, 32)
    loud = torch.cat([x, 1e4 * torch.randn(3, 32)])
    assert torch.equal(made(x), made(loud)[:5])


def test_edges(processor: str) -> None:
    made = Int8Linear(layer([[0.0, 0.0], [1.0, -1.0]], [0.5, 0.0]))
    assert made(torch.zeros(1, 2)).tolist() == [[0.5, 0.0]]
    assert made(torch.zeros(0, 2)).shape == (0, 2)
    for bad in (float("nan"), float("inf")):  # no number is made of what is none
        assert not torch.isfinite(made(torch.tensor([[bad, 1.0]]))[0, 1])


@pytest.mark.parametrize("make", [tiny_encoder, tiny_causal])
def test_every_linear_layer_of_a_body_and_nothing_else(make: object, tmp_path: Path) -> None:
    body = load_body(str(make(tmp_path / "base"))).eval()  # type: ignore[operator]
    before = {name for name, part in body.named_modules() if type(part) is torch.nn.Linear}
    ids = torch.arange(6, 46).unsqueeze(0)
    with torch.inference_mode():
        plain = body(input_ids=ids).last_hidden_state
        rounded = in_int8(body)(input_ids=ids).last_hidden_state
    after = {name for name, part in body.named_modules() if isinstance(part, Int8Linear)}
    assert before and after == before
    assert 0 < float((rounded - plain).abs().mean()) < 0.03 * float(plain.abs().mean())
