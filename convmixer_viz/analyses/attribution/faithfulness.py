"""The scores of an attribution map, with settings that are the same for all methods, because such
settings reverse rankings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import lazy_loader as lazy
import numpy as np
import torch
from numpy.typing import NDArray

from convmixer_viz.analyses.attribution import maps
from convmixer_viz.analyses.attribution.scores import removal
from convmixer_viz.contract import Step, resolve
from convmixer_viz.engine.memory import DOUBLE, Estimate, Workload
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.pictures.prepare import PreparedPicture
from convmixer_viz.questions.attribution import AttributionMap
from convmixer_viz.questions.faithfulness import MEASURES, Faithfulness, Options

scipy: Any = lazy.load("scipy")

SCORES = "analyses.attribution.scores"  # where the table's functions are


def compute(
    model: LoadedModel, images: Sequence[PreparedPicture], options: Options
) -> Iterator[Step[Faithfulness]]:
    """The steps of the method, then a step a chunk of each measure; a partial after each."""
    question = maps.ask(model, model.tensor(images), options)
    measures = [MEASURES[name] for name in MEASURES if name in options.measures]
    counts = [resolve(f"{SCORES}.{measure.chunks}") for measure in measures]
    for step in maps.compute(model, images, options):
        total = step.total + sum(count(question, step.total - 2) + 1 for count in counts)
        result = None if step.partial is None else _without_scores(step.partial)
        yield Step(step.done, total, result)
    assert result is not None
    done, tokens = step.total, torch.from_numpy(result.tokens.copy())
    for measure in measures:
        for fields in resolve(f"{SCORES}.{measure.function}")(question, tokens):
            done, result = done + 1, replace(result, **fields)
            yield Step(done, total, result)


def estimate(work: Workload) -> int:
    """The method, or the measure that takes most."""
    measures = work.options.measures
    costs = [cost(work) for name, cost in COSTS.items() if name in measures]
    return max(maps.estimate(work), work.prepared + work.state + max(costs, default=0))


def _removal(work: Workload) -> int:
    """A call of mixtures with the tokens of picture and baseline; which tokens, for every point."""
    order = len(removal.ORDERS) * removal.POINTS * work.cells
    return 2 * work.state + work.call + work.forward() + 4 * order


def _imputed(work: Workload) -> int:
    """The factors of a sparse system of all pixels, whose fill grows as n log n; pictures that
    wait for a call."""
    pixels = work.side**2
    factors = DOUBLE * pixels * (50 * math.log2(max(2, work.side)) - 110)
    return int(factors) + (work.batch_size + 4) * work.pixels(1, DOUBLE) + work.forward()


def _moved(work: Workload) -> int:
    """The method again, for another picture."""
    return maps.estimate(work) + work.pixels(1, DOUBLE)


def _randomised(work: Workload) -> int:
    """The method on a copy of the model; before it the copy's statistics, of 8 pictures at once."""
    copy = 4 * work.shape.parameters(work.class_count)
    return copy + max(maps.estimate(work), 8 * (4 * work.state + work.pixels()))


COSTS: dict[str, Estimate] = {
    "deletion": _removal,
    "insertion": _removal,
    "road": _imputed,
    "infidelity": _removal,
    "smallest-set": _removal,
    "max-sensitivity": _moved,
    "randomisation": _randomised,
}


def _without_scores(map_: AttributionMap) -> Faithfulness:
    return Faithfulness(
        picture=map_.picture,
        method=map_.method,
        target_name=map_.target_name,
        valid=map_.valid,
        validity=map_.validity,
        tokens=map_.tokens,
        completeness=map_.completeness,
        complexity=entropy(map_.tokens),
        fractions=np.linspace(0, 1, removal.POINTS, dtype=np.float32),
        orders=removal.ORDERS,
        baselines=removal.BASELINES,
        view=map_.view,
    )


def entropy(tokens: NDArray[np.float32]) -> float:
    """Of |φ| / Σ|φ|, in nats: 0 for a single token, log(H·W) for a flat map."""
    sizes = np.abs(tokens, dtype=np.float64)
    return float(scipy.special.entr(sizes / max(sizes.sum(), 1e-300)).sum())
