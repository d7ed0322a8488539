"""Parts of the page One token: the token and channel that are followed, and each step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from convmixer_viz.app import glossary
from convmixer_viz.app.components import canvas
from convmixer_viz.app.link import BOUND
from convmixer_viz.figures import token as figures
from convmixer_viz.figures.token import Product
from convmixer_viz.foreign_text import escape
from convmixer_viz.presets.table import Preset
from convmixer_viz.questions.token import TokenSteps

KERNELS = Path(__file__).parent.parent / "pages" / "kernels.py"


def choose(preset: Preset) -> dict[str, Any]:
    """The channel and the token; none chosen is the centre."""
    shape, grid = preset.shape, preset.shape.grid(preset.transform.size)
    sentence = glossary.FOLLOWED.format(last=shape.dim - 1)
    channel = _choose_number("Channel", "channel", shape.dim - 1, 0, help=sentence)
    left, right = st.columns(2)
    with left:
        row = _choose_number("Token row", "token_row", grid - 1, None, placeholder="centre")
    with right:
        column = _choose_number(
            "Token column", "token_column", grid - 1, None, placeholder="centre"
        )
    places = tuple(grid // 2 if place is None else place for place in (row, column))
    return {"channel": channel or 0, "token": places}


def _choose_number(
    label: str, key: str, last: int, default: int | None, **options: Any
) -> int | None:
    current = st.session_state.get(key)
    if isinstance(current, int) and current > last:  # of a larger preset
        st.session_state[key] = last
    place = st.number_input(label, 0, last, default, key=key, bind=BOUND, **options)
    return None if place is None else int(place)


def show_picker(result: TokenSteps) -> None:
    """The picture; a click moves the token."""
    canvas.show(figures.picker(result), key="way", into=("token_row", "token_column"))
    row, column = result.token
    st.caption(f"Token {row}, {column}. Click another, or move with the arrow keys.")


def show_steps(result: TokenSteps) -> None:
    """From the patch to the class, a heading a step."""
    block = result.block
    _step("1 · Patch × filter", figures.describe_patch(result), figures.patch_product(result))
    title = f"2 · Neighbourhood × kernel, block {block}"
    _step(title, figures.describe_kernel(result), figures.kernel_product(result))
    _door(result.channel, block)
    _step("3 · Activation", figures.describe_activation(result))
    _step("4 · Batch norm", figures.describe_norm(result))
    _step("5 · Plus the residual", figures.describe_residual(result))
    _step("6 · Across channels", figures.describe_pointwise(result))
    _show_table("inputs", figures.pointwise_table(result))
    _step(f"7 · What it says of {escape(result.target_name)}", figures.describe_evidence(result))
    _show_table("says", figures.evidence_table(result))


def _step(title: str, sentence: str, product: Product | None = None) -> None:
    st.header(title)
    if product:
        key = f"pixelated-step-{title[0]}"
        with st.container(horizontal=True, vertical_alignment="center", key=key):
            for sign, tile in zip(("", "×", "="), product.tiles, strict=True):
                if sign:
                    st.markdown(f"**{sign}**", width="content")
                words, width = tile.caption, product.width
                st.image(tile.png, words, width=width, output_format="PNG", alt=words)
    st.markdown(escape(sentence))


def _door(channel: int, block: int) -> None:
    """A button that opens the kernel of the channel on the page Kernels."""
    if st.button(f"Kernel {channel} of block {block}", icon=":material/grid_on:", key="door"):
        st.switch_page(KERNELS, query_params={})


def _show_table(key: str, rows: list[dict[str, float]]) -> None:
    """Products, the largest first; a click on a line follows its channel."""
    format_number = st.column_config.NumberColumn(format="%.4f")
    st.dataframe(
        rows,
        hide_index=True,
        key=f"products-{key}",
        on_select=_follower(key, rows),
        selection_mode="single-row",
        column_config={name: format_number for name in rows[0] if name != "channel"},
    )
    st.caption("A click on a line follows its channel.")


def _follower(key: str, rows: list[dict[str, float]]) -> Callable[[], None]:
    def follow() -> None:
        chosen = st.session_state[f"products-{key}"]["selection"]["rows"]
        if chosen:
            st.session_state["channel"] = int(rows[chosen[0]]["channel"])

    return follow
