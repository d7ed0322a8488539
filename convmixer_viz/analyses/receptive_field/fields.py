"""The receptive field of every block, summed over pictures: how far each really sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from convmixer_viz.analyses.receptive_field import random_walk, statistics
from convmixer_viz.analyses.receptive_field.measurement import LARGEST_TENSOR, Measurement, plan
from convmixer_viz.analyses.receptive_field.sums import Floats, Sums
from convmixer_viz.contract import Step
from convmixer_viz.engine import distributed
from convmixer_viz.engine.memory import DOUBLE, Workload
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.questions.receptive_field import Options, ReceptiveField

BORDER = 0.01  # of the mass in the outermost ring of tokens: the picture cuts the field
PARTIAL_EVERY = 8  # pictures; the first eight give a partial result each: they cost a fifth


def compute(
    model: LoadedModel, images: Sequence[PreparedPicture], options: Options
) -> Iterator[Step[ReceptiveField]]:
    """A step a group of blocks of one picture, with a result over pictures before it; under
    torchrun each process takes its share of the pictures and the last step has the sum of all."""
    measurement = plan(model, images, options)
    models = _models(measurement)
    sums = Sums.empty(len(measurement.blocks), measurement.sides, measurement.grid)
    share = distributed.share(measurement.pictures)
    done, total = 0, max(1, len(share) * len(measurement.groups))
    partial: ReceptiveField | None = None
    for index in share:
        traced = measurement.trace(index)
        for group in measurement.groups:
            gradients = measurement.gradients(traced, group, index)
            sums.add(group, gradients, options.reduction, measurement.middle)
            done += 1
            if done < total:
                due = group.start == 0 and _gives_partial(sums.count)
                partial = _result(measurement, sums, models) if due else partial
                yield Step(done, total, partial)
    sums.reduce()
    yield Step(total, total, _result(measurement, sums, models))


def estimate(work: Workload) -> int:
    """The gains of a picture, with the walk forward or a group on its way back; the sums."""
    blocks = sorted(set(work.options.blocks)) or range(work.shape.depth + 1)
    exact = max(1, 4 // work.itemsize) * work.state  # the walk forward is in float32
    group = max(work.state, min(LARGEST_TENSOR, len(blocks) * work.state))
    kept = (2 * max(blocks) + 1) * work.state + max(6 * exact, 5 * group)
    maps = 4 * len(blocks) * work.pixels(1, DOUBLE) // 3
    return int(work.prepared + work.scattered(kept, work.state) + maps)


def _gives_partial(pictures: Floats) -> bool:
    return bool(pictures <= PARTIAL_EVERY or pictures % PARTIAL_EVERY == 0)


def _models(measurement: Measurement) -> tuple[Floats, Floats]:
    """σ in pixels of the null model and of the weights alone, (blocks,) each."""
    start = np.zeros(measurement.grid)
    start[tuple(zip(*measurement.tokens, strict=True))] = 1
    module, p = measurement.model.module, measurement.model.preset.shape.patch_size
    walks = (random_walk.null_model(module.shape), random_walk.weights_model(module))
    energies = [random_walk.diffuse(steps, start, measurement.blocks) for steps in walks]
    null, weights_only = (p * _sigmas(fields, measurement.middle) for fields in energies)
    return null, weights_only


def _sigmas(fields: Floats, centre: tuple[float, float]) -> Floats:
    return np.array([statistics.sigma(field, centre) for field in fields])


def _result(measurement: Measurement, sums: Sums, models: tuple[Floats, Floats]) -> ReceptiveField:
    shape, count = measurement.model.preset.shape, float(sums.count)
    pixels, tokens, square = (m / count for m in (sums.pixels, sums.tokens, sums.square))
    p, blocks = shape.patch_size, np.array(measurement.blocks)
    border = np.array([statistics.border_share(field) for field in tokens])
    sigma_square, first = p * _sigmas(square, measurement.middle), measurement.images[0]
    free = blocks[border <= BORDER], sigma_square[border <= BORDER]
    return ReceptiveField(
        blocks=measurement.blocks,
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
        growth=statistics.growth(*free),
        view=first.view,
        box=first.box,
        seeds=np.array(measurement.tokens),
        centre=(p * measurement.middle[0], p * measurement.middle[1]),
        patch_size=p,
        pictures=round(count),
        scalar=measurement.options.scalar,
        reduction=measurement.options.reduction,
        **_sizes(measurement, pixels, tokens),
    )


def _sizes(measurement: Measurement, pixels: Floats, tokens: Floats) -> dict[str, Any]:
    """The numbers of each block's field, by the field's name in the result."""
    shape, middle = measurement.model.preset.shape, measurement.middle
    p, centre = shape.patch_size, (shape.patch_size * middle[0], shape.patch_size * middle[1])
    fits = np.array([statistics.gaussian_fit(field, middle) for field in tokens])
    ratio = np.array([statistics.mass_ratio(field, centre) for field in pixels])
    theoretical = np.array([float(shape.theoretical_field(block)) for block in measurement.blocks])
    k, grid = shape.kernel_size, measurement.grid
    reach = [p**2 * statistics.reach(measurement.tokens, b, k, grid) for b in measurement.blocks]
    return {
        "sigma": p * _sigmas(tokens, middle),
        "sigma_fit": p * fits[:, 0],
        "fit_r2": fits[:, 1],
        "moments": p**2 * np.array([statistics.moments(field, middle) for field in tokens]),
        "radius": np.array([statistics.radii(field, centre) for field in pixels]),
        "ratio": ratio,
        "ratio_log": np.array([statistics.replknet_ratio(field) for field in pixels]),
        "scale": pixels.max((1, 2)),
        "theoretical": theoretical,
        "share": np.minimum(ratio[:, 3] * pixels[0].size / np.array(reach), 1.0),
    }


def _deviation(sums: Floats, squares: Floats, count: float) -> Floats:
    """Standard deviation over pictures from Σx and Σx²."""
    return np.sqrt(np.maximum(squares / count - (sums / count) ** 2, 0))
