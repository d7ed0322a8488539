"""The pictures that a person can choose: the gallery, and their uploads."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from convmixer_viz.engine.cache import BytesCache
from convmixer_viz.errors import PictureError
from convmixer_viz.foreign_text import escape
from convmixer_viz.pictures.decode import Picture, decode, load
from convmixer_viz.pictures.gallery import GALLERY

LARGEST_UPLOAD = 20  # MB of a picture's file
KEEP = "keep_uploads"  # key of the checkbox that lets results of uploads go to disk
MOST_BYTES = 256 * 2**20  # bytes of decoded pictures, all sessions together


def names() -> list[str]:
    """All that can be chosen: the gallery, then the uploads."""
    return [*GALLERY, *uploads()]


def uploads() -> dict[str, UploadedFile]:
    """The uploaded files by name; a name that is taken is numbered."""
    named: dict[str, UploadedFile] = {}
    for file in st.session_state.get("uploads") or []:
        name, numbers = file.name, count(2)
        while name in GALLERY or name in named:
            name = f"{file.name} ({next(numbers)})"
        named[name] = file
    return named


def may_be_kept() -> bool:
    """Whether the person says that results of uploads may be kept on the server's disk."""
    return bool(st.session_state.get(KEEP))


@st.cache_resource
def _decoded() -> BytesCache[Picture]:
    return BytesCache(MOST_BYTES, lambda image: image.pixels.nbytes)


def find(name: str) -> Picture:
    """The picture of that name, from the gallery or an upload."""
    file = uploads().get(name)
    if file is None and name not in GALLERY:
        raise PictureError(f"{name} is gone: upload the picture again.")
    key = file.file_id if file else name
    image = _decoded().get(key)
    if image is None:
        image = decode(_content(file, name), name) if file else load(f"gallery:{name}")
        _decoded().put(key, image)
    return image


def _content(file: UploadedFile, name: str) -> bytes:
    """The bytes of an upload, no more than its widget lets pass."""
    content = file.getvalue()
    if len(content) > LARGEST_UPLOAD * 2**20:
        raise PictureError(f"{name} has more than {LARGEST_UPLOAD} MB: save it smaller first.")
    return content


def find_all(chosen: Iterable[str]) -> list[Picture]:
    """The pictures of those names; a line tells of each that can't be read."""
    pictures = []
    for name in chosen:
        try:
            pictures.append(find(name))
        except PictureError as error:
            st.caption(f"Left out: {escape(error)}")
    return pictures


def find_by_digest(digests: Iterable[str]) -> list[Picture] | None:
    """This person's pictures by sha256; None where one of them is no longer at hand."""
    keys = [*GALLERY, *(file.file_id for file in uploads().values())]
    by_digest = {image.sha256: image for image in map(_decoded().get, keys) if image}
    pictures = [by_digest.get(digest) for digest in digests]
    return [each for each in pictures if each] if all(pictures) else None
