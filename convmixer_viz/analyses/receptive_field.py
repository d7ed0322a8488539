"""How far does each block really see? Measured, not derived from the shape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np

from convmixer_viz import processes
from convmixer_viz.analyses import field_baselines, field_numbers, field_probe
from convmixer_viz.analyses.field_sums import Floats, Reduction, Sums
from convmixer_viz.contract import Result, Step
from convmixer_viz.errors import ChoiceError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from convmixer_viz.analyses.field_probe import Probe
    from convmixer_viz.preprocessing import PreparedImage
    from convmixer_viz.runtime import LoadedModel

Scalar = Literal["sum", "relu", "signs", "channel"]
BORDER = 0.01  # of the mass in the outermost ring of tokens: the picture cuts the field
OFTEN = 8  # pictures of which each gives a partial result, then every eighth: they cost a fifth


@dataclass(frozen=True, slots=True)
class Options:
    scalar: Annotated[
        Scalar, "what of the token is differentiated: sum of channels, of ReLU, random signs, one"
    ] = "sum"
    channel: Annotated[int, "the channel of --scalar channel"] = 0
    reduction: Annotated[Reduction, "how a gradient becomes a field: over colours, a picture"] = (
        "absolute"
    )
    token: Annotated[tuple[int, int] | None, "row and column; none is the centre"] = None
    central: Annotated[bool, "mean of the grid's central tokens: four of an even grid"] = False
    blocks: Annotated[tuple[int, ...], "which blocks; none named is all, 0 is the stem"] = ()
    noise: Annotated[int, "measure on so many pictures of N(0, 1) instead; 0 is the pictures"] = 0
    resolution: Annotated[int | None, "side in pixels; none is the preset's wider one"] = None
    seed: Annotated[int, "of noise and of random signs"] = 0

    def __post_init__(self) -> None:
        if self.noise < 0 or self.channel < 0:
            raise ChoiceError("noise and channel count from 0: choose 0 or more.")
        if self.token is not None and len(self.token) != 2:
            raise ChoiceError("A token is two numbers, its row and its column: for example 3,4.")
        if self.token is not None and self.central:
            raise ChoiceError("Choose one token or the central ones, not both.")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ReceptiveField(Result):
    """Fields of some blocks, and their numbers; σ is of the token grid, in pixels, so that the
    stem's is 0. Sizes in pixels of the prepared picture."""

    blocks: tuple[int, ...]
    pixels: NDArray[np.float32]  # (blocks, h, w), mean over pictures
    tokens: NDArray[np.float32]  # (blocks, H, W), pixels summed by token
    spread: NDArray[np.float32]  # (blocks, H, W), standard deviation over pictures
    square: NDArray[np.float32]  # (blocks, H, W), the square reduction, whose σ the models predict
    sigma: NDArray[np.float64]  # (blocks,), by moments, of the chosen reduction
    sigma_square: NDArray[np.float64]  # (blocks,), of the square reduction
    sigma_spread: NDArray[np.float64]  # (blocks,), deviation over pictures of the latter
    sigma_fit: NDArray[np.float64]  # (blocks,), of the best round Gaussian
    fit_r2: NDArray[np.float64]  # (blocks,)
    moments: NDArray[np.float64]  # (blocks, 2, 2), px², down first
    radius: NDArray[np.float64]  # (blocks, 2), holds 50 and 90 % of the mass
    ratio: NDArray[np.float64]  # (blocks, 4), area of the square holding 20, 30, 50, 99 %
    ratio_log: NDArray[np.float64]  # (blocks, 4), RepLKNet's, of log10(P + 1)
    scale: NDArray[np.float64]  # (blocks,), the field's maximum, on which ratio_log depends
    theoretical: NDArray[np.float64]  # (blocks,), side in px
    share: NDArray[np.float64]  # (blocks,), of the theoretical field that holds 99 %
    border: NDArray[np.float64]  # (blocks,), share of the mass in the outermost ring of tokens
    touches: NDArray[np.bool_]  # (blocks,), whether the picture cuts the field
    null: NDArray[np.float64]  # (blocks,), σ by random signs, square reduction, on this grid
    weights_only: NDArray[np.float64]  # (blocks,), σ from the weights, likewise
    growth: float | None  # e in σ ∝ block^e, square reduction, where the border is not touched
    view: NDArray[np.uint8]  # (h, w, 3), the first picture as prepared
    box: tuple[float, float, float, float]  # of the view in the first picture
    seeds: NDArray[np.int64]  # (tokens, 2), rows and columns of the tokens differentiated
    centre: tuple[float, float]  # of them in px from the upper left edge, down first
    patch_size: int
    pictures: int
    scalar: str
    reduction: str


def compute(
    model: LoadedModel, images: Sequence[PreparedImage], options: Options
) -> Iterator[Step[ReceptiveField]]:
    """A step a group of blocks of one picture, with a result over pictures before it; under
    torchrun each process takes its share of the pictures and the last step has the sum of all."""
    probe = field_probe.probe(model, images, options)
    models = _models(probe)
    sums = Sums.empty(len(probe.blocks), probe.sides, probe.grid)
    share = processes.share(probe.pictures)
    done, total = 0, max(1, len(share) * len(probe.groups))
    partial: ReceptiveField | None = None
    for index in share:
        walked = probe.walk(index)
        for rows in probe.groups:
            gradients = probe.gradients(walked, rows, index)
            sums.add(rows, gradients, options.reduction, probe.middle)
            done += 1
            if done < total:
                due = rows.start == 0 and (sums.count <= OFTEN or sums.count % OFTEN == 0)
                partial = _result(probe, sums, models) if due else partial
                yield Step(done, total, partial)
    sums.reduce()
    yield Step(total, total, _result(probe, sums, models))


def _models(probe: Probe) -> tuple[Floats, Floats]:
    """σ in pixels of the null model and of the weights alone, (blocks,) each."""
    start = np.zeros(probe.grid)
    start[tuple(zip(*probe.tokens, strict=True))] = 1
    module, p = probe.model.module, probe.model.preset.shape.patch_size
    walks = (field_baselines.null_walks(module.shape), field_baselines.weight_walks(module))
    energies = [field_baselines.diffuse(steps, start, probe.blocks) for steps in walks]
    null, weights_only = (p * _sigmas(fields, probe.middle) for fields in energies)
    return null, weights_only


def _sigmas(fields: Floats, centre: tuple[float, float]) -> Floats:
    return np.array([field_numbers.sigma(field, centre) for field in fields])


def _result(probe: Probe, sums: Sums, models: tuple[Floats, Floats]) -> ReceptiveField:
    shape, count = probe.model.preset.shape, float(sums.count)
    pixels, tokens, square = (m / count for m in (sums.pixels, sums.tokens, sums.square))
    p, blocks = shape.patch_size, np.array(probe.blocks)
    border = np.array([field_numbers.border_share(field) for field in tokens])
    sigma_square, first = p * _sigmas(square, probe.middle), probe.images[0]
    free = blocks[border <= BORDER], sigma_square[border <= BORDER]
    return ReceptiveField(
        blocks=probe.blocks,
        pixels=pixels.astype(np.float32),
        tokens=tokens.astype(np.float32),
        spread=_deviation(sums.tokens, sums.tokens_squared, count).astype(np.float32),
        square=square.astype(np.float32),
        sigma_square=sigma_square,
        sigma_spread=p * _deviation(sums.sigma, sums.sigma_squared, count),
        border=border,
        touches=border > BORDER,
        null=models[0],
        weights_only=models[1],
        growth=field_numbers.growth(*free),
        view=first.view,
        box=first.box,
        seeds=np.array(probe.tokens),
        centre=(p * probe.middle[0], p * probe.middle[1]),
        patch_size=p,
        pictures=round(count),
        scalar=probe.options.scalar,
        reduction=probe.options.reduction,
        **_sizes(probe, pixels, tokens),
    )


def _sizes(probe: Probe, pixels: Floats, tokens: Floats) -> dict[str, Any]:
    """The numbers of each block's field, by the field's name in the result."""
    shape, middle = probe.model.preset.shape, probe.middle
    p, centre = shape.patch_size, (shape.patch_size * middle[0], shape.patch_size * middle[1])
    fits = np.array([field_numbers.gaussian_fit(field, middle) for field in tokens])
    ratio = np.array([field_numbers.mass_ratio(field, centre) for field in pixels])
    theoretical = np.array([float(shape.theoretical_field(block)) for block in probe.blocks])
    k, grid = shape.kernel_size, probe.grid
    reach = [p**2 * field_numbers.reach(probe.tokens, b, k, grid) for b in probe.blocks]
    return {
        "sigma": p * _sigmas(tokens, middle),
        "sigma_fit": p * fits[:, 0],
        "fit_r2": fits[:, 1],
        "moments": p**2 * np.array([field_numbers.moments(field, middle) for field in tokens]),
        "radius": np.array([field_numbers.radii(field, centre) for field in pixels]),
        "ratio": ratio,
        "ratio_log": np.array([field_numbers.replknet_ratio(field) for field in pixels]),
        "scale": pixels.max((1, 2)),
        "theoretical": theoretical,
        "share": np.minimum(ratio[:, 3] * pixels[0].size / np.array(reach), 1.0),
    }


def _deviation(sums: Floats, squares: Floats, count: float) -> Floats:
    """Standard deviation over pictures from Σx and Σx²."""
    return np.sqrt(np.maximum(squares / count - (sums / count) ** 2, 0))
