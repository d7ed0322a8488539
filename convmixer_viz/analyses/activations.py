"""What does the model hold of this picture? A block's strongest channels, and every block's tokens
as three colours that don't jump from block to block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import lazy_loader as lazy
import numpy as np

from convmixer_viz.analyses.scene import chosen_block
from convmixer_viz.contract import Result, Step
from convmixer_viz.errors import ChoiceError

if TYPE_CHECKING:
    import scipy
    import torch
    from numpy.typing import NDArray
    from torch import Tensor

    from convmixer_viz.model import ConvMixer
    from convmixer_viz.preprocessing import PreparedImage
    from convmixer_viz.runtime import LoadedModel

    Floats = NDArray[np.float64]
else:
    torch = lazy.load("torch")
    scipy = lazy.load("scipy")

SPAN = 2.5  # standard deviations of a component from mid-grey to full colour, in every block


@dataclass(frozen=True, slots=True)
class Options:
    block: Annotated[int | None, "block whose channels are shown; none is the last, 0 the stem"] = (
        None
    )
    channels: Annotated[int, "how many of its strongest channels"] = 12
    blocks: Annotated[tuple[int, ...], "blocks of the strip; none is all, 0 the stem's output"] = ()
    resolution: Annotated[int | None, "side in pixels; none is the preset's own"] = None

    def __post_init__(self) -> None:
        if self.channels < 1:
            raise ChoiceError(f"{self.channels} channels show nothing: choose 1 or more.")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Activations(Result):
    """Tokens after each block, and one block's strongest channels."""

    picture: str
    blocks: NDArray[np.int64]  # (blocks,)
    components: NDArray[np.float32]  # (blocks, H, W, 3), RGB in 0 … 1; turned to the block before
    explained: NDArray[np.float32]  # (blocks, 3), share of the tokens' variance, largest first
    continuity: NDArray[np.float32]  # (blocks,), correlation of the colours with the block before
    block: int  # whose channels follow
    channels: NDArray[np.int64]  # (channels,), strongest first
    strength: NDArray[np.float32]  # (channels,), root mean square in the training set's σ
    channel_maps: NDArray[np.float32]  # (channels, H, W), the same unit, signed
    view: NDArray[np.uint8]  # (h, w, 3), what the tokens saw
    box: tuple[float, float, float, float]  # of the view in the picture, px

    def rows(self) -> list[dict[str, Any]]:
        return [
            {"block": self.block, "channel": int(channel), "strength": float(strength)}
            for channel, strength in zip(self.channels, self.strength, strict=True)
        ]


def compute(
    model: LoadedModel, images: Sequence[PreparedImage], options: Options
) -> Iterator[Step[Activations]]:
    """One step for the stem and each block."""
    shown, module = chosen_block(model, options.block), model.module
    strip: dict[int, tuple[Floats, Floats, float]] = {}
    before: Floats | None = None
    tokens, total = model.tensor(images), len(module.blocks) + 1
    side = min(tokens.shape[-2:])
    stages: list[Any] = [module.embed, *module.walk()]
    for block, stage in enumerate(stages):
        tokens = model.call(partial(_advance, stage), tokens, side)
        if block == shown:
            strongest = _strongest(module, tokens[0], block, options.channels)
        colours, explained = principal(_by_token(tokens[0]))
        colours, continuity = align(colours, before)
        before = colours
        if block in (options.blocks or range(total)):
            grid = colours.reshape(*tokens.shape[-2:], 3)
            strip[block] = (grid, explained, continuity)
        if block + 1 < total:
            yield Step(block + 1, total)
    seen = images[0].seen(model.preset.shape.patch_size)
    yield Step(total, total, _result(seen, shown, strongest, strip))


def principal(tokens: Floats) -> tuple[Floats, Floats]:
    """First three principal components of (tokens, dim), each of unit variance, (tokens, 3), and
    their shares of the variance; a component without variance is zero."""
    centred = tokens - tokens.mean(0)
    gram = centred @ centred.T if len(tokens) <= tokens.shape[1] else centred.T @ centred
    size = len(gram)
    count = min(3, size)
    values, vectors = scipy.linalg.eigh(gram, subset_by_index=(size - count, size - 1))
    values, vectors = values[::-1], vectors[:, ::-1]
    scores = vectors if len(tokens) <= tokens.shape[1] else centred @ vectors
    scores = np.pad(scores, ((0, 0), (0, 3 - count)))
    total, values = float((centred**2).sum()), np.pad(values, (0, 3 - count))
    scores = np.where(values > 1e-9 * max(total, 1e-300), scores, 0)
    deviation = scores.std(0)
    scores = scores / np.where(deviation > 0, deviation, 1)
    return scores * _sign(scores), values.clip(min=0) / max(total, 1e-300)


def _sign(scores: Floats) -> Floats:
    """What makes each component's skew positive, so that a sign is no matter of chance."""
    return np.where((scores**3).sum(0) < 0, -1.0, 1.0)


def align(scores: Floats, before: Floats | None) -> tuple[Floats, float]:
    """Turn (and mirror) components to the block before, by orthogonal Procrustes, and say how
    well they then correlate; the first block stays."""
    if before is None:
        return scores, 1.0
    left, _, right = np.linalg.svd(scores.T @ before)
    turned = scores @ (left @ right)
    size = np.linalg.norm(turned) * np.linalg.norm(before)
    return turned, float((turned * before).sum() / size) if size > 0 else 0.0


def _strongest(module: ConvMixer, tokens: Tensor, block: int, count: int) -> tuple[Any, Any, Any]:
    """Channels of largest root mean square, measured from the training mean in its deviations:
    batch norm leaves mean β and deviation |γ|."""
    part: Any = module.stem if block == 0 else list(module.walk())[block - 1]
    norm = part[-1]
    gain, shift = (t.double()[:, None, None] for t in (norm.weight.abs(), norm.bias))
    scaled = torch.where(gain > 1e-6, (tokens.double() - shift) / gain.clamp(min=1e-6), 0.0)
    strength = (scaled**2).mean((1, 2)).sqrt()
    order = strength.argsort(descending=True, stable=True)[:count]
    return order.cpu().numpy(), strength[order].cpu().numpy(), scaled[order].cpu().numpy()


def _advance(stage: Any, part: Tensor) -> Tensor:
    with torch.no_grad():
        return stage(part)  # type: ignore[no-any-return]


def _by_token(tokens: Tensor) -> Floats:
    return tokens.double().flatten(1).T.cpu().numpy()


def _result(
    image: PreparedImage, block: int, strongest: tuple[Any, Any, Any], strip: dict[int, Any]
) -> Activations:
    channels, strength, maps = strongest
    grids, explained, continuity = zip(*strip.values(), strict=True)
    return Activations(
        picture=image.name,
        blocks=np.array(list(strip)),
        components=np.clip(0.5 + np.stack(grids) / (2 * SPAN), 0, 1).astype(np.float32),
        explained=np.stack(explained).astype(np.float32),
        continuity=np.array(continuity, np.float32),
        block=block,
        channels=channels,
        strength=strength.astype(np.float32),
        channel_maps=maps.astype(np.float32),
        view=image.view,
        box=image.box,
    )
