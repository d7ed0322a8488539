"""Parts of the page Receptive field: what is measured, the token, the blocks, the growth."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, get_args

import streamlit as st

from convmixer_viz.app import glossary, picture_list, session
from convmixer_viz.app.components import canvas, chart
from convmixer_viz.app.link import BOUND
from convmixer_viz.catalog import RECEPTIVE_FIELD
from convmixer_viz.errors import VizError
from convmixer_viz.figures.receptive_field import fields as figures, sentences, sheets
from convmixer_viz.foreign_text import escape
from convmixer_viz.presets.table import Preset
from convmixer_viz.questions.receptive_field import ReceptiveField, Reduction, Scalar

PICTURE, SEVERAL, NOISE = ("the picture", "gallery and uploads", "16 pictures of noise")
NOISE_PICTURES = 16
LARGEST = 1024  # px a side that the page offers; the command line takes more
SKETCH_WIDTH = 320  # px
TWIN = "untrained twin"


def choose_options(preset: Preset) -> dict[str, Any]:
    """What is measured, and on what."""
    first, second, third, fourth = st.columns(4)
    with first:
        options = choose_pictures()
    with second:
        options["resolution"] = choose_side(preset)
    with third:
        options |= choose_scalar(preset)
    with fourth:
        names, sentence = get_args(Reduction), glossary.FIELD_REDUCTION
        reduction = st.selectbox("Reduced by", names, key="reduction", bind=BOUND, help=sentence)
    return options | {"reduction": reduction}


def choose_pictures() -> dict[str, Any]:
    """The sidebar's picture, all that there are, or noise."""
    names, sentence = (PICTURE, SEVERAL, NOISE), glossary.MEASURED_ON
    measured = st.selectbox("Measured on", names, key="measured", bind=BOUND, help=sentence)
    if measured == SEVERAL:
        return {"pictures": picture_list.find_all(picture_list.names())}
    return {"noise": NOISE_PICTURES} if measured == NOISE else {}


def choose_side(preset: Preset) -> int | None:
    """The pictures' side in px; none is the preset's own for fields."""
    own = preset.transform.size
    return st.number_input(
        "Resolution (px)",
        own,
        max(LARGEST, own),
        None,
        step=preset.shape.patch_size,
        key="field_side",
        bind=BOUND,
        placeholder=str(preset.field_side),
        help=glossary.FIELD_SIDE.format(side=own),
    )


def choose_scalar(preset: Preset) -> dict[str, Any]:
    """What of the token is differentiated."""
    names, sentence = get_args(Scalar), glossary.FIELD_SCALAR
    scalar = st.selectbox("Of the token", names, key="scalar", bind=BOUND, help=sentence)
    if scalar != "channel":
        return {"scalar": scalar}
    last = preset.shape.dim - 1
    channel = st.number_input("Channel", 0, last, 0, key="field_channel", bind=BOUND)
    return {"scalar": scalar, "channel": int(channel)}


def choose_token(preset: Preset, side: int | None) -> dict[str, Any]:
    """The token that is asked; none chosen is the centre."""
    grid = preset.shape.grid(side or preset.field_side)
    columns = dict(zip(("row", "column"), st.columns(2), strict=True))
    places = [_choose_place(name, grid - 1, column) for name, column in columns.items()]
    if all(place is None for place in places):
        return {"central": st.toggle("Mean of the central tokens", key="central", bind=BOUND)}
    return {"token": tuple(grid // 2 if place is None else place for place in places)}


def _choose_place(name: str, last: int, column: Any) -> int | None:
    key = f"token_{name}"
    current = st.session_state.get(key)
    if isinstance(current, int) and current > last:  # a smaller grid keeps the token inside
        st.session_state[key] = last
    place = column.number_input(
        f"Token {name}", 0, last, None, key=key, bind=BOUND, placeholder="centre"
    )
    return None if place is None else int(place)


def measure(options: dict[str, Any]) -> tuple[ReceptiveField, bool]:
    """The field, and whether it is whole: where it was stopped, what was measured stays."""
    chosen, place = session.choices().block, st.empty()

    def sketch(partial: ReceptiveField) -> None:
        view = sheets.token_view_png(partial, min(chosen, partial.blocks[-1]))
        alt = "what the token sees, so far"
        place.image(view, width=SKETCH_WIDTH, output_format="PNG", alt=alt)

    result = session.run_if(RECEPTIVE_FIELD, sketch=sketch, **options)
    if result is not None:
        return result, True
    partial = stopped_at(options)
    if partial is None:
        st.caption("The fields of all blocks stand here once they are measured.")
        raise session.Waiting
    count = partial.pictures
    st.caption(f"So far over {count} picture{'s' if count > 1 else ''}.")
    return partial, False


def stopped_at(options: dict[str, Any]) -> ReceptiveField | None:
    """What was measured before the work was stopped."""
    with suppress(VizError):  # the progress line has told it
        request = session.request(session.ask(RECEPTIVE_FIELD, **options))
        standing = session.bench().standing(request)
        return standing.partial if standing else None
    return None


def measure_others(
    options: dict[str, Any], token: dict[str, Any]
) -> tuple[list[ReceptiveField], ReceptiveField | None]:
    """The other presets at their own resolution and centre, and the untrained twin where it is
    wanted; those that are there."""
    shared = {key: options[key] for key in options if key not in ("resolution", "channel")}
    if shared["scalar"] == "channel":
        shared["scalar"] = "sum"
    names = session.choices().presets[1:]
    asks = {name: session.ask(RECEPTIVE_FIELD, preset=name, **shared) for name in names}
    label, sentence = "Show the untrained twin", glossary.UNTRAINED_TWIN
    if st.toggle(label, key="untrained", bind=BOUND, help=sentence):
        asks[TWIN] = session.ask(RECEPTIVE_FIELD, random=0, **options, **token)
    results = session.run_each(asks, slot="beside") if asks else {}
    twin = results.pop(TWIN, None)
    return [result for result in results.values() if result], twin


def show_token(result: ReceptiveField, block: int) -> None:
    """The picture as the token sees it; a click moves the token."""
    picker = sheets.token_picker(result, block)
    canvas.show(picker, key="tokens", into=("token_row", "token_column"))
    st.caption(
        f"What this token sees through {f'block {block}' if block else 'the stem'}. "
        "Click a token, or move with the arrow keys."
    )


def show_field(result: ReceptiveField, block: int) -> None:
    """One block's field, large."""
    sentence = sentences.describe(result, block)
    chart.draw(figures.draw_field(result, block), sentence, "large")
    st.caption(f"{sentence.capitalize()}. Dotted: one and two σ.")


def show_blocks(result: ReceptiveField) -> None:
    """Every block's field; a click chooses the block."""
    warning = sentences.describe_cut(result)
    if warning:
        st.warning(warning)
    canvas.show(sheets.strip(result), key="fields", into=("block",))
    st.caption("Each field on its own scale, from dark (none) to yellow; the bar is its σ.")


def show_growth(
    result: ReceptiveField, others: Sequence[ReceptiveField], twin: ReceptiveField | None
) -> None:
    """σ by block against its baselines."""
    st.header("Growth with depth", help=sentences.CAPTION)
    figure = figures.compare_growth([result, *others], twins=(twin,))
    chart.draw(figure, "σ by block against its baselines", "growth")
    st.caption(escape(sentences.describe_growth(result, twin)))


def show_side_by_side(results: Sequence[ReceptiveField], block: int) -> None:
    """The fields of several presets at one block, or their last."""
    if len(results) > 1:
        blocks = [min(block, result.blocks[-1]) for result in results]
        figure = figures.compare_fields(results, blocks)
        alt = "the fields of all chosen presets on one scale in pixels"
        chart.draw(figure, alt, "together")


def show_numbers(result: ReceptiveField) -> None:
    """The table of sizes and ratios."""
    with st.expander("Numbers"):
        st.dataframe(figures.table(result), hide_index=True)
        st.caption(sentences.describe_ratios(result))
