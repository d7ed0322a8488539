"""One kernel: its response is the model's own, its neighbours the strongest weights."""

import numpy as np
import pytest
import torch

from convmixer_viz.analyses.kernels import kernel as analysis
from convmixer_viz.errors import ChoiceError
from convmixer_viz.pictures.prepare import PreparedPicture


def prepared(pixels, name="noise"):
    view = np.clip(128 + 40 * pixels.transpose(1, 2, 0), 0, 255).astype(np.uint8)
    h, w = pixels.shape[1:]
    return PreparedPicture(name, "0" * 64, pixels.astype(np.float32), view, (0, 0, w, h))


@pytest.fixture
def pictures(noise):
    return [prepared(pixels.numpy(), f"noise {i}") for i, pixels in enumerate(noise[:5])]


def look(model, picture, **options):
    (step,) = analysis.compute(model, [picture], analysis.Options(**options))
    assert step.done == step.total == 1
    return step.partial


@pytest.mark.parametrize("block", [1, 2, 3])
def test_the_response_is_the_convolution_before_the_activation(tiny, pictures, block):
    found = look(tiny, pictures[0], block=block, channel=4)
    tokens = tiny.module.stem(tiny.tensor(pictures[:1]))
    for layer in tiny.module.blocks[: block - 1]:
        tokens = layer(tokens)
    padded = np.pad(tokens[0, 4].numpy(), 2)
    window = np.lib.stride_tricks.sliding_window_view(padded, (5, 5))
    slow = (window * found.weights).sum((2, 3))
    assert found.response == pytest.approx(slow + found.bias, abs=1e-5)
    assert not np.allclose(found.response, look(tiny, pictures[1], block=block, channel=4).response)


def test_neighbours_are_the_strongest_pointwise_weights(tiny, pictures):
    found = look(tiny, pictures[0], block=2, channel=5, neighbours=3)
    first, second, third = tiny.module.walk()
    into, out = first.pointwise.weight[5, :, 0, 0], second.pointwise.weight[:, 5, 0, 0]
    assert found.inputs.tolist() == into.abs().argsort(descending=True)[:3].tolist()
    assert np.array_equal(found.output_weights, out[torch.from_numpy(found.outputs.copy())])
    assert np.array_equal(found.input_kernels[0], first.depthwise.weight[found.inputs[0], 0])
    assert np.array_equal(found.output_kernels[1], third.depthwise.weight[found.outputs[1], 0])


def test_the_ends_of_the_network_say_what_stands_there(tiny, pictures):
    first, last = look(tiny, pictures[0], block=1), look(tiny, pictures[0], block=3)
    assert len(first.inputs) == 0
    assert np.array_equal(first.patch_filter, tiny.module.patch_embedding.weight[0])
    assert last.patch_filter.size == 0
    assert (len(last.outputs), len(last.output_kernels)) == (8, 0)


def test_the_template_and_the_rest_are_the_kernel(tiny, pictures):
    found = look(tiny, pictures[0], block=2, channel=1)
    assert found.template + found.rest == pytest.approx(found.weights, abs=1e-6)
    assert found.power.sum() == pytest.approx(33**2 * (found.weights**2).sum(), rel=1e-5)
    assert found.rows()[0]["energy"] == pytest.approx((found.weights**2).sum())


def test_wrong_numbers_are_refused(tiny, pictures):
    for wrong in ({"block": 4}, {"block": 0}, {"channel": 12}, {"channel": -1}):
        with pytest.raises(ChoiceError):
            look(tiny, pictures[0], **wrong)
    with pytest.raises(ChoiceError):
        analysis.Options(neighbours=0)
