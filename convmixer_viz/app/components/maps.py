"""Parts of the attribution page: one preset's evidence, one map with its badge, their agreement."""

from __future__ import annotations

from typing import Any

import streamlit as st

from convmixer_viz import agreement as agreements
from convmixer_viz.app import session
from convmixer_viz.app.components import chart
from convmixer_viz.comparison import rows
from convmixer_viz.figures import evidence as exact
from convmixer_viz.figures.attribution import maps as figures


def aim(preset: str) -> dict[str, Any]:
    """The sidebar's classes where the preset knows them; else its own prediction, and a note."""
    chosen = session.choices()
    named = {"target": chosen.target, "against": chosen.against}
    known = session.bench().models.class_labels(preset)
    missing = [name for name in named.values() if name is not None and name not in known]
    if missing:
        st.caption(f"{preset} does not know {' or '.join(missing)}: it explains its prediction.")
        return {"preset": preset}
    return {"preset": preset} | named


def show_evidence(result: Any, limit: float, strength: float) -> None:
    """One preset's exact map: what the colours say, and its audit."""
    name, audit = result.provenance.preset, exact.describe_sum(result)
    st.markdown(f"**{result.target_name}** · {name}")
    chart.draw(exact.draw(result, limit=limit, strength=strength), audit, f"exact-{name}")
    st.caption(f"{exact.describe_colors(result)} {audit}")


def show_depth(result: Any) -> None:
    """The probe's map and probability after each block."""
    name, decision = result.provenance.preset, exact.describe_decision(result)
    st.markdown(f"**Through depth** · {name}")
    with st.container(key=f"pixelated-{name}"):
        strip = exact.strip_png(result)
        words = f"The probe's map after each block. {decision}"
        st.image(strip, width="stretch", output_format="PNG", alt=words)
    chart.draw(exact.draw_probes(result), decision, f"probe-{name}")
    st.caption(f"Thumbnails: the stem and each block, each on its own scale. {decision} This is a "
               "probe: batch norm and head were not trained for it.")  # fmt: skip


def show_map(result: Any, **look: Any) -> None:
    """One map with its badge; the reason in its place where it is another under a false name."""
    badge, reason = figures.badge(result)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{result.method}** · {result.provenance.preset}", width="content")
        st.badge(badge, color="green" if result.valid else "orange", help=reason)
    if not result.valid:
        st.caption(f"Not shown: {reason}.")
        return
    reading = figures.describe(result)
    key = f"map-{result.method}-{result.provenance.preset}"
    chart.draw(figures.draw(result, **look), f"{result.method}. {reading}", key)
    st.caption(reading)


def agreement(results: list[Any]) -> list[dict[str, Any]]:
    """Each map against the first, on 16×16 cells over what all presets see of the picture."""
    grids = rows.maps_on_common_grid(results, [result.tokens for result in results])
    names = [f"{result.method} · {result.provenance.preset}" for result in results]
    found = [agreements.agreement(grid, grids[0]) for grid in grids]
    return [
        {"map": name, "Spearman": f.spearman, "SSIM": f.ssim, "overlap of 26 cells": f.overlap}
        for name, f in zip(names, found, strict=True)
    ]
