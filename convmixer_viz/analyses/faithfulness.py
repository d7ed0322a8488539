"""Can the map be trusted? Measures that are fixed once for all methods, because their free
choices reverse rankings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

import lazy_loader as lazy
import numpy as np

from convmixer_viz.analyses import attribution, removal, stability
from convmixer_viz.contract import Result, Step
from convmixer_viz.errors import ChoiceError

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from torch import Tensor

    from convmixer_viz.analyses.scene import Scene
    from convmixer_viz.preprocessing import PreparedImage
    from convmixer_viz.runtime import LoadedModel
else:
    torch = lazy.load("torch")


@dataclass(frozen=True, slots=True)
class Measure:
    """A row of the table: fields of the result, chunk by chunk, the last one's count."""

    run: Callable[[Scene, Tensor], Iterator[dict[str, Any]]]
    chunks: Callable[[Scene, int], int]  # and one more; given the method's own


MEASURES: dict[str, Measure] = {
    "deletion": Measure(removal.deletion, removal.curve_chunks),
    "insertion": Measure(removal.insertion, removal.curve_chunks),
    "road": Measure(removal.road, removal.road_chunks),
    "infidelity": Measure(removal.infidelity, removal.infidelity_chunks),
    "max-sensitivity": Measure(stability.max_sensitivity, stability.sensitivity_chunks),
    "randomisation": Measure(stability.randomisation, stability.randomisation_chunks),
}

if TYPE_CHECKING:
    Name = str
else:
    Name = Literal[tuple(MEASURES)]

QUICK = ("deletion", "insertion", "road", "infidelity")


@dataclass(frozen=True, slots=True)
class Options(attribution.Options):
    measures: Annotated[
        tuple[Name, ...], "what to measure; the last two run the method ten times and more"
    ] = QUICK

    def __post_init__(self) -> None:
        attribution.Options.__post_init__(self)
        unknown = set(self.measures) - set(MEASURES)
        if unknown:
            raise ChoiceError(
                f"There is no measure {min(unknown)!r}: choose {', '.join(MEASURES)}."
            )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Faithfulness(Result):
    """Scores of one map; what was not asked for is none."""

    picture: str
    method: str
    target_name: str
    valid: bool
    validity: str
    tokens: NDArray[np.float32]  # (H, W), the map that is scored
    completeness: float | None  # relative error of the sum, where the method promises one
    complexity: float  # entropy of |φ| / Σ|φ| over tokens, nats; log(H·W) is a flat map
    fractions: NDArray[np.float32]  # (33,) of the tokens removed or restored
    orders: tuple[str, ...]  # (3,) the method's and two controls
    baselines: tuple[str, ...]  # (2,) what stands for a removed token
    deletion: NDArray[np.float32] | None = None  # (2, 3, 33) probability of the target
    deletion_area: NDArray[np.float32] | None = None  # (2, 3), low is good
    insertion: NDArray[np.float32] | None = None  # (2, 3, 33)
    insertion_area: NDArray[np.float32] | None = None  # (2, 3), high is good
    road: float | None = None  # high is good
    road_curves: NDArray[np.float32] | None = None  # (2, 9), most and least relevant first
    infidelity: float | None = None  # 0 is perfect, 1 no better than a map of zeros
    max_sensitivity: float | None = None  # low is good
    randomisation: NDArray[np.float32] | None = None  # (depth + 2,), near 0 is good
    stages: tuple[str, ...] = ()  # (depth + 2,), what was randomised so far
    view: NDArray[np.uint8]  # (h, w, 3)

    def rows(self) -> list[dict[str, Any]]:
        """A row an order: the method's and the controls', with the areas under their curves."""
        names = ("infidelity", "max_sensitivity", "completeness", "complexity")
        own = {"road": self.road} | {name: getattr(self, name) for name in names}
        if self.randomisation is not None:
            alike = zip(self.stages, self.randomisation, strict=True)
            own |= {f"randomised to {stage}": float(value) for stage, value in alike}
        rows = []
        for i, order in enumerate(self.orders):
            row: dict[str, Any] = {"picture": self.picture, "order": order if i else self.method}
            for name in ("deletion", "insertion"):
                areas = getattr(self, f"{name}_area")
                for j, baseline in enumerate(self.baselines):
                    row[f"{name}, {baseline}"] = None if areas is None else float(areas[j, i])
            rows.append(row | (own if i == 0 else dict.fromkeys(own)))
        return rows


def compute(
    model: LoadedModel, images: Sequence[PreparedImage], options: Options
) -> Iterator[Step[Faithfulness]]:
    """The steps of the method, then a step a chunk of each measure; a partial after each."""
    scene = attribution.ask(model, model.tensor(images), options)
    names = [name for name in MEASURES if name in options.measures]
    for step in attribution.compute(model, images, options):
        last = step.total + sum(MEASURES[n].chunks(scene, step.total - 2) + 1 for n in names)
        result = None if step.partial is None else _begin(step.partial)
        yield Step(step.done, last, result)
    assert result is not None
    done, tokens = step.total, torch.from_numpy(result.tokens.copy())
    for name in names:
        for fields in MEASURES[name].run(scene, tokens):
            done, result = done + 1, replace(result, **fields)
            yield Step(done, last, result)


def _begin(map_: attribution.AttributionMap) -> Faithfulness:
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
    share = np.abs(tokens, dtype=np.float64)
    share = share[share > 0] / max(share.sum(), 1e-300)
    return float(-(share * np.log(share)).sum())
