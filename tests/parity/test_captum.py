"""Every method of the table against captum's own call on the same draws."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import captum.attr
import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam
from torch import Tensor

from convmixer_viz import checkpoints, runtime, weights
from convmixer_viz.analyses import evidence, gradients, perturbations
from convmixer_viz.analyses.attribution import Options, ask
from convmixer_viz.analyses.methods import METHODS
from convmixer_viz.analyses.scene import Scene
from convmixer_viz.images import load
from convmixer_viz.preprocessing import PreparedImage, prepare
from convmixer_viz.presets import PRESETS, Preset
from convmixer_viz.runtime import LoadedModel
from tests.conftest import TINY, calibrated, loaded

RELU = replace(TINY, shape=replace(TINY.shape, activation="relu"))
CAPTUM_CALLS = {"guided-backprop", "deeplift"}  # closed forms in unit/analyses/test_attribution.py
WITHOUT = {"rise"}  # captum has none: a slow truth in unit/analyses/test_perturbations.py
SAMPLES = 40
SHIPPED = [name for name, preset in PRESETS.items()
           if preset.class_set == "cifar10" and weights.locate(preset)]  # fmt: skip
VIEW = np.zeros((8, 8, 3), np.uint8)
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:captum")


def score(scene: Scene) -> Callable[[Tensor], Tensor]:
    return lambda x: scene.target.score(scene.model.module(x))


def saliency(scene: Scene) -> Tensor:
    return captum.attr.Saliency(score(scene)).attribute(scene.pixels.clone(), abs=False)


def input_x_gradient(scene: Scene) -> Tensor:
    return captum.attr.InputXGradient(score(scene)).attribute(scene.pixels.clone())


def integrated_gradients(scene: Scene) -> Tensor:
    call = captum.attr.IntegratedGradients(score(scene))
    return call.attribute(scene.pixels, n_steps=scene.options.steps)


def smoothgrad(scene: Scene) -> Tensor:
    tunnel = captum.attr.NoiseTunnel(captum.attr.Saliency(score(scene)))
    return tunnel.attribute(scene.pixels.clone(), nt_samples=SAMPLES, stdevs=1.0, abs=False)


def gradient_shap(scene: Scene) -> Tensor:
    call = captum.attr.GradientShap(score(scene))
    blank = torch.zeros_like(scene.pixels)
    return call.attribute(scene.pixels.clone(), blank, n_samples=SAMPLES, stdevs=1.0)


def grad_cam(scene: Scene) -> Tensor:
    twin = scene.model.module.twin()
    block = twin.blocks[(scene.options.block or len(twin.blocks)) - 1]
    call = LayerGradCam(lambda x: scene.target.score(twin(x)), block)
    return call.attribute(scene.pixels.clone())[:, 0]


def _layer(scene: Scene, combine: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """captum's activations and gradients of a layer, multiplied as the CAM's paper does."""
    twin = scene.model.module.twin()
    block = twin.blocks[(scene.options.block or len(twin.blocks)) - 1]
    forward = lambda x: scene.target.score(twin(x))  # noqa: E731
    x = scene.pixels.clone().requires_grad_()
    tokens = captum.attr.LayerActivation(forward, block).attribute(x)
    product = captum.attr.LayerGradientXActivation(forward, block).attribute(x)
    return combine(tokens, product).sum(1)


def hirescam(scene: Scene) -> Tensor:
    return _layer(scene, lambda tokens, product: product)


def layer_cam(scene: Scene) -> Tensor:
    return _layer(scene, lambda tokens, product: (product / tokens).clamp(min=0) * tokens)


def occlusion(scene: Scene) -> Tensor:
    p = scene.model.preset.shape.patch_size
    call, size = captum.attr.Occlusion(score(scene)), (3, p, p)
    return call.attribute(scene.pixels, size, strides=size)[:, 0, ::p, ::p]


class _Regression:
    """Weighted least squares in float64 by the normal equations; sklearn's would do in float32."""

    def fit(self, batches: Iterator[tuple[Tensor, Tensor, Tensor]]) -> None:
        ((members, scores, weights),) = batches
        design = np.hstack([np.ones((len(members), 1)), members.numpy()])
        weighted = design.T * weights.numpy().ravel()
        self.values = np.linalg.solve(weighted @ design, weighted @ scores.numpy().ravel())[1:]

    def representation(self) -> Tensor:
        return torch.from_numpy(self.values)[None]


class _KernelShap(captum.attr.KernelShap):
    coalitions: Tensor

    def kernel_shap_perturb_generator(self, original: Tensor, **_: object) -> Iterator[Tensor]:
        for row in self.coalitions:
            yield row[None].long()


def kernel_shap(scene: Scene) -> Tensor:
    p = scene.model.preset.shape.patch_size
    groups = perturbations.token_groups(*scene.grid)
    mask = groups.repeat_interleave(p, 0).repeat_interleave(p, 1).expand(1, 3, -1, -1)
    call = _KernelShap(score(scene))
    call.interpretable_model = _Regression()
    count = int(groups.max()) + 1
    call.coalitions = perturbations.draw_coalitions(count, samples(scene), scene.generator())
    found = call.attribute(
        scene.pixels, feature_mask=mask, n_samples=samples(scene), return_input_shape=False
    )
    return (found[0] / torch.bincount(groups.flatten()))[groups][None]


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


def samples(scene: Scene) -> int:
    assert scene.options.samples is not None
    return scene.options.samples


@pytest.fixture
def precise(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """captum rounds weights, similarities and scores to float32: keep it in float64."""
    monkeypatch.setattr(Tensor, "float", Tensor.double)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def same_draws(monkeypatch: pytest.MonkeyPatch) -> Callable[[Scene], None]:
    """Let captum's global random numbers be ours."""

    def patch(scene: Scene) -> None:
        generator, noises, alphas = scene.generator(), [], []
        noise = gradients._noise(scene, generator)
        for _ in range(SAMPLES):
            if scene.options.method == "gradient-shap":
                torch.randint(1, (), generator=generator)
                alphas.append(float(torch.rand((), generator=generator, dtype=torch.float64)))
            noises.append(noise())
        dtype = scene.pixels.dtype
        monkeypatch.setattr(torch, "normal", lambda *_: torch.stack(noises).to(dtype))
        monkeypatch.setattr(np.random, "uniform", lambda *_: np.array(alphas))

    return patch


def double(preset: Preset) -> LoadedModel:
    model = loaded(preset)
    model.module.double()
    return model


def shipped(name: str) -> LoadedModel:
    preset = PRESETS[name]
    module = checkpoints.read(weights.path(preset)).module()
    names = weights.class_names(preset)
    return runtime.load(preset, module, class_names=names, sha256="0", device="cpu", mode="exact")


def ours(scene: Scene) -> Tensor:
    *_, last = METHODS[scene.options.method].plan(scene).maps
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
    same_draws: Callable[[Scene], None],
    noise: Tensor,
) -> None:
    model = double(preset)
    logits = model.module(noise[:2].double())
    assert (logits[0] - logits[1]).abs().max() > 1e-2 * logits.abs().max()
    scene = ask(model, noise[:1].double(), options(name, against=against))
    found = ours(scene)
    if name in DRAWN:
        same_draws(scene)
    torch.testing.assert_close(
        found, TRUTHS[name](scene)[0].detach(), rtol=0, atol=1e-9 * float(found.abs().max())
    )


@pytest.mark.parametrize("block", [1, 2])
@pytest.mark.parametrize("name", ["grad-cam", "hirescam", "layer-cam"])
def test_cams_of_earlier_blocks(name: str, block: int, precise: None, noise: Tensor) -> None:
    scene = ask(double(TINY), noise[:1].double(), options(name, block=block))
    found = ours(scene)
    torch.testing.assert_close(found, TRUTHS[name](scene)[0].detach(), rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", TRUTHS)
@pytest.mark.parametrize("preset", SHIPPED)
def test_equals_captum_in_float32_on_shipped_weights(
    preset: str, name: str, same_draws: Callable[[Scene], None]
) -> None:
    model = shipped(preset)
    image = prepare(load("gallery:cat"), model.preset.transform, 32)
    few = 100 if name == "kernel-shap" else SAMPLES  # one prediction each in captum
    scene = ask(model, model.tensor([image]), replace(options(name), target=None, samples=few))
    found = ours(scene)
    if name in DRAWN:
        same_draws(scene)
    close = 1e-3 if model.preset.shape.activation == "relu" else 1e-5
    apart = (found.float() - TRUTHS[name](scene)[0].detach().float()).abs().max()
    assert apart <= close * found.abs().max()


@pytest.mark.parametrize("preset", PRESETS.values(), ids=list(PRESETS))
def test_evidence_of_every_shape(preset: Preset) -> None:
    side = 8 * preset.shape.patch_size
    model = loaded(preset, calibrated(preset, side=side))
    x = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(3))
    image = PreparedImage("noise", "0", x[0].numpy(), VIEW, (0.0, 0.0, 1.0, 1.0))
    *_, last = evidence.compute(model, [image], evidence.Options(target="3", against="1"))
    result = last.partial
    assert result is not None
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
