"""The sidebar: the choices that every page shares, drawn once, held in the link."""

from __future__ import annotations

import streamlit as st
from PIL import Image

from convmixer_viz.app import picture_list, session
from convmixer_viz.app.components import share
from convmixer_viz.app.link import BOUND
from convmixer_viz.app.state import Choices, state
from convmixer_viz.engine.runtime import Mode
from convmixer_viz.errors import VizError
from convmixer_viz.pictures.decode import GALLERY, READABLE, Picture
from convmixer_viz.presets.table import DEFAULT, Preset
from convmixer_viz.weights import locate

MOST_PRESETS = 4
THUMBNAIL = 160  # px
PREDICTED = "what it predicts"
NOBODY = "nothing else"


def draw() -> Choices:
    """Draw the shared controls and return what they say."""
    with st.sidebar:
        picture = _picture()
        presets = _presets()
        first = session.bench().presets[presets[0]]
        target, against = _target(first)
        block = _block(first)
        device, mode = _device()
        share.button()
        _foot()
    return Choices(presets, picture, target, against, block, device, mode)


def _picture() -> str:
    thumbnail = st.container()
    names = picture_list.names()
    default = session.bench().presets[DEFAULT].opening
    name: str = st.selectbox(  # a bound label is what stands in the link: no format_func here
        "Picture", names, index=names.index(default), key="picture", bind=BOUND,
        help="The gallery, and what you upload.",
    )  # fmt: skip
    st.file_uploader(  # any file: what can't be read is told in a sentence
        "Upload or paste pictures", accept_multiple_files=True, key="uploads", on_change=_newest,
        help=f"{READABLE}; at most 20 MB each.",
    )  # fmt: skip
    try:
        shown = picture_list.find(name)
    except VizError as error:
        thumbnail.error(str(error))
        return default
    small = _small(shown.sha256, shown)
    thumbnail.image(small, width=THUMBNAIL, output_format="PNG", alt=f"picture: {shown.name}")
    told = GALLERY[name][0] if name in GALLERY else f"{shown.width}×{shown.height} px"
    thumbnail.caption(" · ".join((told, *shown.notes)))
    if name not in GALLERY:
        thumbnail.caption(f"An upload can't be in a link: a colleague sees {default} instead.")
    return name


@st.cache_data(max_entries=100, show_spinner=False)
def _small(sha256: str, _picture: Picture) -> Image.Image:
    """At twice the width at which it is shown: a large picture would be coded in every run."""
    small = Image.fromarray(_picture.pixels)
    small.thumbnail((2 * THUMBNAIL, small.height))
    return small


def _newest() -> None:
    """A new upload becomes the picture."""
    known = state().uploads
    fresh = [name for name, file in picture_list.uploads().items() if file.file_id not in known]
    known.update(file.file_id for file in picture_list.uploads().values())
    if fresh:
        st.session_state["picture"] = fresh[-1]


def _presets() -> tuple[str, ...]:
    known = session.bench().presets
    chosen: list[str] = st.multiselect(
        "Presets", list(known), key="preset", bind=BOUND, max_selections=MOST_PRESETS,
        placeholder=DEFAULT,
        help="One to four, in the order of picking; the first is the one that most pages show.",
    )  # fmt: skip
    for preset in (known[name] for name in chosen):
        if preset.published and locate.file(preset) is None:
            size = f"{preset.published.megabytes} MB"
            st.caption(f"{preset.name} is not here yet: fetch its {size} on the Models page.")
    return tuple(chosen) or (DEFAULT,)


def _target(preset: Preset) -> tuple[str | None, str | None]:
    names = session.bench().models.class_labels(preset.name)
    for key in ("target", "against"):
        if st.session_state.get(key) not in names:
            st.session_state.pop(key, None)
    target = st.selectbox(
        "Target", names, index=None, placeholder=PREDICTED, key="target", bind=BOUND,
        help="The class whose score is explained.",
    )  # fmt: skip
    against = st.selectbox(
        "Rather than", names, index=None, placeholder=NOBODY, key="against", bind=BOUND,
        help="Explain the target's score minus this class's.",
    )  # fmt: skip
    return target, against


def _block(preset: Preset) -> int:
    depth = preset.shape.depth
    held = st.session_state.get("block")
    if isinstance(held, int) and held > depth:
        st.session_state["block"] = depth
    said = f"1 to {depth}, counted from the input; 0 is the stem's output."
    return int(
        st.number_input(
            "Block", 0, depth, min(depth, 1), key="block", bind=BOUND, help=said
        )
    )  # fmt: skip


def _device() -> tuple[str, Mode]:
    left, right = st.columns(2)
    devices = session.bench().devices
    device = left.selectbox("Device", devices, key="device", bind=BOUND)
    said = "Exact: float32, the same bits every time. Fast: bfloat16 where the device has it."
    mode: Mode = right.selectbox("Mode", ("exact", "fast"), key="mode", bind=BOUND, help=said)
    return device, mode


def _foot() -> None:
    bench = session.bench()
    waiting = f"{bench.active} jobs in the queue · " if bench.active else ""
    st.caption(f"{waiting}{bench.memory / 2**20:.0f} MiB of models and results in memory")
