"""The map of any attribution method, and a check of what the method really is on this model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convmixer_viz.analyses.attribution.question import (
    NOISES,
    Plan,
    Question,
    baselines,
    forward,
    patch_sums,
)
from convmixer_viz.analyses.target import choose_target, chosen_block
from convmixer_viz.contract import Step, resolve
from convmixer_viz.engine.memory import DOUBLE, Estimate, Workload
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.questions.attribution import METHODS, AttributionMap, Options

FUNCTIONS = "analyses.attribution.methods"  # where the table's functions are


def compute(
    model: LoadedModel, images: Sequence[PreparedPicture], options: Options
) -> Iterator[Step[AttributionMap]]:
    """One step for the question, one a chunk of the method, one for the audit."""
    question = ask(model, model.tensor(images), options)
    work = plan(question)
    total = work.total + 2
    yield Step(1, total)
    for done, values in enumerate(work.maps, 2):
        partial = _result(question, images[0], values)
        yield Step(done, total, partial)
    yield Step(total, total, _audited(question, partial, values))


def estimate(work: Workload) -> int:
    """The question's tokens, and the method."""
    options = work.options
    return work.prepared + work.state + COSTS[METHODS[options.method].function](work)


def _gradient(work: Workload) -> int:
    """A call back to the pixels; points and factors in float64, a few baselines."""
    blanks = NOISES if work.options.baseline == "noise" else 1
    return work.backward(work.shape.depth) + (3 * work.batch_size + 2 * blanks + 3) * work.pixels(
        1, DOUBLE
    )


def _cam(work: Workload) -> int:
    """Tokens and slope in float64 and two more; back to the block where it isn't the last."""
    options, depth = work.options, work.shape.depth
    doubles = work.scattered(3 * DOUBLE * work.numbers, DOUBLE * work.numbers)
    if options.block in (None, depth):
        return int(max(doubles, work.forward()))
    return int(max(doubles + 2 * work.state, work.backward(depth - options.block)))


def _masked(work: Workload) -> int:
    """The stem's tokens of picture and baselines, and a call of mixtures."""
    blanks = NOISES if work.options.baseline == "noise" else 1
    samples = (work.options.samples or 1000) * 64 * 4 * DOUBLE
    return (1 + blanks) * work.state + work.call + work.forward() + samples


def _masks(work: Workload) -> int:
    blanks = NOISES if work.options.baseline == "noise" else 1
    return work.forward() + 2 * (1 + blanks) * work.pixels(work.batch_size)


def _paired(work: Workload) -> int:
    """Picture and baseline as one call."""
    return work.backward(work.shape.depth, rows=2) + 6 * work.pixels(1, DOUBLE)


COSTS: dict[str, Estimate] = {
    "gradients.saliency": _gradient,
    "gradients.input_x_gradient": _gradient,
    "gradients.integrated_gradients": _gradient,
    "gradients.smoothgrad": _gradient,
    "gradients.gradient_shap": _gradient,
    "cams.grad_cam": _cam,
    "cams.hirescam": _cam,
    "cams.layer_cam": _cam,
    "perturbations.occlusion": _masked,
    "perturbations.kernel_shap": _masked,
    "perturbations.rise": _masks,
    "rules.guided_backprop": _gradient,
    "rules.deeplift": _paired,
}


def ask(model: LoadedModel, pixels: Tensor, options: Options) -> Question:
    """The question about one placed picture (1, 3, h, w)."""
    tokens, logits = forward(model, pixels)
    target = choose_target(model, logits, options.target, options.against)
    return Question(model, pixels, tokens, logits, target, options)


def plan(question: Question) -> Plan:
    """The method's work."""
    function = METHODS[question.options.method].function
    work: Plan = resolve(f"{FUNCTIONS}.{function}")(question)
    return work


def tokens_of(question: Question, values: Tensor) -> Tensor:
    """A method's map by token, (H, W) float64: sums over the patch; of sizes where unsigned."""
    if values.ndim == 2:
        return values
    values = values if METHODS[question.options.method].signed else values.abs()
    return patch_sums(values, question.model.preset.shape.patch_size)


def _result(question: Question, image: PreparedPicture, values: Tensor) -> AttributionMap:
    target, tokens = question.target, tokens_of(question, values)
    image = image.cropped_to_patches(question.model.preset.shape.patch_size)
    return AttributionMap(
        picture=image.name,
        method=question.options.method,
        pixels=_array(values) if values.ndim == 3 else None,
        tokens=_array(tokens),
        signed=METHODS[question.options.method].signed,
        target=target.index,
        against=target.against,
        target_name=target.name(question.model.class_names),
        score=float(target.score(question.logits)),
        probability=float(target.probability(question.logits)),
        total=float(values.sum()),
        view=image.view,
        box=image.box,
    )


def _audited(question: Question, result: AttributionMap, values: Tensor) -> AttributionMap:
    expected = _expected(question, result.score)
    valid, validity, identical = _validity(question, values)
    error = None if expected is None else abs(result.total - expected)
    return replace(
        result,
        expected=expected,
        completeness=None if error is None else error / max(abs(expected or 0.0), 1e-12),
        valid=valid,
        validity=validity,
        identical_to=identical,
    )


def _expected(question: Question, score: float) -> float | None:
    """What the map should sum to: the score less the baselines' mean score, or less the bias."""
    promise = METHODS[question.options.method].promise
    if promise == "baseline":
        logits = question.model.logits(baselines(question)).double()
        return score - float(question.target.score(logits).mean())
    module = question.model.module
    block = chosen_block(question.model, question.options.block)
    if promise == "bias" and block == len(module.blocks):
        return score - float(question.target.score(module.head.bias.double()))
    return None


def _validity(question: Question, values: Tensor) -> tuple[bool, str, str | None]:
    """Measure the map against the simpler one that it may be: valid, the reason, its name."""
    simpler = METHODS[question.options.method].simpler
    if simpler is None:
        return True, "nothing in it depends on the kind of activation", None
    simple: Tensor = resolve(f"{FUNCTIONS}.{simpler.function}")(question)
    apart = float((values - simple.to(values.device)).abs().max() / simple.abs().max())
    same = apart <= (0.1 if question.model.dtype is torch.bfloat16 else 1e-4)
    relation = "is" if same else "differs from"
    reason = f"here it {relation} {simpler.name} (largest difference {apart:.1e} of the maximum)"
    if same and simpler.misleads:
        reason += ": the activations of this preset give its rule nothing to change"
    return not (same and simpler.misleads), reason, simpler.name if same else None


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.float().cpu().numpy()
