"""A kernel's importance is what a model with its branch off says otherwise, over the pictures."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from convmixer_viz import agreement
from convmixer_viz.analyses import importance
from convmixer_viz.analyses.importance import compute
from convmixer_viz.engine import runtime
from convmixer_viz.engine.finished_parts import FinishedParts
from convmixer_viz.engine.store import Store
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.presets.table import Preset
from convmixer_viz.questions.importance import Importance, Options
from tests.conftest import TINY, calibrated, final, loaded

PLAIN = replace(TINY, name="tiny-plain", shape=replace(TINY.shape, residual=False))
RELU = replace(TINY, name="tiny-relu", shape=replace(TINY.shape, activation="relu", kernel_size=9))


def pictures(count: int) -> list[PreparedPicture]:
    arrays = torch.randn(count, 3, 16, 16, generator=torch.Generator().manual_seed(3)).numpy()
    view, box = np.zeros((16, 16, 3), np.uint8), (0.0, 0.0, 16.0, 16.0)
    return [PreparedPicture(f"{i}", f"sha {i}", array, view, box) for i, array in enumerate(arrays)]


def measured(
    model: runtime.LoadedModel, images: list[PreparedPicture], **options: Any
) -> Importance:
    with runtime.chunk("importance"):
        return final(compute(model, images, Options(**options)))


def logits(
    model: runtime.LoadedModel, images: list[PreparedPicture], *off: tuple[int, Any]
) -> NDArray[np.float32]:
    """Brute force: a copy of the model with γ = 0, and β = 0 beside a skip, for some channels."""
    module = copy.deepcopy(model.module)
    for block, channels in off:
        norm = list(module.walk())[block - 1].depthwise_norm
        norm.weight.data[channels] = 0
        if model.preset.shape.residual:
            norm.bias.data[channels] = 0
    return replace(model, module=module).logits(model.tensor(images)).numpy()


def undecided(preset: Preset, images: list[PreparedPicture]) -> runtime.LoadedModel:
    """A model that says something else of each picture."""
    model = loaded(preset)
    model.module.head.bias.sub_(model.logits(model.tensor(images)).mean(0))
    return model


@pytest.mark.parametrize("preset", [TINY, PLAIN, RELU], ids=lambda preset: preset.name)
def test_each_kernel_is_what_the_whole_model_says_without_it(preset: Preset) -> None:
    images = pictures(11)
    model = undecided(preset, images)
    result = measured(model, images)
    before = logits(model, images)
    target = before.argmax(1)
    assert len(set(target)) > 1 and before.std(0).max() > 0.01
    for block, channel in [(1, 0), (1, 7), (2, 3), (2, 11), (3, 0), (3, 4), (3, 11), (1, 11)]:
        after = logits(model, images, (block, channel))
        place = (block - 1, channel)
        change = (after - before)[np.arange(11), target]
        bits = agreement.divergence(agreement.softmax(after), agreement.softmax(before))
        assert result.logit_change[place] == pytest.approx(change.mean(), abs=1e-5)
        assert result.logit_error[place] == pytest.approx(change.std(ddof=1) / 11**0.5, abs=1e-5)
        assert result.divergence[place] == pytest.approx(bits.mean(), abs=1e-5)
        assert result.divergence_error[place] == pytest.approx(bits.std(ddof=1) / 11**0.5, abs=1e-5)
        assert abs(change).max() > 1e-3


@pytest.mark.parametrize("preset", [TINY, PLAIN], ids=lambda preset: preset.name)
def test_a_tenth_at_once_is_the_model_without_all_of_them(preset: Preset) -> None:
    model, images = loaded(preset), pictures(9)
    result = measured(model, images, target="2", seed=5)
    before = logits(model, images)
    for number in range(10):
        chosen = result.tenth == number
        after = logits(model, images, *enumerate(chosen, 1))
        change = (after - before)[:, 2]
        assert result.tenth_logit_change[0, number] == pytest.approx(change.mean(), abs=1e-5)
        sums = [result.logit_change[chosen].sum(), result.divergence[chosen].sum()]
        assert result.tenth_logit_change[1, number] == pytest.approx(sums[0], abs=1e-5)
        assert result.tenth_divergence[1, number] == pytest.approx(sums[1], abs=1e-5)
    assert not np.allclose(result.tenth_logit_change[0], result.tenth_logit_change[1], atol=1e-3)


def test_tenths_are_even_and_drawn_by_the_seed() -> None:
    first, same, other = (importance._random_tenths((3, 12), seed) for seed in (0, 0, 1))
    assert sorted(np.bincount(first.ravel())) == [3] * 4 + [4] * 6
    assert np.array_equal(first, same) and not np.array_equal(first, other)


def test_a_kernel_that_the_pointwise_step_ignores_matters_nothing() -> None:
    module = calibrated(TINY)
    list(module.walk())[1].pointwise.weight.data[:, 5] = 0
    result = measured(loaded(module=module), pictures(3))
    assert result.logit_change[1, 5] == 0 and result.divergence[1, 5] == 0
    assert np.count_nonzero(result.divergence) == result.divergence.size - 1


def test_a_kernel_that_is_off_already_matters_nothing() -> None:
    module = calibrated(TINY)
    norm = next(module.walk()).depthwise_norm
    norm.weight.data[4] = norm.bias.data[4] = 0
    result = measured(loaded(module=module), pictures(2))
    assert result.logit_change[0, 4] == 0 and (result.logit_change[0, :4] != 0).all()


def test_a_block_without_its_skip_in_a_residual_model_keeps_its_shift() -> None:
    model, images = loaded(), pictures(2)
    first = next(model.module.walk())
    first.spatial.residual = False
    result, before = measured(model, images, target="0"), logits(model, images)
    module = copy.deepcopy(model.module)
    next(module.walk()).depthwise_norm.weight.data[3] = 0
    after = replace(model, module=module).logits(model.tensor(images)).numpy()
    assert result.logit_change[0, 3] == pytest.approx((after - before)[:, 0].mean(), abs=1e-5)


def test_a_picture_has_the_same_numbers_in_company() -> None:
    model, images = loaded(), pictures(9)
    whole = measured(model, images, blocks=(2,))
    each = [measured(model, [image], blocks=(2,)) for image in images]
    assert np.isnan(each[0].logit_error).all() and each[0].rows()[0]["logit_error"] is None
    assert np.allclose(np.mean([one.divergence for one in each], 0), whole.divergence, atol=1e-7)
    both = measured(model, [images[3], images[3]], blocks=(2,))
    assert np.array_equal(both.divergence, each[3].divergence) and not both.logit_error.any()


def test_some_blocks_are_those_of_all_and_the_last_picture_completes_the_result() -> None:
    model, images = loaded(), pictures(9)
    steps = list(compute(model, images, Options(blocks=(3, 1))))
    some, all_blocks = final(steps), measured(model, images)
    assert some.blocks.tolist() == [1, 3]
    assert np.array_equal(some.logit_change, all_blocks.logit_change[[0, 2]])
    partials = [step.partial.pictures for step in steps if step.partial]
    assert partials == [8, 9]


def test_a_run_that_was_killed_goes_on_behind_its_last_call(tmp_path: Path) -> None:
    images, whole = pictures(11), measured(loaded(), pictures(11))
    model = replace(loaded(), finished=FinishedParts(Store(tmp_path, 2**20), "a request"))
    for step in compute(model, images, Options()):
        if step.partial:
            break
    steps = list(compute(model, images, Options()))
    assert len(steps) == 3 + 10 and final(steps).pictures == 11
    for name in ("divergence", "divergence_error", "tenth_logit_change"):
        assert np.array_equal(getattr(final(steps), name), getattr(whole, name))
    (again,) = compute(model, images, Options())  # all is there but the result
    assert again.partial and np.array_equal(again.partial.logit_change, whole.logit_change)


def test_steps_are_small_where_the_model_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    model, images = loaded(), pictures(3)
    whole = measured(model, images)
    assert len(list(compute(model, images, Options()))) == 3 + 10
    monkeypatch.setattr(importance, "STEP_WORK", 1)
    steps = list(compute(model, images, Options()))
    assert len(steps) == 3 * 12 // 2 + 10  # two kernels of three pictures in a call of eight
    assert np.array_equal(final(steps).divergence, whole.divergence)


def test_fast_mode_measures_in_float32_too() -> None:
    images = pictures(8)
    exact = measured(loaded(), images, target="1")
    fast = measured(loaded(mode="fast"), images, target="1")
    assert np.allclose(exact.logit_change, fast.logit_change, atol=0.01)
    assert np.corrcoef(exact.logit_change.ravel(), fast.logit_change.ravel())[0, 1] > 0.99999
