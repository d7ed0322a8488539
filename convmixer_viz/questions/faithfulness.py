"""Faithfulness: whether an attribution map can be trusted, by measures that are the same for all
methods, and the scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.contract import Result
from convmixer_viz.errors import ChoiceError
from convmixer_viz.questions import attribution


@dataclass(frozen=True, slots=True)
class Measure:
    """A row of the table of measures: add one by adding an entry."""

    function: str  # in analyses/attribution/scores/: fields of the result, chunk by chunk
    chunks: str  # likewise: how many, less the last


MEASURES: dict[str, Measure] = {
    "deletion": Measure("removal.deletion", "removal.curve_chunks"),
    "insertion": Measure("removal.insertion", "removal.curve_chunks"),
    "road": Measure("removal.road", "removal.road_chunks"),
    "infidelity": Measure("removal.infidelity", "removal.infidelity_chunks"),
    "smallest-set": Measure("removal.smallest", "removal.smallest_chunks"),
    "max-sensitivity": Measure("stability.max_sensitivity", "stability.sensitivity_chunks"),
    "randomisation": Measure("stability.randomisation", "stability.randomisation_chunks"),
}
NEVER = -1  # a smallest set that there is none of
DEFAULT_MEASURES = ("deletion", "insertion", "road", "infidelity")


@dataclass(frozen=True, slots=True)
class Options(attribution.Options):
    measures: Annotated[
        tuple[str, ...],
        "what to measure; the last two run the method ten times and more",
        *MEASURES,
    ] = DEFAULT_MEASURES

    def __post_init__(self) -> None:
        attribution.Options.__post_init__(self)
        unknown = set(self.measures) - set(MEASURES)
        if unknown:
            raise ChoiceError(
                f"There is no measure {min(unknown)!r}: choose {', '.join(MEASURES)}."
            )

    @property
    def unread(self) -> frozenset[str]:
        """The same; the measures draw from the seed, whatever the method."""
        return attribution.unread(self.method) - {"seed"}


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
    answer: str | None = None  # the first class of the whole picture, for the smallest sets
    fewest_removed: NDArray[np.int64] | None = None  # (2, 3) tokens that change it, -1: never
    fewest_kept: NDArray[np.int64] | None = None  # (2, 3) tokens that alone keep it
    max_sensitivity: float | None = None  # low is good
    randomisation: NDArray[np.float32] | None = None  # (depth + 2,), near 0 is good
    stages: tuple[str, ...] = ()  # (depth + 2,), what was randomised so far
    view: NDArray[np.uint8]  # (h, w, 3)

    def first(self, count: int) -> NDArray[np.bool_]:
        """(H, W) The tokens that go first, in the order of the map."""
        order = np.argsort(-self.tokens.ravel().astype(np.float64), kind="stable")
        chosen = np.zeros(self.tokens.size, bool)
        chosen[order[:count]] = True
        return chosen.reshape(self.tokens.shape)

    @property
    def ends(self) -> NDArray[np.bool_]:
        """(H, W) The smallest set, filled by the first baseline, without which the answer ends;
        none where it never does."""
        return self._smallest(self.fewest_removed)

    @property
    def keeps(self) -> NDArray[np.bool_]:
        """(H, W) The smallest set that alone keeps the answer."""
        return self._smallest(self.fewest_kept)

    def _smallest(self, counts: NDArray[np.int64] | None) -> NDArray[np.bool_]:
        if counts is None:
            raise ChoiceError("The smallest sets weren't looked for: ask for smallest-set.")
        return self.first(max(0, int(counts[0, 0])))

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
            for name in ("fewest_removed", "fewest_kept"):
                counts = getattr(self, name)
                if counts is not None:
                    words = name.replace("_", " ")
                    row |= {
                        f"{words}, {b}": int(n)
                        for b, n in zip(self.baselines, counts[:, i], strict=True)
                    }
            for name in ("deletion", "insertion"):
                areas = getattr(self, f"{name}_area")
                for j, baseline in enumerate(self.baselines):
                    row[f"{name}, {baseline}"] = None if areas is None else float(areas[j, i])
            rows.append(row | (own if i == 0 else dict.fromkeys(own)))
        return rows
