"""The drawing has the shapes that the module really makes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from convmixer_viz.figures import architecture
from convmixer_viz.model.convmixer import ConvMixer
from convmixer_viz.presets.table import PRESETS, Preset
from tests.conftest import TINY


def text_of(preset: Preset) -> str:
    return " ".join(note.text or "" for note in architecture.draw(preset).layout.annotations)


def test_slabs_have_the_modules_own_shapes() -> None:
    module = ConvMixer(TINY.shape, TINY.class_count).eval()
    pixels = torch.zeros(1, 3, 21, 21)
    with torch.no_grad():
        stem = module.stem(pixels)
        block = next(module.walk())
        mixed = block.spatial(stem)
        shapes = [pixels, stem, mixed, block(stem), stem.mean((2, 3)), module(pixels)]
    drawn = [slab.shape for slab in architecture.slabs(TINY, 21)]
    assert drawn == [tuple(tensor.shape[1:]) for tensor in shapes]


@pytest.mark.parametrize("name", PRESETS)
def test_annotations_name_the_operations_and_the_residual(name: str) -> None:
    preset = PRESETS[name]
    s, text = preset.shape, text_of(preset)
    assert (
        f"block, {s.depth} times" in text and f"{s.kernel_size}×{s.kernel_size} depthwise" in text
    )
    assert f"{s.dim}×{s.grid(preset.transform.size)}" in text
    assert {"gelu": "GELU", "relu": "ReLU"}[s.activation] in text
    assert ("residual" in text) == s.residual
    assert ("with a residual" in architecture.describe(preset)) == s.residual


def test_the_small_drawing_has_the_same_shapes_in_fewer_lines() -> None:
    figure = architecture.draw(PRESETS["cifar10-256-8"], height=architecture.SMALL)
    texts = [note.text or "" for note in figure.layout.annotations]
    assert all(text.count("<br>") <= 1 for text in texts)
    for words in ("block, 8 times", "5×5 depthwise", "256×16×16", "mixed in channels"):
        assert any(words in text for text in texts)


def test_larger_tensors_are_drawn_larger() -> None:
    picture, tokens, *_ = architecture.slabs(PRESETS["imagenet-768-32"])
    assert picture.height > tokens.height and picture.width < tokens.width
    small, large = (architecture.slabs(replace(TINY), side)[0].height for side in (16, 32))
    assert small < large
