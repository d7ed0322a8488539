"""Which patches carried the decision? By any method of the table, checked for what it really
is on the model at hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

import lazy_loader as lazy
import numpy as np

from convmixer_viz.analyses.gradients import OWN_STEPS
from convmixer_viz.analyses.methods import METHODS
from convmixer_viz.analyses.scene import (
    Scene,
    baselines,
    choose,
    chosen_block,
    look,
    patch_sums,
)
from convmixer_viz.contract import Result, Step
from convmixer_viz.errors import ChoiceError

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from torch import Tensor

    from convmixer_viz.preprocessing import PreparedImage
    from convmixer_viz.runtime import LoadedModel

    Name = str
else:
    Name = Literal[tuple(METHODS)]
    torch = lazy.load("torch")

Baseline = Literal["mean", "black", "blur", "noise"]


@dataclass(frozen=True, slots=True)
class Options:
    method: Annotated[Name, "the method"] = "integrated-gradients"
    target: Annotated[str | None, "class to explain, name or index; none is the predicted"] = None
    against: Annotated[str | None, "class that it is explained rather than"] = None
    baseline: Annotated[Baseline, "what stands for nothing; mean is a colour"] = "mean"
    steps: Annotated[
        int | None, f"points on the way of Integrated Gradients; none: {OWN_STEPS}"
    ] = None
    samples: Annotated[int | None, "random draws; none: 50 gradients, 1000 masks"] = None
    sigma: Annotated[float, "noise of SmoothGrad and GradientSHAP, share of the range"] = 0.15
    block: Annotated[int | None, "block of the CAM methods; none is the last, 0 the stem"] = None
    resolution: Annotated[int | None, "side in pixels; none is the preset's own"] = None
    seed: Annotated[int, "seed of whatever is random"] = 0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ChoiceError(f"There is no method {self.method!r}: choose {', '.join(METHODS)}.")
        if self.steps is not None and self.steps < 1:
            raise ChoiceError(f"{self.steps} steps go nowhere: choose 1 or more.")
        if self.samples is not None and self.samples < 3:
            raise ChoiceError(f"{self.samples} samples are too few: choose 3 or more.")
        if not 0 <= self.sigma <= 1:
            raise ChoiceError(f"sigma {self.sigma} is no share of the range: choose 0 to 1.")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AttributionMap(Result):
    """Raw values: no normalisation, no smoothing."""

    picture: str
    method: str
    pixels: NDArray[np.float32] | None  # (3, h, w), where the method works on pixels
    tokens: NDArray[np.float32]  # (H, W), sums over colours and patch: of |pixels| if unsigned
    signed: bool  # whether the sign says for (+) or against (−) the target
    target: int
    against: int | None
    target_name: str  # "cat" or "cat rather than dog"
    score: float  # what is explained: the target's logit, minus the other's where there is one
    probability: float
    total: float  # sum of the map
    expected: float | None = None  # what it should be, where the method promises it
    completeness: float | None = None  # |total − expected| / |expected|
    valid: bool = True  # false where it is a simpler map under another name
    validity: str = "not yet measured"  # the reason, measured
    identical_to: str | None = None  # the simpler map that this one is
    view: NDArray[np.uint8]  # (h, w, 3), what the tokens saw
    box: tuple[float, float, float, float]  # of the view in the picture, px

    def rows(self) -> list[dict[str, Any]]:
        names = ("picture", "method", "target_name", "probability", "score", "total", "expected")
        return [{n: getattr(self, n) for n in (*names, "completeness", "valid", "validity")}]


def compute(
    model: LoadedModel, images: Sequence[PreparedImage], options: Options
) -> Iterator[Step[AttributionMap]]:
    """One step for the question, one a chunk of the method, one for the audit."""
    method, scene = METHODS[options.method], ask(model, model.tensor(images), options)
    plan = method.plan(scene)
    total = plan.total + 2
    yield Step(1, total)
    for done, found in enumerate(plan.maps, 2):
        partial = _result(scene, images[0], found)
        yield Step(done, total, partial)
    yield Step(total, total, _audited(scene, partial, found))


def ask(model: LoadedModel, pixels: Tensor, options: Options) -> Scene:
    """The scene of one placed picture (1, 3, h, w)."""
    chosen_block(model, options.block)
    tokens, logits = look(model, pixels)
    target = choose(model, logits, options.target, options.against)
    return Scene(model, pixels, tokens, logits, target, options)


def tokens_of(scene: Scene, found: Tensor) -> Tensor:
    """A method's map by token, (H, W) float64: sums over the patch; of sizes where unsigned."""
    if found.ndim == 2:
        return found
    found = found if METHODS[scene.options.method].signed else found.abs()
    return patch_sums(found, scene.model.preset.shape.patch_size)


def _result(scene: Scene, image: PreparedImage, found: Tensor) -> AttributionMap:
    target, tokens = scene.target, tokens_of(scene, found)
    image = image.seen(scene.model.preset.shape.patch_size)
    return AttributionMap(
        picture=image.name,
        method=scene.options.method,
        pixels=_array(found) if found.ndim == 3 else None,
        tokens=_array(tokens),
        signed=METHODS[scene.options.method].signed,
        target=target.index,
        against=target.against,
        target_name=target.words(scene.model.class_names),
        score=float(target.score(scene.logits)),
        probability=float(target.probability(scene.logits)),
        total=float(found.sum()),
        view=image.view,
        box=image.box,
    )


def _audited(scene: Scene, result: AttributionMap, found: Tensor) -> AttributionMap:
    expected = _expected(scene, result.score)
    valid, validity, identical = _validity(scene, found)
    off = None if expected is None else abs(result.total - expected)
    return replace(
        result,
        expected=expected,
        completeness=None if off is None else off / max(abs(expected or 0.0), 1e-12),
        valid=valid,
        validity=validity,
        identical_to=identical,
    )


def _expected(scene: Scene, score: float) -> float | None:
    """What the map should sum to: the score less the baselines' mean score, or less the bias."""
    promise = METHODS[scene.options.method].promise
    if promise == "baseline":
        logits = scene.model.logits(baselines(scene)).double()
        return score - float(scene.target.score(logits).mean())
    module = scene.model.module
    if promise == "bias" and chosen_block(scene.model, scene.options.block) == len(module.blocks):
        return score - float(scene.target.score(module.head.bias.double()))
    return None


def _validity(scene: Scene, found: Tensor) -> tuple[bool, str, str | None]:
    """Measure the map against the simpler one that it may be: valid, the reason, its name."""
    rival = METHODS[scene.options.method].rival
    if rival is None:
        return True, "nothing in it depends on the kind of activation", None
    simple = rival.compute(scene)
    apart = float((found - simple.to(found.device)).abs().max() / simple.abs().max())
    same = apart <= (0.1 if scene.model.dtype is torch.bfloat16 else 1e-4)
    words = "is" if same else "differs from"
    reason = f"here it {words} {rival.name} (largest difference {apart:.1e} of the maximum)"
    if same and rival.spoils:
        reason += ": the activations of this preset give its rule nothing to change"
    return not (same and rival.spoils), reason, rival.name if same else None


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.float().cpu().numpy()
