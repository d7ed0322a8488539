"""One person's pictures: the gallery, and what was uploaded."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Any

import streamlit as st

from convmixer_viz.engine.cache import BytesCache
from convmixer_viz.errors import PictureError
from convmixer_viz.pictures.decode import GALLERY, Picture, decode, load

HELD = 256 * 2**20  # bytes of decoded pictures, all sessions together


def names() -> list[str]:
    """All that can be chosen: the gallery, then the uploads."""
    return [*GALLERY, *uploads()]


def uploads() -> dict[str, Any]:
    """The uploaded files by name; a name that is taken is numbered."""
    named: dict[str, Any] = {}
    for file in st.session_state.get("uploads") or []:
        name, numbers = file.name, count(2)
        while name in GALLERY or name in named:
            name = f"{file.name} ({next(numbers)})"
        named[name] = file
    return named


@st.cache_resource
def _decoded() -> BytesCache[Picture]:
    return BytesCache(HELD, lambda image: image.pixels.nbytes)


def find(name: str) -> Picture:
    """The picture of that name, from the gallery or an upload."""
    file = uploads().get(name)
    if file is None and name not in GALLERY:
        raise PictureError(f"{name} is gone: upload the picture again.")
    key = file.file_id if file else name
    image = _decoded().get(key)
    if image is None:
        image = decode(file.getvalue(), name) if file else load(f"gallery:{name}")
        _decoded().put(key, image)
    return image


def gather(chosen: Iterable[str]) -> list[Picture]:
    """The pictures of those names; a line tells of each that can't be read."""
    found = []
    for name in chosen:
        try:
            found.append(find(name))
        except PictureError as error:
            st.caption(f"Left out: {error}")
    return found


def seen(digests: Iterable[str]) -> list[Picture] | None:
    """This person's pictures by sha256; none where one of them is no longer at hand."""
    keys = [*GALLERY, *(file.file_id for file in uploads().values())]
    held = {image.sha256: image for image in map(_decoded().get, keys) if image}
    wanted = list(digests)
    return [held[digest] for digest in wanted] if held.keys() >= set(wanted) else None
