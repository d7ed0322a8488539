"""Every method of the table against captum's own call on the same draws."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, cast

import captum.attr
import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam
from torch import Tensor

from convmixer_viz.analyses import evidence
from convmixer_viz.analyses.attribution.maps import ask, plan
from convmixer_viz.analyses.attribution.methods import gradients, perturbations
from convmixer_viz.analyses.attribution.question import Question
from convmixer_viz.engine import runtime
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.pictures.decode import load
from convmixer_viz.pictures.prepare import PreparedPicture, prepare
from convmixer_viz.presets.table import PRESETS, Preset
from convmixer_viz.questions.attribution import METHODS, Options
from convmixer_viz.questions.evidence import Options as EvidenceOptions
from convmixer_viz.weights import checkpoint, locate
from tests.conftest import TINY, calibrated, final, loaded

RELU = replace(TINY, shape=replace(TINY.shape, activation="relu"))
CAPTUM_CALLS = {"guided-backprop", "deeplift"}  # closed forms in unit/analyses/attribution/methods
WITHOUT = {"rise"}  # captum has none: a slow truth in the same folder
SAMPLES = 40
CIFAR10 = [name for name, preset in PRESETS.items() if preset.class_set == "cifar10"]
SHIPPED = [name for name in CIFAR10 if locate.find_file(PRESETS[name])]
VIEW = np.zeros((8, 8, 3), np.uint8)
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:captum")


def score(question: Question) -> Callable[[Tensor], Tensor]:
    return lambda x: question.target.score(question.model.module(x))


def attribute(method: Any, *arguments: Any, **options: Any) -> Tensor:
    return cast(Tensor, method.attribute(*arguments, **options))


def saliency(question: Question) -> Tensor:
    return attribute(captum.attr.Saliency(score(question)), question.pixels.clone(), abs=False)


def input_x_gradient(question: Question) -> Tensor:
    return attribute(captum.attr.InputXGradient(score(question)), question.pixels.clone())


def integrated_gradients(question: Question) -> Tensor:
    call = captum.attr.IntegratedGradients(score(question))
    return attribute(call, question.pixels, n_steps=question.options.steps)


def smoothgrad(question: Question) -> Tensor:
    tunnel = captum.attr.NoiseTunnel(captum.attr.Saliency(score(question)))
    return attribute(tunnel, question.pixels.clone(), nt_samples=SAMPLES, stdevs=1.0, abs=False)


def gradient_shap(question: Question) -> Tensor:
    call = captum.attr.GradientShap(score(question))
    blank = torch.zeros_like(question.pixels)
    return attribute(call, question.pixels.clone(), blank, n_samples=SAMPLES, stdevs=1.0)


def grad_cam(question: Question) -> Tensor:
    twin = question.model.module.twin()
    block = twin.blocks[(question.options.block or len(twin.blocks)) - 1]
    call = LayerGradCam(lambda x: question.target.score(twin(x)), block)
    return attribute(call, question.pixels.clone())[:, 0]


def _layer(question: Question, combine: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """captum's activations and gradients of a layer, multiplied as the CAM's paper does."""
    twin = question.model.module.twin()
    block = twin.blocks[(question.options.block or len(twin.blocks)) - 1]
    forward = lambda x: question.target.score(twin(x))  # noqa: E731
    x = question.pixels.clone().requires_grad_()
    tokens = captum.attr.LayerActivation(forward, block).attribute(x)
    product = captum.attr.LayerGradientXActivation(forward, block).attribute(x)
    return combine(tokens, product).sum(1)


def hirescam(question: Question) -> Tensor:
    return _layer(question, lambda tokens, product: product)


def layer_cam(question: Question) -> Tensor:
    return _layer(question, lambda tokens, product: (product / tokens).clamp(min=0) * tokens)


def occlusion(question: Question) -> Tensor:
    p = question.model.preset.shape.patch_size
    call, size = captum.attr.Occlusion(score(question)), (3, p, p)
    return attribute(call, question.pixels, size, strides=size)[:, 0, ::p, ::p]


class _Regression:
    """Weighted least squares in float64 by the normal equations; sklearn's would do in float32."""

    def fit(self, batches: Iterator[tuple[Tensor, Tensor, Tensor]]) -> None:
        ((members, scores, weights),) = batches
        design = np.hstack([np.ones((len(members), 1)), members.numpy()])
        weighted = design.T * weights.numpy().ravel()
        self.values = np.linalg.solve(weighted @ design, weighted @ scores.numpy().ravel())[1:]

    def representation(self) -> Tensor:
        return torch.from_numpy(self.values)[None]


class _KernelShap(captum.attr.KernelShap):  # type: ignore[misc]
    coalitions: Tensor

    def kernel_shap_perturb_generator(self, original: Tensor, **_: object) -> Iterator[Tensor]:
        for row in self.coalitions:
            yield row[None].long()


def kernel_shap(question: Question) -> Tensor:
    p = question.model.preset.shape.patch_size
    groups = perturbations.token_groups(*question.grid)
    mask = groups.repeat_interleave(p, 0).repeat_interleave(p, 1).expand(1, 3, -1, -1)
    call = _KernelShap(score(question))
    call.interpretable_model = _Regression()
    count = int(groups.max()) + 1
    call.coalitions = perturbations.draw_coalitions(count, samples(question), question.generator())
    values = attribute(
        call,
        question.pixels,
        feature_mask=mask,
        n_samples=samples(question),
        return_input_shape=False,
    )
    return (values[0] / torch.bincount(groups.flatten()))[groups][None]


TRUTHS = {
    "saliency": saliency,
    "input-x-gradient": input_x_gradient,
    "integrated-gradients": integrated_gradients,
    "smoothgrad": smoothgrad,
    "gradient-shap": gradient_shap,
    "grad-cam": grad_cam,
    "hirescam": hirescam,
    "layer-cam": layer_cam,
    "occlusion": occlusion,
    "kernel-shap": kernel_shap,
}
DRAWN = {"smoothgrad", "gradient-shap"}


def samples(question: Question) -> int:
    assert question.options.samples is not None
    return question.options.samples


@pytest.fixture
def precise(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """captum rounds weights, similarities and scores to float32: keep it in float64."""
    monkeypatch.setattr(Tensor, "float", Tensor.double)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def same_draws(monkeypatch: pytest.MonkeyPatch) -> Callable[[Question], None]:
    """Let captum's global random numbers be ours."""

    def patch(question: Question) -> None:
        generator, noises, alphas = question.generator(), [], []
        noise = gradients._noise(question, generator)
        for _ in range(SAMPLES):
            if question.options.method == "gradient-shap":
                torch.randint(1, (), generator=generator)
                alphas.append(float(torch.rand((), generator=generator, dtype=torch.float64)))
            noises.append(noise())
        dtype = question.pixels.dtype
        monkeypatch.setattr(torch, "normal", lambda *_: torch.stack(noises).to(dtype))
        monkeypatch.setattr(np.random, "uniform", lambda *_: np.array(alphas))

    return patch


def double(preset: Preset) -> LoadedModel:
    model = loaded(preset)
    model.module.double()
    return model


def shipped(name: str) -> LoadedModel:
    preset = PRESETS[name]
    module = checkpoint.read(locate.require_file(preset)).module()
    names = locate.class_names(preset)
    return runtime.load(preset, module, class_names=names, sha256="0", device="cpu", mode="exact")


def ours(question: Question) -> Tensor:
    *_, last = plan(question).maps
    return last


def options(name: str, **choices: object) -> Options:
    count = 400 if name == "kernel-shap" else SAMPLES
    return Options(method=name, target="3", samples=count, steps=17, **choices)  # type: ignore[arg-type]


def test_every_method_has_a_truth() -> None:
    assert TRUTHS.keys() | CAPTUM_CALLS | WITHOUT == METHODS.keys()


@pytest.mark.parametrize("against", [None, "1"])
@pytest.mark.parametrize("preset", [TINY, RELU], ids=["gelu", "relu"])
@pytest.mark.parametrize("name", TRUTHS)
def test_equals_captum_in_float64(
    name: str,
    preset: Preset,
    against: str | None,
    precise: None,
    same_draws: Callable[[Question], None],
    noise: Tensor,
) -> None:
    model = double(preset)
    logits = model.module(noise[:2].double())
    assert (logits[0] - logits[1]).abs().max() > 1e-2 * logits.abs().max()
    question = ask(model, noise[:1].double(), options(name, against=against))
    values = ours(question)
    if name in DRAWN:
        same_draws(question)
    torch.testing.assert_close(
        values, TRUTHS[name](question)[0].detach(), rtol=0, atol=1e-9 * float(values.abs().max())
    )


@pytest.mark.parametrize("block", [1, 2])
@pytest.mark.parametrize("name", ["grad-cam", "hirescam", "layer-cam"])
def test_cams_of_earlier_blocks(name: str, block: int, precise: None, noise: Tensor) -> None:
    question = ask(double(TINY), noise[:1].double(), options(name, block=block))
    values = ours(question)
    torch.testing.assert_close(values, TRUTHS[name](question)[0].detach(), rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", TRUTHS)
@pytest.mark.parametrize("preset", SHIPPED)
def test_equals_captum_in_float32_on_shipped_weights(
    preset: str, name: str, same_draws: Callable[[Question], None]
) -> None:
    model = shipped(preset)
    image = prepare(load("gallery:cat"), model.preset.transform, 32)
    few = 100 if name == "kernel-shap" else SAMPLES  # one prediction each in captum
    question = ask(model, model.tensor([image]), replace(options(name), target=None, samples=few))
    values = ours(question)
    if name in DRAWN:
        same_draws(question)
    close = 1e-3 if model.preset.shape.activation == "relu" else 1e-5
    apart = (values.float() - TRUTHS[name](question)[0].detach().float()).abs().max()
    assert apart <= close * values.abs().max()


@pytest.mark.parametrize("preset", PRESETS.values(), ids=list(PRESETS))
def test_evidence_of_every_shape(preset: Preset) -> None:
    side = 8 * preset.shape.patch_size
    model = loaded(preset, calibrated(preset, side=side))
    x = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(3))
    image = PreparedPicture("noise", "0", x[0].numpy(), VIEW, (0.0, 0.0, 1.0, 1.0))
    options = EvidenceOptions(target="3", against="1")
    result = final(evidence.compute(model, [image], options))
    assert result.relative_error <= 1e-5
    twin, contrast = model.module.twin(), torch.zeros(preset.class_count)
    contrast[3], contrast[1] = 1, -1
    call = LayerGradCam(lambda x: twin(x) @ contrast, twin.blocks[-1])
    expected = call.attribute(x.clone())[0, 0].detach()
    limit = 1e-5 * np.abs(result.per_class[[1, 3]]).max()
    np.testing.assert_allclose(result.exact, expected, rtol=0, atol=limit)
    tokens = (state := list(model.module.states(x))[-1]).clone().requires_grad_()
    logits = model.module.classify(tokens)[0]
    (slope,) = torch.autograd.grad(logits[3] - logits[1], tokens)
    np.testing.assert_allclose(result.exact, (slope * state).sum(1)[0], rtol=0, atol=limit)
