"""Parts of the page What if that change the picture: amounts, tokens removed, a region pasted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from convmixer_viz.app import glossary, picture_list, session
from convmixer_viz.app.components import canvas, sidebar
from convmixer_viz.catalog import EVIDENCE, FAITHFULNESS
from convmixer_viz.contract import option_fields
from convmixer_viz.figures import picture_edits as figures
from convmixer_viz.figures.attribution import faithfulness
from convmixer_viz.figures.sheet import Region
from convmixer_viz.foreign_text import escape
from convmixer_viz.presets.table import Preset
from convmixer_viz.questions.attribution import METHODS
from convmixer_viz.questions.evidence import Evidence
from convmixer_viz.questions.picture_edits import (
    PICTURE_EDITS,
    Mirror,
    Paste,
    PictureEdit,
    Remove,
    Shift,
    parse,
)

ORDER = "hirescam"  # exact evidence of the last block
CUT_OUT = 240  # px
AS_IT_IS = "none"  # the slider's end where a JPEG isn't made


@dataclass(frozen=True, slots=True)
class Slider:
    """The amount of an edit."""

    edit: str
    key: str
    label: str
    step: float


SLIDERS = (
    Slider("shift", "x", "Moved to the right", 1),
    Slider("shift", "y", "Moved down", 1),
    Slider("blur", "sigma", "Blur, σ in pixels of the preset", 0.25),
    Slider("turn", "degrees", "Turned, degrees against the clock", 1.0),
    Slider("brightness", "factor", "Brightness, times", 0.05),
    Slider("contrast", "factor", "Contrast, times", 0.05),
    Slider("grey", "share", "Grey, share", 0.05),
    Slider("noise", "sd", "Noise, σ in levels of 255", 1.0),
)


def in_force() -> list[PictureEdit]:
    """The edits of the picture, in the order of their chips."""
    return [parse(text) for text in st.session_state.get(sidebar.PICTURE_EDITS, [])]


def find(name: str) -> PictureEdit | None:
    """The first edit of that name that is in force."""
    return next((edit for edit in in_force() if edit.name == name), None)


def put(edit: PictureEdit, *, keep: bool = True) -> None:
    """Make an edit, in the place of the first of its name; one that changes nothing, or that isn't
    to be kept, ends."""
    edits = in_force()
    place = next((i for i, each in enumerate(edits) if each.name == edit.name), len(edits))
    edits[place : place + 1] = [edit] if keep and not edit.changes_nothing else []
    st.session_state[sidebar.PICTURE_EDITS] = list(map(str, edits))


def choose_amounts(_: Preset) -> None:
    """A slider an amount: what is moved is made, and stands in the link."""
    for slider in SLIDERS:
        _slide(slider)
    _choose_unit()
    _choose_quality()
    st.checkbox(
        "Mirrored, left and right",
        key=_follow("mirror", find("mirror") is not None),
        on_change=lambda: put(Mirror(), keep=st.session_state["amount-mirror"]),
    )
    st.caption(glossary.AMOUNTS)


def describe_pixel(preset: Preset, result: Evidence) -> str:
    """How much of the original one input pixel of the model is."""
    left, _, right, _ = result.box
    pixels = (right - left) / result.view.shape[1]
    patch = preset.shape.patch_size
    return (
        f"One pixel of {preset.name} is {pixels:.2g} pixels of the original, one patch "
        f"{patch}×{patch} of its pixels."
    )


def _slide(slider: Slider) -> None:
    kind = PICTURE_EDITS[slider.edit]
    number = type(slider.step)
    nothing, (low, *_, high) = dict(kind.NOTHING)[slider.key], kind.SWEPT[1]
    edit = find(slider.edit)
    value = getattr(edit, slider.key) if edit else nothing
    place = _follow(f"{slider.edit}-{slider.key}", number(min(max(value, low), high)), nothing)
    st.slider(
        slider.label,
        number(low),
        number(high),
        number(nothing),
        slider.step,
        key=place,
        on_change=_move,
        args=(slider.edit, slider.key, place),
    )


def _follow(name: str, value: Any, default: Any = False) -> str:
    """The key of a widget that shows what is in force; it is only set where that is another, or a
    moved slider would jump."""
    place = f"amount-{name}"
    if st.session_state.get(place, default) != value:
        st.session_state[place] = value
    return place


def _move(name: str, key: str, place: str) -> None:
    value = st.session_state[place]
    edit = find(name) or PICTURE_EDITS[name]()
    if value == AS_IT_IS:
        put(edit, keep=False)
    else:
        put(replace(edit, **{key: value}))


def _choose_unit() -> None:
    shift = find("shift")
    if not isinstance(shift, Shift):
        return
    names = next(field for field in option_fields(Shift) if field.name == "unit").choices
    place = _follow("shift-unit", shift.unit, None)
    st.radio(
        "Moved by",
        names or (),
        key=place,
        horizontal=True,
        on_change=_move,
        args=("shift", "unit", place),
        help=glossary.SHIFT_UNIT,
    )


def _choose_quality() -> None:
    key, amounts = PICTURE_EDITS["jpeg"].SWEPT
    edit = find("jpeg")
    own = [getattr(edit, key)] if edit else []
    options = [*sorted({*amounts, *own}), AS_IT_IS]
    place = _follow("jpeg-quality", own[0] if own else AS_IT_IS, AS_IT_IS)
    st.select_slider(
        "Saved as a JPEG of quality",
        options,
        AS_IT_IS,
        key=place,
        on_change=_move,
        args=("jpeg", key, place),
        help=glossary.JPEG,
    )


# tokens and regions


def choose_tokens(preset: Preset) -> None:
    """The picture as the model sees it: a click takes a token away, or brings it back."""
    edit, grid = find("remove"), preset.shape.grid(preset.transform.size)
    removed = edit.tokens if isinstance(edit, Remove) else ()
    fills = next(field for field in option_fields(Remove) if field.name == "fill").choices or ()
    fill = edit.fill if isinstance(edit, Remove) else fills[0]
    st.selectbox(
        "Filled with",
        fills,
        key=_follow("fill", fill, None),
        help=glossary.FILL,
        on_change=lambda: put(_removed(removed, grid), keep=bool(removed)),
    )

    def toggle(number: int) -> None:
        tokens = tuple({*removed} ^ {number})
        put(_removed(tokens, grid), keep=bool(tokens))

    now = session.run_if(EVIDENCE, slot="tokens", **as_edited())
    if now is None:
        st.caption("The picture as the model sees it stands here in a moment.")
        return
    sheet = figures.token_sheet(now.view, grid, removed)
    canvas.show(sheet, key="tokens", into=("token",), then=toggle)
    st.caption(f"{len(removed)} of {grid * grid} tokens removed. Arrow keys move, Enter toggles.")
    show_smallest(grid)


def show_smallest(grid: int) -> None:
    """The fewest tokens that change the answer, and that keep it, in the order of a map; both can
    be taken over."""
    st.markdown("**Smallest set**", help=glossary.SMALLEST)
    order = st.selectbox("In the order of", list(METHODS), list(METHODS).index(ORDER), key="order")
    options = {"method": order, "measures": ("smallest-set",)} | as_edited(without=Remove)
    result = session.run_if(FAITHFULNESS, slot="smallest", start="Look for it", **options)
    picture = faithfulness.cut_out(result) if result else None
    if result is None or picture is None:
        st.caption("The smallest set that keeps the answer stands here, cut out.")
        return
    with st.container(key="pixelated-cut-out"):
        st.image(picture.png, width=CUT_OUT, output_format="PNG", alt=picture.caption)
    st.caption(escape(picture.caption))
    with st.container(horizontal=True):
        _offer("Take away what ends it", result.ends, grid)
        _offer("Leave what keeps it", ~result.keeps, grid)


def _offer(label: str, gone: Any, grid: int) -> None:
    tokens = tuple(number for number, out in enumerate(gone.ravel().tolist()) if out)
    edit = Remove(tokens=tokens, grid=grid)
    st.button(label, key=label, on_click=put, args=(edit,), disabled=not tokens)


def _removed(tokens: tuple[int, ...], grid: int) -> Remove:
    return Remove(tokens=tokens, fill=st.session_state["amount-fill"], grid=grid)


def as_edited(*, without: type[PictureEdit] | None = None) -> dict[str, Any]:
    """The picture as the unedited model sees it, with its edits but for those of a kind."""
    edits = [edit for edit in in_force() if without is None or not isinstance(edit, without)]
    return {"picture_edits": tuple(map(str, edits)), "edits": ()}


@dataclass(frozen=True, slots=True)
class Regions:
    """A region of another picture, and where it comes: both as the preset's tokens."""

    source: str
    size: tuple[int, int]  # rows, columns
    corner: int  # in the source
    at: int
    grid: int

    @property
    def edit(self) -> Paste:
        row, column = divmod(self.corner, self.grid)
        tokens = [
            (row + down) * self.grid + column + right
            for down in range(self.size[0])
            for right in range(self.size[1])
        ]
        return Paste(from_=self.source, tokens=tuple(tokens), at=self.at, grid=self.grid)


def choose_region(preset: Preset) -> None:
    """A region of another picture, which is dragged; evidence proposes both places."""
    grid, paste = preset.shape.grid(preset.transform.size), find("paste")
    names = [name for name in picture_list.names() if name != session.choices().picture]
    source = paste.from_ if isinstance(paste, Paste) and paste.from_ in names else names[0]
    source = source if paste else st.session_state.get("amount-source", source)
    st.selectbox("From", names, key=_follow("source", source, None), on_change=_end)
    rows, columns = _size(paste, grid)
    st.slider(
        "Tokens a side",
        1,
        grid,
        key=_follow("side", max(rows, columns), None),
        help=glossary.REGION_SIDE,
        on_change=_end,
    )
    size = rows, columns
    both = session.run_each(
        {
            "theirs": session.ask(EVIDENCE, pictures=[picture_list.find(source)], edits=()),
            "ours": session.ask(EVIDENCE, **as_edited(without=Paste)),
        },
        slot="region",
    )
    theirs, ours = both["theirs"], both["ours"]
    if theirs is None or ours is None:
        st.caption("Both pictures as the model sees them stand here in a moment.")
        return
    proposal = Regions(source, size, theirs.strongest(*size), ours.strongest(*size), grid)
    now = replace(proposal, **_places(paste, grid))
    _show_regions(theirs, ours, now)
    with st.container(horizontal=True):
        st.button(
            "Propose", key="paste", help=glossary.PROPOSE, on_click=put, args=(proposal.edit,)
        )
        st.button("End", key="unpaste", disabled=paste is None, on_click=_end)
    st.caption(
        f"Proposed: the {size[0]}×{size[1]} tokens of {escape(source)} that speak most for "
        f"{escape(theirs.target_name)}, laid where those stand that speak most for "
        f"{escape(ours.target_name)}."
    )


def _end() -> None:
    """Another source or size: its region comes where evidence proposes, by the button."""
    edit = find("paste")
    if edit:
        put(edit, keep=False)


def _size(paste: PictureEdit | None, grid: int) -> tuple[int, int]:
    if isinstance(paste, Paste) and paste.tokens:
        rows = [token // grid for token in paste.tokens]
        columns = [token % grid for token in paste.tokens]
        return max(rows) - min(rows) + 1, max(columns) - min(columns) + 1
    side = st.session_state.get("amount-side", max(1, grid // 4))
    return (side, side)


def _places(paste: PictureEdit | None, grid: int) -> dict[str, Any]:
    """Where the paste that is in force takes its region, and where it puts it."""
    if not isinstance(paste, Paste) or not paste.tokens:
        return {}
    row, column = (min(of(token, grid) for token in paste.tokens) for of in (_row, _column))
    corner = row * grid + column
    return {"corner": corner, "at": corner if paste.at is None else paste.at}


def _row(token: int, grid: int) -> int:
    return token // grid


def _column(token: int, grid: int) -> int:
    return token % grid


def _show_regions(theirs: Evidence, ours: Evidence, now: Regions) -> None:
    """Both pictures with the region on them; a drag on either makes the edit."""
    st.session_state["paste_corner"], st.session_state["paste_at"] = now.corner, now.at
    frame = Region(*now.size)
    part = Region(*now.size, figures.cut(theirs.view, now.grid, now.corner, now.size))
    st.markdown("**Drag it** on the picture")
    sheet = figures.region_sheet(ours.view, now.grid, part, "Where the region comes")
    canvas.show(
        sheet, key="onto", into=("paste_at",), then=lambda at: put(replace(now, at=at).edit)
    )
    st.markdown(f"from {escape(now.source)}")
    sheet = figures.region_sheet(theirs.view, now.grid, frame, "Which region is pasted")
    canvas.show(
        sheet,
        key="source",
        into=("paste_corner",),
        then=lambda corner: put(replace(now, corner=corner).edit),
    )
