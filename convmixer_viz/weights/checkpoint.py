"""Read a weights file of any known dialect into a verified state dict; save one in our own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from convmixer_viz import disk
from convmixer_viz.errors import WeightsError
from convmixer_viz.model.convmixer import ConvMixer
from convmixer_viz.presets import classes, table
from convmixer_viz.presets.table import Activation, Preset, Residual, Shape, Transform
from convmixer_viz.weights import assumptions, dialects, metadata
from convmixer_viz.weights.assumptions import ShapeChoices
from convmixer_viz.weights.formats import (
    Container,
    check_claimed_size,
    check_expansion,
    open_file,
    unwrap,
)
from convmixer_viz.weights.user_folder import write_whole

FLOAT32 = torch.float32
RECORD = "convmixer_viz"  # the one key in the header of our own files: a metadata.Record
WeightsSource = str | Path | Mapping[str, Any] | nn.Module


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """Verified weights: names are ours (timm's), every tensor is there, fits and is finite."""

    state: dict[str, Tensor]  # float32 on the CPU, owned: the file may go
    shape: Shape
    class_count: int
    class_names: tuple[str, ...] | None  # None where neither the file nor a person names them
    transform: Transform | None  # None where the file doesn't record it
    preset: str | None  # the name it was saved under; None where the file doesn't record it
    dialect: str  # "ours", "timm", "authors" or "mmpretrain"
    sha256: str  # of the file; of the tensors where they came from memory
    assumed: tuple[str, ...]  # sentences: what neither the file nor a person said
    made_of: str = ""  # what an edited model was made of, as the file records it

    def module(self) -> ConvMixer:
        """The model itself, frozen, sharing these tensors."""
        with torch.device("meta"):
            model = ConvMixer(self.shape, self.class_count)
        model.load_state_dict(self.state, assign=True)
        return model.freeze()


def read(
    source: WeightsSource,
    *,
    activation: Activation | None = None,
    residual: Residual | None = None,
) -> Checkpoint:
    """Verify a file, a state dict or a module. Where it doesn't record activation and residual, the
    arguments say them, or they are assumed."""
    choices = ShapeChoices(activation, residual)
    if isinstance(source, str | Path):
        path = Path(source)
        container = open_file(path)
        check_claimed_size((tuple(t.shape) for t in container.tensors.values()), path.name)
        check_expansion(container.tensors.values(), path.stat().st_size, path.name)
        return _verify(container, path.name, disk.sha256(path), choices)
    if isinstance(source, nn.Module):
        choices = replace(choices, activation=activation or _activation_of(source))
        source = source.state_dict()
    container = unwrap(source)
    check_claimed_size((tuple(t.shape) for t in container.tensors.values()), "The state dict")
    return _verify(container, "The state dict", _digest(container.tensors), choices)


def read_as(source: WeightsSource, preset: Preset) -> Checkpoint:
    """Weights for a known preset, whose shape and number of classes they must have."""
    shape, count = preset.shape, preset.class_count
    weights = read(source, activation=shape.activation, residual=shape.residual)
    if (weights.shape, weights.class_count) != (shape, count):
        raise WeightsError(
            f"These weights don't fit {preset.name}: they are "
            f"{assumptions.describe(weights.shape, weights.class_count)}, "
            f"and {assumptions.describe(shape, count)} is needed."
        )
    return weights


def make_preset(
    name: str,
    source: WeightsSource,
    presets: Mapping[str, Preset],
    *,
    like: str | None = None,
    preprocess: str | None = None,
    classes: Path | str | Sequence[str] | None = None,
    activation: Activation | None = None,
    residual: Residual | None = None,
) -> tuple[Preset, Checkpoint]:
    """A preset of its own out of weights: `like` names a preset whose shape they must have,
    `preprocess` one whose preprocessing they share, `classes` their names or a file of them."""
    if like is not None:
        model = table.find(like, presets)
        weights = read_as(source, model)
        preset = replace(model, name=name, published=None, summary=f"other weights for {like}")
        return preset, _with_names(weights, classes, model)
    weights = read(source, activation=activation, residual=residual)
    shape, count, assumed = weights.shape, weights.class_count, weights.assumed
    transform = weights.transform
    if preprocess is not None:
        transform = table.find(preprocess, presets).transform
    if transform is None:
        transform, sentence = assumptions.settle_transform(shape, count, presets)
        assumed = (*assumed, sentence)
    check_patches(shape, transform)
    weights = _with_names(replace(weights, transform=transform, assumed=assumed), classes, None)
    return assumptions.own_preset(name, shape, count, transform), weights


def check_patches(shape: Shape, transform: Transform) -> None:
    """Refuse pictures that are smaller than one patch."""
    if shape.patch_size > transform.size:
        raise WeightsError(
            f"Patches of {shape.patch_size} pixels don't fit pictures of {transform.size}: "
            "choose a preset with larger ones to preprocess as."
        )


def save(
    path: str | Path,
    state_dict: Mapping[str, Tensor],
    preset: Preset,
    class_names: Sequence[str] | None,
    *,
    dtype: torch.dtype = torch.float16,
    made_of: str = "",
) -> None:
    """Write our dialect, whole or not at all: timm's names, and one record in the header. Vectors
    (biases and batch norm, about 1 % of the bytes) stay as they are."""
    stored = {
        name: tensor.detach().cpu().to(dtype if tensor.ndim > 1 else tensor.dtype).contiguous()
        for name, tensor in state_dict.items()
    }
    broken = next((name for name, t in stored.items() if not torch.isfinite(t).all()), None)
    if broken is not None:
        raise WeightsError(f"{broken} isn't finite in {dtype}: it can't be saved.")
    record = metadata.dumps(preset, class_names, made_of)
    write_whole(Path(path), safetensors.torch.save(stored, {RECORD: record}))


def _verify(container: Container, name: str, digest: str, choices: ShapeChoices) -> Checkpoint:
    """A checkpoint out of a file's tensors; `name` is what an error's sentence calls the file."""
    translation = dialects.translate(container.tensors, name)
    header = container.metadata.get(RECORD)
    record = None if header is None else metadata.loads(header, name)
    sizes, count = dialects.read_shape(translation.tensors, name)
    shape, assumed = assumptions.settle_shape(sizes, count, choices, record)
    with torch.device("meta"):
        expected = ConvMixer(shape, count).state_dict()
    return Checkpoint(
        dialects.state_dict(translation.tensors, expected, name),
        shape,
        count,
        record.classes if record else None,
        record.transform if record else None,
        record.preset if record else None,
        "ours" if record else translation.dialect,
        digest,
        (*_averaged(container.other_weights + translation.other_prefixes), *assumed),
        record.made_of if record else "",
    )


def _averaged(others: Sequence[str]) -> Sequence[str]:
    """A sentence on which weights were taken, where the file holds others beside them."""
    return [f"the averaged weights, which stand beside {metadata.listed(others)}"] if others else []


def _with_names(
    weights: Checkpoint, names: Path | str | Sequence[str] | None, like: Preset | None
) -> Checkpoint:
    """The checkpoint with class names: of a list or a file, else its own, else those of `like`."""
    count = weights.class_count
    if isinstance(names, str | Path):
        return replace(weights, class_names=classes.read_names(Path(names), count))
    if names is not None:
        return replace(weights, class_names=classes.check(names, count, "The list of classes"))
    if weights.class_names is None and like is not None:
        return replace(weights, class_names=classes.names(like.class_set))
    return weights


def _activation_of(module: nn.Module) -> Activation | None:
    """The activation of a module in memory, where it has exactly one of the two."""
    kinds = {type(layer) for layer in module.modules()} & {nn.GELU, nn.ReLU}
    return ("relu" if nn.ReLU in kinds else "gelu") if len(kinds) == 1 else None


def _digest(tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name, tensor in tensors.items():
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        flat = tensor.detach().cpu().contiguous().flatten()
        digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()
