from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d

from convmixer_viz.analyses.receptive_field import baselines, numbers, probe
from convmixer_viz.analyses.receptive_field import fields as analysis
from convmixer_viz.contract import option_fields
from convmixer_viz.engine import hardware, runtime
from convmixer_viz.errors import ChoiceError, DeviceError
from convmixer_viz.model import convmixer as models
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.presets.table import Shape
from tests.conftest import TINY, calibrated, loaded


def pictures(count: int, height: int, width: int) -> list[PreparedPicture]:
    generator = torch.Generator().manual_seed(3)
    arrays = torch.randn(count, 3, height, width, generator=generator).numpy()
    view, box = np.zeros((height, width, 3), np.uint8), (0.0, 0.0, float(width), float(height))
    return [PreparedPicture(f"{i}", f"{i}", array, view, box) for i, array in enumerate(arrays)]


def double(shape: Shape, side: int = 16) -> runtime.LoadedModel:
    model = loaded(replace(TINY, shape=shape), calibrated(replace(TINY, shape=shape), side=side))
    model.module.double()
    return model


def measure(
    model: runtime.LoadedModel, images: list[PreparedPicture], **options: object
) -> analysis.ReceptiveField:
    for step in analysis.compute(model, images, analysis.Options(**options)):
        last = step
    assert last.done == last.total
    return last.partial


def jacobian(
    model: runtime.LoadedModel, image: PreparedPicture, block: int, tokens: Tokens
) -> tuple[np.ndarray, np.ndarray]:
    """(dim, tokens, 3, h, w) of a block's output by its picture, and the output, from autograd."""

    def output(pixels: torch.Tensor) -> torch.Tensor:
        return list(model.module.states(pixels))[block][0, :, tokens[0], tokens[1]]

    pixels = torch.from_numpy(image.array).double()[None]
    full = torch.autograd.functional.jacobian(output, pixels)
    return full[:, :, 0].numpy(), output(pixels).numpy()


Tokens = tuple[list[int], list[int]]  # rows, columns

SHAPES = [
    Shape(8, 3, 3, 2),
    Shape(6, 2, 5, 3, "relu"),
    Shape(6, 2, 4, 2, "relu", residual=False),
    Shape(5, 3, 5, 1),
]


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_block_equals_a_brute_force_jacobian(shape: Shape) -> None:
    model, (image,) = double(shape), pictures(1, 7 * shape.patch_size + 1, 6 * shape.patch_size)
    row, column = 6, 0  # at a corner, where the window is cut
    for block in range(shape.depth + 1):
        truth = jacobian(model, image, block, ([row], [column]))[0].sum((0, 1))
        for reduction, reduce in (
            ("absolute", np.abs),
            ("square", np.square),
            ("relu", lambda g: g.clip(0)),
        ):
            field = measure(model, [image], token=(row, column), reduction=reduction)
            expected = reduce(truth).sum(0)
            assert np.abs(field.pixels[block] - expected).max() < 1e-6 * expected.max()


@pytest.mark.parametrize("scalar", ["sum", "relu", "channel", "signs"])
def test_scalars_and_central_tokens(scalar: str) -> None:
    model, (image,) = double(SHAPES[0]), pictures(1, 12, 12)
    field = measure(model, [image], scalar=scalar, channel=5, central=True, blocks=(2,))
    full, output = jacobian(model, image, 2, ([2, 2, 3, 3], [2, 3, 2, 3]))
    one = np.eye(8)[5][:, None]
    weights = {"sum": [np.ones((8, 4))], "relu": [output > 0], "channel": [one * np.ones(4)]}
    signs = [(2 * np.array(s) - 1)[:, None] * np.ones(4) for s in np.ndindex(*[2] * 8)]
    candidates = weights.get(scalar, signs)  # which signs were drawn is not told
    maps = [np.abs(np.einsum("ct,ctxhw->xhw", w, full) / 4).sum(0) for w in candidates]
    errors = sorted(np.abs(field.pixels[0] - m).max() / m.max() for m in maps)
    assert errors[0] < 1e-6 and all(error > 1e-3 for error in errors[2:])
    assert field.centre == (6.0, 6.0) and field.seeds.tolist() == [[2, 2], [2, 3], [3, 2], [3, 3]]


def linear(kernels: list[np.ndarray]) -> runtime.LoadedModel:
    """Three channels, patch 1, all mixing the identity and every unit of the ReLU on: the block
    is its depthwise convolution."""
    shape = Shape(3, len(kernels), len(kernels[0]), 1, "relu", residual=False)
    module = models.ConvMixer(shape, 10).freeze()
    for layer in module.modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.bias.fill_(100.0)
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.eps = 0.0
    module.patch_embedding.weight.copy_(torch.eye(3)[:, :, None, None])
    for block, kernel in zip(module.walk(), kernels, strict=True):
        block.depthwise.weight.copy_(torch.from_numpy(kernel).expand(3, 1, -1, -1))
        block.pointwise.weight.copy_(torch.eye(3)[:, :, None, None])
    return loaded(replace(TINY, shape=shape), module.double())


def test_one_depthwise_layer_shows_its_kernel_and_a_stack_their_convolution() -> None:
    generator = np.random.default_rng(1)
    kernels = [generator.uniform(-0.05, 0.05, (5, 5)) for _ in range(3)]
    field = measure(linear(kernels), pictures(1, 21, 21), reduction="square", scalar="channel")
    whole = np.ones((1, 1))
    for block, kernel in enumerate(kernels, 1):
        whole = convolve2d(whole, kernel)
        reach = 2 * block
        seen = field.pixels[block][10 - reach : 11 + reach, 10 - reach : 11 + reach]
        assert np.abs(seen - whole**2).max() < 1e-6 * (whole**2).max()
        assert field.pixels[block].sum() == pytest.approx(seen.sum())


def bell(sigma: float, size: int, centre: float) -> np.ndarray:
    axis = np.arange(size) + 0.5 - centre
    return np.exp(-(axis[:, None] ** 2 + axis**2) / (2 * sigma**2))


def test_the_tabled_ratios_to_the_last_digit() -> None:
    gaussian, middle = bell(40, 1024, 512.5), (512.5, 512.5)
    table = {1: [0.27, 0.40, 0.79, 5.09], 100: [0.57, 0.86, 1.59, 7.11]}
    table[10_000] = [1.01, 1.54, 2.79, 10.83]
    linear_ratio = 100 * numbers.mass_ratio(gaussian, middle)
    assert linear_ratio.round(2).tolist() == [0.23, 0.35, 0.69, 4.83]
    for peak, row in table.items():
        ratio = 100 * numbers.replknet_ratio(peak * gaussian)
        assert ratio.round(2).tolist() == row
    uniform = np.ones((1024, 1024))
    expected = [20.09, 30.01, 50.13, 99.03]
    assert (100 * numbers.mass_ratio(uniform, middle)).round(2).tolist() == expected


def test_squares_between_pixels_and_at_a_border() -> None:
    between = numbers.mass_ratio(bell(4, 64, 32), (32, 32))
    beside = numbers.mass_ratio(bell(4, 65, 32.5), (32.5, 32.5))
    assert (np.sqrt(between) * 64 % 2 == 0).all() and (np.sqrt(beside) * 65 % 2).round(9).all()
    corner = numbers.mass_ratio(np.ones((10, 10)), (0.5, 0.5))
    assert corner.tolist() == [0.25, 0.36, 0.64, 1.0]
    assert numbers.replknet_ratio(np.ones((8, 8)))[3] == 1.0


def test_sizes_of_a_known_gaussian() -> None:
    field, middle = bell(7, 128, 64), (64.0, 64.0)
    assert numbers.sigma(field, middle) == pytest.approx(7, abs=1e-6)
    assert numbers.gaussian_fit(field, middle) == pytest.approx((7, 1), abs=1e-5)
    held = 7 * np.sqrt(-2 * np.log1p(-np.array([0.5, 0.9])))
    assert numbers.radii(field, middle) == pytest.approx(held, abs=0.15)
    uniform = np.ones((32, 32))
    assert numbers.sigma(uniform, (16, 16)) == pytest.approx(32 / 12**0.5, rel=1e-3)
    assert numbers.border_share(uniform) == pytest.approx(1 - 30**2 / 32**2)
    delta = np.zeros((9, 9))
    delta[4, 4] = 3
    assert numbers.gaussian_fit(delta, (4.5, 4.5)) == (0.0, 1.0)
    assert numbers.growth(np.arange(5), 3 * np.arange(5) ** 0.5) == pytest.approx(0.5)


def test_baselines_on_an_unbounded_grid_are_their_closed_forms() -> None:
    start = np.zeros((81, 81))
    start[40, 40] = 1
    null = baselines.null_walks(Shape(12, 4, 9, 1))
    fields = baselines.diffuse(null, start, range(5))
    sigmas = [numbers.sigma(field, (40.5, 40.5)) for field in fields]
    assert sigmas == pytest.approx(np.sqrt(0.5 * np.arange(5) * (81 - 1) / 12))
    even = [bell(width, 5, 2.5) for width in (0.7, 1.2, 2.0)]
    walks = [baselines.Walk(0.3, 0.7 * kernel / kernel.sum()) for kernel in even]
    fields = baselines.diffuse(walks, start, range(4))
    some = baselines.diffuse(walks, start, (0, 2))
    np.testing.assert_array_equal(some, fields[[0, 2]])
    sigmas = [numbers.sigma(field, (40.5, 40.5)) for field in fields]
    assert sigmas == pytest.approx(np.sqrt(np.cumsum([0, *(w.variance for w in walks)])))
    assert fields.sum((1, 2)) == pytest.approx(1)


@pytest.mark.parametrize("residual", [True, False])
def test_weights_alone_by_the_formula_block_by_block(residual: bool) -> None:
    shape = Shape(12, 3, 5, 2, "relu", residual)
    module = calibrated(replace(TINY, shape=shape))
    walks = baselines.weight_walks(module)
    before = module.stem[2]
    for block, walk in zip(module.walk(), walks, strict=True):
        w, norm = block.depthwise.weight.double()[:, 0], block.depthwise_norm
        mean = block.depthwise.bias + before.bias * w.sum((1, 2))
        z = torch.distributions.Normal(0.0, before.weight.abs() * w.square().sum((1, 2)).sqrt())
        gain = norm.weight**2 / (norm.running_var + norm.eps) * z.cdf(mean)
        branch = (gain * w.square().sum((1, 2))).mean()
        share = branch / (1 + branch) if residual else torch.tensor(1.0)
        assert 1 - walk.stays == pytest.approx(float(share), rel=1e-5)
        offsets = torch.arange(5).double() - 2
        moment = (gain[:, None, None] * w.square()).mean(0) / branch
        both = (offsets**2 @ moment.sum(1) + offsets**2 @ moment.sum(0)) / 2
        assert walk.variance == pytest.approx(float(share * both), rel=1e-5)
        before = block.pointwise_norm


@pytest.mark.parametrize("name", ["relu", "gelu"])
def test_mean_square_slopes_equal_their_integrals(name: str) -> None:
    grid = np.linspace(-12, 12, 400_001)
    density = np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi)
    for mean, deviation in itertools.product((-4, 0.7, 5), (1e-6, 0.3, 1, 3, 10)):
        z = torch.from_numpy(mean + deviation * grid).requires_grad_()
        (slope,) = torch.autograd.grad(models.ACTIVATIONS[name]()(z).sum(), z)
        integral = np.trapezoid(slope.numpy() ** 2 * density, grid)
        found = baselines._SLOPES[name](np.array(mean), np.array(deviation))
        assert found == pytest.approx(integral, abs=3e-5 if name == "relu" else 1e-9)


def test_the_seed_channels_and_groups_do_not_change_a_field(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, images = loaded(), pictures(2, 24, 24)
    whole = measure(model, images, scalar="signs")
    monkeypatch.setattr(probe, "LARGEST_TENSOR", 1)  # a block a step
    parts = measure(model, images, scalar="signs")
    assert np.allclose(parts.pixels, whole.pixels, rtol=0, atol=1e-6 * whole.pixels.max())
    alone = measure(model, images, scalar="signs", blocks=(2,))
    assert np.allclose(alone.pixels[0], whole.pixels[2], rtol=0, atol=1e-6 * whole.pixels.max())


def test_pictures_add_up_one_by_one() -> None:
    model, images = loaded(), pictures(3, 16, 16)
    together = measure(model, images)
    each = [measure(model, [image]) for image in images]
    mean = np.mean([field.pixels for field in each], 0, np.float64)
    assert together.pixels == pytest.approx(mean, rel=1e-6, abs=1e-9)
    assert together.spread == pytest.approx(np.std([f.tokens for f in each], 0), rel=1e-3, abs=1e-6)
    spread = np.std([f.sigma_square for f in each], 0)
    assert together.sigma_spread == pytest.approx(spread, rel=1e-6, abs=1e-6)
    assert together.pictures == 3 and each[0].sigma_spread.max() == 0


def test_noise_replaces_the_pictures_and_repeats() -> None:
    model, images = loaded(), pictures(1, 16, 16)
    first, again = (measure(model, images, noise=2) for _ in range(2))
    assert first.pictures == 2 and np.array_equal(first.pixels, again.pixels)
    assert not np.allclose(measure(model, images).pixels[3], first.pixels[3])


def test_steps_count_groups_and_partials_follow_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "LARGEST_TENSOR", 2 * 12 * 8 * 8 * 4)  # two blocks of four
    steps = list(analysis.compute(loaded(), pictures(2, 16, 16), analysis.Options()))
    assert [step.done for step in steps] == [1, 2, 3, 4] and {s.total for s in steps} == {4}
    assert steps[0].partial is None and steps[1].partial is steps[2].partial
    assert [step.partial.pictures for step in steps[1:]] == [1, 1, 2]


def test_of_many_pictures_every_eighth_has_a_partial() -> None:
    steps = analysis.compute(loaded(), pictures(18, 8, 8), analysis.Options(blocks=(1,)))
    counts = [step.partial.pictures for step in steps]
    assert counts == [*range(1, 9), *[8] * 7, 16, 16, 18]


def test_a_field_too_large_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "free_memory", lambda device: 2**20)
    with pytest.raises(
        DeviceError, match=r"24×24 pixels needs .* choose its own size, resolution 16"
    ):
        next(analysis.compute(loaded(), pictures(1, 24, 24), analysis.Options()))


def test_choices_that_do_not_exist() -> None:
    with pytest.raises(ChoiceError, match=r"no token 8,0 .* rows end at 7"):
        measure(loaded(), pictures(1, 16, 16), token=(8, 0))
    with pytest.raises(ChoiceError, match="no channel 12: they end at 11"):
        measure(loaded(), pictures(1, 16, 16), scalar="channel", channel=12)
    with pytest.raises(ChoiceError, match="not both"):
        analysis.Options(token=(1, 1), central=True)
    with pytest.raises(ChoiceError, match="its row and its column"):
        analysis.Options(token=(1,))
    assert len(option_fields(analysis.Options)) == 9


def test_fast_mode_keeps_the_picture() -> None:
    exact, fast = loaded(), loaded(mode="fast")
    images = pictures(2, 16, 16)
    fields = [measure(model, images) for model in (exact, fast)]
    for slow, quick in zip(fields[0].pixels, fields[1].pixels, strict=True):
        assert np.corrcoef(slow.ravel(), quick.ravel())[0, 1] > 0.999


def test_shares_of_the_theoretical_field_never_pass_one():
    """Four central tokens, a kernel that leans, a patch of one pixel."""
    for shape, central in (
        (TINY.shape, True),
        (Shape(6, 3, 4, 2), False),
        (Shape(6, 2, 5, 1), True),
    ):
        found = measure(double(shape), pictures(2, 16, 16), central=central)
        assert (found.share <= 1).all() and (found.share > 0).all()
    assert numbers.reach([(3, 3)], 1, 4, (8, 8)) == 4 * 4
    assert numbers.reach([(0, 0)], 1, 4, (8, 8)) == 3 * 3  # one before, two behind
    assert numbers.reach([(3, 3), (3, 4), (4, 3), (4, 4)], 1, 5, (8, 8)) == 36


def test_a_grid_too_small_for_squares_is_still_measured():
    assert numbers.replknet_ratio(np.ones((2, 2))).tolist() == [1, 1, 1, 1]
