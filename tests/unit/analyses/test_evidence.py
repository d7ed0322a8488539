"""Exact evidence: it sums to the logit, and every probe is head after pooling."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from convmixer_viz.analyses.evidence import compute
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.errors import ChoiceError
from convmixer_viz.presets.table import Preset
from convmixer_viz.questions.evidence import Evidence, Options
from tests.conftest import TINY, calibrated, final, loaded
from tests.unit.analyses.questions import RELU, picture

PLAIN = replace(TINY, shape=replace(TINY.shape, residual=False))


def measure_evidence(model: LoadedModel, **choices: Any) -> Evidence:
    steps = list(compute(model, [picture()], Options(**choices)))
    assert [step.done for step in steps] == list(range(1, steps[0].total + 1))
    return final(steps)


@pytest.mark.parametrize("preset", [TINY, RELU, PLAIN], ids=["gelu", "relu", "plain"])
@pytest.mark.parametrize("against", [None, "1"])
def test_sums_to_the_logit(preset: Preset, against: str | None) -> None:
    evidence = measure_evidence(loaded(preset), target="3", against=against)
    assert evidence.error <= 1e-5 * (np.abs(evidence.exact).sum() + abs(evidence.bias))
    assert evidence.exact.sum() + evidence.bias == pytest.approx(evidence.logit, abs=1e-4)
    assert evidence.relative_error < 1e-5
    np.testing.assert_allclose(evidence.exact, evidence.maps[-1], atol=1e-6)


def test_every_class_sums_to_its_logit(tiny: LoadedModel) -> None:
    evidence, logits = measure_evidence(tiny), tiny.logits(tiny.tensor([picture()]))[0].numpy()
    sums = evidence.per_class.sum((1, 2)) + tiny.module.head.bias.numpy()
    np.testing.assert_allclose(sums, logits, atol=1e-4)
    assert evidence.target == logits.argmax()
    assert evidence.logit == pytest.approx(logits.max())


def test_one_channel_wired_to_one_class_is_the_evidence() -> None:
    module = calibrated(TINY)
    module.head.weight.zero_()
    module.head.weight[3, 5] = 2.0
    model = loaded(module=module)
    evidence = measure_evidence(model, target="3")
    *_, last = module.states(model.tensor([picture()]))
    np.testing.assert_allclose(evidence.maps[-1], 2 * last[0, 5] / 64, rtol=1e-5)


def test_probes_are_head_after_pooling(tiny: LoadedModel) -> None:
    evidence = measure_evidence(tiny, target="3", against="1")
    for block, state in enumerate(tiny.module.states(tiny.tensor([picture()]))):
        logits = tiny.module.head(state.mean((2, 3)))[0]
        assert evidence.probe_top[block] == logits.argmax()
        assert evidence.probe_names[block] == tiny.class_names[logits.argmax()]
        between = torch.softmax(logits[[3, 1]], 0)[0]
        assert evidence.probe_probability[block] == pytest.approx(float(between), abs=1e-5)
        bias = tiny.module.head.bias
        total = float(logits[3] - logits[1] - (bias[3] - bias[1]))
        assert evidence.maps[block].sum() == pytest.approx(total, abs=1e-4)
    assert evidence.target_name == "class 3 rather than class 1"


def test_blocks_shorten_the_axis(tiny: LoadedModel) -> None:
    whole, some = measure_evidence(tiny), measure_evidence(tiny, blocks=(0, 2))
    assert some.blocks.tolist() == [0, 2]
    np.testing.assert_array_equal(some.maps, whole.maps[[0, 2]])
    np.testing.assert_array_equal(some.exact, whole.exact)


def test_a_class_rather_than_itself_is_refused(tiny: LoadedModel) -> None:
    with pytest.raises(ChoiceError, match="class 3 rather than class 3"):
        measure_evidence(tiny, target="3", against="3")
