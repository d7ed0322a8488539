"""Attribution methods on networks whose answer is known, and what the audit says of them."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from convmixer_viz.analyses.attribution.maps import compute, plan
from convmixer_viz.analyses.attribution.methods import rules
from convmixer_viz.analyses.attribution.question import NOISES, baselines, blur, patch_sums
from convmixer_viz.engine import runtime
from convmixer_viz.errors import ChoiceError
from convmixer_viz.pictures.decode import load
from convmixer_viz.pictures.prepare import prepare
from convmixer_viz.questions.attribution import METHODS, Options
from convmixer_viz.workbench import Workbench
from tests.conftest import TINY, calibrated, loaded
from tests.unit.analyses.questions import RELU, linear, picture, question, run, weight

SHORT = {"target": "3", "steps": 5, "samples": 12}
RANDOM = ["smoothgrad", "gradient-shap", "rise", "kernel-shap"]


def attribution(model, name, **choices):
    steps = list(compute(model, [picture()], Options(method=name, **{**SHORT, **choices})))
    assert [step.done for step in steps] == list(range(1, steps[0].total + 1))
    return steps[-1].partial


def assert_close(found, expected):
    expected = torch.as_tensor(expected).double()
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-4 * float(expected.abs().max()))


@pytest.fixture(scope="module")
def line():
    model = linear()
    return model, weight(model, 3)


@pytest.mark.parametrize("name", ["saliency", "smoothgrad", "guided-backprop"])
def test_sensitivities_of_a_linear_network_are_its_weights(line, name):
    model, expected = line
    assert_close(run(question(model, name, samples=3)), expected)


@pytest.mark.parametrize("baseline", ["mean", "black", "blur", "noise"])
@pytest.mark.parametrize("name", ["integrated-gradients", "deeplift"])
def test_contributions_of_a_linear_network(line, name, baseline):
    model, weights = line
    asked = question(model, name, baseline=baseline, steps=2)
    way = (asked.pixels - baselines(asked)).double().mean(0)
    assert_close(run(asked), weights * way)


def test_input_x_gradient_of_a_linear_network(line):
    asked = question(line[0], "input-x-gradient")
    assert_close(run(asked), line[1] * asked.pixels[0])


def test_gradient_shap_of_a_linear_network_without_noise(line):
    asked = question(line[0], "gradient-shap", sigma=0.0, samples=7)
    assert_close(run(asked), line[1] * asked.pixels[0])


@pytest.mark.parametrize("name", ["occlusion", "kernel-shap"])
@pytest.mark.parametrize("baseline", ["mean", "blur", "noise"])
def test_removal_in_a_linear_network_is_the_patch_sum(line, name, baseline):
    model, weights = line
    asked = question(model, name, baseline=baseline, samples=200)
    difference = (asked.pixels - baselines(asked)).mean(0)
    assert_close(run(asked), patch_sums(weights * difference, 2))


class GuidedReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, slope):
        (x,) = ctx.saved_tensors
        return slope.clamp(min=0) * (x > 0)


class RescaleReLU(torch.autograd.Function):
    """Rows are the picture and the baseline; the multiplier is Δy/Δx."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, slope):
        (x,) = ctx.saved_tensors
        rise, run = x[0].clamp(min=0) - x[1].clamp(min=0), x[0] - x[1]
        return slope * torch.where(run.abs() < 1e-10, (x[0] > 0).float(), rise / run)


def walk(model, x, relu):
    """The ReLU network by hand, with another backward rule."""
    for act, norm, conv, skip in layers(model.module):
        y = norm(act(conv(x)) if relu is None else relu(conv(x)))
        x = y + x if skip else y
    return model.module.head(x.mean((2, 3)))


def layers(module):
    yield module.stem[1], module.stem[2], module.stem[0], False
    for block in module.walk():
        act, norm = block.spatial.fn[1], block.depthwise_norm
        yield act, norm, block.depthwise, True
        yield block[2], block.pointwise_norm, block.pointwise, False


def test_guided_backprop_by_hand():
    asked = question(loaded(RELU), "guided-backprop")
    x = asked.pixels.clone().requires_grad_()
    score = walk(asked.model, x, GuidedReLU.apply)[0, 3]
    assert_close(run(asked), torch.autograd.grad(score, x)[0][0])


def test_deeplift_by_hand():
    asked = question(loaded(RELU), "deeplift", baseline="black")
    pair = torch.cat([asked.pixels, baselines(asked)]).requires_grad_()
    score = walk(asked.model, pair, RescaleReLU.apply)[:, 3].sum()
    multipliers = torch.autograd.grad(score, pair)[0][0]
    assert_close(run(asked), multipliers * (pair[0] - pair[1]).detach())


@pytest.mark.parametrize("against", [None, "1"])
@pytest.mark.parametrize("name", ["deeplift", "kernel-shap", "hirescam", "grad-cam"])
def test_what_promises_a_sum_keeps_it(name, against):
    found = attribution(loaded(RELU), name, against=against, samples=200)
    assert found.completeness < 2e-4
    assert found.tokens.sum() == pytest.approx(found.expected, rel=1e-3)


def test_integrated_gradients_converge(tiny):
    errors = [attribution(tiny, "integrated-gradients", steps=n).completeness for n in (4, 64)]
    assert errors[1] < 1e-3 < errors[0]


def test_relus_jumping_gradient_gets_twice_the_steps():
    plans = [plan(question(loaded(preset), "integrated-gradients",
             steps=None)) for preset in (TINY, RELU)]  # fmt: skip
    assert [plan.total * runtime.CPU_BATCH for plan in plans] == [200, 400]


def test_without_a_promise_there_is_no_completeness(tiny):
    assert attribution(tiny, "saliency").completeness is None
    assert attribution(tiny, "grad-cam", block=1).completeness is None


@pytest.mark.parametrize(("name", "rival"), [
    ("guided-backprop", "the plain gradient"), ("deeplift", "gradient × (input − baseline)"),
])  # fmt: skip
def test_relu_rules_are_measured(name, rival):
    gelu, relu = attribution(loaded(TINY), name), attribution(loaded(RELU), name)
    assert (gelu.valid, gelu.identical_to) == (False, rival)
    assert (relu.valid, relu.identical_to) == (True, None)
    assert rival in gelu.validity and rival in relu.validity


@pytest.mark.parametrize("name", ["guided-backprop", "deeplift"])
def test_fast_mode_measures_the_same(name):
    found = [attribution(loaded(preset, mode="fast"), name).valid for preset in (TINY, RELU)]
    assert found == [False, True]


def test_cams_are_measured_against_the_evidence(tiny):
    assert attribution(tiny, "grad-cam").identical_to == "the exact evidence"
    assert attribution(tiny, "grad-cam", block=1).identical_to is None
    assert attribution(tiny, "layer-cam").identical_to is None


def test_tokens_are_sums_over_the_patch(tiny):
    unsigned, signed = attribution(tiny, "saliency"), attribution(tiny, "input-x-gradient")
    for found, pixels in ((unsigned, np.abs(unsigned.pixels)), (signed, signed.pixels)):
        sums = pixels.reshape(3, 8, 2, 8, 2).sum((0, 2, 4))
        np.testing.assert_allclose(found.tokens, sums, rtol=1e-4, atol=1e-6)
    assert not unsigned.signed and signed.signed
    assert (unsigned.pixels < 0).any()


@pytest.mark.parametrize("name", METHODS)
def test_the_same_request_gives_the_same_bits(tiny, name):
    before = {key: value.clone() for key, value in tiny.module.state_dict().items()}
    first, again = attribution(tiny, name), attribution(tiny, name)
    np.testing.assert_array_equal(first.tokens, again.tokens)
    assert np.isfinite(first.tokens).all() and first.tokens.any()
    assert (first.pixels is None) == (first.method not in PIXELS)
    assert torch.is_grad_enabled()
    for key, value in tiny.module.state_dict().items():
        torch.testing.assert_close(value, before[key], rtol=0, atol=0)
    assert not any(m._forward_hooks or m._backward_hooks for m in tiny.module.modules())


PIXELS = {name for name in METHODS if name.split("-")[-1] not in ("cam", "hirescam")} - {
    "hirescam", "occlusion", "rise", "kernel-shap"
}  # fmt: skip


@pytest.mark.parametrize("name", RANDOM)
def test_the_seed_decides(tiny, name):
    first, other = attribution(tiny, name), attribution(tiny, name, seed=1)
    assert not np.array_equal(first.tokens, other.tokens)


@pytest.mark.parametrize("name", ["integrated-gradients", "smoothgrad", "occlusion", "rise"])
def test_chunks_change_nothing_but_the_number_of_steps(tiny, name, monkeypatch):
    whole, few = attribution(tiny, name), len(list(chunks(tiny, name)))
    monkeypatch.setattr(type(tiny), "batch_size", lambda *_: 3)
    assert len(list(chunks(tiny, name))) > few
    parted = attribution(tiny, name)
    np.testing.assert_allclose(parted.tokens, whole.tokens, rtol=1e-4, atol=1e-6)


def chunks(model, name):
    return compute(model, [picture()], Options(method=name, **SHORT))


def test_a_closed_generator_leaves_the_model_alone(tiny):
    begun = chunks(tiny, "smoothgrad")
    list(itertools.islice(begun, 2))
    begun.close()
    np.testing.assert_array_equal(
        attribution(tiny, "saliency").pixels, attribution(tiny, "saliency").pixels
    )
    assert torch.is_grad_enabled()


def test_two_callers_with_different_methods_get_the_serial_bits():
    names = ("integrated-gradients", "guided-backprop", "deeplift", "grad-cam", "smoothgrad")
    bench = Workbench("cpu")
    said = {"activation": "relu", "residual": True, "preprocess": "cifar10-256-8"}
    bench.add("tiny", calibrated(RELU).state_dict(), **said)
    asked = {"preset": "tiny", "target": "3", "steps": 24, "samples": 24}

    def together(name):
        return bench.run("attribution", ["gallery:cat"], method=name, block=1, **asked)

    with ThreadPoolExecutor(len(names)) as callers:
        found = list(callers.map(together, names))
    bench.close()
    model = loaded(RELU, calibrated(RELU))
    image = prepare(load("gallery:cat"), model.preset.transform, 32)
    for name, result in zip(names, found, strict=True):
        options = Options(method=name, target="3", steps=24, samples=24, block=1)
        with runtime.chunk("serial"):
            *_, last = compute(model, [image], options)
        np.testing.assert_array_equal(result.tokens, last.partial.tokens)


def test_baselines_are_what_they_say(tiny):
    black = baselines(question(tiny, "occlusion", baseline="black"))
    np.testing.assert_allclose(black[0, 0], -0.4914 / 0.2471, rtol=1e-5)
    assert not baselines(question(tiny, "occlusion", baseline="mean")).any()
    assert len(baselines(question(tiny, "occlusion", baseline="noise"))) == NOISES


def test_blur_of_a_point_is_a_gaussian():
    point = torch.zeros(1, 1, 33, 33, dtype=torch.float64)
    point[..., 16, 16] = 1
    row = blur(point, 2.0)[0, 0, 16]
    expected = torch.exp(-((torch.arange(33) - 16.0) ** 2) / 8)
    shares = [part[10:23] / part.sum() for part in (row, expected.double())]
    torch.testing.assert_close(*shares, rtol=1e-2, atol=1e-6)
    torch.testing.assert_close(blur(torch.ones(1, 3, 9, 9), 5.0), torch.ones(1, 3, 9, 9))


def test_plain_gradient_is_saliency(tiny):
    assert_close(rules.plain_gradient(question(tiny, "saliency")), run(question(tiny, "saliency")))


@pytest.mark.parametrize("wrong", [
    {"method": "magic"}, {"steps": 0}, {"samples": 2}, {"sigma": 2.0}, {"sigma": -0.1},
])  # fmt: skip
def test_wrong_options_are_refused(wrong):
    with pytest.raises(ChoiceError):
        Options(**wrong)


@pytest.mark.parametrize("block", [-1, 4])
def test_a_block_that_is_not_there_is_refused(tiny, block):
    with pytest.raises(ChoiceError, match="has no block"):
        attribution(tiny, "grad-cam", block=block)
