"""Every measure against an answer known beforehand or a slower way to the same number."""

import copy
import itertools
import math

import numpy as np
import pytest
import torch

from convmixer_viz.analyses.attribution.faithfulness import compute, entropy
from convmixer_viz.analyses.attribution.question import baselines, patch_sums
from convmixer_viz.analyses.attribution.scores import removal, stability
from convmixer_viz.errors import ChoiceError
from convmixer_viz.questions.faithfulness import DEFAULT_MEASURES, MEASURES, Options
from tests.conftest import loaded
from tests.unit.analyses.questions import RELU, linear, picture, question, weight


def measured(model, **choices):
    options = Options(**{"method": "saliency", "target": "3", **choices})
    steps = list(compute(model, [picture()], options))
    assert [step.done for step in steps] == list(range(1, steps[0].total + 1))
    assert len({step.total for step in steps}) == 1
    return steps[-1].partial


def last(measure, asked, tokens):
    *_, fields = measure(asked, tokens)
    return fields


@pytest.fixture(scope="module")
def line():
    """A linear network's question, and the exact contribution of each token to removal."""
    model = linear()
    asked = question(model, "occlusion", baseline="mean")
    return asked, patch_sums(weight(model, 3) * asked.pixels[0].double(), 2)


def test_everything_at_once(tiny):
    found = measured(tiny, measures=tuple(MEASURES))
    assert found.deletion.shape == found.insertion.shape == (2, 3, 33)
    assert found.fractions.tolist() == np.linspace(0, 1, 33, dtype=np.float32).tolist()
    assert found.randomisation.shape == (len(found.stages),) == (5,)
    assert found.stages == ("head", "block 3", "block 2", "block 1", "stem")
    for value in (found.road, found.infidelity, found.max_sensitivity, found.complexity):
        assert math.isfinite(value)


def test_only_what_is_asked(tiny):
    found = measured(tiny, measures=("infidelity",))
    assert found.infidelity is not None
    assert found.deletion is None and found.road is None and found.stages == ()


def test_curves_begin_and_end_at_the_whole_and_the_empty_picture(tiny):
    found = measured(tiny, measures=("deletion", "insertion"))
    asked = question(tiny, "saliency", baseline="blur")
    whole = float(asked.target.probability(tiny.module(asked.pixels))[0])
    empty = float(asked.target.probability(tiny.module(baselines(asked)))[0])
    np.testing.assert_allclose(found.deletion[1, :, 0], whole, atol=1e-5)
    np.testing.assert_allclose(found.deletion[1, :, -1], empty, atol=1e-5)
    np.testing.assert_allclose(found.insertion[1, :, 0], empty, atol=1e-5)
    np.testing.assert_allclose(found.insertion[1, :, -1], whole, atol=1e-5)


@pytest.mark.parametrize(("name", "step"), [("deletion", 5), ("insertion", 20)])
def test_a_point_of_a_curve_in_pixels(tiny, name, step):
    asked = question(tiny, "saliency")
    tokens = torch.randn(8, 8, generator=asked.generator())
    found = last(getattr(removal, name), asked, tokens)[name][0, 0, step]
    first = tokens.flatten().sort(descending=True).indices[: 2 * step]
    gone = torch.zeros(64, dtype=torch.bool).index_fill(0, first, True).view(8, 8)
    gone = gone if name == "deletion" else ~gone
    mask = gone.repeat_interleave(2, 0).repeat_interleave(2, 1)
    chance = tiny.module(asked.pixels.masked_fill(mask, 0)).softmax(1)[0, 3]
    assert found == pytest.approx(float(chance), abs=1e-5)


def test_areas_are_trapezoids(tiny):
    found = measured(tiny, measures=("deletion",))
    expected = np.trapezoid(found.deletion, found.fractions, axis=2)
    np.testing.assert_allclose(found.deletion_area, expected, rtol=1e-5)


def test_the_right_order_beats_the_wrong_one(tiny):
    asked = question(tiny, "occlusion")
    good = torch.randn(8, 8, generator=asked.generator())
    areas = [last(removal.deletion, asked, t)["deletion_area"][0, 0] for t in (good, -good)]
    inserted = [last(removal.insertion, asked, t)["insertion_area"][0, 0] for t in (good, -good)]
    assert areas[0] == pytest.approx(inserted[1], abs=1e-5)  # the same pictures, backwards
    assert areas[1] == pytest.approx(inserted[0], abs=1e-5)


def test_controls_are_random_and_centre_first(tiny):
    asked = question(tiny, "saliency")
    _, chance, centre = removal.ranks(asked, torch.zeros(8, 8))
    assert sorted(chance.flatten().tolist()) == list(range(64))
    assert sorted(centre[3:5, 3:5].flatten().tolist()) == [0, 1, 2, 3]
    assert sorted(centre[::7, ::7].flatten().tolist()) == [60, 61, 62, 63]


def test_infidelity_of_the_exact_map_is_zero(line):
    asked, exact = line
    assert last(removal.infidelity, asked, exact)["infidelity"] < 1e-9
    assert last(removal.infidelity, asked, -3 * exact)["infidelity"] < 1e-9  # β takes the scale
    assert last(removal.infidelity, asked, torch.zeros(8, 8))["infidelity"] == 1
    noise = torch.randn(8, 8, generator=asked.generator())
    assert 0.05 < last(removal.infidelity, asked, noise)["infidelity"] <= 1


def test_imputation_keeps_a_plane():
    rows, columns = np.mgrid[:12, :10].astype(float)
    plane = np.stack([rows, columns, 2 * rows - columns])
    removed = np.zeros((12, 10), bool)
    removed[3:9, 2:7] = True
    removed[5, 5] = False
    np.testing.assert_allclose(
        removal.impute(np.where(removed, 99, plane), removed), plane, atol=1e-9
    )


def test_imputation_solves_its_equations_at_the_border():
    rng = np.random.default_rng(0)
    picture, removed = rng.standard_normal((3, 6, 7)), rng.random((6, 7)) < 0.7
    found = removal.impute(picture, removed)
    np.testing.assert_array_equal(found[:, ~removed], picture[:, ~removed])
    for i, j in np.argwhere(removed):
        total = mean = 0.0
        for di, dj in removal.NEIGHBOURS:
            share = 1 / 12 if di and dj else 1 / 6
            if 0 <= i + di < 6 and 0 <= j + dj < 7:
                total, mean = total + share, mean + share * found[:, i + di, j + dj]
        np.testing.assert_allclose(found[:, i, j], mean / total, atol=1e-9)


def test_road_is_half_the_mean_difference_of_its_curves(tiny):
    asked = question(tiny, "occlusion")
    tokens = torch.randn(8, 8, generator=asked.generator())
    found, mirrored = (last(removal.road, asked, t) for t in (tokens, -tokens))
    most, least = found["road_curves"]
    assert found["road"] == pytest.approx((least - most).mean() / 2, abs=1e-6)
    assert mirrored["road"] == pytest.approx(-found["road"], abs=1e-6)


def test_a_linear_networks_saliency_is_insensitive():
    asked = question(linear(), "saliency")
    tokens = stability.tokens_of(asked, torch.from_numpy(weight(asked.model, 3).numpy()))
    assert last(stability.max_sensitivity, asked, tokens)["max_sensitivity"] < 1e-3


def test_max_sensitivity_by_hand(tiny):
    asked = question(tiny, "saliency")
    norm = lambda x: patch_sums(gradient(x).abs(), 2)  # noqa: E731

    def gradient(x):
        x = x.clone().requires_grad_()
        return torch.autograd.grad(tiny.module(x)[0, 3], x)[0][0].double()

    base, generator = norm(asked.pixels), asked.generator()
    moves = [
        float((norm(asked.pixels + shake) - base).norm() / base.norm())
        for shake in (0.02 * (2 * torch.rand(1, 3, 16, 16, generator=generator) - 1)
                      for _ in range(10))
    ]  # fmt: skip
    found = last(stability.max_sensitivity, asked, base)["max_sensitivity"]
    assert found == pytest.approx(max(moves), rel=1e-3)


def test_complexity_of_a_point_and_a_plane():
    point = np.zeros((8, 8), np.float32)
    point[2, 3] = -5
    assert entropy(point) == 0
    assert entropy(np.full((8, 8), -0.1, np.float32)) == pytest.approx(math.log(64))


@pytest.mark.parametrize("preset", [None, RELU], ids=["gelu", "relu"])
def test_the_cascade_randomises_downwards(tiny, preset):
    model = loaded(preset) if preset else tiny
    asked = question(model, "saliency")
    original = copy.deepcopy(model.module.state_dict())
    changed = []
    for module in stability.cascade(asked):
        state = module.state_dict()
        changed.append({k for k in state if not torch.equal(state[k], original[k])})
        one, other = module(torch.cat([asked.pixels, -asked.pixels]))
        assert (one - other).abs().max() > 1e-2 * one.abs().max()  # measured, so it sees
    assert changed[0] == {"head.weight", "head.bias"}
    assert all(small < large for small, large in itertools.pairwise(changed))
    assert {k for k in changed[1] if not k.startswith("head")} == {
        k for k in changed[1] if k.startswith("blocks.2.")
    }
    assert {k for k in original if "weight" in k or "running" in k} <= changed[-1]
    torch.testing.assert_close(model.module.state_dict(), original)


def test_the_stem_too_is_measured_on_all_pictures_at_once(tiny):
    asked = question(tiny, "saliency")
    *_, module = stability.cascade(asked)
    seed = 1000 * asked.options.seed + len(stability.stages(asked))
    noise = torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(seed))
    convolution, activation, norm = module.stem
    measured = activation(convolution(noise)).mean((0, 2, 3))
    torch.testing.assert_close(norm.running_mean, measured, atol=1e-5, rtol=0)
    assert not any(part.training for part in module.modules())


def test_a_map_of_zeros_has_no_sensitivity_and_no_rank(tiny):
    asked = question(tiny, "saliency")
    zeros = torch.zeros(asked.grid)
    assert last(stability.max_sensitivity, asked, zeros)["max_sensitivity"] is None
    assert removal._misfit(torch.ones(3), torch.zeros(3)) is None
    alike = last(stability.randomisation, asked, zeros)["randomisation"]
    assert np.isnan(alike).all()


def test_each_layer_of_the_cascade_has_its_own_draws(tiny):
    *_, module = stability.cascade(question(tiny, "saliency"))
    first, second = module.blocks[0], module.blocks[1]
    assert not torch.equal(first.pointwise.weight, second.pointwise.weight)
    assert not torch.equal(first.depthwise.weight, second.depthwise.weight)


def test_randomisation_of_a_map_without_a_model_stays_one(tiny, monkeypatch):
    fixed = torch.randn(8, 8)
    monkeypatch.setattr(stability, "_map", lambda question: iter_value(fixed))
    found = last(stability.randomisation, question(tiny, "saliency"), fixed)
    np.testing.assert_allclose(found["randomisation"], 1, rtol=1e-6)


def iter_value(value):
    yield {}
    return value


def test_an_unknown_measure_is_refused():
    with pytest.raises(ChoiceError, match="magic"):
        Options(measures=("magic",))
    assert Options().measures == DEFAULT_MEASURES
