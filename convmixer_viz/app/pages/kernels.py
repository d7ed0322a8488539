"""Kernels: what did it learn to look for?"""

from typing import Any

import streamlit as st

from convmixer_viz.app import picture_list, session
from convmixer_viz.app.components import canvas, chart, kernel_tabs
from convmixer_viz.app.link import BOUND
from convmixer_viz.catalog import FIRING, KERNEL, KERNELS
from convmixer_viz.figures.kernels import (
    atlas as kernels_atlas,
    firing,
    kernel as kernel_figures,
    structure,
)

QUICK = 64  # px: pictures so small are searched at once, larger ones behind a button

chosen = session.choices()
preset = session.bench().presets[chosen.preset]
st.title("Kernels")
st.write(f"What {preset.name} learned to look for: every depthwise kernel, and what it measures.")

atlas = session.run(KERNELS)
dim, side = atlas.weights.shape[1:3]
block = max(1, chosen.block)
if chosen.block == 0:
    st.caption("Block 0 is the stem: see the tab Patch embedding. This is block 1.")
canvas.show(kernels_atlas.strip(atlas), key="ruler", into=("block",))


def population() -> None:
    """The controls, and all kernels of the block as one clickable picture."""
    by, only, limits, form = st.columns(4)
    sort = kernels_atlas.ORDERS[
        by.selectbox("Sort by", kernels_atlas.ORDERS, key="sort", bind=BOUND)
    ]
    kept = only.selectbox(
        "Show", (kernels_atlas.EVERY_CLASS, *atlas.class_names), key="class", bind=BOUND
    )
    scale = limits.selectbox("Colours", kernels_atlas.LIMITS, key="scale", bind=BOUND)
    shown = form.selectbox("Kernels", kernels_atlas.FORMS, key="form", bind=BOUND)
    measured = sort in kernels_atlas.STATISTICS
    within: Any = st.slider(
        "Only this part of all blocks' kernels, by what they are sorted by (%)", 0, 100, (0, 100),
        key="part", bind=BOUND, disabled=not measured,
        help="Choose a statistic under Sort by: 0 is its smallest value, 100 its largest.",
    )  # fmt: skip
    limit = kernels_atlas.color_limit(atlas, block, scale, shown)
    channels = kernels_atlas.sorted_channels(atlas, block, sort, kept, within=within)
    sheet = kernels_atlas.grid(atlas, block, channels, limit=limit, form=shown)
    counts = kernels_atlas.class_counts(atlas, block)
    st.markdown(f"**{len(channels)} of {dim} kernels of {side}×{side}, block {block}**")
    if len(channels):
        canvas.show(sheet, key="grid", into=("channel",))
    else:
        st.caption(f"No kernel of block {block} is {kept} and in this part: choose another.")
    if measured and within != kernels_atlas.WHOLE_RANGE:
        low, high = kernels_atlas.bounds(atlas, sort, within)
        st.caption(f"Shown: {kernels_atlas.STATISTICS[sort]} from {low:.3g} to {high:.3g}.")
    reach = "each kernel's own largest weight" if limit is None else f"±{limit:.3g}"
    st.caption(f"Red is positive, blue negative, white zero; full colour is {reach}. "
               + ", ".join(f"{count} {name}" for name, count in counts.items())
               + ("" if atlas.decidable else
                  f". 1 % of random {side}×{side} kernels fit a template with R² above "
                  f"{atlas.threshold:.2f}: their classes can't be told apart."))  # fmt: skip
    chart.draw(structure.draw_summary(atlas), "Classes and size by depth")
    st.caption(kernels_atlas.describe_sizes(atlas))


def number() -> int:
    """The chosen channel, from the grid, the table, the link or typed here."""
    held = st.session_state.get("channel")
    if isinstance(held, int) and held >= dim:
        st.session_state["channel"] = dim - 1
    said = f"0 to {dim - 1}; or click a kernel, or move there with the arrow keys."
    return int(st.number_input("Kernel", 0, dim - 1, 0, key="channel", bind=BOUND, help=said))


def named(found: Any) -> str:
    """Which kernel a result is of: the one before may still stand there."""
    return f"Kernel {found.channel} of block {found.block}, {found.provenance.preset}"


def one(channel: int) -> None:
    """The chosen kernel enlarged, its response on the picture, and where it fires most."""
    found = session.run_if(KERNEL, slot="kernel", block=block, channel=channel)
    if found is None:
        st.caption("The kernel, its spectrum and its response on the picture stand here.")
        return
    st.markdown(f"**{named(found)}.** {kernel_figures.describe(found)}")
    chart.draw(kernel_figures.draw(found), kernel_figures.describe(found))
    st.caption(f"Response: the convolution of channel {found.channel} in block {found.block} with "
               f"its bias, before the activation, a cell a token of {found.picture}.")  # fmt: skip
    with st.expander("Numbers"):
        st.table(kernel_figures.table(found))
    with st.expander("Strongest inputs and outputs"):
        kernel_tabs.neighbours(found)


def fires(channel: int) -> None:
    """The windows with the largest answers over the gallery and the uploads."""
    start = None if preset.transform.size <= QUICK else "Search the pictures"
    found = session.run_if(FIRING, slot="firing", start=start, block=block, channel=channel,
                            pictures=picture_list.find_all(picture_list.names()))  # fmt: skip
    if found is None:
        st.caption("Where this kernel answers most in the gallery and the uploads stands here.")
        return
    with st.container(key="pixelated-firing", horizontal=True):
        for patch, words in zip(firing.window_pngs(found), firing.captions(found), strict=True):
            st.image(patch, words, width=84, output_format="PNG", alt=f"window in {words}")
    st.caption(f"{named(found)} fires most in these windows, its own, grey beyond the picture; "
               f"through the blocks before, {found.field} px can reach one.")  # fmt: skip


left, right = st.columns([3, 2])
with right:
    channel = number()
    one(channel)
with left:
    population()
    fires(channel)
kernel_tabs.show(atlas, block, channel)
