"""Settle what tensors don't show: activation, residual and preprocessing.

They are as the file records them, as the person chose them, or as is likely: then a sentence says
so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from convmixer_viz.errors import WeightsError
from convmixer_viz.presets.table import (
    ACTIVATION_NAMES,
    PRESETS,
    Activation,
    Preset,
    Residual,
    Shape,
    Transform,
)
from convmixer_viz.weights.metadata import Record


@dataclass(frozen=True, slots=True)
class ShapeChoices:
    """What a person says of the shape that tensors don't show; None: nothing."""

    activation: Activation | None = None
    residual: Residual | None = None


def settle_shape(
    sizes: Shape, classes: int, choices: ShapeChoices, record: Record | None
) -> tuple[Shape, tuple[str, ...]]:
    """The whole shape from the sizes that tensors show, and what had to be assumed for it."""
    if record is not None:
        return _recorded(sizes, classes, choices, record), ()
    assumed = []
    activation, residual = choices.activation, choices.residual
    if activation is None:
        twin = _published(sizes, classes)
        activation = twin.shape.activation if twin else "gelu"
        reason = f"as in {twin.name}" if twin else "as in the paper"
        assumed.append(f"activation {ACTIVATION_NAMES[activation]}, {reason}; the file doesn't say")
    if residual is None:
        residual = True
        assumed.append("a residual around each depthwise step; the file doesn't say")
    return replace(sizes, activation=activation, residual=residual), tuple(assumed)


def settle_transform(
    shape: Shape, classes: int, presets: Mapping[str, Preset]
) -> tuple[Transform, str]:
    """The likeliest preprocessing for a shape, and the sentence that says so."""
    same = (p for p in presets.values() if (p.shape, p.class_count) == (shape, classes))
    small = shape.patch_size <= 4 and classes != 1000
    fallback = PRESETS["cifar10-256-8" if small else "imagenet-1024-20"]
    likely = next(same, fallback)
    return likely.transform, f"the preprocessing of {likely.name}; the file doesn't say"


def own_preset(name: str, shape: Shape, classes: int, transform: Transform) -> Preset:
    """A preset like those of the table, for weights that a person brought."""
    wide = transform.size * (4 if transform.size <= 64 else 2)  # so that fields don't saturate
    field_side = max(1, wide // shape.patch_size) * shape.patch_size
    summary = f"ConvMixer-{shape.dim}/{shape.depth}, weights of your own"
    return Preset(
        name,
        shape,
        transform,
        class_set="own",
        class_count=classes,
        opening="cat",
        licence="not known",
        summary=summary,
        field_side=field_side,
    )


def describe(shape: Shape, classes: int) -> str:
    """A shape as people write it: 256/8, kernel 5, patch 2, GELU, 10 classes."""
    residual = shape.without_residual and f", {shape.without_residual}"
    return (
        f"{shape.dim}/{shape.depth}, kernel {shape.kernel_size}, patch {shape.patch_size}, "
        f"{ACTIVATION_NAMES[shape.activation]}{residual}, {classes} classes"
    )


def _recorded(sizes: Shape, classes: int, choices: ShapeChoices, record: Record) -> Shape:
    """The shape of the file's record, which must agree with the tensors and with the choices."""
    shape = record.shape
    actual = replace(sizes, activation=shape.activation, residual=shape.residual)
    if actual != shape or (record.classes and len(record.classes) != classes):
        count = len(record.classes or ()) or classes
        raise WeightsError(
            f"The file says that it is {describe(shape, count)}, but its tensors are "
            f"{describe(actual, classes)}: save it again."
        )
    activation_differs = choices.activation not in (None, shape.activation)
    if activation_differs or choices.residual not in (None, shape.residual):
        raise WeightsError(
            f"The file says that it is {describe(shape, classes)}: leave that as it is."
        )
    return shape


def _published(sizes: Shape, classes: int) -> Preset | None:
    """The published preset of these sizes, whatever its activation."""
    rows = (p for p in PRESETS.values() if p.published and p.class_count == classes)
    return next((p for p in rows if replace(sizes, activation=p.shape.activation) == p.shape), None)
