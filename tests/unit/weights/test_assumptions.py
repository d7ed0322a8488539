"""What neither the file nor the person says is assumed as published presets have it."""

from __future__ import annotations

from convmixer_viz.presets.table import Shape
from convmixer_viz.weights.assumptions import ShapeChoices, settle_shape


def test_a_published_size_brings_the_published_activation() -> None:
    sizes = Shape(768, 32, 7, 7)
    shape, assumed = settle_shape(sizes, 1000, ShapeChoices(), None)
    assert shape.activation == "relu" and "ReLU, as in imagenet-768-32" in assumed[0]
    assert settle_shape(sizes, 10, ShapeChoices(), None)[0].activation == "gelu"
