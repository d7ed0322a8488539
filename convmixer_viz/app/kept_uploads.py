"""The pictures that a browser uploaded, for its next page: a reload, or another tab. They stand in
memory only, of a browser so many and for so long, of all together so many bytes."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from convmixer_viz.engine.cache import BytesCache
from convmixer_viz.pictures import worker
from convmixer_viz.pictures.decode import Picture

MOST_PICTURES = 24  # of one browser
MOST_OF_ONE = 64 * 2**20  # bytes of their files
MOST_OF_ALL = 256 * 2**20  # bytes of pictures, the gallery's among them
MOST_BROWSERS = 1000
LONGEST = 3600.0  # seconds after which they are gone, unless somebody looked at them


@dataclass(slots=True)
class _Album:
    keys: dict[str, str] = field(default_factory=dict)  # of pictures by name, the oldest first
    seen: float = 0.0  # monotonic seconds


class KeptUploads:
    """Pictures by key, and the names and keys of each browser's."""

    def __init__(self) -> None:
        self.pictures: BytesCache[Picture] = BytesCache(MOST_OF_ALL, picture_bytes)
        self._albums: OrderedDict[str, _Album] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, browser: str | None) -> dict[str, str]:
        """Names and keys of what a browser uploaded and is still here."""
        if browser is None:
            return {}
        with self._lock:
            self._sweep()
            album = self._albums.get(browser)
            if album is None:
                return {}
            self._touch(browser, album)
            self._drop(album)
            return dict(album.keys)

    def keep(self, browser: str | None, name: str, key: str) -> None:
        """Note an upload under its name; the oldest go where there are too many."""
        if browser is None:
            return
        with self._lock:
            album = self._albums.setdefault(browser, _Album())
            self._touch(browser, album)
            album.keys[name] = key
            self._drop(album)
            while len(album.keys) > MOST_PICTURES or self._bytes(album) > MOST_OF_ONE:
                del album.keys[next(iter(album.keys))]
            while len(self._albums) > MOST_BROWSERS:
                self._albums.popitem(last=False)

    def forget(self, browser: str | None, keys: set[str]) -> None:
        """Let go of uploads that a person took away."""
        with self._lock:
            album = self._albums.get(browser or "")
            if album:
                album.keys = {name: key for name, key in album.keys.items() if key not in keys}
        for key in keys:
            self.pictures.remove(key)

    def _touch(self, browser: str, album: _Album) -> None:
        album.seen = time.monotonic()
        self._albums.move_to_end(browser)

    def _sweep(self) -> None:
        old = time.monotonic() - LONGEST
        for browser in [b for b, album in self._albums.items() if album.seen < old]:
            for key in self._albums.pop(browser).keys.values():
                self.pictures.remove(key)

    def _drop(self, album: _Album) -> None:
        """Forget names whose pictures others have pushed out."""
        here = self.pictures.keys()
        album.keys = {name: key for name, key in album.keys.items() if key in here}

    def _bytes(self, album: _Album) -> int:
        pictures = (self.pictures.get(key) for key in album.keys.values())
        return sum(picture_bytes(picture) for picture in pictures if picture)


def picture_bytes(picture: Picture) -> int:
    """Of the gallery's pixels; of an upload its file and its preview, its pixels are elsewhere."""
    if isinstance(picture.content, worker.Upload):
        return len(picture.content.file) + picture.content.preview.nbytes
    return 3 * picture.width * picture.height  # one of a data set stays in its file
