"""Evidence: how much each token adds to a class's logit, exactly and as a probe through depth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.contract import Result


@dataclass(frozen=True, slots=True)
class Options:
    target: Annotated[str | None, "class to explain, name or index; none is the predicted"] = None
    against: Annotated[str | None, "class that it is explained rather than"] = None
    blocks: Annotated[tuple[int, ...], "blocks to probe; none is all, 0 the stem's output"] = ()
    resolution: Annotated[int | None, "side in pixels; none is the preset's own"] = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Evidence(Result):
    """Σ of the last map + bias = logit; maps of earlier blocks are probes: head after pooling,
    applied where it was not trained to be."""

    picture: str
    target: int
    against: int | None
    target_name: str  # "cat" or "cat rather than dog"
    blocks: NDArray[np.int64]  # (blocks,)
    maps: NDArray[np.float32]  # (blocks, H, W), signed contributions to the target's logit
    per_class: NDArray[np.float32]  # (classes, H, W), the last block's map of each class
    bias: float
    logit: float  # of the target, minus the other's where there is one
    error: float  # |Σ map + bias − logit| at the last block
    relative_error: float  # the same over Σ|map| + |bias|
    probe_top: NDArray[np.int64]  # (blocks,), class that head after pooling makes of each block
    probe_names: tuple[str, ...]  # (blocks,)
    probe_probability: NDArray[np.float32]  # (blocks,), softmax of the target, or of the two
    probe_logit: NDArray[np.float32]  # (blocks,)
    view: NDArray[np.uint8]  # (h, w, 3), what the tokens saw
    box: tuple[float, float, float, float]  # of the view in the picture, px

    def rows(self) -> list[dict[str, Any]]:
        return [
            {
                "picture": self.picture,
                "block": int(block),
                "says": self.probe_names[i],
                "target": self.target_name,
                "probability": float(self.probe_probability[i]),
                "sum": float(self.maps[i].sum()),
                "bias": self.bias,
                "logit": float(self.probe_logit[i]),
            }
            for i, block in enumerate(self.blocks)
        ]

    @property
    def exact(self) -> NDArray[np.float32]:
        """The last block's map of what is explained, (H, W): with the bias it sums to the logit."""
        target = self.per_class[self.target]
        other = 0 if self.against is None else self.per_class[self.against]
        return np.asarray(target - other, np.float32)

    def strongest(self, rows: int, columns: int) -> int:
        """The upper left token of the region of so many tokens with the largest sum."""
        windows = np.lib.stride_tricks.sliding_window_view(self.exact, (rows, columns))
        sums = windows.sum((2, 3), dtype=np.float64)
        row, column = map(int, np.unravel_index(sums.argmax(), sums.shape))
        return row * int(self.exact.shape[1]) + column
