"""The table of presets: where their weights are, what they cost, how good they are."""

from __future__ import annotations

from typing import Any

import streamlit as st

from convmixer_viz.app import glossary
from convmixer_viz.presets import architecture
from convmixer_viz.presets.table import DEFAULT, MOST_SIDE_BY_SIDE, Preset
from convmixer_viz.weights import locate
from convmixer_viz.weights.facts import preset_facts

MB = 1e6


def draw() -> None:
    """All presets, sortable; a click on a row makes it the first preset everywhere."""
    number = st.column_config.NumberColumn
    multiply_adds = number(format="%.2f", help=glossary.MULTIPLY_ADDS)
    published = number(format="%.2f", help=architecture.NOT_COUNTED)
    columns: dict[str, Any] = {
        "preset": st.column_config.TextColumn(width=190),
        "parameters": number(format="localized"),
        "10⁹ multiply-adds": multiply_adds,
        "as published": published,
        "top-1 %": number(format="%.2f", help=glossary.TOP1),
        "MB": number(format="%.1f"),
    }
    st.dataframe(
        [_row(preset) for preset in locate.all_presets().values()],
        hide_index=True,
        key="models",
        on_select=_choose_row,
        selection_mode="single-row",
        height="content",
        placeholder="–",
        column_config=columns,
    )


def _row(preset: Preset) -> dict[str, Any]:
    facts = preset_facts(preset)
    published = facts["published_multiply_adds"]
    return {
        "preset": preset.name,
        "weights": facts["weights"],
        "top-1 %": facts["top1"],
        "that is": facts["top1_is"].split()[0].rstrip(",") if facts["top1"] else None,
        "parameters": facts["parameters"],
        "10⁹ multiply-adds": facts["multiply_adds"] / 1e9,
        "as published": published / 1e9 if published else None,
        "MB": facts["bytes"] / MB if facts["bytes"] else None,
        "sha256": facts["sha256"][:8],
        "licence": facts["licence"],
    }


def _choose_row() -> None:
    rows = st.session_state["models"]["selection"]["rows"]
    if rows:
        choose(list(locate.all_presets())[rows[0]])


def choose(name: str) -> None:
    """Make a preset the first one, which most pages show, before those that were picked; only
    before a run or in a callback."""
    picked = st.session_state.get("preset", [])
    others = [other for other in picked if other != name and picked != [DEFAULT]]
    st.session_state["preset"] = [name, *others][:MOST_SIDE_BY_SIDE]
