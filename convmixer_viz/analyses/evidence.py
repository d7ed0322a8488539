"""How much does each token add to a class's logit? Exactly, and as a probe through depth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import lazy_loader as lazy
import numpy as np

from convmixer_viz.analyses.scene import Target, choose
from convmixer_viz.contract import Result, Step

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from torch import Tensor

    from convmixer_viz.model import ConvMixer
    from convmixer_viz.preprocessing import PreparedImage
    from convmixer_viz.runtime import LoadedModel

    _Found = tuple[Tensor, Tensor, dict[int, tuple[Tensor, Tensor]]]
else:
    torch = lazy.load("torch")


@dataclass(frozen=True, slots=True)
class Options:
    target: Annotated[str | None, "class to explain, name or index; none is the predicted"] = None
    against: Annotated[str | None, "class that it is explained rather than"] = None
    blocks: Annotated[tuple[int, ...], "blocks to probe; none is all, 0 the stem's output"] = ()
    resolution: Annotated[int | None, "side in pixels; none is the preset's own"] = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Evidence(Result):
    """Σ of the last map + bias = logit; maps of earlier blocks are probes: head after pooling,
    applied where it was not trained to be."""

    picture: str
    target: int
    against: int | None
    target_name: str  # "cat" or "cat rather than dog"
    blocks: NDArray[np.int64]  # (blocks,)
    maps: NDArray[np.float32]  # (blocks, H, W), signed contributions to the target's logit
    per_class: NDArray[np.float32]  # (classes, H, W), the last block's map of each class
    bias: float
    logit: float  # of the target, minus the other's where there is one
    error: float  # |Σ map + bias − logit| at the last block
    relative_error: float  # the same over Σ|map| + |bias|
    probe_top: NDArray[np.int64]  # (blocks,), class that head after pooling makes of each block
    probe_names: tuple[str, ...]  # (blocks,)
    probe_probability: NDArray[np.float32]  # (blocks,), softmax of the target, or of the two
    probe_logit: NDArray[np.float32]  # (blocks,)
    view: NDArray[np.uint8]  # (h, w, 3), what the tokens saw
    box: tuple[float, float, float, float]  # of the view in the picture, px

    def rows(self) -> list[dict[str, Any]]:
        return [
            {
                "picture": self.picture,
                "block": int(block),
                "says": self.probe_names[i],
                "target": self.target_name,
                "probability": float(self.probe_probability[i]),
                "sum": float(self.maps[i].sum()),
                "bias": self.bias,
                "logit": float(self.probe_logit[i]),
            }
            for i, block in enumerate(self.blocks)
        ]

    @property
    def exact(self) -> NDArray[np.float32]:
        """The last block's map of what is explained, (H, W): with the bias it sums to the logit."""
        wanted = self.per_class[self.target]
        other = 0 if self.against is None else self.per_class[self.against]
        return np.asarray(wanted - other, np.float32)


def compute(
    model: LoadedModel, images: Sequence[PreparedImage], options: Options
) -> Iterator[Step[Evidence]]:
    """One step for the question, one for the stem and each block."""
    module, total = model.module, len(model.module.blocks) + 2
    tokens = model.tensor(images)
    logits, side = model.logits(tokens)[0], min(tokens.shape[-2:])
    target = choose(model, logits, options.target, options.against)
    stages: list[Callable[[Tensor], Tensor]] = [module.embed, *module.walk()]
    row = head_row(module, target)
    yield Step(1, total)
    probes: dict[int, tuple[Tensor, Tensor]] = {}  # block → (H, W), (classes,)
    for block, stage in enumerate(stages):
        tokens, probe = _advance(model, stage, tokens, side)
        if block in (options.blocks or range(total)):
            probes[block] = contributions(tokens[0].double(), row), probe
        if block < total - 2:
            yield Step(block + 2, total)
    found = logits, tokens[0].double(), probes
    yield Step(total, total, _result(model, images[0], target, found))


def head_row(module: ConvMixer, target: Target) -> Tensor:
    """The head's weights of the score, (dim,) float64."""
    return target.score(module.head.weight.double().T)


def contributions(tokens: Tensor, row: Tensor) -> Tensor:
    """What each token adds to a score through pooling and head: (dim, H, W) and (…, dim) →
    (…, H, W), Σ_c row_c · tokens_c / (H·W)."""
    return torch.einsum("cij,...c->...ij", tokens, row) / tokens[0].numel()


def _advance(
    model: LoadedModel, stage: Callable[[Tensor], Tensor], tokens: Tensor, side: int
) -> tuple[Tensor, Tensor]:
    """The next block's output, and the logits (classes,) that the head makes of it."""

    def function(part: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            following = stage(part)
            return following, model.module.classify(following).double()

    following, logits = model.call(function, tokens, side)
    return following, logits[0]


def _result(model: LoadedModel, image: PreparedImage, target: Target, found: _Found) -> Evidence:
    logits, last, probes = found
    image = image.seen(model.preset.shape.patch_size)
    head = model.module.head
    bias, logit = (float(target.score(t.double())) for t in (head.bias, logits))
    exact = contributions(last, head_row(model.module, target))
    error = abs(float(exact.sum()) + bias - logit)
    top = [int(p.argmax()) for _, p in probes.values()]
    return Evidence(
        picture=image.name,
        target=target.index,
        against=target.against,
        target_name=target.words(model.class_names),
        blocks=np.array(list(probes)),
        maps=np.stack([_array(map_) for map_, _ in probes.values()]),
        per_class=_array(contributions(last, head.weight.double())),
        bias=bias,
        logit=logit,
        error=error,
        relative_error=error / (float(exact.abs().sum()) + abs(bias)),
        probe_top=np.array(top),
        probe_names=tuple(model.class_names[index] for index in top),
        probe_probability=np.array(
            [float(target.probability(p)) for _, p in probes.values()], np.float32
        ),
        probe_logit=np.array([float(target.score(p)) for _, p in probes.values()], np.float32),
        view=image.view,
        box=image.box,
    )


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.float().cpu().numpy()
