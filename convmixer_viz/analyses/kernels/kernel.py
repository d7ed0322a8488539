"""One kernel: its numbers, spectrum, template, strongest neighbours and response to a picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convmixer_viz.analyses.kernels import spectrum
from convmixer_viz.analyses.kernels.layers import (
    depthwise_kernels,
    find_block,
    norm_scale,
)
from convmixer_viz.analyses.kernels.statistics import measure
from convmixer_viz.contract import Step
from convmixer_viz.engine.memory import Workload
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.model.kernel_shapes import templates
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.questions.kernel import Kernel, Options
from convmixer_viz.questions.kernels import CLASSES, STATISTICS


def compute(
    model: LoadedModel, images: Sequence[PreparedPicture], options: Options
) -> Iterator[Step[Kernel]]:
    """One step: the kernel, and one forward pass up to it."""
    answer = model.call(responder(model, options.block, options.channel), model.tensor(images))
    yield Step(1, 1, _kernel(model, images[0], options, answer[0].cpu().numpy()))


def estimate(work: Workload) -> int:
    """A call that walks to the block."""
    return work.prepared + work.forward(3) + 3 * 4 * work.shape.dim * work.shape.kernel_size**2


def responder(model: LoadedModel, block: int, channel: int) -> Callable[[Tensor], Tensor]:
    """A function from pixels (n, 3, h, w) to the channel's convolution (n, H, W), bias included,
    before the activation."""
    convolution = find_block(model, block).depthwise

    def respond(pixels: Tensor) -> Tensor:
        with torch.no_grad():
            tokens = model.module.embed(pixels)
            for before in model.module.blocks[: block - 1]:
                tokens = before(tokens)
            answer: Tensor = convolution(tokens)[:, channel]
            return answer.float()

    return respond


def _kernel(
    model: LoadedModel, image: PreparedPicture, options: Options, response: NDArray[np.float32]
) -> Kernel:
    block, channel = find_block(model, options.block), options.channel
    weights, bias = depthwise_kernels(block)[channel], cast("Tensor", block.depthwise.bias)
    measured, fit = measure(weights[None]), templates.fit(weights[None])
    power = spectrum.power(weights[None])
    gamma = block.depthwise_norm.weight[channel]
    return Kernel(
        block=options.block,
        channel=channel,
        weights=weights,
        bias=float(bias[channel]),
        statistics=tuple(STATISTICS),
        values=np.array([measured[name][0] for name in STATISTICS]),
        class_name=CLASSES[fit.code[0]],
        best_name=CLASSES[fit.best[0]],
        threshold=templates.threshold(weights.shape[-1]),
        template=fit.template[0].astype(np.float32),
        rest=(weights - fit.template[0]).astype(np.float32),
        power=power[0].astype(np.float32),
        radial=spectrum.radial_mean(power)[0].astype(np.float32),
        norm_scale=float(norm_scale(block.depthwise_norm)[channel]),
        norm_sign=float(gamma.sign()),
        response=response,
        view=image.cropped_to_patches(model.preset.shape.patch_size).view,
        picture=image.name,
        **_sources(model, options),
        **_destinations(model, options),
    )


def _sources(model: LoadedModel, options: Options) -> dict[str, Any]:
    """What feeds the channel: the block before, or at block 1 the patch embedding."""
    filters = model.module.patch_embedding.weight.float().cpu().numpy()
    if options.block == 1:
        k = model.preset.shape.kernel_size
        return {
            "inputs": np.zeros(0, np.int64),
            "input_weights": np.zeros(0, np.float32),
            "input_kernels": np.zeros((0, k, k), np.float32),
            "patch_filter": filters[options.channel],
        }
    before = find_block(model, options.block - 1)
    weights = before.pointwise.weight[options.channel, :, 0, 0].float().cpu().numpy()
    order = _strongest(weights, options.neighbours)
    return {
        "inputs": order,
        "input_weights": weights[order],
        "input_kernels": depthwise_kernels(before)[order],
        "patch_filter": filters[options.channel][:0],
    }


def _destinations(model: LoadedModel, options: Options) -> dict[str, Any]:
    """Where the channel goes: the block's own pointwise layer, and the kernels behind it."""
    here, last = find_block(model, options.block), options.block == model.preset.shape.depth
    weights = here.pointwise.weight[:, options.channel, 0, 0].float().cpu().numpy()
    order = _strongest(weights, options.neighbours)
    after = depthwise_kernels(here if last else find_block(model, options.block + 1))
    return {
        "outputs": order,
        "output_weights": weights[order],
        "output_kernels": after[order[:0] if last else order],
    }


def _strongest(weights: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    return np.argsort(-np.abs(weights), kind="stable")[:count]
