"""The foot of every page: where its numbers come from, and their files to take along."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from convmixer_viz.app import picture_list
from convmixer_viz.contract import Result
from convmixer_viz.export import bundle, files, html, request_words
from convmixer_viz.foreign_text import escape


@dataclass(frozen=True, slots=True)
class Download:
    """A file that the foot offers."""

    label: str
    suffix: str
    make: Callable[[Result], str | bytes]  # called when the button is pressed


DOWNLOADS = (
    Download("arrays", "npz", files.npz_bytes),
    Download("table", "csv", files.csv_text),
    Download("record", "json", files.json_text),
    Download("report", "html", html.page),
)


def draw(results: Sequence[Result]) -> None:
    """A choice of the page's results, and the files of the chosen one; drawn by the router."""
    by_name = _by_name(results)
    if not by_name:
        return
    with st.expander("Where these numbers come from, and their files"):
        name = st.selectbox("Result", list(by_name), key="take")
        if name in by_name:
            offer(by_name[name])
            show_words(by_name[name])


def show_words(result: Result) -> None:
    """What gives the same numbers elsewhere, where the result's pictures have names."""
    pictures = picture_list.find_by_digest(result.origin.images)
    if pictures is None:
        return
    names = [picture.name for picture in pictures]
    st.caption("This view in Python")
    st.code(request_words.python(result, names), language=None)
    st.caption("On the command line")
    st.code(request_words.command(result, names), language=None, wrap_lines=True)


def offer(result: Result) -> None:
    """The result's origin in a line, and a button for each of its files."""
    pictures = picture_list.find_by_digest(result.origin.images) or ()
    stem = request_words.file_stem(result, [picture.name for picture in pictures])
    sha256 = result.origin.weights_sha256
    st.caption(escape(f"{result.origin.describe()} · weights {sha256[:12] or 'none'}"))
    with st.container(horizontal=True):
        for download in downloads(result):
            st.download_button(
                f"{download.label} ({download.suffix})",
                partial(download.make, result),
                f"{stem}.{download.suffix}",
                key=f"take-{download.suffix}",
                on_click="ignore",
            )


def downloads(result: Result) -> tuple[Download, ...]:
    """The files of a result; a bundle has its pictures inside, so they must be this person's."""
    origin = result.origin
    pictures = picture_list.find_by_digest(origin.images + origin.picture_sources)
    if pictures is None:
        return DOWNLOADS
    replay = Download("bundle to replay", "zip", lambda result: bundle.pack(result, pictures))
    return (*DOWNLOADS, replay)


def _by_name(results: Iterable[Result]) -> dict[str, Result]:
    """Results by title; those of one analysis and model are told apart by what differs."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.origin.title, []).append(result)
    named = {}
    for title, group in groups.items():
        options = [_options(result) for result in group]
        differing = [key for key in options[0] if any(o[key] != options[0][key] for o in options)]
        for result, own in zip(group, options, strict=True):
            named[", ".join([title, *(f"{key} {own[key]}" for key in differing)])] = result
    return named


def _options(result: Result) -> dict[str, Any]:
    source = result.origin
    return source.options | {"pictures": len(source.images)}
