"""The tabs of the kernels page: table, structure, covariance, patch embedding, history, presets."""

from __future__ import annotations

from typing import Any

import streamlit as st

from convmixer_viz.app import session
from convmixer_viz.app.captions import origin
from convmixer_viz.app.components import canvas, chart
from convmixer_viz.app.link import BOUND
from convmixer_viz.catalog import FORMATION, KERNELS, PATCH_EMBEDDING, STRUCTURE
from convmixer_viz.figures.kernels import (
    appendix,
    atlas as kernels_atlas,
    compared as kernels_compared,
    formation,
    kernel as one_kernel,
    patch_embedding,
    structure,
)

NAMES = ("Table", "Structure by depth", "Covariance", "Patch embedding", "How they formed",
         "Compare presets")  # fmt: skip


def show(atlas: Any, block: int, channel: int) -> None:
    """Draw the open tab; the others cost nothing."""
    tabs = st.tabs(NAMES, key="view", bind=BOUND, on_change="rerun")
    parts = (table, by_depth, covariance, stem, formed, compared)
    for tab, part in zip(tabs, parts, strict=True):
        if tab.open:
            with tab:
                part(atlas, block, channel)


def table(atlas: Any, block: int, channel: int) -> None:
    """All kernels of the block with pictures and numbers; a picked row is the chosen kernel."""
    columns: dict[str, Any] = {
        name: st.column_config.NumberColumn(name.replace("_", " "), help=words, format="%.3g")
        for name, words in kernels_atlas.STATISTICS.items()
    }
    columns["kernel"] = st.column_config.ImageColumn("kernel", width="small")
    st.dataframe(
        kernels_atlas.table(atlas, block), column_config=columns, hide_index=True, height=420,
        key="kernel-table", on_select=_row_picked, selection_mode="single-row",
    )  # fmt: skip
    st.caption("Click a head to sort, a row to look at its kernel. Sizes are in tokens.")


def _row_picked() -> None:
    rows = st.session_state["kernel-table"].selection.rows
    if rows:
        st.session_state["channel"] = rows[0]  # the table is in the order of the channels


def structures() -> list[Any]:
    """The structure of every chosen preset that is ready."""
    names = session.choices().presets
    work = {name: session.ask(STRUCTURE, preset=name) for name in names}
    return [found for found in session.run_each(work, slot="structure").values() if found]


def by_depth(atlas: Any, block: int, channel: int) -> None:
    """Classes and curves by depth, each over the band of random layers."""
    found = structures()
    if not found:
        st.caption("Classes, sizes and entropy by depth stand here once they are computed.")
        return
    chart.draw(structure.draw_classes(found), "Share of each class of kernels by block")
    chart.draw(structure.compare(found), "Ten numbers by depth, over the band of random layers")
    st.caption("Band: 2.5 to 97.5 % of 20 untrained layers of the same shape.")
    chart.draw(structure.draw_rings(found), "Mean share of energy on each ring about the centre")
    chart.draw(structure.draw_pointwise(found), "Effective rank of the pointwise layers by depth")


def covariance(atlas: Any, block: int, channel: int) -> None:
    """The block's covariance as k×k blocks of k×k, its eigenvalues and eigen-kernels."""
    found = structures()
    preset = session.choices().preset
    if not found or origin(found[0]).preset != preset:
        st.caption(f"The covariance of {preset}'s kernels stands here once it is computed.")
        return
    first, index = found[0], kernels_atlas.block_index(found[0], block)
    left, right = st.columns(2)
    with left:
        chart.draw(
            structure.draw_covariance(first, index), f"Covariance of block {block}'s kernels"
        )
        st.caption("A square for each place of the kernel: how it varies with every other place.")
    with right:
        chart.draw(structure.draw_eigenvalues(found, index), "Share of the variance by direction")
        with st.container(key="pixelated-eigen"):
            st.image(structure.eigenkernels_png(first, index), output_format="PNG",
                     alt="Eigen-kernels, strongest first")  # fmt: skip
        carried = first.covariance_participation_ratio[index]
        st.caption(f"Eigen-kernels, strongest first; {carried:.1f} directions carry the variance "
                   f"(participation ratio), of {first.kernel_size**2}.")  # fmt: skip


def stem(atlas: Any, block: int, channel: int) -> None:
    """The patch filters in colour, and where they lie in frequency and orientation."""
    found = session.run_if(PATCH_EMBEDDING)
    if found is None:
        st.caption("The filters that turn patches into tokens stand here.")
        return
    left, right = st.columns([3, 2])
    with left:
        by = st.selectbox("Sort filters by", patch_embedding.ORDERS, key="filters", bind=BOUND)
        canvas.show(
            patch_embedding.grid(found, patch_embedding.ORDERS[by]), key="patches", into=("filter",)
        )
        st.caption(f"{patch_embedding.describe(found)} Each on its own scale; grey is zero.")
    with right:
        chart.draw(patch_embedding.draw(found), "Patch filters by orientation and frequency")
        st.caption("Angle: the wave's direction, clockwise from the right. Radius: its peak, "
                   "cycles per pixel. Size: norm.")  # fmt: skip
    st.download_button("Appendix sheet (png)", lambda: appendix.page_png(found, atlas),
                       "kernels-appendix.png", on_click="ignore")  # fmt: skip


def formed(atlas: Any, block: int, channel: int) -> None:
    """The block's kernels at an epoch, the chosen one's path, and the layers' curves."""
    found = session.run_if(FORMATION)
    if found is None:
        st.caption("Where a preset ships the history of its training, its kernels form here.")
        return
    epochs = [int(epoch) for epoch in found.epochs]
    left, right = st.columns([3, 2])
    with left:
        epoch = st.select_slider("Epoch", epochs, epochs[-1], key="epoch", bind=BOUND)
        if st.toggle("Play", key="play"):
            with st.container(key="pixelated-movie"):
                st.image(formation.movie_png(found, block), output_format="PNG",
                         alt=f"Kernels of block {block} through training")  # fmt: skip
        else:
            channels = range(found.weights.shape[2])
            sheet = formation.grid(found, block, epoch, channels)
            canvas.show(sheet, key="formed", into=("channel",))
        st.caption(formation.describe(found, block))
    with right:
        chart.draw(
            formation.draw_kernel(found, block, channel), f"Kernel {channel} over the epochs"
        )
        with st.container(key="pixelated-path"):
            st.image(formation.filmstrip_png(found, block, channel), output_format="PNG",
                     alt=f"Kernel {channel} at every epoch kept")  # fmt: skip
        chart.draw(formation.draw_classes(found, block), "Share of each class over the epochs")
    curve = formation.CURVE_NAMES[
        st.selectbox("Curve", formation.CURVE_NAMES, key="curve", bind=BOUND)
    ]
    chart.draw(formation.draw(found, curve=curve), f"{formation.CURVES[curve]} over the epochs")


def compared(atlas: Any, block: int, channel: int) -> None:
    """Two to four presets at one relative depth on one scale, and a statistic by depth."""
    names = session.choices().presets
    if len(names) < 2:
        st.caption("Pick two to four presets in the sidebar: they stand here side by side.")
        return
    work = {name: session.ask(KERNELS, preset=name) for name in names}
    found = [each for each in session.run_each(work, slot="atlases").values() if each]
    if not found:
        return
    picked = st.selectbox(
        "Statistic", kernels_atlas.STATISTIC_NAMES, 1, key="statistic", bind=BOUND
    )
    statistic = kernels_atlas.STATISTIC_NAMES[picked]
    chart.draw(
        kernels_compared.draw(found, statistic), f"{kernels_atlas.STATISTICS[statistic]} by depth"
    )
    blocks = kernels_compared.aligned_blocks(found, block / int(atlas.blocks.max()))
    limit = kernels_compared.shared_limit(found, blocks, "unit norm")
    places = zip(st.columns(len(found)), found, blocks, strict=True)
    for place, each, at in places:
        with place.container(key=f"pixelated-{origin(each).preset}"):
            words = f"{origin(each).preset}, block {at} of {each.blocks.max()}"
            sheet = kernels_atlas.block_png(each, at, limit=limit, form="unit norm", across=16)
            st.image(sheet, words, output_format="PNG", alt=words)
    st.caption(f"Kernels of norm 1 at the same relative depth; one scale, ±{limit:.2g}.")
    stem_work = {name: session.ask(PATCH_EMBEDDING, preset=name) for name in names}
    stems = [each for each in session.run_each(stem_work, slot="stems").values() if each]
    for place, filters in zip(st.columns(len(names)), stems, strict=False):
        with place.container(key=f"pixelated-stem-{origin(filters).preset}"):
            words = f"{origin(filters).preset}: {patch_embedding.describe(filters)}"
            st.image(patch_embedding.filters_png(filters), words, output_format="PNG", alt=words)
    st.caption("Patch filters, largest norm first, each on its own scale; grey is zero.")


def neighbours(found: Any) -> None:
    """What feeds the kernel and what it feeds, through the pointwise layers."""
    columns = {"kernel": st.column_config.ImageColumn("kernel", width="small")}
    image = one_kernel.patch_filter_png(found)
    if image:
        st.caption(f"Block 1 reads the patch embedding: this is its filter {found.channel}.")
        with st.container(key="pixelated-filter"):
            st.image(image, output_format="PNG", alt=f"patch filter {found.channel}")
    else:
        st.caption(f"Channels of block {found.block - 1} that feed it, strongest first")
        st.dataframe(one_kernel.inputs_table(found), column_config=columns, hide_index=True)
    st.caption("Channels that it feeds, strongest first, with the next block's kernels")
    st.dataframe(one_kernel.outputs_table(found), column_config=columns, hide_index=True)
