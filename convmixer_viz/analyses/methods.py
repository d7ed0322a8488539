"""The table of attribution methods: add one by adding an entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from convmixer_viz.analyses import cams, gradients, perturbations, rules

if TYPE_CHECKING:
    from torch import Tensor

    from convmixer_viz.analyses.scene import Plan, Scene


@dataclass(frozen=True, slots=True)
class Rival:
    """A simpler map that a method may turn out to be."""

    name: str
    compute: Callable[[Scene], Tensor]
    spoils: bool  # being the rival makes the method misleading, not exact


@dataclass(frozen=True, slots=True)
class Method:
    """A row of the table."""

    plan: Callable[[Scene], Plan]
    sentence: str
    uses: tuple[str, ...] = ()  # the options that it reads besides the question
    signed: bool = True  # red speaks for the target, blue against; else only size means something
    promise: Literal["baseline", "bias", None] = None  # score − what is the sum
    rival: Rival | None = None
    unit: str = "logit a {cell}"  # of the map's values


_EVIDENCE = Rival("the exact evidence", cams.evidence, spoils=False)
_GRADIENT = Rival("the plain gradient", rules.plain_gradient, spoils=True)
_DIFFERENCE = Rival("gradient × (input − baseline)", rules.gradient_x_difference, spoils=True)

_SLOPE = "|slope| a {cell}, logit per normalised unit"

METHODS: dict[str, Method] = {
    "saliency": Method(
        gradients.saliency,
        "how steeply the score changes with each pixel",
        signed=False,
        unit=_SLOPE,
    ),
    "input-x-gradient": Method(
        gradients.input_x_gradient, "a first-order step from the mean colour"
    ),
    "integrated-gradients": Method(
        gradients.integrated_gradients,
        "the gradient along the way from a baseline; sums to the score's difference",
        ("steps", "baseline", "seed"),
        promise="baseline",
    ),
    "smoothgrad": Method(
        gradients.smoothgrad,
        "the mean gradient of noisy copies",
        ("samples", "sigma", "seed"),
        signed=False,
        unit=_SLOPE,
    ),
    "gradient-shap": Method(
        gradients.gradient_shap,
        "Integrated Gradients at random points, with noise",
        ("samples", "sigma", "baseline", "seed"),
        promise="baseline",
    ),
    "grad-cam": Method(
        cams.grad_cam,
        "a block's tokens weighted by the mean gradient, what speaks against included",
        ("block",),
        promise="bias",
        rival=_EVIDENCE,
    ),
    "hirescam": Method(
        cams.hirescam,
        "a block's tokens times their gradient",
        ("block",),
        promise="bias",
        rival=_EVIDENCE,
    ),
    "layer-cam": Method(
        cams.layer_cam,
        "a block's tokens times their positive gradient",
        ("block",),
        rival=_EVIDENCE,
    ),
    "occlusion": Method(
        perturbations.occlusion,
        "the score lost when a patch alone is taken away",
        ("baseline", "seed"),
    ),
    "rise": Method(
        perturbations.rise,
        "the mean probability of what soft random masks leave over",
        ("samples", "baseline", "seed"),
        signed=False,
        unit="mean probability",
    ),
    "kernel-shap": Method(
        perturbations.kernel_shap,
        "Shapley values of groups of patches, from random coalitions",
        ("samples", "baseline", "seed"),
        promise="baseline",
    ),
    "guided-backprop": Method(
        rules.guided_backprop,
        "the gradient with negative signals stopped at each ReLU",
        signed=False,
        rival=_GRADIENT,
        unit=_SLOPE,
    ),
    "deeplift": Method(
        rules.deeplift,
        "differences to the baseline's activations instead of derivatives",
        ("baseline", "seed"),
        promise="baseline",
        rival=_DIFFERENCE,
    ),
}
