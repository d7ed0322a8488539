"""A least-recently-used cache bounded in bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class BytesCache(Generic[V]):
    """Keeps the values used last, as many as fit in `limit` bytes; the newest always stays."""

    def __init__(self, limit: int, size: Callable[[V], int]) -> None:
        self._limit, self._size = limit, size
        self._values: OrderedDict[Hashable, V] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> V | None:
        """The value, now the one used last; none where it isn't kept."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: Hashable, value: V) -> None:
        """Keep a value and let go of the ones used longest ago."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while self._held() > self._limit and len(self._values) > 1:
                self._values.popitem(last=False)

    def values(self) -> list[V]:
        """All values, the one used longest ago first."""
        with self._lock:
            return list(self._values.values())

    def clear(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._values.clear()

    @property
    def nbytes(self) -> int:
        """Bytes held now."""
        with self._lock:
            return self._held()

    def _held(self) -> int:
        return sum(self._size(value) for value in self._values.values())
