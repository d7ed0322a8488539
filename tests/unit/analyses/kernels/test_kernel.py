"""One kernel: its response is the model's own, its neighbours the strongest weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.errors import ChoiceError
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.questions.kernel import Options
from tests.unit.analyses.kernels.pictures import measure_kernel


@pytest.mark.parametrize("block", [1, 2, 3])
def test_the_response_is_the_convolution_before_the_activation(
    tiny: LoadedModel, pictures: list[PreparedPicture], block: int
) -> None:
    kernel = measure_kernel(tiny, pictures[0], block=block, channel=4)
    tokens = tiny.module.stem(tiny.tensor(pictures[:1]))
    for layer in tiny.module.blocks[: block - 1]:
        tokens = layer(tokens)
    padded = np.pad(tokens[0, 4].numpy(), 2)
    window = np.lib.stride_tricks.sliding_window_view(padded, (5, 5))
    slow = (window * kernel.weights).sum((2, 3))
    assert kernel.response == pytest.approx(slow + kernel.bias, abs=1e-5)
    assert not np.allclose(
        kernel.response, measure_kernel(tiny, pictures[1], block=block, channel=4).response
    )


def test_neighbours_are_the_strongest_pointwise_weights(
    tiny: LoadedModel, pictures: list[PreparedPicture]
) -> None:
    kernel = measure_kernel(tiny, pictures[0], block=2, channel=5, neighbours=3)
    first, second, third = tiny.module.walk()
    into, out = first.pointwise.weight[5, :, 0, 0], second.pointwise.weight[:, 5, 0, 0]
    assert kernel.inputs.tolist() == into.abs().argsort(descending=True)[:3].tolist()
    assert np.array_equal(kernel.output_weights, out[torch.from_numpy(kernel.outputs.copy())])
    assert np.array_equal(kernel.input_kernels[0], first.depthwise.weight[kernel.inputs[0], 0])
    assert np.array_equal(kernel.output_kernels[1], third.depthwise.weight[kernel.outputs[1], 0])


def test_the_ends_of_the_network_say_what_stands_there(
    tiny: LoadedModel, pictures: list[PreparedPicture]
) -> None:
    first, last = (
        measure_kernel(tiny, pictures[0], block=1),
        measure_kernel(tiny, pictures[0], block=3),
    )
    assert len(first.inputs) == 0
    assert np.array_equal(first.patch_filter, tiny.module.patch_embedding.weight[0])
    assert last.patch_filter.size == 0
    assert (len(last.outputs), len(last.output_kernels)) == (8, 0)


def test_the_template_and_the_rest_are_the_kernel(
    tiny: LoadedModel, pictures: list[PreparedPicture]
) -> None:
    kernel = measure_kernel(tiny, pictures[0], block=2, channel=1)
    assert kernel.template + kernel.rest == pytest.approx(kernel.weights, abs=1e-6)
    assert kernel.power.sum() == pytest.approx(33**2 * (kernel.weights**2).sum(), rel=1e-5)
    assert kernel.rows()[0]["energy"] == pytest.approx((kernel.weights**2).sum())


def test_wrong_numbers_are_refused() -> None:
    with pytest.raises(ChoiceError):
        Options(neighbours=0)
