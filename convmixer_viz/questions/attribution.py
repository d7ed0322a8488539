"""Attribution: which patches carried the decision, by a method of the table, and its map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.contract import Result
from convmixer_viz.errors import ChoiceError
from convmixer_viz.presets.table import Shape

# of Integrated Gradients, by activation; of 100 test pictures 95 miss the sum by less than 3 %
DEFAULT_STEPS = {"gelu": 200, "relu": 400}
DEFAULT_STEPS_TEXT = f"{DEFAULT_STEPS['gelu']}, or {DEFAULT_STEPS['relu']} with ReLU"
DEFAULT_GRADIENTS, DEFAULT_MASKS = 50, 1000  # random draws of the methods that average them

Baseline = Literal["mean", "black", "blur", "noise"]


@dataclass(frozen=True, slots=True)
class SimplerMap:
    """A simpler map that a method may turn out to be."""

    name: str
    function: str  # in analyses/attribution/methods/
    misleads: bool  # being this map makes the method misleading, not exact


@dataclass(frozen=True, slots=True)
class Method:
    """A row of the table of methods: add one by adding an entry."""

    function: str  # in analyses/attribution/methods/
    sentence: str
    source: str  # authors and year
    address: str  # of the paper
    uses: tuple[str, ...] = ()  # the options that it reads besides the question
    signed: bool = True  # red speaks for the target, blue against; else only size means something
    promise: Literal["baseline", "bias", None] = None  # score − what is the sum
    simpler: SimplerMap | None = None
    unit: str = "logit a {cell}"  # of the map's values


_EVIDENCE = SimplerMap("the exact evidence", "cams.evidence", misleads=False)
_GRADIENT = SimplerMap("the plain gradient", "rules.plain_gradient", misleads=True)
_DIFFERENCE = SimplerMap(
    "gradient × (input − baseline)", "rules.gradient_x_difference", misleads=True
)

_SLOPE = "|slope| a {cell}, logit per normalised unit"

METHODS: dict[str, Method] = {
    "saliency": Method(
        "gradients.saliency",
        "how steeply the score changes with each pixel",
        "Simonyan, Vedaldi, Zisserman 2014",
        "arxiv.org/abs/1312.6034",
        signed=False,
        unit=_SLOPE,
    ),
    "input-x-gradient": Method(
        "gradients.input_x_gradient",
        "a first-order step from the mean colour",
        "Shrikumar et al. 2016",
        "arxiv.org/abs/1605.01713",
    ),
    "integrated-gradients": Method(
        "gradients.integrated_gradients",
        "the gradient along the way from a baseline; sums to the score's difference",
        "Sundararajan, Taly, Yan 2017",
        "arxiv.org/abs/1703.01365",
        ("steps", "baseline", "seed"),
        promise="baseline",
    ),
    "smoothgrad": Method(
        "gradients.smoothgrad",
        "the mean gradient of noisy copies",
        "Smilkov et al. 2017",
        "arxiv.org/abs/1706.03825",
        ("samples", "sigma", "seed"),
        signed=False,
        unit=_SLOPE,
    ),
    "gradient-shap": Method(
        "gradients.gradient_shap",
        "Integrated Gradients at random points, with noise",
        "Lundberg, Lee 2017",
        "arxiv.org/abs/1705.07874",
        ("samples", "sigma", "baseline", "seed"),
        promise="baseline",
    ),
    "grad-cam": Method(
        "cams.grad_cam",
        "a block's tokens weighted by the mean gradient, what speaks against included",
        "Selvaraju et al. 2017",
        "arxiv.org/abs/1610.02391",
        ("block",),
        promise="bias",
        simpler=_EVIDENCE,
    ),
    "hirescam": Method(
        "cams.hirescam",
        "a block's tokens times their gradient",
        "Draelos, Carin 2020",
        "arxiv.org/abs/2011.08891",
        ("block",),
        promise="bias",
        simpler=_EVIDENCE,
    ),
    "layer-cam": Method(
        "cams.layer_cam",
        "a block's tokens times their positive gradient",
        "Jiang et al. 2021",
        "doi.org/10.1109/TIP.2021.3089943",
        ("block",),
        simpler=_EVIDENCE,
    ),
    "occlusion": Method(
        "perturbations.occlusion",
        "the score lost when a patch alone is taken away",
        "Zeiler, Fergus 2014",
        "arxiv.org/abs/1311.2901",
        ("baseline", "seed"),
    ),
    "rise": Method(
        "perturbations.rise",
        "the mean probability of what soft random masks leave over",
        "Petsiuk, Das, Saenko 2018",
        "arxiv.org/abs/1806.07421",
        ("samples", "baseline", "seed"),
        signed=False,
        unit="mean probability",
    ),
    "kernel-shap": Method(
        "perturbations.kernel_shap",
        "Shapley values of groups of patches, from random coalitions",
        "Lundberg, Lee 2017",
        "arxiv.org/abs/1705.07874",
        ("samples", "baseline", "seed"),
        promise="baseline",
    ),
    "guided-backprop": Method(
        "rules.guided_backprop",
        "the gradient with negative signals stopped at each ReLU",
        "Springenberg et al. 2015",
        "arxiv.org/abs/1412.6806",
        signed=False,
        simpler=_GRADIENT,
        unit=_SLOPE,
    ),
    "deeplift": Method(
        "rules.deeplift",
        "differences to the baseline's activations instead of derivatives",
        "Shrikumar, Greenside, Kundaje 2017",
        "arxiv.org/abs/1704.02685",
        ("baseline", "seed"),
        promise="baseline",
        simpler=_DIFFERENCE,
    ),
}

OF_SOME = ("baseline", "steps", "samples", "sigma", "block", "seed")  # options that not all read


def unread(method: str) -> frozenset[str]:
    """The options that a method doesn't read."""
    return frozenset(OF_SOME) - {*METHODS[method].uses}


@dataclass(frozen=True, slots=True)
class Options:
    method: Annotated[str, "the method", *METHODS] = "integrated-gradients"
    target: Annotated[str | None, "class to explain, name or index; none is the predicted"] = None
    against: Annotated[str | None, "class that it is explained rather than"] = None
    baseline: Annotated[Baseline, "what stands for nothing; mean is a colour"] = "mean"
    steps: Annotated[
        int | None, f"points on the way of Integrated Gradients; none: {DEFAULT_STEPS_TEXT}"
    ] = None
    samples: Annotated[
        int | None,
        f"random draws; none: {DEFAULT_GRADIENTS} gradients, {DEFAULT_MASKS} masks",
    ] = None
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

    @property
    def unread(self) -> frozenset[str]:
        """The options that the method doesn't read: a request takes their defaults."""
        return unread(self.method)

    def passes(self, shape: Shape, side: int) -> int:
        """Pictures that the method puts through the model: cost is in proportion."""
        row = METHODS[self.method]
        if "steps" in row.uses:
            return self.steps or DEFAULT_STEPS[shape.activation]
        masks = row.function.startswith("perturbations.")
        if "samples" in row.uses:
            return self.samples or (DEFAULT_MASKS if masks else DEFAULT_GRADIENTS)
        return shape.grid(side) ** 2 if masks else 1


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
