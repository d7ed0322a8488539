"""The pictures that a person can choose: the gallery, and their uploads."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

import streamlit as st
from streamlit.runtime import Runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from convmixer_viz.app.kept_uploads import KeptUploads
from convmixer_viz.app.person import browser
from convmixer_viz.app.state import state
from convmixer_viz.errors import PictureError
from convmixer_viz.foreign_text import escape
from convmixer_viz.pictures import worker
from convmixer_viz.pictures.decode import Picture, load
from convmixer_viz.pictures.gallery import GALLERY

LARGEST_UPLOAD = 20  # MB of a picture's file
KEEP = "keep_uploads"  # key of the checkbox that lets results of uploads go to disk


def names() -> list[str]:
    """All that can be chosen: the gallery, then the uploads."""
    return [*GALLERY, *own()]


def uploads() -> dict[str, UploadedFile]:
    """The uploaded files by name; a name that is taken is numbered."""
    named: dict[str, UploadedFile] = {}
    before = earlier()
    for file in st.session_state.get("uploads") or []:
        name, numbers = file.name, count(2)
        while name in GALLERY or name in named or name in before:
            name = f"{file.name} ({next(numbers)})"
        named[name] = file
    return named


def may_be_kept() -> bool:
    """Whether the person says that results of uploads may be kept on the server's disk."""
    return bool(st.session_state.get(KEEP))


@st.cache_resource
def _kept() -> KeptUploads:
    return KeptUploads()


def own() -> dict[str, str]:
    """All uploads of this browser that are here, by name: their keys. Those of pages before, which
    a reload keeps, come first."""
    return earlier() | {name: file.file_id for name, file in uploads().items()}


def earlier() -> dict[str, str]:
    """The uploads of pages before this one."""
    here = {file.file_id for file in st.session_state.get("uploads") or []}
    kept = _kept().of(browser())
    return {name: key for name, key in kept.items() if key not in here}


def forget(keys: set[str]) -> None:
    """Let go of uploads that the person took away."""
    _kept().forget(browser(), keys)


def remember(name: str, picture: Picture) -> None:
    """Let a picture of a data set be found by name."""
    _kept().pictures.put(name, picture)


def find(name: str) -> Picture:
    """The picture of that name, from the gallery or an upload."""
    file, kept = uploads().get(name), _kept()
    key = file.file_id if file else earlier().get(name, name)
    if key in state().unreadable:
        raise PictureError(state().unreadable[key])
    image = kept.pictures.get(key)
    if image is None:
        if file is None and name not in GALLERY:
            raise PictureError(f"{name} is gone: upload the picture again.")
        image = _look(file, name) if file else load(f"gallery:{name}")
        kept.pictures.put(key, image)
        if file:
            kept.keep(browser(), name, key)
    return image


def _look(file: UploadedFile, name: str) -> Picture:
    """An upload, decoded in a process of its own, which ends with its tab."""
    context = get_script_run_ctx()
    session = context.session_id if context else ""

    def gone() -> bool:
        return Runtime.exists() and not Runtime.instance().is_active_session(session)

    try:
        return worker.look(_content(file, name), name, gone)
    except PictureError as error:
        state().unreadable[file.file_id] = str(error)
        raise


def unreadable() -> dict[str, str]:
    """The uploads that can't be read, and what is wrong with each."""
    known = state().unreadable
    return {name: known[f.file_id] for name, f in uploads().items() if f.file_id in known}


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
    keys = [*GALLERY, *state().data_pictures, *own().values()]
    by_digest = {image.sha256: image for image in map(_kept().pictures.get, keys) if image}
    pictures = [by_digest.get(digest) for digest in digests]
    return [each for each in pictures if each] if all(pictures) else None
