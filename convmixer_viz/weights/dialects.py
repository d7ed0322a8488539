"""Recognise whose names a file's tensors have, and translate them into ours (timm's).

The dialects are timm's, the authors' and mmpretrain's. The shape is read off the tensors, and the
first that doesn't fit is named; `source` is what that sentence calls the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from convmixer_viz.errors import WeightsError
from convmixer_viz.presets.table import Shape
from convmixer_viz.weights.metadata import listed, shown

NamedTensors = dict[str, tuple[str, Tensor]]  # our name → the file's own name, the tensor
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
COUNTERS = ("n_averaged", "steps")  # beside the tensors of averaged models
# what each dialect calls the weight of a block's depthwise convolution: a file is of the first
# dialect whose pattern fits one of its names
DEPTHWISE_NAMES = {
    "timm": r"(?P<prefix>.*?)blocks\.(?P<block>\d{1,3})\.0\.fn\.0\.weight",
    "mmpretrain": r"(?P<prefix>.*?)backbone\.stages\.(?P<block>\d{1,3})\.0\.fn\.0\.weight",
    "authors": r"(?P<prefix>(?:[A-Za-z_]\w*\.)*)(?P<block>\d{1,3})\.0\.fn\.0\.weight",
}


class Translation(NamedTuple):
    """Tensors by our names, and the prefixes of other models in the same file."""

    dialect: str
    tensors: NamedTensors
    other_prefixes: tuple[str, ...]


def translate(tensors: Mapping[str, Tensor], source: str) -> Translation:
    """Recognise the dialect by the names of the depthwise kernels, and translate all names."""
    dialect, matches = _recognise(tensors, source)
    prefixes = sorted({m["prefix"] for m in matches}, key=lambda p: ("ema" not in p, len(p)))
    prefix, others = prefixes[0], tuple(prefixes[1:])
    if others and "ema" not in prefix:
        raise WeightsError(f"{source} holds several models ({listed(prefixes)}): save one.")
    depth = 1 + max(int(m["block"]) for m in matches) - (3 if dialect == "authors" else 0)
    named: NamedTensors = {}
    for name, tensor in tensors.items():
        if name in COUNTERS or (others and not name.startswith(prefix) and name.startswith(others)):
            continue
        own = name.startswith(prefix)
        ours = _our_name(name.removeprefix(prefix), dialect, depth) if own else name
        named[ours] = (name, tensor)
    return Translation(dialect, named, others)


def _recognise(tensors: Mapping[str, Tensor], source: str) -> tuple[str, list[re.Match[str]]]:
    for dialect, pattern in DEPTHWISE_NAMES.items():
        matches = [m for name in tensors if (m := re.fullmatch(pattern, name))]
        if matches:
            return dialect, matches
    first = next(
        (f"the first is {shown(n)} ({_size(t)})" for n, t in tensors.items()), "it holds none"
    )
    raise WeightsError(
        f"{source} is no ConvMixer: no tensor is a block's depthwise kernel; {first}."
    )


def _our_name(name: str, dialect: str, depth: int) -> str:
    if dialect == "mmpretrain":
        name = re.sub(r"^backbone\.stages\.", "blocks.", name)
        return re.sub(r"^backbone\.stem\.", "stem.", re.sub(r"^head\.fc\.", "head.", name))
    number, _, rest = name.partition(".")
    if dialect == "timm" or not re.fullmatch(r"\d{1,3}", number):
        return name
    place = int(number)  # in the authors' Sequential: stem 0 to 2, blocks, pool, flatten, head
    if place < 3:
        return f"stem.{place}.{rest}"
    return f"head.{rest}" if place == 3 + depth + 2 else f"blocks.{place - 3}.{rest}"


def read_shape(named: NamedTensors, source: str) -> tuple[Shape, int]:
    """Read dim, depth, kernel, patch and classes off three tensors."""
    dim, channels, patch, patch_x = _sides(named, "stem.0.weight", 4, source)
    width, group, kernel, kernel_x = _sides(named, "blocks.0.0.fn.0.weight", 4, source)
    classes, _ = _sides(named, "head.weight", 2, source)
    if channels != 3 or patch != patch_x:
        raise _misfit(named, "stem.0.weight", "3 input channels and square patches", source)
    if (width, group) != (dim, 1) or kernel != kernel_x:
        raise _misfit(named, "blocks.0.0.fn.0.weight", f"{dim}×1×k×k", source)
    depth = sum(bool(re.fullmatch(r"blocks\.\d{1,3}\.0\.fn\.0\.weight", name)) for name in named)
    return Shape(dim, depth, kernel, patch), classes


def _sides(named: NamedTensors, name: str, count: int, source: str) -> tuple[int, ...]:
    if name not in named:
        raise WeightsError(f"{source} is no ConvMixer: {name} is missing.")
    shape = tuple(named[name][1].shape)
    if len(shape) != count or 0 in shape:
        raise _misfit(named, name, f"{count} axes", source)
    return shape


def state_dict(
    named: NamedTensors, expected: Mapping[str, Tensor], source: str
) -> dict[str, Tensor]:
    """Exactly the expected tensors, each of its shape, finite, as a copy that needs no file."""
    for name, like in expected.items():
        _check(named, name, like, source)
    extra = next((own for name, (own, _) in named.items() if name not in expected), None)
    if extra is not None:
        raise WeightsError(f"{source} is no ConvMixer: it has a tensor too many, {shown(extra)}.")
    return {name: _copy(name, named.get(name), like, source) for name, like in expected.items()}


def _check(named: NamedTensors, name: str, like: Tensor, source: str) -> None:
    if name not in named:
        if like.ndim == 0:  # num_batches_tracked, which old files lack and nothing reads
            return
        raise WeightsError(f"{source} is no ConvMixer: {name} is missing.")
    tensor = named[name][1]
    if tensor.shape != like.shape:
        raise _misfit(named, name, _size(like), source)
    floats = tensor.dtype in FLOATS and tensor.layout is torch.strided
    if like.is_floating_point() and not floats:
        raise _misfit(named, name, "float16, bfloat16 or float32", source)


def _copy(name: str, entry: tuple[str, Tensor] | None, like: Tensor, source: str) -> Tensor:
    """A copy of `like`'s dtype that doesn't depend on the file, checked to be finite."""
    if entry is None:
        return torch.zeros((), dtype=like.dtype)
    own_name, stored = entry
    tensor = stored.detach().to("cpu", like.dtype, copy=True).contiguous()
    if not torch.isfinite(tensor).all():
        raise WeightsError(f"{source} is broken: {shown(own_name)} holds NaN or infinity.")
    if name.endswith("running_var") and bool((tensor < 0).any()):
        raise WeightsError(f"{source} is broken: {shown(own_name)}, a variance, is negative.")
    return tensor


def _misfit(named: NamedTensors, name: str, expected: str, source: str) -> WeightsError:
    own_name, tensor = named[name]
    kind = f"{_size(tensor)} {str(tensor.dtype).removeprefix('torch.')}"
    return WeightsError(
        f"{source} is no ConvMixer: {shown(own_name)} is {kind}, and {expected} is needed."
    )


def _size(tensor: Tensor) -> str:
    sides = "×".join(map(str, tensor.shape[:5])) or "a single number"
    return sides if tensor.ndim <= 5 else f"{sides}×…"
