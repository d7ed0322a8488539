"""Edits of a model: what each does to the blocks. The edited model is a new module that shares all
tensors it doesn't change; nothing is written in place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from convmixer_viz.errors import ChoiceError
from convmixer_viz.model.convmixer import Block, ConvMixer, Spatial
from convmixer_viz.model.kernel_shapes import clusters, covariance, master_filters, templates
from convmixer_viz.questions import edits as words
from convmixer_viz.questions.edits import SETS, Edit

Kernels = NDArray[np.float64]  # (n, k, k), of one block
E = TypeVar("E", bound=Edit)


class Sources(Protocol):
    """What some edits take from elsewhere, for the preset that is edited."""

    def weights(self, preset: str) -> ConvMixer:
        """Another preset's trained model."""

    def history(self) -> Mapping[int, NDArray[np.floating]]:
        """Epoch → the depthwise kernels (depth, dim, k, k) after it."""

    def pictures(self, data: str, count: int, seed: int) -> Iterator[Tensor]:
        """Prepared pictures (n, 3, side, side) of a data set, some at a time."""

    def note(self, sentence: str) -> None:
        """Keep what a person is to know of an edit that was made."""


@dataclass(frozen=True, slots=True)
class Place:
    """The kernels of one block that an edit changes."""

    number: int  # of the block, 1 …
    depth: int
    block: Block
    channels: NDArray[np.int64]  # those that are changed

    @property
    def kernels(self) -> Kernels:  # (n, k, k)
        return _kernels(self.block)[self.channels]


def apply(module: ConvMixer, edits: Sequence[Edit], sources: Sources) -> ConvMixer:
    """A model with the edits made, one after the other."""
    edited = module.twin()
    for edit in edits:
        FUNCTIONS[type(edit)](edited, edit, sources)
    residual = tuple(block.spatial.residual for block in edited.walk())
    if residual != edited.shape.residuals:
        edited.shape = replace(edited.shape, residual=residual)
    return edited.freeze()


def places(model: ConvMixer, edit: Edit) -> Iterator[Place]:
    """The blocks that an edit names, and in each the channels."""
    for number, block in enumerate(model.walk(), 1):
        if not edit.blocks or number in edit.blocks:
            yield Place(number, model.shape.depth, block, _channels(block, edit))


def permutation(place: Place, seed: int) -> NDArray[np.int64]:
    """The order in which a block's n chosen kernels are dealt out anew."""
    return np.random.default_rng((seed, place.number)).permutation(len(place.channels))


def _channels(block: Block, edit: Edit) -> NDArray[np.int64]:
    if edit.kernels == "all":
        return np.arange(len(block.depthwise.weight))
    if edit.kernels in SETS:
        code = templates.fit(_kernels(block)).code
        return np.flatnonzero(np.isin(code, list(SETS[edit.kernels])))
    return np.array(edit.channels)


def _kernels(block: Block) -> Kernels:
    return block.depthwise.weight.detach()[:, 0].double().cpu().numpy()


def _put(layer: nn.Module, name: str, channels: NDArray[np.int64], values: Any) -> None:
    """A new tensor of the layer in which some channels have other values."""
    old: Tensor = getattr(layer, name)
    new = old.detach().clone()
    values = values if isinstance(values, Tensor) else torch.from_numpy(np.array(values))
    new[torch.from_numpy(channels)] = values.to(new)
    is_parameter = isinstance(old, nn.Parameter)
    setattr(layer, name, nn.Parameter(new, requires_grad=False) if is_parameter else new)


def _each(function: Callable[[Place, E], Kernels]) -> Callable[[ConvMixer, E, Sources], None]:
    """An edit that gives each block's chosen kernels new weights out of themselves."""

    def change(model: ConvMixer, edit: E, sources: Sources) -> None:
        for place in places(model, edit):
            if len(place.channels):
                _put(
                    place.block.depthwise, "weight", place.channels, function(place, edit)[:, None]
                )

    return change


# the branch


def _off(model: ConvMixer, edit: words.Off, sources: Sources) -> None:
    for place in places(model, edit):
        spatial = place.block.spatial
        if edit.part == "residual":
            spatial.residual = False
            continue
        _put(place.block.depthwise_norm, "weight", place.channels, 0.0)
        if spatial.residual:  # else β is all that the branch gives
            _put(place.block.depthwise_norm, "bias", place.channels, 0.0)


def _scale(model: ConvMixer, edit: words.Scale, sources: Sources) -> None:
    for place in places(model, edit):
        norm, chosen = place.block.depthwise_norm, torch.from_numpy(place.channels)
        for name in ("weight", "bias"):
            _put(norm, name, place.channels, getattr(norm, name).detach()[chosen] * edit.scale)


def _transplant(model: ConvMixer, edit: words.Transplant, sources: Sources) -> None:
    donor = list(sources.weights(edit.from_).walk())
    size = model.shape.kernel_size
    whole, kept = 0.0, 0.0  # energy
    for place in places(model, edit):
        other = donor[_relative(place, len(donor))]
        chosen = torch.from_numpy(place.channels)
        weight = other.depthwise.weight.detach()[chosen]
        fitted = _fitted(weight, size)
        whole, kept = whole + float(weight.square().sum()), kept + float(fitted.square().sum())
        _put(place.block.depthwise, "weight", place.channels, fitted)
        _put(place.block.depthwise, "bias", place.channels, other.depthwise.bias.detach()[chosen])  # type: ignore[union-attr]
        for name in ("weight", "bias", "running_mean", "running_var"):
            values = getattr(other.depthwise_norm, name).detach()[chosen]
            _put(place.block.depthwise_norm, name, place.channels, values)
    if kept < whole:
        lost = 1 - kept / whole
        sources.note(f"Cut to {size}×{size}, the kernels of {edit.from_} lost {lost:.1%} of Σw².")


def _relative(place: Place, depth: int) -> int:
    """Index of the block at the same relative depth: the first and the last one are themselves."""
    if place.depth == 1:
        return depth - 1
    return round((place.number - 1) * (depth - 1) / (place.depth - 1))


def _fitted(weight: Tensor, size: int) -> Tensor:
    """(dim, 1, k, k) cut, or zeros around it, to another size; the centre stays where it is."""
    margin = (size - weight.shape[-1]) // 2
    return nn.functional.pad(weight, (margin,) * 4)


# kernels out of themselves


def _mean(place: Place, edit: words.Mean) -> Kernels:
    kernels = place.kernels
    return np.broadcast_to(kernels.mean((1, 2), keepdims=True), kernels.shape)


def _low_rank(place: Place, edit: words.LowRank) -> Kernels:
    left, sizes, right = np.linalg.svd(place.kernels)
    sizes[:, edit.rank :] = 0
    product: Kernels = (left * sizes[:, None]) @ right
    return product


def _round(place: Place, edit: words.Round) -> Kernels:
    kernels = place.kernels
    step = np.abs(kernels).max((1, 2), keepdims=True) / (2 ** (edit.bits - 1) - 1)
    levels = np.divide(kernels, step, out=np.zeros_like(kernels), where=step > 0)
    rounded: Kernels = np.round(levels) * step
    return rounded


def _smooth(kernels: Kernels, sigma: float) -> Kernels:
    return gaussian_filter(kernels, sigma, mode="constant", axes=(1, 2))  # type: ignore[no-any-return]


def _blur(place: Place, edit: words.Blur) -> Kernels:
    return _smooth(place.kernels, edit.sigma)


def _sharpen(place: Place, edit: words.Sharpen) -> Kernels:
    return 2 * place.kernels - _smooth(place.kernels, edit.sigma)


def _mirror(place: Place, edit: words.Mirror) -> Kernels:
    return np.flip(place.kernels, 2 if edit.axis == "x" else 1)


def _rotate(place: Place, edit: words.Rotate) -> Kernels:
    return np.rot90(place.kernels, edit.quarters, (1, 2))


def _shuffle(place: Place, edit: words.Shuffle) -> Kernels:
    return place.kernels[permutation(place, edit.seed)]


# kernels that are drawn


def _random(place: Place, edit: words.Random) -> Kernels:
    generator = np.random.default_rng((edit.seed, place.number))
    drawn, _, _ = _centred(generator.standard_normal(place.kernels.shape))
    _, mean, norm = _centred(place.kernels)
    return drawn * norm + mean


def _covariance(place: Place, edit: words.Covariance) -> Kernels:
    kernels = place.kernels
    generator = np.random.default_rng((edit.seed, place.number))
    return covariance.draw(_kernels(place.block), len(kernels), generator)


def _centred(kernels: Kernels) -> tuple[Kernels, Kernels, Kernels]:
    """Kernels of mean zero and norm one (zeros where one is constant), their means, their norms."""
    mean = kernels.mean((1, 2), keepdims=True)
    norm = np.linalg.norm(kernels - mean, axis=(1, 2), keepdims=True)
    unit = np.divide(kernels - mean, norm, out=np.zeros_like(kernels), where=norm > 0)
    return unit, mean, norm


# kernels out of a few


def _template(model: ConvMixer, edit: words.Template, sources: Sources) -> None:
    chosen = [place for place in places(model, edit) if len(place.channels)]
    if not chosen:
        return
    old = np.concatenate([place.kernels for place in chosen])
    new = _BANKS[edit.bank](old, edit)
    ends = np.cumsum([len(place.channels) for place in chosen])[:-1]
    for place, kernels in zip(chosen, np.split(new, ends), strict=True):
        _put(place.block.depthwise, "weight", place.channels, kernels[:, None])


def _centres(kernels: Kernels, edit: words.Template) -> Kernels:
    """Each kernel's cluster's mean, in its own scale and mean."""
    unit, mean, norm = _centred(kernels)
    labels, _ = clusters.cluster(unit, edit.seed, edit.clusters)
    sums = np.zeros((labels.max() + 1, *unit.shape[1:]))
    np.add.at(sums, labels, unit)
    centres, _, _ = _centred(sums)
    return centres[labels] * norm + mean


def _drawn(kernels: Kernels, edit: words.Template) -> Kernels:
    """A few filters of independent normal weights."""
    size = (edit.clusters, *kernels.shape[1:])
    return np.random.default_rng(edit.seed).standard_normal(size)


_BANKS: dict[str, Callable[[Kernels, words.Template], Kernels]] = {
    "templates": lambda kernels, edit: templates.fit(kernels).template,
    "clusters": _centres,
    "master": lambda kernels, edit: master_filters.nearest(
        kernels, master_filters.filters(kernels.shape[-1])
    ),
    "random": lambda kernels, edit: master_filters.nearest(kernels, _drawn(kernels, edit)),
}


def _epoch(model: ConvMixer, edit: words.Epoch, sources: Sources) -> None:
    history = sources.history()
    if edit.epoch not in history:
        kept = ", ".join(map(str, history))
        raise ChoiceError(f"Epoch {edit.epoch} is not in the history: choose one of {kept}.")
    for place in places(model, edit):
        weight = history[edit.epoch][place.number - 1][place.channels]
        _put(place.block.depthwise, "weight", place.channels, weight[:, None])


# batch norm anew


@torch.no_grad()
def _recalibrate(model: ConvMixer, edit: words.Recalibrate, sources: Sources) -> None:
    """As one call in training mode with momentum 1 over all pictures, layer by layer, so that only
    one state of all of them is held."""
    chunks = list(sources.pictures(edit.data, edit.pictures, edit.seed))
    _pass(model.stem, chunks, measured=not edit.blocks)
    for number, block in enumerate(model.walk(), 1):
        _pass(block, chunks, measured=not edit.blocks or number in edit.blocks)


def _pass(layer: nn.Module, chunks: list[Tensor], *, measured: bool) -> None:
    """Put what a layer makes of each chunk in its place."""
    if isinstance(layer, nn.Sequential):
        for part in layer:
            _pass(part, chunks, measured=measured)
    elif isinstance(layer, Spatial):
        entering = list(chunks) if layer.residual else []
        _pass(layer.fn, chunks, measured=measured)
        for index, x in enumerate(entering):
            chunks[index] = chunks[index] + x
    elif isinstance(layer, nn.BatchNorm2d) and measured:
        _normalise(layer, chunks)
    else:
        for index, x in enumerate(chunks):
            chunks[index] = layer(x)


def _normalise(norm: nn.BatchNorm2d, chunks: list[Tensor]) -> None:
    """By the mean and the variance of all chunks, which become the layer's own: with n − 1, as
    torch keeps it."""
    count = sum(x.numel() for x in chunks) // norm.num_features
    total = torch.stack([x.double().sum((0, 2, 3)) for x in chunks]).sum(0)
    mean = total / count
    around = (x.double() - mean[:, None, None] for x in chunks)
    spread = torch.stack([x.square().sum((0, 2, 3)) for x in around]).sum(0)
    every = np.arange(norm.num_features)
    _put(norm, "running_mean", every, mean)
    _put(norm, "running_var", every, spread / (count - 1))
    own = mean.float(), (spread / count).float(), norm.weight, norm.bias
    for index, x in enumerate(chunks):
        chunks[index] = nn.functional.batch_norm(x, *own, eps=norm.eps)


FUNCTIONS: dict[type[Edit], Callable[[ConvMixer, Any, Sources], None]] = {
    words.Off: _off,
    words.Scale: _scale,
    words.Template: _template,
    words.LowRank: _each(_low_rank),
    words.Mean: _each(_mean),
    words.Round: _each(_round),
    words.Blur: _each(_blur),
    words.Sharpen: _each(_sharpen),
    words.Mirror: _each(_mirror),
    words.Rotate: _each(_rotate),
    words.Shuffle: _each(_shuffle),
    words.Random: _each(_random),
    words.Covariance: _each(_covariance),
    words.Epoch: _epoch,
    words.Transplant: _transplant,
    words.Recalibrate: _recalibrate,
}
