"""A least-recently-used cache bounded in bytes, for results and loaded models."""

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
        """Keep a value; the ones used longest ago go where the limit is passed."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while self._sum_bytes() > self._limit and len(self._values) > 1:
                self._values.popitem(last=False)

    def values(self) -> list[V]:
        """All values, the one used longest ago first."""
        with self._lock:
            return list(self._values.values())

    def keys(self) -> set[Hashable]:
        """The keys of all values."""
        with self._lock:
            return set(self._values)

    def remove(self, key: Hashable) -> None:
        """Let go of a value, where it is kept."""
        with self._lock:
            self._values.pop(key, None)

    def clear(self) -> None:
        """Empty the cache."""
        with self._lock:
            self._values.clear()

    @property
    def nbytes(self) -> int:
        """Bytes of all values."""
        with self._lock:
            return self._sum_bytes()

    def _sum_bytes(self) -> int:
        return sum(self._size(value) for value in self._values.values())
