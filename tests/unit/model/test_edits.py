"""What each edit does to a tiny model: known answers, and the original left as it was."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from convmixer_viz.errors import ChoiceError
from convmixer_viz.model.convmixer import ConvMixer
from convmixer_viz.model.edits import _relative, apply, permutation, places
from convmixer_viz.model.kernel_shapes import templates
from convmixer_viz.presets.table import Preset, Shape
from convmixer_viz.questions import edits as words
from convmixer_viz.questions.edits import EDITS, parse
from tests.conftest import TINY, calibrated

PIXELS = 1 + 2 * torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(5))
NOTES: list[str] = []
OWN = {"transplant": "transplant:from=x", "recalibrate": "recalibrate:data=x:pictures=8"}
PLAIN = replace(TINY, shape=replace(TINY.shape, residual=False))


class Elsewhere:
    """A donor with smaller kernels, a history of two epochs, and eight pictures."""

    def weights(self, preset: str) -> ConvMixer:
        return calibrated(replace(TINY, shape=Shape(12, 5, 3, 2)), seed=9)

    def history(self) -> Mapping[int, NDArray[np.floating]]:
        shape = (3, 12, 5, 5)
        return {0: np.zeros(shape, np.float16), 2: np.full(shape, 0.5, np.float16)}

    def pictures(self, data: str, count: int, seed: int) -> Iterator[Tensor]:
        yield from torch.split(PIXELS[:count], 3)

    def note(self, sentence: str) -> None:
        NOTES.append(sentence)


def edited(module: ConvMixer, *texts: str) -> ConvMixer:
    return apply(module, [parse(text) for text in texts], Elsewhere())


def kernels(module: ConvMixer) -> NDArray[np.float64]:  # (depth, dim, k, k)
    weights = [block.depthwise.weight[:, 0] for block in module.walk()]
    return torch.stack(weights).detach().double().numpy()


def same(one: ConvMixer, other: ConvMixer) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("name", EDITS)
def test_the_original_stays_and_what_is_unchanged_is_shared(name: str) -> None:
    module = calibrated(TINY)
    before = {key: tensor.clone() for key, tensor in module.state_dict().items()}
    after = edited(module, OWN.get(name, name))
    assert all(torch.equal(before[key], t) for key, t in module.state_dict().items())
    assert not same(module, after)
    assert after.head.weight.data_ptr() == module.head.weight.data_ptr()
    assert not after.training and not any(p.requires_grad for p in after.parameters())


@pytest.mark.parametrize("name", [name for name in EDITS if name != "recalibrate"])
def test_blocks_and_kernels_bound_the_change(name: str) -> None:
    module = calibrated(TINY)
    after = edited(module, f"{OWN.get(name, name)}:blocks=2:kernels=3+5")
    for number, (old, new) in enumerate(zip(module.walk(), after.walk(), strict=True), 1):
        for key, tensor in new.state_dict().items():
            differs = (tensor != old.state_dict()[key]).view(tensor.shape or 1)
            changed = set(torch.nonzero(differs)[:, 0].tolist())
            assert changed <= ({3, 5} if number == 2 else set()), key


def test_off_lets_a_residual_block_pass_its_input(noise: Tensor) -> None:
    """Without all branches the model is its stem, pointwise steps and head, in closed form."""
    module = calibrated(TINY)
    x = module.stem(noise[:1])
    for block in module.walk():
        x = block.pointwise_norm(F.gelu(block.pointwise(x)))
    assert torch.equal(edited(module, "off")(noise[:1]), module.classify(x))


def test_off_leaves_beta_where_there_is_no_residual(noise: Tensor) -> None:
    module = calibrated(PLAIN)
    x = module.stem(noise[:1])
    for block in module.walk():
        beta = block.depthwise_norm.bias[:, None, None].expand_as(x)
        x = block.pointwise_norm(F.gelu(block.pointwise(beta)))
    torch.testing.assert_close(edited(module, "off")(noise[:1]), module.classify(x))


def test_a_block_without_its_skip(noise: Tensor) -> None:
    module = calibrated(TINY)
    after = edited(module, "off:part=residual:blocks=2")
    assert after.shape.residual == (True, False, True) and module.shape.residual is True
    first, second, third = module.walk()
    x = first(module.stem(noise[:1]))
    x = third(second[3](second[2](second[1](second.spatial.fn(x)))))
    assert torch.equal(after(noise[:1]), module.classify(x))
    assert edited(module, "off:part=residual").shape.residual is False


def test_scale_of_the_branch(noise: Tensor) -> None:
    module = calibrated(TINY)
    block = next(edited(module, "scale:scale=-2").walk())
    x, original = module.stem(noise[:1]), next(module.walk())
    expected = x - 2 * original.spatial.fn(x)
    torch.testing.assert_close(block.spatial(x), expected, atol=1e-5, rtol=1e-5)
    assert same(edited(module, "scale:scale=1"), module)
    assert torch.equal(edited(module, "scale:scale=0")(noise[:1]), edited(module, "off")(noise[:1]))


@pytest.mark.parametrize(
    "texts",
    [["rotate"] * 4, ["mirror"] * 2, ["mirror:axis=y"] * 2, ["rotate:quarters=3", "rotate"]],
)
def test_turns_and_mirrors_come_back(texts: list[str]) -> None:
    module = calibrated(TINY)
    assert not same(edited(module, texts[0]), module)
    assert same(edited(module, *texts), module)


def test_turns_and_mirrors_are_what_they_say() -> None:
    module = calibrated(TINY)
    old = kernels(module)
    assert np.array_equal(kernels(edited(module, "rotate")), np.rot90(old, axes=(2, 3)))
    assert np.array_equal(kernels(edited(module, "mirror")), old[..., ::-1])
    assert np.array_equal(kernels(edited(module, "mirror:axis=y")), old[:, :, ::-1])


def test_rank_keeps_the_best_of_a_kernel() -> None:
    module = calibrated(TINY)
    np.testing.assert_allclose(
        kernels(edited(module, "low-rank:rank=5")), kernels(module), atol=1e-7
    )
    low = kernels(edited(module, "low-rank:rank=2"))
    sizes = np.linalg.svd(kernels(module), compute_uv=False)
    assert set(np.linalg.matrix_rank(low, tol=1e-5).ravel()) == {2}
    lost = ((low - kernels(module)) ** 2).sum((2, 3))
    np.testing.assert_allclose(lost, (sizes[..., 2:] ** 2).sum(-1), rtol=1e-5)


def test_mean_is_a_box_and_random_keeps_mean_and_norm() -> None:
    module = calibrated(TINY)
    old = kernels(module)
    mean = old.mean((2, 3))
    np.testing.assert_allclose(np.ptp(kernels(edited(module, "mean")), (2, 3)), 0)
    np.testing.assert_allclose(kernels(edited(module, "mean"))[..., 0, 0], mean, atol=1e-8)
    drawn = kernels(edited(module, "random:seed=3"))
    np.testing.assert_allclose(drawn.mean((2, 3)), mean, atol=1e-7)
    np.testing.assert_allclose(drawn.std((2, 3)), old.std((2, 3)), rtol=1e-5)
    assert np.array_equal(drawn, kernels(edited(module, "random:seed=3")))
    assert not np.allclose(drawn, kernels(edited(module, "random:seed=4")))


def test_rounding_has_its_levels() -> None:
    module = calibrated(TINY)
    rounded = kernels(edited(module, "round:bits=3"))
    step = np.abs(kernels(module)).max((2, 3), keepdims=True) / 3
    np.testing.assert_allclose(rounded / step, np.round(kernels(module) / step), atol=1e-5)
    np.testing.assert_allclose(kernels(edited(module, "round:bits=16")), kernels(module), atol=1e-5)


def test_blur_and_sharpen_part_a_kernel() -> None:
    module = calibrated(TINY)
    both = kernels(edited(module, "blur")) + kernels(edited(module, "sharpen"))
    np.testing.assert_allclose(both, 2 * kernels(module), atol=1e-6)
    delta = np.zeros((3, 12, 5, 5))
    delta[..., 2, 2] = 1
    with_delta = placed(module, delta)
    blurred = kernels(edited(with_delta, "blur:sigma=0.5"))
    assert blurred[0, 0, 2, 3] / blurred[0, 0, 2, 2] == pytest.approx(np.exp(-2), rel=1e-5)


def test_shuffled_back_is_the_identity() -> None:
    module = calibrated(TINY)
    shuffled, old = kernels(edited(module, "shuffle:seed=5")), kernels(module)
    for place in places(module, words.Shuffle()):
        order = permutation(place, 5)
        assert not np.array_equal(order, np.arange(12))
        assert np.array_equal(shuffled[place.number - 1][np.argsort(order)], old[place.number - 1])


def placed(module: ConvMixer, weights: NDArray[np.float64]) -> ConvMixer:
    """The model with other kernels."""
    other = module.twin()
    for block, kernel in zip(other.walk(), weights, strict=True):
        values = torch.from_numpy(kernel[:, None]).float()
        block.depthwise.weight = torch.nn.Parameter(values, requires_grad=False)
    return other


def test_templates_change_nothing_where_kernels_are_templates() -> None:
    once = edited(calibrated(TINY), "template")
    twice = edited(once, "template")
    assert np.abs(kernels(once) - kernels(calibrated(TINY))).max() > 0.01
    np.testing.assert_allclose(kernels(twice), kernels(once), atol=1e-6)
    old = kernels(calibrated(TINY))
    np.testing.assert_allclose(kernels(once).mean((2, 3)), old.mean((2, 3)), atol=1e-7)


def test_a_class_chooses_its_kernels() -> None:
    weights = kernels(calibrated(TINY)).copy()
    axis = np.arange(5) - 2.0
    bell = np.exp(-(axis[:, None] ** 2 + axis**2) / 2)
    weights[:, 4] = bell
    weights[:, 7] = axis * bell
    module = placed(calibrated(TINY), weights)
    codes = templates.fit(weights[0]).code
    for word, channel in (("gaussian", 4), ("first-derivative", 7)):
        (place, *_) = places(module, words.Off(kernels=word))
        assert channel in place.channels
        assert set(place.channels) == set(np.flatnonzero(codes == words.KERNEL_CLASSES[word]))
    (place, *_) = places(module, words.Off(kernels="classified"))
    assert {4, 7} <= set(place.channels) and set(place.channels) < set(range(12))
    assert same(edited(module, "off:kernels=delta"), module)  # there is none


def test_as_many_clusters_as_kernels_change_nothing_and_one_makes_all_alike() -> None:
    module = calibrated(TINY)
    own = kernels(edited(module, "template:bank=clusters:clusters=36"))
    np.testing.assert_allclose(own, kernels(module), atol=1e-6)
    one = kernels(edited(module, "template:bank=clusters:clusters=1"))
    unit = (one - one.mean((2, 3), keepdims=True)).reshape(36, 25)
    assert np.linalg.matrix_rank(unit, tol=1e-5) == 1


def test_the_nearest_master_filter_stays_when_it_is_taken_again() -> None:
    once = edited(calibrated(TINY), "template:bank=master")
    assert np.linalg.matrix_rank(kernels(once).reshape(36, 25), tol=1e-4) <= 9  # eight, and a mean
    np.testing.assert_allclose(
        kernels(edited(once, "template:bank=master")), kernels(once), atol=1e-6
    )


def test_kernels_drawn_by_covariance_have_it() -> None:
    wide = replace(TINY, shape=Shape(600, 1, 3, 2))
    module = calibrated(wide)
    old, new = (kernels(m)[0].reshape(600, 9) for m in (module, edited(module, "covariance")))
    spread = np.cov(old.T, bias=True)
    assert np.abs(new.T @ new / 600 - spread).max() < 0.2 * spread.max()
    assert np.abs(np.corrcoef(old.ravel(), new.ravel())[0, 1]) < 0.1


def test_an_epoch_of_the_history() -> None:
    module = calibrated(TINY)
    assert set(np.unique(kernels(edited(module, "epoch:epoch=2:blocks=1"))[0])) == {0.5}
    with pytest.raises(ChoiceError, match="Epoch 1 is not in the history: choose one of 0, 2"):
        edited(module, "epoch:epoch=1")


def test_a_transplant_takes_the_block_at_the_same_depth() -> None:
    module, donor = calibrated(TINY), list(Elsewhere().weights("x").walk())
    after = list(edited(module, "transplant:from=x").walk())
    for block, other in zip(after, (donor[0], donor[2], donor[4]), strict=True):
        weight = block.depthwise.weight
        assert torch.equal(weight[:, :, 1:-1, 1:-1], other.depthwise.weight)
        assert not weight[:, :, 0].any() and not weight[..., -1].any()  # zeros around it
        assert torch.equal(block.depthwise_norm.running_var, other.depthwise_norm.running_var)  # type: ignore[arg-type]
    (place, *_) = places(calibrated(replace(TINY, shape=Shape(12, 1, 5, 2))), words.Off())
    assert _relative(place, 4) == 3


def test_what_a_transplant_loses_is_said() -> None:
    NOTES.clear()
    edited(calibrated(TINY), "transplant:from=x")
    assert not NOTES  # the donor's kernels are smaller
    small = calibrated(replace(TINY, shape=Shape(12, 5, 1, 2)))
    edited(small, "transplant:from=x:blocks=1")
    whole = next(Elsewhere().weights("x").walk()).depthwise.weight.square()
    lost = 1 - float(whole[..., 1, 1].sum() / whole.sum())
    (note,) = NOTES
    assert note == f"Cut to 1×1, the kernels of x lost {lost:.1%} of Σw²."


def trained(module: ConvMixer, norms: Callable[[ConvMixer], Iterator[nn.Module]]) -> ConvMixer:
    """The model after one call in training mode, as torch takes statistics."""
    other = copy.deepcopy(module)
    for norm in norms(other):
        norm.train()
        norm.momentum = 1.0  # type: ignore[assignment]
    with torch.no_grad():
        other.blocks(other.stem(PIXELS))
    return other.eval()


def all_norms(module: nn.Module) -> Iterator[nn.Module]:
    return (layer for layer in module.modules() if isinstance(layer, nn.BatchNorm2d))


@pytest.mark.parametrize("preset", [TINY, PLAIN])
def test_recalibrated_is_one_call_in_training_mode(preset: Preset) -> None:
    module = calibrated(preset)
    for text, norms in (
        ("recalibrate:data=x:pictures=8", all_norms),
        ("recalibrate:data=x:pictures=8:blocks=2", lambda m: all_norms(m.blocks[1])),
    ):
        once, expected = edited(module, text), trained(module, norms)
        for name, tensor in expected.state_dict().items():
            if not name.endswith("num_batches_tracked"):
                torch.testing.assert_close(once.state_dict()[name], tensor, atol=1e-5, rtol=1e-5)
        assert not same(once, module)
        assert same(edited(once, text), once)  # what is measured doesn't depend on what was


def test_a_few_random_filters() -> None:
    text = "template:bank=random:clusters=2:seed=3"
    once = edited(calibrated(TINY), text)
    assert np.linalg.matrix_rank(kernels(once).reshape(36, 25), tol=1e-4) == 3  # two, and a mean
    np.testing.assert_allclose(kernels(edited(once, text)), kernels(once), atol=1e-6)
    assert not same(once, edited(calibrated(TINY), "template:bank=random:clusters=2:seed=4"))
