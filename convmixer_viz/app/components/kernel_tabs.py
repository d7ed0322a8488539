"""The tabs of the page Kernels: table, structure, covariance, patch embedding, history, presets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from convmixer_viz.app import session
from convmixer_viz.app.components import canvas, chart, kernel_importance
from convmixer_viz.app.link import BOUND
from convmixer_viz.catalog import FORMATION, KERNELS, PATCH_EMBEDDING, STRUCTURE
from convmixer_viz.figures.kernels import (
    appendix,
    atlas as atlas_figures,
    comparison as atlases_figures,
    formation as formation_figures,
    patch_embedding,
    structure,
)
from convmixer_viz.foreign_text import escape
from convmixer_viz.questions.formation import Formation
from convmixer_viz.questions.kernels import KernelAtlas
from convmixer_viz.questions.structure import Structure

TABLE_HEIGHT = 420  # px


def show(atlas: KernelAtlas, block: int, channel: int) -> None:
    """Draw the open tab; the others cost nothing."""
    tabs = st.tabs(list(TABS), key="view", bind=BOUND, on_change="rerun")
    for tab, show_tab in zip(tabs, TABS.values(), strict=True):
        if tab.open:
            with tab:
                show_tab(atlas, block, channel)


def show_table(atlas: KernelAtlas, block: int, channel: int) -> None:
    """All kernels of the block with pictures and numbers; a picked row is the chosen kernel."""
    columns: dict[str, Any] = {
        name: st.column_config.NumberColumn(name.replace("_", " "), help=sentence, format="%.3g")
        for name, sentence in atlas.statistics.items()
    }
    columns["kernel"] = st.column_config.ImageColumn("kernel", width="small")
    st.dataframe(
        atlas_figures.table(atlas, block),
        column_config=columns,
        hide_index=True,
        height=TABLE_HEIGHT,
        key="kernel-table",
        on_select=_pick_row,
        selection_mode="single-row",
    )
    st.caption("Click a head to sort, a row to look at its kernel. Sizes are in tokens.")


def _pick_row() -> None:
    rows = st.session_state["kernel-table"].selection.rows
    if rows:
        st.session_state["channel"] = rows[0]  # the table is in the order of the channels


def structures() -> list[Structure]:
    """The structure of every chosen preset that is ready."""
    asks = {name: session.ask(STRUCTURE, preset=name) for name in session.choices().presets}
    return [result for result in session.run_each(asks, slot="structure").values() if result]


def show_depth(atlas: KernelAtlas, block: int, channel: int) -> None:
    """Classes and curves by depth, each over the band of random layers."""
    results = structures()
    if not results:
        st.caption("Classes, sizes and entropy by depth stand here once they are computed.")
        return
    chart.draw(structure.draw_classes(results), "Share of each class of kernels by block")
    chart.draw(structure.compare(results), "Ten numbers by depth, over the band of random layers")
    st.caption("Band: 2.5 to 97.5 % of 20 untrained layers of the same shape.")
    chart.draw(structure.draw_rings(results), "Mean share of energy on each ring about the centre")
    chart.draw(structure.draw_pointwise(results), "Effective rank of the pointwise layers by depth")


def show_covariance(atlas: KernelAtlas, block: int, channel: int) -> None:
    """The block's covariance as k×k blocks of k×k, its eigenvalues and eigen-kernels."""
    results = structures()
    preset = session.choices().preset
    if not results or results[0].origin.preset != preset:
        st.caption(f"The covariance of {escape(preset)}'s kernels stands here once it is computed.")
        return
    first = results[0]
    index = first.blocks.tolist().index(block)
    left, right = st.columns(2)
    with left:
        figure = structure.draw_covariance(first, index)
        chart.draw(figure, f"Covariance of block {block}'s kernels")
        st.caption("A square for each place of the kernel: how it varies with every other place.")
    with right:
        figure = structure.draw_eigenvalues(results, index)
        chart.draw(figure, "Share of the variance by direction")
        show_eigenkernels(first, index)


def show_eigenkernels(result: Structure, index: int) -> None:
    """The directions in which a block's kernels vary, and how many carry the variance."""
    with st.container(key="pixelated-eigen"):
        sheet = structure.eigenkernels_png(result, index)
        st.image(sheet, output_format="PNG", alt="Eigen-kernels, strongest first")
    directions = result.covariance_participation_ratio[index]
    st.caption(
        f"Eigen-kernels, strongest first; {directions:.1f} directions carry the variance "
        f"(participation ratio), of {result.kernel_size**2}."
    )


def show_patch_embedding(atlas: KernelAtlas, block: int, channel: int) -> None:
    """The patch filters in colour, and where they lie in frequency and orientation."""
    result = session.run_if(PATCH_EMBEDDING)
    if result is None:
        st.caption("The filters that turn patches into tokens stand here.")
        return
    left, right = st.columns([3, 2])
    with left:
        name = st.selectbox("Sort filters by", patch_embedding.ORDERS, key="filters", bind=BOUND)
        sheet = patch_embedding.grid(result, patch_embedding.ORDERS[name])
        canvas.show(sheet, key="patches", into=("filter",))
        st.caption(f"{patch_embedding.describe(result)} Each on its own scale; grey is zero.")
    with right:
        figure = patch_embedding.draw(result)
        chart.draw(figure, "Patch filters by orientation and frequency")
        st.caption(
            "Angle: the wave's direction, clockwise from the right. Radius: its peak, "
            "cycles per pixel. Size: norm."
        )
    st.download_button(
        "Appendix sheet (png)",
        lambda: appendix.page_png(result, atlas),
        "kernels-appendix.png",
        on_click="ignore",
    )


def show_formation(atlas: KernelAtlas, block: int, channel: int) -> None:
    """The block's kernels at an epoch, the chosen one's path, and the layers' curves."""
    result = session.run_if(FORMATION)
    if result is None:
        st.caption("Where a preset ships the history of its training, its kernels form here.")
        return
    left, right = st.columns([3, 2])
    with left:
        show_epoch(result, block)
    with right:
        show_path(result, block, channel)
    names = formation_figures.CURVE_NAMES
    curve = names[st.selectbox("Curve", names, key="curve", bind=BOUND)]
    figure = formation_figures.draw(result, curve=curve)
    chart.draw(figure, f"{formation_figures.CURVES[curve]} over the epochs")


def show_epoch(result: Formation, block: int) -> None:
    """The block's kernels at the chosen epoch, or all epochs as a movie."""
    epochs = [int(epoch) for epoch in result.epochs]
    epoch = st.select_slider("Epoch", epochs, epochs[-1], key="epoch", bind=BOUND)
    if st.toggle("Play", key="play"):
        with st.container(key="pixelated-movie"):
            movie = formation_figures.movie_png(result, block)
            alt = f"Kernels of block {block} through training"
            st.image(movie, output_format="PNG", alt=alt)
    else:
        channels = range(result.weights.shape[2])
        sheet = formation_figures.grid(result, block, epoch, channels)
        canvas.show(sheet, key="formed", into=("channel",))
    st.caption(formation_figures.describe(result, block))


def show_path(result: Formation, block: int, channel: int) -> None:
    """One kernel over the epochs, and the classes of its block."""
    figure = formation_figures.draw_kernel(result, block, channel)
    chart.draw(figure, f"Kernel {channel} over the epochs")
    with st.container(key="pixelated-path"):
        strip = formation_figures.filmstrip_png(result, block, channel)
        st.image(strip, output_format="PNG", alt=f"Kernel {channel} at every epoch kept")
    figure = formation_figures.draw_classes(result, block)
    chart.draw(figure, "Share of each class over the epochs")


def show_presets(atlas: KernelAtlas, block: int, channel: int) -> None:
    """Two to four presets at one relative depth on one scale, and a statistic by depth."""
    names = session.choices().presets
    if len(names) < 2:
        st.caption("Pick two to four presets in the sidebar: they stand here side by side.")
        return
    asks = {name: session.ask(KERNELS, preset=name) for name in names}
    atlases = [each for each in session.run_each(asks, slot="atlases").values() if each]
    if atlases:
        show_statistic(atlases)
        show_aligned(atlases, block / int(atlas.blocks.max()))
        show_patch_filters(names)


def show_statistic(atlases: Sequence[KernelAtlas]) -> None:
    """One statistic by depth, a colour a preset."""
    names = atlas_figures.statistic_names()
    statistic = names[st.selectbox("Statistic", names, 1, key="statistic", bind=BOUND)]
    figure = atlases_figures.draw(atlases, statistic)
    chart.draw(figure, f"{atlas_figures.STATISTICS[statistic]} by depth")


def show_aligned(atlases: Sequence[KernelAtlas], depth: float) -> None:
    """The kernels of one block a preset, nearest to a relative depth, on one scale."""
    blocks = atlases_figures.aligned_blocks(atlases, depth)
    limit = atlases_figures.shared_limit(atlases, blocks, "unit norm")
    for column, atlas, block in zip(st.columns(len(atlases)), atlases, blocks, strict=True):
        name = atlas.origin.preset
        with column.container(key=f"pixelated-{name}"):
            caption = f"{name}, block {block} of {atlas.blocks.max()}"
            sheet = atlas_figures.block_png(atlas, block, limit=limit, form="unit norm", across=16)
            st.image(sheet, escape(caption), output_format="PNG", alt=caption)
    st.caption(f"Kernels of norm 1 at the same relative depth; one scale, ±{limit:.2g}.")


def show_patch_filters(names: Sequence[str]) -> None:
    """The patch filters of every preset that is ready."""
    asks = {name: session.ask(PATCH_EMBEDDING, preset=name) for name in names}
    results = [each for each in session.run_each(asks, slot="stems").values() if each]
    for column, result in zip(st.columns(len(names)), results, strict=False):
        name = result.origin.preset
        with column.container(key=f"pixelated-stem-{name}"):
            caption = f"{name}: {patch_embedding.describe(result)}"
            sheet = patch_embedding.filters_png(result)
            st.image(sheet, escape(caption), output_format="PNG", alt=caption)
    st.caption("Patch filters, largest norm first, each on its own scale; grey is zero.")


TABS = {  # each is drawn with the atlas, the block and the channel
    "Table": show_table,
    "Structure by depth": show_depth,
    "Covariance": show_covariance,
    "Patch embedding": show_patch_embedding,
    "How they formed": show_formation,
    "Importance": kernel_importance.show,
    "Compare presets": show_presets,
}
