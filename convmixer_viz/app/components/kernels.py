"""Parts of the page Kernels: all kernels of a block, the chosen one, and where it fires."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from convmixer_viz.app import glossary, picture_list, session
from convmixer_viz.app.components import canvas, chart
from convmixer_viz.app.link import BOUND
from convmixer_viz.catalog import FIRING
from convmixer_viz.figures.kernels import (
    atlas as atlas_figures,
    firing as windows,
    kernel as kernel_figures,
    structure,
)
from convmixer_viz.foreign_text import escape
from convmixer_viz.presets.table import Preset
from convmixer_viz.questions.firing import Firing
from convmixer_viz.questions.kernel import Kernel
from convmixer_viz.questions.kernels import KernelAtlas

QUICK = 64  # px: pictures so small are searched at once, larger ones behind a button
WINDOW_WIDTH = 84  # px
DETAILS = "kernel-details"  # key of the chosen kernel's container


@dataclass(frozen=True, slots=True)
class Selection:
    """Which kernels of a block are shown, in which order and colours."""

    order: str  # a statistic, "channel", "class" or "cluster"
    class_name: str
    limits: str  # what the colours reach to
    form: str  # raw, or scaled
    percents: tuple[int, int]  # of all blocks' kernels, by the statistic


def choose_block(atlas: KernelAtlas) -> int:
    """The sidebar's block below a ruler of all; block 1 where it is the stem."""
    block = session.choices().block
    if block == 0:
        st.caption("Block 0 is the stem: see the tab Patch embedding. This is block 1.")
    canvas.show(atlas_figures.strip(atlas), key="ruler", into=("block",))
    return max(1, block)


def choose_channel(atlas: KernelAtlas) -> int:
    """The chosen kernel, from the grid, the table, the link or typed here."""
    last = atlas.weights.shape[1] - 1
    current = st.session_state.get("channel")
    if isinstance(current, int) and current > last:
        st.session_state["channel"] = last
    sentence = glossary.KERNEL_CHANNEL.format(last=last)
    return int(st.number_input("Kernel", 0, last, 0, key="channel", bind=BOUND, help=sentence))


def choose_selection(atlas: KernelAtlas) -> Selection:
    """Order, class, colours, form, and a part of the range."""
    orders, classes = atlas_figures.orders(atlas), (atlas_figures.EVERY_CLASS, *atlas.class_names)
    first, second, third, fourth = st.columns(4)
    order = orders[first.selectbox("Sort by", orders, key="sort", bind=BOUND)]
    class_name = second.selectbox("Show", classes, key="class", bind=BOUND)
    limits = third.selectbox("Colours", atlas_figures.LIMITS, key="scale", bind=BOUND)
    form = fourth.selectbox("Kernels", atlas_figures.FORMS, key="form", bind=BOUND)
    percents = st.slider(
        "Only this part of all blocks' kernels, by what they are sorted by (%)",
        0,
        100,
        (0, 100),
        key="part",
        bind=BOUND,
        disabled=order not in atlas.statistics,
        help=glossary.STATISTIC_RANGE,
    )
    return Selection(order, class_name, limits, form, percents)


def show_population(atlas: KernelAtlas, block: int) -> None:
    """The controls, and the kernels of the block as one clickable picture."""
    selection = choose_selection(atlas)
    limit = atlas_figures.color_limit(atlas, block, selection.limits, selection.form)
    channels = atlas_figures.sorted_channels(
        atlas, block, selection.order, selection.class_name, within=selection.percents
    )
    dim, side = atlas.weights.shape[1:3]
    st.markdown(f"**{len(channels)} of {dim} kernels of {side}×{side}, block {block}**")
    if len(channels):
        sheet = atlas_figures.grid(atlas, block, channels, limit=limit, form=selection.form)
        canvas.show(sheet, key="grid", into=("channel",), reveals=DETAILS)
    else:
        name = selection.class_name
        st.caption(f"No kernel of block {block} is {name} and in this part: choose another.")
    show_range(atlas, selection)
    show_colors(atlas, block, limit)
    chart.draw(structure.draw_summary(atlas), "Classes and size by depth")
    st.caption(atlas_figures.describe_sizes(atlas))


def show_range(atlas: KernelAtlas, selection: Selection) -> None:
    """From where to where the statistic is shown, where a part is left out."""
    name = atlas.statistics.get(selection.order)  # none: that order has no range
    if name and selection.percents != atlas_figures.WHOLE_RANGE:
        low, high = atlas_figures.bounds(atlas, selection.order, selection.percents)
        st.caption(f"Shown: {name} from {low:.3g} to {high:.3g}.")


def show_colors(atlas: KernelAtlas, block: int, limit: float | None) -> None:
    """What the colours say, how many kernels each class has, and whether these can be told."""
    reach = "each kernel's own largest weight" if limit is None else f"±{limit:.3g}"
    counts = atlas_figures.class_counts(atlas, block)
    parts = ", ".join(f"{count} {name}" for name, count in counts.items())
    side = atlas.weights.shape[-1]
    doubt = (
        f". 1 % of random {side}×{side} kernels fit a template with R² above "
        f"{atlas.threshold:.2f}: their classes can't be told apart."
    )
    st.caption(
        f"Red is positive, blue negative, white zero; full colour is {reach}. "
        f"{parts}{'' if atlas.decidable else doubt}"
    )


def show_kernel(result: Kernel | None) -> None:
    """The chosen kernel enlarged, its numbers, and its response on the picture."""
    if result is None:
        st.caption("The kernel, its spectrum and its response on the picture stand here.")
        return
    sentence = kernel_figures.describe(result)
    st.markdown(f"**{escape(kernel_name(result))}.** {escape(sentence)}")
    chart.draw(kernel_figures.draw(result), sentence)
    st.caption(
        f"Response: the convolution of channel {result.channel} in block {result.block} with "
        f"its bias, before the activation, a cell a token of {escape(result.picture)}."
    )
    with st.expander("Numbers"):
        st.table(kernel_figures.table(result))
    with st.expander("Strongest inputs and outputs"):
        show_neighbours(result)


def kernel_name(result: Kernel | Firing) -> str:
    """Which kernel a result is of: the one before may still stand there."""
    return f"Kernel {result.channel} of block {result.block}, {result.origin.preset}"


def show_neighbours(result: Kernel) -> None:
    """What feeds the kernel and what it feeds, through the pointwise layers."""
    columns = {"kernel": st.column_config.ImageColumn("kernel", width="small")}
    patch_filter = kernel_figures.patch_filter_png(result)
    if patch_filter:
        st.caption(f"Block 1 reads the patch embedding: this is its filter {result.channel}.")
        with st.container(key="pixelated-filter"):
            st.image(patch_filter, output_format="PNG", alt=f"patch filter {result.channel}")
    else:
        st.caption(f"Channels of block {result.block - 1} that feed it, strongest first")
        inputs = kernel_figures.inputs_table(result)
        st.dataframe(inputs, column_config=columns, hide_index=True)
    st.caption("Channels that it feeds, strongest first, with the next block's kernels")
    outputs = kernel_figures.outputs_table(result)
    st.dataframe(outputs, column_config=columns, hide_index=True)


def show_firing(preset: Preset, block: int, channel: int) -> None:
    """The windows with the largest answers over the gallery and the uploads."""
    start = None if preset.transform.size <= QUICK else "Search the pictures"
    pictures = picture_list.find_all(picture_list.names())
    result = session.run_if(
        FIRING, slot="firing", start=start, pictures=pictures, block=block, channel=channel
    )
    if result is None:
        st.caption("Where this kernel answers most in the gallery and the uploads stands here.")
        return
    show_windows(windows.window_pngs(result), windows.captions(result))
    st.caption(
        f"{escape(kernel_name(result))} fires most in these windows, its own, grey beyond the "
        f"picture; through the blocks before, {result.field} px can reach one."
    )


def show_windows(pngs: Sequence[bytes], captions: Sequence[str], key: str = "firing") -> None:
    """Small pictures in a row."""
    with st.container(key=f"pixelated-{key}", horizontal=True):
        for png, caption in zip(pngs, captions, strict=True):
            alt = f"window in {caption}"
            st.image(png, escape(caption), width=WINDOW_WIDTH, output_format="PNG", alt=alt)
