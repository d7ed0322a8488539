"""Gradients by hand against autograd, and on networks whose answer is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.signal import convolve2d

from convmixer_viz.engine import runtime
from convmixer_viz.model import convmixer as models
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.presets.table import Shape
from tests.conftest import TINY, loaded
from tests.unit.analyses.receptive_field.pictures import double, measure, pictures

Tokens = tuple[list[int], list[int]]  # rows, columns
Floats = NDArray[np.float64]


def jacobian(
    model: runtime.LoadedModel, image: PreparedPicture, block: int, tokens: Tokens
) -> tuple[Floats, Floats]:
    """(dim, tokens, 3, h, w) of a block's output by its picture, and the output, from autograd."""

    def output(pixels: torch.Tensor) -> torch.Tensor:
        return list(model.module.states(pixels))[block][0, :, tokens[0], tokens[1]]

    pixels = torch.from_numpy(image.array).double()[None]
    full = torch.autograd.functional.jacobian(output, pixels)  # type: ignore[no-untyped-call]
    return full[:, :, 0].numpy(), output(pixels).numpy()


SHAPES = [
    Shape(8, 3, 3, 2),
    Shape(6, 2, 5, 3, "relu"),
    Shape(6, 2, 4, 2, "relu", residual=False),
    Shape(5, 3, 5, 1),
]


REDUCTIONS: dict[str, Callable[[Floats], Floats]] = {
    "absolute": np.abs,
    "square": np.square,
    "relu": lambda gradient: gradient.clip(0),
}


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_block_equals_a_brute_force_jacobian(shape: Shape) -> None:
    model, (image,) = double(shape), pictures(1, 7 * shape.patch_size + 1, 6 * shape.patch_size)
    row, column = 6, 0  # at a corner, where the window is cut
    for block in range(shape.depth + 1):
        truth = jacobian(model, image, block, ([row], [column]))[0].sum((0, 1))
        for reduction, reduce in REDUCTIONS.items():
            field = measure(model, [image], token=(row, column), reduction=reduction)
            expected = reduce(truth).sum(0)
            assert np.abs(field.pixels[block] - expected).max() < 1e-6 * expected.max()


@pytest.mark.parametrize("scalar", ["sum", "relu", "channel", "signs"])
def test_scalars_and_central_tokens(scalar: str) -> None:
    model, (image,) = double(SHAPES[0]), pictures(1, 12, 12)
    field = measure(model, [image], scalar=scalar, channel=5, central=True, blocks=(2,))
    full, output = jacobian(model, image, 2, ([2, 2, 3, 3], [2, 3, 2, 3]))
    one = np.eye(8)[5][:, None]
    weights: dict[str, list[Floats]] = {
        "sum": [np.ones((8, 4))],
        "relu": [(output > 0).astype(float)],
        "channel": [one * np.ones(4)],
    }
    signs = [(2 * np.array(s) - 1)[:, None] * np.ones(4) for s in np.ndindex(*[2] * 8)]
    candidates = weights.get(scalar, signs)  # which signs were drawn is not known
    maps = [np.abs(np.einsum("ct,ctxhw->xhw", w, full) / 4).sum(0) for w in candidates]
    errors = sorted(np.abs(field.pixels[0] - m).max() / m.max() for m in maps)
    assert errors[0] < 1e-6 and all(error > 1e-3 for error in errors[2:])
    assert field.centre == (6.0, 6.0) and field.seeds.tolist() == [[2, 2], [2, 3], [3, 2], [3, 3]]


def linear(kernels: list[Floats]) -> runtime.LoadedModel:
    """Three channels, patch 1, all mixing the identity and every unit of the ReLU on: the block
    is its depthwise convolution."""
    shape = Shape(3, len(kernels), len(kernels[0]), 1, "relu", residual=False)
    module = models.ConvMixer(shape, 10).freeze()
    for layer in module.modules():
        if isinstance(layer, torch.nn.Conv2d):
            cast(torch.Tensor, layer.bias).fill_(100.0)
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.eps = 1e-12  # 0 is refused by older versions of torch
    module.patch_embedding.weight.copy_(torch.eye(3)[:, :, None, None])
    for block, kernel in zip(module.walk(), kernels, strict=True):
        block.depthwise.weight.copy_(torch.from_numpy(kernel).expand(3, 1, -1, -1))
        block.pointwise.weight.copy_(torch.eye(3)[:, :, None, None])
    return loaded(replace(TINY, shape=shape), module.double())


def test_one_depthwise_layer_shows_its_kernel_and_a_stack_their_convolution() -> None:
    generator = np.random.default_rng(1)
    kernels = [generator.uniform(-0.05, 0.05, (5, 5)) for _ in range(3)]
    field = measure(linear(kernels), pictures(1, 21, 21), reduction="square", scalar="channel")
    whole = np.ones((1, 1))
    for block, kernel in enumerate(kernels, 1):
        whole = convolve2d(whole, kernel)
        reach = 2 * block
        seen = field.pixels[block][10 - reach : 11 + reach, 10 - reach : 11 + reach]
        assert np.abs(seen - whole**2).max() < 1e-6 * (whole**2).max()
        assert field.pixels[block].sum() == pytest.approx(seen.sum())
