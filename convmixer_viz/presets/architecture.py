"""A preset's layers in numbers, without torch: output, parameters, multiply-adds, reach."""

from __future__ import annotations

from dataclasses import dataclass

from convmixer_viz.presets.table import Preset

NOT_COUNTED = (
    "The published multiply-adds leave the depthwise convolutions out (their counter did not know "
    'padding="same") and add 2 for each value that batch norm passes.'
)


@dataclass(frozen=True, slots=True)
class Layer:
    """The stem, one block or the head."""

    name: str  # "stem", "block 1" …, "head"
    output: tuple[int, ...]  # (dim, H, W), or (classes,)
    parameters: int
    multiply_adds: int
    field: int | None  # side in pixels of what can reach one token; none for the head


def layers(preset: Preset, side: int | None = None) -> tuple[Layer, ...]:
    """Stem, blocks 1 … depth and head for square pictures of `side` pixels."""
    side = preset.transform.size if side is None else side
    shape, classes = preset.shape, preset.class_count
    d, depth, grid = shape.dim, shape.depth, shape.grid(side)
    adds = shape.multiply_adds(side, classes)
    stem = d * (3 * shape.patch_size**2 + 1) + 2 * d
    block = d * (shape.kernel_size**2 + 1) + 2 * d + d * (d + 1) + 2 * d
    tokens = (d, grid, grid)
    work = (adds["depthwise"] + adds["pointwise"]) // depth
    return (
        Layer("stem", tokens, stem, adds["stem"], shape.theoretical_field(0)),
        *(
            Layer(f"block {number}", tokens, block, work, shape.theoretical_field(number))
            for number in range(1, depth + 1)
        ),
        Layer("head", (classes,), classes * (d + 1), adds["head"], None),
    )
