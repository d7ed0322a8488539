"""The own weight gradient against torch's, and the model around it unchanged."""

from __future__ import annotations

import copy

import pytest
import torch
from torch.nn import functional as F

from convmixer_viz.model.convmixer import ConvMixer, initialise
from convmixer_viz.presets.table import Shape
from convmixer_viz.training import layers


@pytest.fixture(autouse=True)
def no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "_compiled", lambda function: function)


@pytest.mark.parametrize("k", [3, 5, 9])
def test_gradients_equal_torchs(k: int) -> None:
    draw = torch.Generator().manual_seed(k)
    x = torch.randn(2, 3, 6, 5, generator=draw, dtype=torch.float64)  # smaller than the kernel
    layer = layers.Depthwise(3, 3, k, groups=3, dtype=torch.float64)
    upstream = torch.randn(2, 3, 6, 5, generator=draw, dtype=torch.float64)
    assert layer.bias is not None
    inputs = (x.requires_grad_(), layer.weight, layer.bias)
    truth = F.conv2d(x, layer.weight, layer.bias, padding=k // 2, groups=3)
    torch.testing.assert_close(layer(x), truth)
    expected = torch.autograd.grad(truth, inputs, upstream)
    for ours, theirs in zip(torch.autograd.grad(layer(x), inputs, upstream), expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=2e-6, rtol=2e-6)  # accumulated in float32


def test_bfloat16_gradient_is_accumulated_in_float32() -> None:
    padded, gradient = torch.ones(1, 34, 34, 1), torch.full((1, 32, 32, 1), 1.0)
    sums = layers.shifted_products(padded.bfloat16(), gradient.bfloat16(), 3)
    assert sums.dtype is torch.float32
    assert torch.equal(sums, torch.full((9, 1), 1024.0))


def test_replaced_model_is_the_same_model() -> None:
    model = ConvMixer(Shape(6, 2, 5, 2), 3)
    initialise(model, 0)
    other = layers.replace(copy.deepcopy(model))
    assert list(other.state_dict()) == list(model.state_dict())
    assert all(isinstance(b.depthwise, layers.Depthwise) for b in other.walk())
    x = torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    for module in (model, other):
        module(x).square().sum().backward()
    for (name, ours), theirs in zip(other.named_parameters(), model.parameters(), strict=True):
        assert ours.grad is not None and theirs.grad is not None
        scale = theirs.grad.abs().max().item()
        torch.testing.assert_close(
            ours.grad, theirs.grad, atol=1e-5 * scale + 1e-6, rtol=1e-4, msg=name
        )


def test_gelu_and_its_slope_to_five_in_ten_million() -> None:
    x = torch.linspace(-40, 40, 200_001)
    exact = x.double().requires_grad_()
    value = F.gelu(exact)
    (slope,) = torch.autograd.grad(value.sum(), exact)
    for ours, theirs in zip(layers.gelu_and_slope(x), (value, slope), strict=True):
        assert (ours - theirs).abs().max() < 1e-6


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_shared_norm_alone_is_batch_norm(dtype: torch.dtype) -> None:
    draw = torch.Generator().manual_seed(3)
    x = (3 + torch.randn(6, 4, 5, 5, generator=draw)).to(dtype)
    upstream = torch.randn(6, 4, 5, 5, generator=draw).to(dtype)
    theirs = torch.nn.BatchNorm2d(4)
    torch.nn.init.normal_(theirs.weight, generator=draw)
    ours = layers.SharedNorm(4)
    ours.load_state_dict(theirs.state_dict())
    results = []
    for norm in (ours, theirs):
        leaf = x.clone().requires_grad_()
        y = norm(leaf)
        results.append([y, *torch.autograd.grad(y, [leaf, norm.weight, norm.bias], upstream)])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other)
    for name, tensor in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], tensor, msg=name)
    assert torch.equal(ours.eval()(x), theirs.eval()(x))


def test_shared_norms_keep_names_and_values() -> None:
    model = ConvMixer(Shape(8, 2, 3, 4), 2)
    initialise(model, 0, norms="drawn")
    before = copy.deepcopy(model.state_dict())
    after = layers.share_norms(model).state_dict()
    assert list(before) == list(after) and all(map(torch.equal, before.values(), after.values()))
    assert sum(isinstance(m, layers.SharedNorm) for m in model.modules()) == 5
