"""Fast mode on a CPU: a block in four steps instead of seven, its weights packed once. By the
operators that torch's own compiler calls, since torch packs weights anew in each call otherwise
(1024/20, one picture: 1.2 times exact mode's speed, fused 1.7)."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any, cast

import torch
from torch import Tensor, nn

from convmixer_viz.model.convmixer import Block, ConvMixer, initialise
from convmixer_viz.presets.table import ACTIVATION_NAMES, Shape

OPERATORS = ("_convolution_pointwise", "_reorder_convolution_weight")
TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 0.03}  # of the largest value
_ACTIVATIONS: dict[type[nn.Module], tuple[str, str | None]] = {  # oneDNN's name, and its algorithm
    nn.GELU: ("gelu", "none"),
    nn.ReLU: ("relu", None),
}


@cache
def available(dtype: torch.dtype) -> bool:
    """Whether this torch has oneDNN's fused convolutions and they compute what the plain layers do:
    the operators are private, so what they do is tried once a process."""
    enabled: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if not enabled or not all(hasattr(torch.ops.mkldnn, name) for name in OPERATORS):
        return False
    try:
        return all(_agrees(Shape(16, 1, 3, 1, activation=a), dtype) for a in ACTIVATION_NAMES)
    except (RuntimeError, TypeError, AttributeError):  # other arguments or results, no such dtype
        return False


@torch.no_grad()
def _agrees(shape: Shape, dtype: torch.dtype) -> bool:
    """Whether a small block gives the same fused."""
    with torch.device("meta"):  # whose layers draw nothing from torch's own generator
        block = Block(shape, residual=True)
    block = block.to_empty(device="cpu").requires_grad_(False).eval()
    initialise(block, seed=0, norms="drawn")
    for layer in (block.depthwise, block.pointwise):
        layer.to(dtype)
    x = torch.randn(2, shape.dim, 8, 8, generator=torch.Generator().manual_seed(0)).to(dtype)
    plain, fused = (layers(x).float() for layers in (block, FusedBlock(block, 8)))
    return bool((plain - fused).abs().max() <= TOLERANCE[dtype] * plain.abs().max())


def fuse(model: ConvMixer, grid: int) -> None:
    """Put fused blocks over the model's own layers, packed for pictures of grid × grid tokens;
    even kernels, whose padding is lopsided, stay as they are."""
    if model.shape.kernel_size % 2 == 0:
        return
    for number, block in enumerate(model.walk()):
        model.blocks[number] = FusedBlock(block, grid)


class FusedBlock(Block):
    """A frozen bfloat16 block; where a gradient is asked for, its own layers run."""

    gain: Tensor  # (dim, 1, 1), the depthwise batch norm's
    bias: Tensor  # (dim,), the pointwise step's with the depthwise batch norm's shift
    kernels: Tensor  # packed, the depthwise step's
    weights: Tensor  # packed, the pointwise step's

    def __init__(self, block: Block, grid: int) -> None:
        nn.Sequential.__init__(self, *block)
        self.eval()
        norm = self.depthwise_norm
        gain = norm.weight / torch.sqrt(cast("Tensor", norm.running_var) + norm.eps)
        shift = norm.bias - cast("Tensor", norm.running_mean) * gain
        weight, bias = self.pointwise.weight, cast("Tensor", self.pointwise.bias)
        # what only the pointwise step reads is shifted there: W(y + t) + b = Wy + (b + Wt)
        bias = (bias.float() + weight.float().flatten(1) @ shift).to(weight.dtype)
        self._keep("gain", gain.to(weight.dtype)[:, None, None])
        self._keep("bias", bias)
        self._keep("kernels", _pack(self.depthwise, grid))
        self._keep("weights", _pack(self.pointwise, grid))

    def _keep(self, name: str, tensor: Tensor) -> None:
        self.register_buffer(name, tensor.detach(), persistent=False)

    def __deepcopy__(self, memo: dict[int, Any]) -> Block:
        """A copy may be changed or hooked: it gets plain layers, which see that."""
        plain = Block.__new__(Block)
        nn.Sequential.__init__(plain, *(copy.deepcopy(layer, memo) for layer in self))
        return plain.train(self.training)

    def forward(self, x: Tensor) -> Tensor:
        if x.requires_grad:
            return super().forward(x)  # type: ignore[no-any-return, no-untyped-call]
        y = self._activated(x, self.kernels, self.depthwise, self.depthwise.bias)
        y = torch.addcmul(x, y, self.gain) if self.spatial.residual else y * self.gain
        y = self._activated(y, self.weights, self.pointwise, self.bias)
        return self.pointwise_norm(y)  # type: ignore[no-any-return]

    def _activated(
        self, x: Tensor, packed: Tensor, layer: nn.Conv2d, bias: Tensor | None
    ) -> Tensor:
        """The activation of a layer's convolution, its weights packed."""
        padding = [side // 2 for side in layer.kernel_size]
        name, algorithm = _ACTIVATIONS[type(self[2])]
        convolution = torch.ops.mkldnn._convolution_pointwise
        result = convolution(
            x, packed, bias, padding, [1, 1], [1, 1], layer.groups, name, [], algorithm
        )
        return cast("Tensor", result)


def _pack(layer: nn.Conv2d, grid: int) -> Tensor:
    size, padding = [4, layer.in_channels, grid, grid], [side // 2 for side in layer.kernel_size]
    reorder = torch.ops.mkldnn._reorder_convolution_weight
    return cast("Tensor", reorder(layer.weight, padding, [1, 1], [1, 1], layer.groups, size))
