"""Any method's map: its sum, its tokens, the same bits alone and in company."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, cast

import numpy as np
import pytest
import torch

from convmixer_viz.analyses.attribution.maps import compute
from convmixer_viz.catalog import ATTRIBUTION
from convmixer_viz.contract import Step
from convmixer_viz.engine import runtime
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.errors import ChoiceError
from convmixer_viz.pictures.decode import load
from convmixer_viz.pictures.prepare import prepare
from convmixer_viz.questions.attribution import METHODS, AttributionMap, Options
from convmixer_viz.workbench import Workbench
from tests.conftest import calibrated, final, loaded
from tests.unit.analyses.questions import (
    RELU,
    SHORT,
    attribution,
    picture,
)

RANDOM = ["smoothgrad", "gradient-shap", "rise", "kernel-shap"]


@pytest.mark.parametrize("against", [None, "1"])
@pytest.mark.parametrize("name", ["deeplift", "kernel-shap", "hirescam", "grad-cam"])
def test_what_promises_a_sum_keeps_it(name: str, against: str | None) -> None:
    result = attribution(loaded(RELU), name, against=against, samples=100)
    assert result.completeness is not None and result.completeness < 2e-4
    assert result.tokens.sum() == pytest.approx(result.expected, rel=1e-3)


def test_without_a_promise_there_is_no_completeness(tiny: LoadedModel) -> None:
    assert attribution(tiny, "saliency").completeness is None
    assert attribution(tiny, "grad-cam", block=1).completeness is None


def test_tokens_are_sums_over_the_patch(tiny: LoadedModel) -> None:
    unsigned, signed = attribution(tiny, "saliency"), attribution(tiny, "input-x-gradient")
    assert unsigned.pixels is not None and signed.pixels is not None
    for result, pixels in ((unsigned, np.abs(unsigned.pixels)), (signed, signed.pixels)):
        sums = pixels.reshape(3, 8, 2, 8, 2).sum((0, 2, 4))
        np.testing.assert_allclose(result.tokens, sums, rtol=1e-4, atol=1e-6)
    assert not unsigned.signed and signed.signed
    assert (unsigned.pixels < 0).any()


IN_TOKENS = {"grad-cam", "hirescam", "layer-cam", "occlusion", "rise", "kernel-shap"}


@pytest.mark.parametrize("name", METHODS)
def test_the_same_request_gives_the_same_bits(tiny: LoadedModel, name: str) -> None:
    before = {key: value.clone() for key, value in tiny.module.state_dict().items()}
    first, again = attribution(tiny, name), attribution(tiny, name)
    np.testing.assert_array_equal(first.tokens, again.tokens)
    assert np.isfinite(first.tokens).all() and first.tokens.any()
    assert (first.pixels is None) == (first.method in IN_TOKENS)
    assert torch.is_grad_enabled()
    for key, value in tiny.module.state_dict().items():
        torch.testing.assert_close(value, before[key], rtol=0, atol=0)
    assert not any(m._forward_hooks or m._backward_hooks for m in tiny.module.modules())


@pytest.mark.parametrize("name", RANDOM)
def test_the_seed_decides(tiny: LoadedModel, name: str) -> None:
    first, other = attribution(tiny, name), attribution(tiny, name, seed=1)
    assert not np.array_equal(first.tokens, other.tokens)


@pytest.mark.parametrize("name", ["integrated-gradients", "smoothgrad", "occlusion", "rise"])
def test_chunks_change_nothing_but_the_number_of_steps(
    tiny: LoadedModel, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, few = attribution(tiny, name), len(list(chunks(tiny, name)))
    monkeypatch.setattr(type(tiny), "batch_size", lambda *_: 3)
    assert len(list(chunks(tiny, name))) > few
    parted = attribution(tiny, name)
    np.testing.assert_allclose(parted.tokens, whole.tokens, rtol=1e-4, atol=1e-6)


def chunks(model: LoadedModel, name: str) -> Iterator[Step[AttributionMap]]:
    return compute(model, [picture()], Options(method=name, **SHORT))


def test_a_closed_generator_leaves_the_model_alone(tiny: LoadedModel) -> None:
    steps = chunks(tiny, "smoothgrad")
    list(itertools.islice(steps, 2))
    cast("Generator[object]", steps).close()
    first, again = (attribution(tiny, "saliency").pixels for _ in range(2))
    assert first is not None and again is not None
    np.testing.assert_array_equal(first, again)
    assert torch.is_grad_enabled()


def test_two_callers_with_different_methods_get_the_serial_bits() -> None:
    names = ("integrated-gradients", "guided-backprop", "deeplift", "grad-cam", "smoothgrad")
    bench = Workbench("cpu")
    known = {"activation": "relu", "residual": True, "preprocess": "cifar10-256-8"}
    bench.add("tiny", calibrated(RELU).state_dict(), **known)
    choices: dict[str, Any] = {"preset": "tiny", "target": "3", "steps": 24, "samples": 24}

    def together(name: str) -> AttributionMap:
        return bench.run(ATTRIBUTION, ["gallery:cat"], method=name, block=1, **choices)

    with ThreadPoolExecutor(len(names)) as callers:
        results = list(callers.map(together, names))
    bench.close()
    model = loaded(RELU, calibrated(RELU))
    image = prepare(load("gallery:cat"), model.preset.transform, 32)
    for name, result in zip(names, results, strict=True):
        options = Options(method=name, target="3", steps=24, samples=24, block=1)
        with runtime.chunk("serial"):
            serial = final(compute(model, [image], options))
        np.testing.assert_array_equal(result.tokens, serial.tokens)


@pytest.mark.parametrize(
    "wrong",
    [{"method": "magic"}, {"steps": 0}, {"samples": 2}, {"sigma": 2.0}, {"sigma": -0.1}],
)
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ChoiceError):
        Options(**wrong)


OTHER: dict[str, Any] = {
    "baseline": "noise",
    "steps": 7,
    "samples": 20,
    "sigma": 0.3,
    "block": 1,
    "seed": 5,
}


@pytest.mark.parametrize("name", METHODS)
def test_a_method_reads_the_options_that_it_names_and_no_others(name: str) -> None:
    """With noise as the baseline the seed decides that, too."""
    model = loaded(RELU)
    before = attribution(model, name)
    for option, value in OTHER.items():
        also = {"baseline": "noise"} if option == "seed" else {}
        first = attribution(model, name, **also) if also else before
        same = np.array_equal(
            attribution(model, name, **also, **{option: value}).tokens, first.tokens
        )
        assert same == (option not in METHODS[name].uses), option


def test_what_a_method_does_not_read_parts_no_requests() -> None:
    with closing(Workbench("cpu")) as bench:

        def digest(analysis: str, **options: Any) -> str:
            return bench.request(analysis, ["gallery:cat"], **options).digest

        for name in METHODS:
            before = digest("attribution", method=name)
            for option, value in OTHER.items():
                same = digest("attribution", method=name, **{option: value}) == before
                assert same == (option not in METHODS[name].uses), (name, option)
        rise = {"method": "rise", "measures": ("deletion",)}
        assert digest("faithfulness", **rise) == digest("faithfulness", **rise, steps=3)
        cam = {"method": "hirescam", "measures": ("deletion",)}  # its controls are drawn
        assert digest("faithfulness", **cam) != digest("faithfulness", **cam, seed=1)
