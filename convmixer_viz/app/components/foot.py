"""The foot of every page: where its numbers come from, and their files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import streamlit as st

from convmixer_viz.app import captions, picture_list
from convmixer_viz.export import bundle, files


def draw(results: Sequence[Any]) -> None:
    """The foot of every page, drawn by the router: where the numbers of each result on it come
    from, and its files to take along."""
    named = _named(results)
    if not named:
        return
    with st.expander("Where these numbers come from, and their files"):
        name = st.selectbox("Result", list(named), key="take")
        if name in named:
            _files(named[name])


def _named(results: Iterable[Any]) -> dict[str, Any]:
    """Results by name; those of one analysis and model are told apart by what differs."""
    groups: dict[str, list[tuple[dict[str, Any], Any]]] = {}
    for result in results:
        origin = result.provenance
        asked = origin.options | {"pictures": len(origin.images)}
        groups.setdefault(captions.title(result), []).append((asked, result))
    named = {}
    for name, alike in groups.items():
        (first, _), *_ = alike
        differing = [key for key in first if any(asked[key] != first[key] for asked, _ in alike)]
        for asked, result in alike:
            named[", ".join([name, *(f"{key} {asked[key]}" for key in differing)])] = result
    return named


def _files(result: Any) -> None:
    origin = result.provenance
    st.caption(f"{captions.describe(result)} · weights {origin.weights_sha256[:12] or 'none'}")
    kinds: dict[str, tuple[str, Callable[[], str | bytes]]] = {
        "npz": ("arrays", lambda: files.npz(result)),
        "csv": ("table", lambda: files.table(result)),
        "json": ("record", lambda: files.text(result)),
        "html": ("report", lambda: files.page(result)),
    }
    seen = picture_list.find_digests(origin.images)
    if seen is not None:
        kinds["zip"] = ("bundle to replay", lambda: bundle.write(result, seen))
    with st.container(horizontal=True):
        for suffix, (what, make) in kinds.items():
            st.download_button(
                f"{what} ({suffix})",
                make,
                f"{origin.analysis}.{suffix}",
                key=f"take-{suffix}",
                on_click="ignore",
            )
