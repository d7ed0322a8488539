"""The sidebar: the choices that every page shares, drawn once, held in the link."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from PIL import Image
from streamlit.delta_generator import DeltaGenerator

from convmixer_viz.app import data_pictures, glossary, picture_list, session
from convmixer_viz.app.components import copy_link
from convmixer_viz.app.kept_uploads import MOST_PICTURES
from convmixer_viz.app.link import BOUND, LONGEST
from convmixer_viz.app.state import Choices, state
from convmixer_viz.engine.queue import Suspended
from convmixer_viz.engine.runtime import Mode
from convmixer_viz.errors import VizError
from convmixer_viz.foreign_text import escape
from convmixer_viz.pictures import edits as picture_edits
from convmixer_viz.pictures.decode import READABLE_FORMATS, Picture, preview
from convmixer_viz.pictures.gallery import GALLERY
from convmixer_viz.presets.table import DEFAULT, MOST_SIDE_BY_SIDE, Preset
from convmixer_viz.questions.edits import MOST
from convmixer_viz.questions.picture_edits import Paste, parse
from convmixer_viz.request import fit_edits
from convmixer_viz.weights import locate

THUMBNAIL = 160  # px
PREDICTED = "what it predicts"
NOBODY = "nothing else"
EDITS, PICTURE_EDITS = "edit", "picture-edit"  # keys in the link, once for each
Check = Callable[[str], None]  # raises what is wrong with an edit
MODES: tuple[Mode, ...] = ("exact", "fast")


def draw() -> Choices:
    """Draw the shared controls and return what they say."""
    with st.sidebar:
        picture = choose_picture()
        presets = choose_presets()
        first = session.bench().presets[presets[0]]
        made = choose_edits(first), choose_picture_edits(first)
        target, against = choose_target(first)
        block = choose_block(first)
        device, mode = choose_device()
        copy_link.button()
        show_load()
    return Choices(presets, picture, target, against, block, device, mode, *made)


def choose_picture() -> str:
    """The picture below its thumbnail, and the upload of others; what can't be read is named."""
    thumbnail = st.container()
    names = [*picture_list.names(), *data_pictures.names()]
    default = session.bench().presets[DEFAULT].opening
    index = names.index(default)
    name: str = st.selectbox(  # a bound label is what stands in the link: no format_func here
        "Picture", names, index=index, key="picture", bind=BOUND, help=glossary.PICTURE
    )
    st.file_uploader(  # any file: what can't be read is told in a sentence
        "Upload or paste pictures",
        accept_multiple_files=True,
        key="uploads",
        max_upload_size=picture_list.LARGEST_UPLOAD,
        on_change=_choose_newest_upload,
        help=f"{READABLE_FORMATS}; at most {picture_list.LARGEST_UPLOAD} MB each.",
    )
    for broken, sentence in picture_list.unreadable().items():
        if broken != name:  # the chosen one's stands above
            st.error(escape(sentence))
    earlier = picture_list.earlier()
    if earlier:
        label = f"Forget {len(earlier)} earlier upload{'s' * (len(earlier) > 1)}"
        st.button(label, key="forget-uploads", on_click=_forget_earlier, help=glossary.EARLIER)
    if picture_list.own() and session.bench().store.limit:
        st.checkbox("Keep their results on disk", key=picture_list.KEEP, help=glossary.KEEP)
    try:
        show_thumbnail(thumbnail, name, picture_list.find(name))
    except VizError as error:
        thumbnail.error(escape(error))
        return default
    if name in picture_list.uploads():
        thumbnail.caption(f"An upload can't be in a link: a colleague sees {default} instead.")
    return name


def show_thumbnail(place: DeltaGenerator, name: str, picture: Picture) -> None:
    """The picture, small, with its title or its size."""
    small = _small(picture.sha256, picture)
    place.image(small, width=THUMBNAIL, output_format="PNG", alt=f"picture: {picture.name}")
    title = GALLERY[name][0] if name in GALLERY else f"{picture.width}×{picture.height} px"
    place.caption(escape(" · ".join((title, *picture.notes))))


@st.cache_data(max_entries=100, show_spinner=False)
def _small(sha256: str, _picture: Picture) -> Image.Image:
    """At twice the width at which it is shown: a large picture would be coded in every run."""
    return Image.fromarray(preview(_picture, 2 * THUMBNAIL))


def _choose_newest_upload() -> None:
    known, uploads = state().uploads, picture_list.uploads()
    here = {file.file_id for file in uploads.values()}
    fresh = [name for name, file in uploads.items() if file.file_id not in known]
    picture_list.forget(known - here)
    state().uploads = here
    readable = [name for name in fresh[-MOST_PICTURES:] if _can_be_read(name)]
    if readable:
        st.session_state["picture"] = readable[-1]
    elif st.session_state["picture"] not in picture_list.names():  # it was removed
        st.session_state["picture"] = session.bench().presets[DEFAULT].opening


def _forget_earlier() -> None:
    picture_list.forget(set(picture_list.earlier().values()))


def _can_be_read(name: str) -> bool:
    try:
        picture_list.find(name)
    except VizError:
        return False
    return True


def choose_presets() -> tuple[str, ...]:
    """One to four presets; a line tells of weights that are still to be fetched."""
    known = session.bench().presets
    names: list[str] = st.multiselect(
        "Presets",
        list(known),
        [DEFAULT],
        key="preset",
        bind=BOUND,
        max_selections=MOST_SIDE_BY_SIDE,
        placeholder=DEFAULT,
        help=glossary.PRESETS,
    )
    for preset in (known[name] for name in names):
        if preset.published and locate.find_file(preset) is None:
            st.caption(f"The weights of {escape(preset.name)} are not here yet.")
    return tuple(names) or (DEFAULT,)


def choose_edits(preset: Preset) -> tuple[str, ...]:
    """The edits of the model that are in force."""
    presets = session.bench().presets

    def check(text: str) -> None:
        fit_edits([text], preset, presets)

    return _in_force(EDITS, "Edits in force", glossary.EDITS, check)


def choose_picture_edits(preset: Preset) -> tuple[str, ...]:
    """The edits of the picture that are in force."""

    def check(text: str) -> None:
        edit = parse(text)
        picture_edits.check([edit], preset)
        if isinstance(edit, Paste):
            picture_list.find(edit.from_)

    return _in_force(PICTURE_EDITS, "The picture's edits", glossary.PICTURE_EDITS, check)


def _in_force(key: str, label: str, sentence: str, check: Check) -> tuple[str, ...]:
    """A chip an edit, which ends by a click. The widget is there without any, too: one that comes
    later would not bring its value into the link."""
    linked = (state().link or {}).get(key, [])  # until the widget has been drawn
    known = st.session_state.get(key, linked)
    fitting = [text for text in known if _fits(text, key, check)][:MOST]
    if key in st.session_state:
        st.session_state[key] = fitting
    edits: list[str] = st.multiselect(
        label, fitting, key=key, bind=BOUND, placeholder="none", help=sentence
    )
    return tuple(edits)


def _fits(text: str, key: str, check: Check) -> bool:
    """Whether an edit can be made; one that was made before and can't be is told."""
    try:
        check(text)
    except VizError as error:
        if key in st.session_state:
            part = f"edit {escape(repr(text), longest=LONGEST)}"
            state().ignored[part] = f"The {part} has ended: {escape(error)}"
        return False
    return True


def choose_target(preset: Preset) -> tuple[str | None, str | None]:
    """The class that is explained, and the one that it is held against; one that the preset does
    not know ends, and that is told."""
    labels = session.bench().models.class_labels(preset.name)
    for key, what in (("target", "target"), ("against", "class that it is held against")):
        chosen = st.session_state.get(key)
        if chosen not in labels:
            st.session_state.pop(key, None)
            if chosen is not None:
                words = f"{preset.name} does not know {chosen}: it is no longer the {what}."
                state().ignored[escape(f"{key} {chosen}")] = escape(words)
    target = st.selectbox(
        "Target",
        labels,
        index=None,
        placeholder=PREDICTED,
        key="target",
        bind=BOUND,
        help=glossary.TARGET,
    )
    against = st.selectbox(
        "Rather than",
        labels,
        index=None,
        placeholder=NOBODY,
        key="against",
        bind=BOUND,
        help=glossary.AGAINST,
    )
    return target, against


def choose_block(preset: Preset) -> int:
    """The block, at most the preset's depth."""
    depth = preset.shape.depth
    current = st.session_state.get("block")
    if isinstance(current, int) and current > depth:
        st.session_state["block"] = depth
    sentence = glossary.BLOCK.format(depth=depth)
    block = st.number_input(
        "Block", 0, depth, min(depth, 1), key="block", bind=BOUND, help=sentence
    )
    return int(block)


def choose_device() -> tuple[str, Mode]:
    """The device and the mode of all that is computed."""
    left, right = st.columns(2)
    device = left.selectbox("Device", session.bench().devices, key="device", bind=BOUND)
    mode = right.selectbox("Mode", MODES, key="mode", bind=BOUND, help=glossary.MODE)
    return device, mode


def _stopped(work: Suspended) -> str:
    """What asking again resumes, and what would start afresh."""
    jobs = f"{work.jobs} stopped job{'s' * (work.jobs != 1)} of {work.nbytes / 2**20:.0f} MiB"
    resumes = f" · {jobs} can go on" if work.jobs else ""
    afresh = f" · {work.given_up} given up, to keep memory free: asked again they start afresh"
    return resumes + (afresh if work.given_up else "")


def show_load() -> None:
    """How many jobs are in the queue, and the memory in use."""
    bench = session.bench()
    waiting = f"{bench.active} jobs in the queue · " if bench.active else ""
    held = f"{bench.memory / 2**20:.0f} MiB of models, results and stopped work in memory"
    st.caption(f"{waiting}{held}{_stopped(bench.suspended)}")
    if bench.store.problem:
        st.caption(escape(bench.store.problem))
