"""How far does each block really see? Measured, not derived from the shape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from convmixer_viz.analyses.receptive_field import (
    baselines,
    numbers,
)
from convmixer_viz.analyses.receptive_field import (
    probe as receptive_field_probe,
)
from convmixer_viz.analyses.receptive_field.probe import Probe
from convmixer_viz.analyses.receptive_field.sums import Floats, Sums
from convmixer_viz.contract import Step
from convmixer_viz.engine import distributed
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.questions.receptive_field import Options, ReceptiveField

BORDER = 0.01  # of the mass in the outermost ring of tokens: the picture cuts the field
OFTEN = 8  # pictures of which each gives a partial result, then every eighth: they cost a fifth


def compute(
    model: LoadedModel, images: Sequence[PreparedPicture], options: Options
) -> Iterator[Step[ReceptiveField]]:
    """A step a group of blocks of one picture, with a result over pictures before it; under
    torchrun each process takes its share of the pictures and the last step has the sum of all."""
    probe = receptive_field_probe.probe(model, images, options)
    models = _models(probe)
    sums = Sums.empty(len(probe.blocks), probe.sides, probe.grid)
    share = distributed.share(probe.pictures)
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
    walks = (baselines.null_walks(module.shape), baselines.weight_walks(module))
    energies = [baselines.diffuse(steps, start, probe.blocks) for steps in walks]
    null, weights_only = (p * _sigmas(fields, probe.middle) for fields in energies)
    return null, weights_only


def _sigmas(fields: Floats, centre: tuple[float, float]) -> Floats:
    return np.array([numbers.sigma(field, centre) for field in fields])


def _result(probe: Probe, sums: Sums, models: tuple[Floats, Floats]) -> ReceptiveField:
    shape, count = probe.model.preset.shape, float(sums.count)
    pixels, tokens, square = (m / count for m in (sums.pixels, sums.tokens, sums.square))
    p, blocks = shape.patch_size, np.array(probe.blocks)
    border = np.array([numbers.border_share(field) for field in tokens])
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
        growth=numbers.growth(*free),
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
    fits = np.array([numbers.gaussian_fit(field, middle) for field in tokens])
    ratio = np.array([numbers.mass_ratio(field, centre) for field in pixels])
    theoretical = np.array([float(shape.theoretical_field(block)) for block in probe.blocks])
    k, grid = shape.kernel_size, probe.grid
    reach = [p**2 * numbers.reach(probe.tokens, b, k, grid) for b in probe.blocks]
    return {
        "sigma": p * _sigmas(tokens, middle),
        "sigma_fit": p * fits[:, 0],
        "fit_r2": fits[:, 1],
        "moments": p**2 * np.array([numbers.moments(field, middle) for field in tokens]),
        "radius": np.array([numbers.radii(field, centre) for field in pixels]),
        "ratio": ratio,
        "ratio_log": np.array([numbers.replknet_ratio(field) for field in pixels]),
        "scale": pixels.max((1, 2)),
        "theoretical": theoretical,
        "share": np.minimum(ratio[:, 3] * pixels[0].size / np.array(reach), 1.0),
    }


def _deviation(sums: Floats, squares: Floats, count: float) -> Floats:
    """Standard deviation over pictures from Σx and Σx²."""
    return np.sqrt(np.maximum(squares / count - (sums / count) ** 2, 0))
