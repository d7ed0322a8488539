"""Against RepLKNet's procedure, written anew and deliberately slow: a forward and a backward pass a
block and a picture, their own aggregation, their own search for the rectangle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from convmixer_viz.analyses.receptive_field import statistics
from convmixer_viz.analyses.receptive_field.fields import compute
from convmixer_viz.engine import runtime
from convmixer_viz.model.convmixer import ConvMixer
from convmixer_viz.pictures.decode import load
from convmixer_viz.pictures.prepare import PreparedPicture, prepare
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.questions.receptive_field import Options, ReceptiveField
from convmixer_viz.weights import checkpoint, locate
from tests.conftest import calibrated, final, loaded

SHARES = (0.2, 0.3, 0.5, 0.99)


def slow_field(module: ConvMixer, pictures: list[Tensor], block: int) -> NDArray[np.float64]:
    """P of one block: mean over pictures of Σ_rgb ReLU(∂ Σ_c ReLU(A[:, H//2, W//2]) / ∂x)."""
    maps = []
    for picture in pictures:
        pixels = picture.clone().requires_grad_()
        output = module.stem(pixels)
        for layer in list(module.blocks)[:block]:
            output = layer(output)
        height, width = output.shape[-2:]
        point = torch.relu(output[:, :, height // 2, width // 2]).sum()
        (gradient,) = torch.autograd.grad(point, pixels)
        maps.append(torch.relu(gradient).sum((0, 1)).double().numpy())
    return np.asarray(np.mean(maps, 0))


def slow_ratio(field: NDArray[np.float64], share: float) -> float:
    """Area of the smallest odd square about pixel h//2 that holds more than `share`, on
    log10(P + 1) divided by its maximum."""
    logged = np.log10(field + 1)
    logged = logged / logged.max()
    height, width = logged.shape
    for reach in range(1, height // 2):
        rows = slice(height // 2 - reach, height // 2 + reach + 1)
        columns = slice(width // 2 - reach, width // 2 + reach + 1)
        if logged[rows, columns].sum() / logged.sum() > share:
            return float((2 * reach + 1) / height * ((2 * reach + 1) / width))
    return 1.0


def measure(
    model: runtime.LoadedModel, images: list[PreparedPicture], blocks: tuple[int, ...]
) -> ReceptiveField:
    options = Options(scalar="relu", reduction="relu", blocks=blocks)
    return final(compute(model, images, options))


def check(
    model: runtime.LoadedModel,
    images: list[PreparedPicture],
    blocks: tuple[int, ...],
    tolerance: float,
) -> None:
    result = measure(model, images, blocks)
    pictures = [model.place(torch.from_numpy(image.array)[None]) for image in images]
    logits = torch.cat([model.module(picture) for picture in pictures])
    assert (logits[0] - logits[-1]).abs().max() > 1e-2 * logits.abs().max()  # weights that see
    for row, block in enumerate(result.blocks):
        expected = slow_field(model.module, pictures, block)
        assert np.abs(result.pixels[row] - expected).max() <= tolerance * expected.max()
        ratios = [slow_ratio(expected, share) for share in SHARES]
        steps = 8 * np.sqrt(ratios) / expected.shape[0]  # one ring of pixels, area
        assert (np.abs(result.ratio_log[row] - ratios) <= steps + 1e-12).all()
        assert result.scale[row] == pytest.approx(expected.max(), rel=10 * tolerance)


@pytest.mark.parametrize("name", ["imagenet-768-32", "imagenet-1024-20", "imagenet-1536-20"])
def test_imagenet_shapes_in_float64(name: str) -> None:
    """All of the architecture on a grid of 6×6 tokens: PyTorch's depthwise convolutions in float64
    take 100 times as long as in float32."""
    preset = PRESETS[name]
    side = 6 * preset.shape.patch_size
    model = loaded(preset, calibrated(preset, seed=1, side=side))
    model.module.double()
    pictures = ("gallery:cat", "gallery:astronaut")
    images = [prepare(load(picture), preset.transform, side) for picture in pictures]
    depth = preset.shape.depth
    check(model, images, (0, 1, depth // 2, depth), 1e-6)


def test_ratios_are_the_procedures_own() -> None:
    generator = np.random.default_rng(0)
    axis = np.arange(40) - 20.3
    for width in (3, 9, 30):
        field = 50 * np.exp(-(axis[:, None] ** 2 + axis**2) / (2 * width**2))
        field *= generator.uniform(0.5, 1.5, field.shape)
        expected = [slow_ratio(field, share) for share in SHARES]
        assert statistics.replknet_ratio(field) == pytest.approx(expected, abs=1e-12)


SHIPPED = [
    name
    for name in PRESETS
    if (Path(__file__).parents[2] / "pretrained" / f"{name}.safetensors").is_file()
]


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_presets_in_float32(name: str) -> None:
    preset = PRESETS[name]
    module = ConvMixer(preset.shape, preset.class_count)
    module.load_state_dict(checkpoint.read(locate.require_file(preset)).state)
    model = loaded(preset, module)
    pictures = ("gallery:cat", "gallery:astronaut")
    side = preset.transform.size
    images = [prepare(load(picture), preset.transform, side) for picture in pictures]
    depth = preset.shape.depth
    tolerance = 1e-5 if preset.shape.activation == "gelu" else 2e-4
    check(model, images, tuple(range(depth + 1)), tolerance)
