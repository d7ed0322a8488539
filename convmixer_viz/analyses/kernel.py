"""One kernel: its numbers, spectrum, template, neighbours, and what it answers to a picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, cast

import lazy_loader as lazy
import numpy as np

from convmixer_viz.analyses import spectrum, templates
from convmixer_viz.analyses.kernels import check_channel, depthwise, find_block, norm_scale
from convmixer_viz.analyses.measures import STATISTICS, measure
from convmixer_viz.contract import Result, Step
from convmixer_viz.errors import ChoiceError

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from torch import Tensor

    from convmixer_viz.preprocessing import PreparedImage
    from convmixer_viz.runtime import LoadedModel
else:
    torch = lazy.load("torch")


@dataclass(frozen=True, slots=True)
class Options:
    block: Annotated[int, "the kernel's block, from 1"] = 1
    channel: Annotated[int, "the kernel's channel, from 0"] = 0
    neighbours: Annotated[int, "how many of its strongest inputs and outputs to list"] = 8
    resolution: Annotated[int | None, "side in pixels; none is the preset's own"] = None

    def __post_init__(self) -> None:
        if self.neighbours < 1:
            raise ChoiceError(f"{self.neighbours} neighbours list nothing: choose 1 or more.")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Kernel(Result):
    """One depthwise kernel; statistics in the order of `statistics`, lengths in tokens."""

    block: int
    channel: int
    weights: NDArray[np.float32]  # (k, k)
    bias: float
    statistics: tuple[str, ...]
    values: NDArray[np.float64]  # (statistics,)
    class_name: str
    best_name: str  # the best template's class, also where it is no better than chance
    threshold: float  # R² that 1 % of random kernels exceed
    template: NDArray[np.float32]  # (k, k), the best template, scaled to the kernel
    rest: NDArray[np.float32]  # (k, k), what the template leaves
    power: NDArray[np.float32]  # (33, 33) spectrum, zero frequency in the middle
    radial: NDArray[np.float32]  # (17,), mean power at 0, 1/33, … 16/33 cycles per token
    norm_scale: float  # |γ|/√(σ²+ε) of the batch norm that follows
    norm_sign: float
    inputs: NDArray[np.int64]  # (n,), channels of the block before, strongest first; none at 1
    input_weights: NDArray[np.float32]  # (n,), their pointwise weights into this channel
    input_kernels: NDArray[np.float32]  # (n, k, k)
    patch_filter: NDArray[np.float32]  # (3, p, p), what feeds block 1; (0, p, p) elsewhere
    outputs: NDArray[np.int64]  # (n,), channels of the block's own output, strongest first
    output_weights: NDArray[np.float32]  # (n,), this channel's pointwise weights into them
    output_kernels: NDArray[np.float32]  # (n, k, k) of the next block; none at the last
    response: NDArray[np.float32]  # (H, W) in tokens: the convolution with its bias, before act
    view: NDArray[np.uint8]  # (h, w, 3), what the tokens saw
    picture: str

    def rows(self) -> list[dict[str, Any]]:
        """One row: its numbers."""
        numbers = dict(zip(self.statistics, self.values.tolist(), strict=True))
        return [{"block": self.block, "channel": self.channel, "class": self.class_name} | numbers]


def compute(
    model: LoadedModel, images: Sequence[PreparedImage], options: Options
) -> Iterator[Step[Kernel]]:
    """One step: the kernel, and one forward pass up to it."""
    check_channel(model, options.channel)
    answer = model.call(responder(model, options.block, options.channel), model.tensor(images))
    yield Step(1, 1, _kernel(model, images[0], options, answer[0].cpu().numpy()))


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
    model: LoadedModel, image: PreparedImage, options: Options, response: NDArray[np.float32]
) -> Kernel:
    block, channel = find_block(model, options.block), options.channel
    weights, bias = depthwise(block)[channel], cast("Tensor", block.depthwise.bias)
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
        class_name=templates.CLASSES[fit.code[0]],
        best_name=templates.CLASSES[fit.best[0]],
        threshold=templates.threshold(weights.shape[-1]),
        template=fit.template[0].astype(np.float32),
        rest=(weights - fit.template[0]).astype(np.float32),
        power=power[0].astype(np.float32),
        radial=spectrum.radial_mean(power)[0].astype(np.float32),
        norm_scale=float(norm_scale(block.depthwise_norm)[channel]),
        norm_sign=float(gamma.sign()),
        response=response,
        view=image.seen(model.preset.shape.patch_size).view,
        picture=image.name,
        **_sources(model, options),
        **_destinations(model, options),
    )


def _sources(model: LoadedModel, options: Options) -> dict[str, Any]:
    """What feeds the channel: the block before, or at block 1 the patch embedding."""
    filters = model.module.patch_embedding.weight.float().cpu().numpy()
    if options.block == 1:
        none, k = np.zeros(0, np.float32), model.preset.shape.kernel_size
        empty = np.zeros((0, k, k), np.float32)
        names = {"inputs": none.astype(np.int64), "input_weights": none, "input_kernels": empty}
        return names | {"patch_filter": filters[options.channel]}
    before = find_block(model, options.block - 1)
    weights = before.pointwise.weight[options.channel, :, 0, 0].float().cpu().numpy()
    order = _strongest(weights, options.neighbours)
    return {
        "inputs": order,
        "input_weights": weights[order],
        "input_kernels": depthwise(before)[order],
        "patch_filter": filters[options.channel][:0],
    }


def _destinations(model: LoadedModel, options: Options) -> dict[str, Any]:
    """Where the channel goes: the block's own pointwise layer, and the kernels behind it."""
    here, last = find_block(model, options.block), options.block == model.preset.shape.depth
    weights = here.pointwise.weight[:, options.channel, 0, 0].float().cpu().numpy()
    order = _strongest(weights, options.neighbours)
    after = depthwise(here if last else find_block(model, options.block + 1))
    return {
        "outputs": order,
        "output_weights": weights[order],
        "output_kernels": after[order[:0] if last else order],
    }


def _strongest(weights: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    return np.argsort(-np.abs(weights), kind="stable")[:count]
