"""Linear layers in whole numbers: what makes an encoder quick on a processor without a graphics card.

A layer's weights get one scale for each output, its input one scale for each token (symmetric, -127 to 127); the sums
in between are whole numbers and therefore exact, in any order and on any machine. Norms, attention and activations
stay in floating point. After "LLM.int8()" (Dettmers et al., NeurIPS 2022), without its outlier columns: a guardian is
calibrated and measured with the arithmetic it judges with, so what rounding costs is in its report.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

LEVELS = 127
EXACT_TERMS = 1_024
"""So many products of two numbers up to 127 add up to less than 2**24: float32 holds every partial sum."""

LEAST_SCALE = 1e-12


class Int8Linear(nn.Module):
    """Stands in for an `nn.Linear`. `weight` (in, out) int8, `scale` (out,) float32, `bias` (out,) float32 or None."""

    weight: Tensor
    scale: Tensor
    bias: Tensor | None

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = layer.in_features, layer.out_features
        weight = layer.weight.detach().float()
        scale = weight.abs().amax(dim=1).clamp(min=LEAST_SCALE) / LEVELS
        rounded = (weight / scale.unsqueeze(1)).round_().to(torch.int8)
        self.register_buffer("weight", rounded.t().contiguous())
        self.register_buffer("scale", scale)
        self.register_buffer("bias", None if layer.bias is None else layer.bias.detach().float())

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) to (..., out), in the dtype of x."""
        rows = x.reshape(-1, self.in_features).float()
        step = rows.abs().amax(dim=1, keepdim=True).clamp(min=LEAST_SCALE) / LEVELS
        whole = (rows * (1 / step)).round_()
        # In place: what is made anew for each line of arithmetic costs more here than the arithmetic.
        out = whole_products(whole, self.weight).float().mul_(step).mul_(self.scale)
        if self.bias is not None:
            out.add_(self.bias)
        return out.to(x.dtype).view(*x.shape[:-1], self.out_features)


def whole_products(rows: Tensor, weight: Tensor) -> Tensor:
    """The exact product, int32, of whole numbers in float32 (n, in) and int8 (in, out), all from -127 to 127."""
    if rows.device.type == "cpu" and has_int8_instructions():
        return torch._int_mm(rows.to(torch.int8), weight)
    total = torch.zeros((len(rows), weight.shape[1]), dtype=torch.int32, device=rows.device)
    for first in range(0, len(weight), EXACT_TERMS):
        last = first + EXACT_TERMS
        total += (rows[:, first:last] @ weight[first:last].float()).to(torch.int32)
    return total


def has_int8_instructions() -> bool:
    """Whether this processor multiplies int8 and adds in int32. Older ones add in 16 bits, which may overflow."""
    found = torch.cpu.get_capabilities()
    return any(found.get(name) is True for name in ("avx512_vnni", "avx_vnni", "amx_int8"))


def in_int8(body: Any) -> Any:
    """The body with every linear layer in whole numbers, changed in place; subclasses of `nn.Linear` are left alone."""
    for name, child in list(body.named_children()):
        if type(child) is nn.Linear:
            setattr(body, name, Int8Linear(child))
        else:
            in_int8(child)
    return body
