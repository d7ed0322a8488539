"""What a request has finished on its way, kept where results are kept: a long one that was killed
goes on in the next process."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convmixer_viz.engine.store import Store

KIND = "part of a result"
Shapes = Mapping[str, tuple[tuple[int, ...], str]]  # of arrays by name: shape and type


class FinishedParts:
    """Arrays by the name of a part, in a store under the key of their request; without a store
    nothing is kept."""

    def __init__(self, store: Store | None = None, request: str = "") -> None:
        self._store, self._request = store, request
        self.used = False  # whether any was at hand: then the request took less than it costs

    def get(self, name: str) -> dict[str, NDArray[Any]] | None:
        """The arrays of a finished part."""
        content = self._store.get(self._key(name)) if self._store else None
        if content is None:
            return None
        self.used = True
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as stored:
                return {key: stored[key] for key in stored.files}
        except (ValueError, OSError, zipfile.BadZipFile):
            return None

    def put(self, name: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep a finished part."""
        if self._store:
            content = io.BytesIO()
            np.savez(content, allow_pickle=False, **arrays)
            self._store.put(self._key(name), KIND, content.getvalue())

    def arrays(self, shapes: Shapes) -> dict[str, NDArray[Any]]:
        """Arrays of zeros, to be filled; those of a killed process where there is a place."""
        return {name: np.zeros(shape, kind) for name, (shape, kind) in shapes.items()}

    def _key(self, name: str) -> str:
        return hashlib.sha256(f"{self._request} part {name}".encode()).hexdigest()
