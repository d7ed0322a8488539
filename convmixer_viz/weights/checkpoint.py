"""A weights file of any known dialect → a verified state dict in our names, and back."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from convmixer_viz.errors import WeightsError
from convmixer_viz.model.convmixer import ConvMixer
from convmixer_viz.presets import classes, table
from convmixer_viz.presets.table import Activation, Preset, Shape, Transform
from convmixer_viz.weights import dialects, inference
from convmixer_viz.weights.formats import Container, check_claim, open_file, sha256, unwrap
from convmixer_viz.weights.inference import Statements
from convmixer_viz.weights.metadata import parse, write
from convmixer_viz.weights.user_folder import write_whole

FLOAT32 = torch.float32
RECORD = "convmixer_viz"  # the one key in the header of our own files
Source = str | Path | Mapping[str, Any] | nn.Module


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """Verified weights: names are ours (timm's), every tensor is there, fits and is finite."""

    state: dict[str, Tensor]  # float32 on the CPU, owned: the file may go
    shape: Shape
    class_count: int
    class_names: tuple[str, ...] | None  # where the file or a person says
    transform: Transform | None  # where the file says
    preset: str | None  # the name it was saved under, where the file says
    dialect: str  # "ours", "timm", "authors" or "mmpretrain"
    sha256: str  # of the file; of the tensors where they came from memory
    assumed: tuple[str, ...]  # what neither the file nor a person said, in words

    def module(self) -> ConvMixer:
        """The model itself, frozen, sharing these tensors."""
        with torch.device("meta"):
            model = ConvMixer(self.shape, self.class_count)
        model.load_state_dict(self.state, assign=True)
        return model.freeze()


def read(
    source: Source, *, activation: Activation | None = None, residual: bool | None = None
) -> Checkpoint:
    """Verify a file, a state dict or a module; what it doesn't say can be said, or is assumed."""
    said = Statements(activation, residual)
    if isinstance(source, str | Path):
        path = Path(source)
        container = open_file(path)
        return _verify(container, path.name, sha256(path), said)
    if isinstance(source, nn.Module):
        said = replace(said, activation=activation or _activation_of(source))
        source = source.state_dict()
    container = unwrap(source)
    return _verify(container, "The state dict", _digest(container.tensors), said)


def read_as(source: Source, preset: Preset) -> Checkpoint:
    """Weights for a known preset, whose shape and number of classes they must have."""
    shape, count = preset.shape, preset.class_count
    found = read(source, activation=shape.activation, residual=shape.residual)
    if (found.shape, found.class_count) != (shape, count):
        raise WeightsError(
            f"These weights don't fit {preset.name}: they are "
            f"{inference.describe(found.shape, found.class_count)}, "
            f"and {inference.describe(shape, count)} is needed."
        )
    return found


def adopt(
    name: str,
    source: Source,
    presets: Mapping[str, Preset],
    *,
    like: str | None = None,
    preprocess: str | None = None,
    classes: Path | str | Sequence[str] | None = None,
    activation: Activation | None = None,
    residual: bool | None = None,
) -> tuple[Preset, Checkpoint]:
    """A preset of its own out of weights: `like` names a preset whose shape they must have,
    `preprocess` one whose preprocessing they share, `classes` their names or a file of them."""
    if like is not None:
        model = table.find(like, presets)
        found = read_as(source, model)
        preset = replace(model, name=name, published=None, summary=f"other weights for {like}")
        return preset, _with_names(found, classes, model)
    found = read(source, activation=activation, residual=residual)
    transform, assumed = found.transform, found.assumed
    if preprocess is not None:
        transform = table.find(preprocess, presets).transform
    if transform is None:
        transform, sentence = inference.settle_transform(found.shape, found.class_count, presets)
        assumed = (*assumed, sentence)
    if found.shape.patch_size > transform.size:
        raise WeightsError(
            f"Patches of {found.shape.patch_size} pixels don't fit pictures of {transform.size}: "
            "choose a preset with larger ones to preprocess as."
        )
    found = _with_names(replace(found, transform=transform, assumed=assumed), classes, None)
    return inference.preset(name, found.shape, found.class_count, transform), found


def save(
    path: str | Path,
    state_dict: Mapping[str, Tensor],
    preset: Preset,
    class_names: Sequence[str] | None,
    *,
    dtype: torch.dtype = torch.float16,
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
    write_whole(Path(path), safetensors.torch.save(stored, {RECORD: write(preset, class_names)}))


def _verify(container: Container, source: str, digest: str, said: Statements) -> Checkpoint:
    check_claim((tuple(tensor.shape) for tensor in container.tensors.values()), source)
    found = dialects.translate(container.tensors, source)
    record = parse(container.metadata[RECORD], source) if RECORD in container.metadata else None
    sizes, count = dialects.read_shape(found.named, source)
    shape, assumed = inference.settle_shape(sizes, count, said, record)
    with torch.device("meta"):
        expected = ConvMixer(shape, count).state_dict()
    return Checkpoint(
        dialects.fit(found.named, expected, source),
        shape,
        count,
        record.classes if record else None,
        record.transform if record else None,
        record.preset if record else None,
        "ours" if record else found.dialect,
        digest,
        (*_passed_over(container, found.passed_over), *assumed),
    )


def _passed_over(container: Container, prefixes: Sequence[str]) -> Sequence[str]:
    beside = (*container.passed_over, *prefixes)
    return [f"the averaged weights, which stand beside {', '.join(beside)}"] if beside else []


def _with_names(
    found: Checkpoint, said: Path | str | Sequence[str] | None, like: Preset | None
) -> Checkpoint:
    if isinstance(said, str | Path):
        names = classes.read_names(Path(said), found.class_count)
    elif said is not None:
        names = classes.check(said, found.class_count, "The list of classes")
    elif found.class_names is None and like is not None:
        names = classes.names(like.class_set)
    else:
        return found
    return replace(found, class_names=names)


def _activation_of(module: nn.Module) -> Activation | None:
    """What a module in memory itself says, where it is one of the two."""
    kinds = {type(layer) for layer in module.modules()} & {nn.GELU, nn.ReLU}
    return ("relu" if nn.ReLU in kinds else "gelu") if len(kinds) == 1 else None


def _digest(tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name, tensor in tensors.items():
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        flat = tensor.detach().cpu().contiguous().flatten()
        digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()
