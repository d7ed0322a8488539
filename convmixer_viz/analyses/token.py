"""One token's way through the stem and one block, number by number, each taken from the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from convmixer_viz.analyses.evidence import head_row
from convmixer_viz.analyses.kernels.layers import find_block
from convmixer_viz.analyses.target import Target, choose_target
from convmixer_viz.contract import Step
from convmixer_viz.engine.memory import DOUBLE, Workload
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.model.convmixer import Block
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.questions.token import Options, TokenSteps

STATES = 12  # of one call that are kept beside those of the forward pass


class _Way(NamedTuple):
    """What the layers give, each (n, dim, H, W)."""

    stem_sum: Tensor
    stem_activated: Tensor
    stem: Tensor
    block_input: Tensor
    spatial_sum: Tensor
    spatial_activated: Tensor
    spatial_normed: Tensor
    mixed: Tensor
    pointwise_sum: Tensor
    pointwise_activated: Tensor
    block_output: Tensor
    last: Tensor


def compute(
    model: LoadedModel, images: Sequence[PreparedPicture], options: Options
) -> Iterator[Step[TokenSteps]]:
    """One step: a forward pass that keeps what each layer of the block gives."""
    pixels = model.tensor(images)
    target = choose_target(model, model.logits(pixels)[0], options.target, options.against)
    block = find_block(model, options.block)
    way = _Way(*(each[0] for each in model.call(_walker(model, options.block), pixels)))
    rows, columns = way.last.shape[-2:]
    at = options.token or (rows // 2, columns // 2)
    yield Step(
        1,
        1,
        TokenSteps(
            picture=images[0].name,
            block=options.block,
            channel=options.channel,
            token=at,
            **_stem(model, way, pixels[0], options.channel, at=at),
            **_spatial(block, way, options.channel, at),
            **_pointwise(block, way, options, at),
            **_evidence(model, target, way.last, options, at=at),
            logit=float(target.score(model.logits(pixels)[0].double())),
            **_view(model, images[0]),
            grid=(rows, columns),
        ),
    )


def estimate(work: Workload) -> int:
    """A forward pass, and what it keeps."""
    kept = STATES * work.call + 4 * DOUBLE * work.shape.dim
    return work.prepared + work.forward() + kept


def _walker(model: LoadedModel, block: int) -> Any:
    """A function from pixels to the parts of a _Way."""

    def walk(pixels: Tensor) -> tuple[Tensor, ...]:
        with torch.no_grad():
            module = model.module
            convolution, act, _ = module.stem
            before = module.embed(pixels)
            stem = [(s := convolution(pixels)), act(s), before]
            for earlier in module.blocks[: block - 1]:
                before = earlier(before)
            here = find_block(model, block)
            convolution, act, norm = here.spatial.fn
            spatial = [(s := convolution(before)), (a := act(s)), norm(a)]
            mixed = here.spatial(before)
            across = [(s := here.pointwise(mixed)), (a := here[2](s)), here.pointwise_norm(a)]
            last = across[-1]
            for later in module.blocks[block:]:
                last = later(last)
            return (*stem, before, *spatial, mixed, *across, last)

    return walk


def _stem(
    model: LoadedModel, way: _Way, pixels: Tensor, channel: int, *, at: tuple[int, int]
) -> dict[str, Any]:
    convolution, p = model.module.patch_embedding, model.preset.shape.patch_size
    (row, column), shown = at, (way.stem_sum, way.stem_activated, way.stem)
    patch = pixels[:, p * row : p * (row + 1), p * column : p * (column + 1)]
    return {
        "patch": _array(patch),
        "filter": _array(convolution.weight[channel]),
        "stem": _numbers(convolution, shown, channel, at),
        "patch_size": p,
    }


def _spatial(block: Block, way: _Way, channel: int, at: tuple[int, int]) -> dict[str, Any]:
    k, (row, column) = block.depthwise.weight.shape[-1], at
    before = (k - 1) // 2  # as padding="same" pads
    padded = F.pad(way.block_input[channel], (before, k - 1 - before) * 2)
    norm, shown = block.depthwise_norm, (way.spatial_sum, way.spatial_activated, way.spatial_normed)
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None and variance is not None
    parts = (mean[channel], variance[channel] + norm.eps, norm.weight[channel], norm.bias[channel])
    value = float(way.block_input[channel, row, column])
    return {
        "neighbourhood": _array(padded[row : row + k, column : column + k]),
        "kernel": _array(block.depthwise.weight[channel, 0]),
        "spatial": _numbers(block.depthwise, shown, channel, at),
        "norm": np.array([float(part) for part in parts]),
        "residual": value if block.spatial.residual else None,
        "mixed": float(way.mixed[channel, row, column]),
    }


def _pointwise(block: Block, way: _Way, options: Options, at: tuple[int, int]) -> dict[str, Any]:
    weights = block.pointwise.weight[options.channel, :, 0, 0].double().cpu().numpy()
    values = way.mixed[:, at[0], at[1]].double().cpu().numpy()
    order, rest = _largest(weights * values, options.strongest)
    shown = (way.pointwise_sum, way.pointwise_activated, way.block_output)
    return {
        "inputs": order,
        "weights": weights[order],
        "values": values[order],
        "rest": rest,
        "pointwise": _numbers(block.pointwise, shown, options.channel, at),
    }


def _evidence(
    model: LoadedModel, target: Target, last: Tensor, options: Options, *, at: tuple[int, int]
) -> dict[str, Any]:
    """What the token of the last block's (dim, H, W) adds to the score, by channel."""
    weights, cells = head_row(model.module, target).cpu().numpy(), last[0].numel()
    values = last[:, at[0], at[1]].double().cpu().numpy()
    order, rest = _largest(weights * values / cells, options.strongest)
    return {
        "says": order,
        "head_weights": weights[order],
        "head_values": values[order],
        "head_rest": rest,
        "evidence": float((weights * values).sum() / cells),
        "target_name": target.name(model.class_names),
    }


def _largest(products: NDArray[np.float64], count: int) -> tuple[NDArray[np.int64], float]:
    """The places of the largest products, and the sum of the others."""
    order = np.argsort(-np.abs(products), kind="stable")
    return order[:count], float(products[order[count:]].sum())


def _numbers(
    layer: nn.Conv2d, shown: Sequence[Tensor], channel: int, at: tuple[int, int]
) -> NDArray[np.float64]:
    """A layer's bias, then what it and the two after it give at a token."""
    bias = layer.bias[channel] if layer.bias is not None else 0.0
    return np.array([float(bias), *(float(tensor[channel, at[0], at[1]]) for tensor in shown)])


def _view(model: LoadedModel, image: PreparedPicture) -> dict[str, Any]:
    cropped = image.cropped_to_patches(model.preset.shape.patch_size)
    return {"view": cropped.view, "box": cropped.box}


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.float().cpu().numpy()
