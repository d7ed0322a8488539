"""Parts of a request come back whole, to their own request alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from convmixer_viz.engine.finished_parts import FinishedParts
from convmixer_viz.engine.store import Store


def test_a_part_comes_back_to_its_own_request(tmp_path: Path) -> None:
    store = Store(tmp_path, 2**20)
    parts = FinishedParts(store, "a")
    assert parts.get("off:blocks=1") is None
    parts.put("off:blocks=1", {"right": np.arange(3), "mean": np.array(0.5)})
    back = FinishedParts(Store(tmp_path, 2**20), "a").get("off:blocks=1")
    assert back is not None and back["right"].tolist() == [0, 1, 2] and float(back["mean"]) == 0.5
    assert (
        parts.get("off:blocks=2") is None and FinishedParts(store, "b").get("off:blocks=1") is None
    )


def test_what_is_no_part_is_none(tmp_path: Path) -> None:
    store = Store(tmp_path, 2**20)
    parts = FinishedParts(store, "a")
    store.put(parts._key("x"), "part of a result", b"no arrays")
    assert parts.get("x") is None


def test_without_a_store_nothing_is_kept() -> None:
    parts = FinishedParts()
    parts.put("x", {"y": np.zeros(1)})
    assert parts.get("x") is None
