"""Tensors under other people's names → our names and shape, or the first that doesn't fit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from convmixer_viz.errors import WeightsError
from convmixer_viz.presets.table import Shape

Named = dict[str, tuple[str, Tensor]]  # our name → the file's name, the tensor
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
COUNTERS = ("n_averaged", "steps")  # beside the tensors of averaged models
# the weight of each block's depthwise convolution tells the dialect, a prefix and the block
DIALECTS = {
    "timm": r"(?P<prefix>.*?)blocks\.(?P<block>\d{1,3})\.0\.fn\.0\.weight",
    "mmpretrain": r"(?P<prefix>.*?)backbone\.stages\.(?P<block>\d{1,3})\.0\.fn\.0\.weight",
    "authors": r"(?P<prefix>(?:[A-Za-z_]\w*\.)*)(?P<block>\d{1,3})\.0\.fn\.0\.weight",
}


class Translation(NamedTuple):
    """Tensors by our names, and the prefixes of other models that stood beside them."""

    dialect: str
    named: Named
    passed_over: tuple[str, ...]


def translate(tensors: Mapping[str, Tensor], source: str) -> Translation:
    """Tell the dialect by the names of the depthwise kernels, and translate all names."""
    dialect, matches = _recognise(tensors, source)
    prefixes = sorted({m["prefix"] for m in matches}, key=lambda p: ("ema" not in p, len(p)))
    mine, others = prefixes[0], tuple(prefixes[1:])
    if others and "ema" not in mine:
        raise WeightsError(f"{source} holds several models ({', '.join(prefixes)}): save one.")
    depth = 1 + max(int(m["block"]) for m in matches) - (3 if dialect == "authors" else 0)
    named: Named = {}
    for name, tensor in tensors.items():
        if name in COUNTERS or (others and not name.startswith(mine) and name.startswith(others)):
            continue
        own = name.startswith(mine)
        ours = _our_name(name.removeprefix(mine), dialect, depth) if own else name
        named[ours] = (name, tensor)
    return Translation(dialect, named, others)


def _recognise(tensors: Mapping[str, Tensor], source: str) -> tuple[str, list[re.Match[str]]]:
    for dialect, pattern in DIALECTS.items():
        matches = [m for name in tensors if (m := re.fullmatch(pattern, name))]
        if matches:
            return dialect, matches
    first = next((f"the first is {n} ({_size(t)})" for n, t in tensors.items()), "it holds none")
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


def read_shape(named: Named, source: str) -> tuple[Shape, int]:
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


def _sides(named: Named, name: str, count: int, source: str) -> tuple[int, ...]:
    if name not in named:
        raise WeightsError(f"{source} is no ConvMixer: {name} is missing.")
    shape = tuple(named[name][1].shape)
    if len(shape) != count or 0 in shape:
        raise _misfit(named, name, f"{count} axes", source)
    return shape


def fit(named: Named, expected: Mapping[str, Tensor], source: str) -> dict[str, Tensor]:
    """Every expected tensor, of its shape, finite, as a copy that needs no file; none too many."""
    for name, want in expected.items():
        _check(named, name, want, source)
    extra = next((found for name, (found, _) in named.items() if name not in expected), None)
    if extra is not None:
        raise WeightsError(f"{source} is no ConvMixer: it has a tensor too many, {extra[:100]}.")
    return {name: _own(name, named.get(name), want, source) for name, want in expected.items()}


def _check(named: Named, name: str, want: Tensor, source: str) -> None:
    if name not in named:
        if want.ndim == 0:  # num_batches_tracked, which old files lack and nothing reads
            return
        raise WeightsError(f"{source} is no ConvMixer: {name} is missing.")
    tensor = named[name][1]
    if tensor.shape != want.shape:
        raise _misfit(named, name, _size(want), source)
    floats = tensor.dtype in FLOATS and tensor.layout is torch.strided
    if want.is_floating_point() and not floats:
        raise _misfit(named, name, "float16, bfloat16 or float32", source)


def _own(name: str, found: tuple[str, Tensor] | None, want: Tensor, source: str) -> Tensor:
    """A float32 copy that doesn't depend on the file, checked to be finite."""
    if found is None:
        return torch.zeros((), dtype=want.dtype)
    tensor = found[1].detach().to("cpu", want.dtype, copy=True).contiguous()
    if not torch.isfinite(tensor).all():
        raise WeightsError(f"{source} is broken: {found[0]} holds NaN or infinity.")
    if name.endswith("running_var") and bool((tensor < 0).any()):
        raise WeightsError(f"{source} is broken: {found[0]}, a variance, is negative.")
    return tensor


def _misfit(named: Named, name: str, wanted: str, source: str) -> WeightsError:
    found, tensor = named[name]
    kind = str(tensor.dtype).removeprefix("torch.")
    return WeightsError(
        f"{source} is no ConvMixer: {found} is {_size(tensor)} {kind}, and {wanted} is needed."
    )


def _size(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "a single number"
