"""Parts of the page Attribution: the exact evidence, the methods' maps, agreement and scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from convmixer_viz.app import glossary, session
from convmixer_viz.app.components import chart
from convmixer_viz.app.link import BOUND
from convmixer_viz.catalog import ATTRIBUTION, FAITHFULNESS
from convmixer_viz.comparison.numbers import agree_with_first
from convmixer_viz.contract import option_fields
from convmixer_viz.figures import evidence as exact, overlays
from convmixer_viz.figures.attribution import faithfulness, maps as figures
from convmixer_viz.figures.attribution.maps import Resolution
from convmixer_viz.foreign_text import escape
from convmixer_viz.questions.attribution import (
    DEFAULT_STEPS_TEXT,
    METHODS,
    OF_SOME,
    AttributionMap,
)
from convmixer_viz.questions.evidence import Evidence
from convmixer_viz.questions.faithfulness import DEFAULT_MEASURES, MEASURES, Faithfulness

FIELDS = {field.name: field for field in option_fields(ATTRIBUTION.options)}
OPENING = ["integrated-gradients", "layer-cam", "occlusion"]  # the methods that the page opens with
SCORES = "scores"  # key of the toggle
ACROSS = 3  # maps of one preset in a row
RESOLUTIONS: tuple[Resolution, ...] = get_args(Resolution)


@dataclass(frozen=True, slots=True)
class Look:
    """How maps are drawn."""

    strength: float  # of the colours, 0 … 1
    resolution: Resolution


def choose_look() -> Look:
    """Strength of the colours, tokens or pixels."""
    left, right = st.columns([3, 1])
    strength = left.slider("Strength of the colours", 0.0, 1.0, 0.85, key="strength", bind=BOUND)
    return Look(strength, right.selectbox("Cells", RESOLUTIONS, key="cells", bind=BOUND))


def show_evidence(results: Mapping[str, Evidence | None], look: Look) -> None:
    """Each preset's exact map, on one scale; through depth beside it, or below of several."""
    shown = [result for result in results.values() if result]
    limit = overlays.shared_limit([result.exact for result in shown])
    alone = len(results) == 1
    places = st.columns([1, 2] if alone else len(results))
    depths = places[1:] if alone else st.columns(len(results))
    for place, depth, result in zip(places, depths, shown, strict=False):
        with place:
            show_exact(result, limit, look)
        with depth:
            show_depth(result)


def show_exact(result: Evidence, limit: float, look: Look) -> None:
    """One preset's exact map: what the colours say, and its sum."""
    name, audit = result.origin.preset, exact.describe_sum(result)
    st.markdown(f"**{escape(result.target_name)}** · {escape(name)}")
    figure = exact.draw(result, limit=limit, strength=look.strength)
    chart.draw(figure, audit, f"exact-{name}")
    st.caption(escape(f"{exact.describe_colors(result)} {audit}"))


def show_depth(result: Evidence) -> None:
    """The probe's map and probability after each block."""
    name, decision = result.origin.preset, exact.describe_decision(result)
    st.markdown(f"**Through depth** · {escape(name)}")
    with st.container(key=f"pixelated-{name}"):
        alt = f"The probe's map after each block. {decision}"
        st.image(exact.strip_png(result), width="stretch", output_format="PNG", alt=alt)
    chart.draw(exact.draw_probes(result), decision, f"probe-{name}")
    thumbnails = "Thumbnails: the stem and each block, each on its own scale."
    st.caption(f"{thumbnails} {escape(decision)} {glossary.PROBE_IS_UNTRAINED}")


def choose_methods() -> list[str]:
    """The methods whose maps are shown, in the order of picking."""
    return st.multiselect(
        "Methods",
        FIELDS["method"].choices or (),
        OPENING,
        key="methods",
        bind=BOUND,
        label_visibility="collapsed",
    )


def choose_options(methods: Sequence[str]) -> dict[str, Any]:
    """The options that these methods read, and no others."""
    read = {name for method in methods for name in METHODS[method].uses}
    if st.session_state.get(SCORES):
        read.add("seed")  # of the measures
    names = [name for name in OF_SOME if name in read]
    places = st.columns(len(names)) if names else []
    return {
        name: WIDGETS[name](place, FIELDS[name].sentence)
        for name, place in zip(names, places, strict=True)
    }


def _choose_baseline(place: DeltaGenerator, sentence: str) -> str | None:
    choices = FIELDS["baseline"].choices or ()
    return place.selectbox("Baseline", choices, key="baseline", bind=BOUND, help=sentence)


def _choose_steps(place: DeltaGenerator, sentence: str) -> int | None:
    text = DEFAULT_STEPS_TEXT
    return place.number_input(
        "Steps", 1, 1000, None, key="steps", bind=BOUND, placeholder=text, help=sentence
    )


def _choose_samples(place: DeltaGenerator, sentence: str) -> int | None:
    text = "50 or 1000"
    return place.number_input(
        "Samples", 3, 10_000, None, key="samples", bind=BOUND, placeholder=text, help=sentence
    )


def _choose_sigma(place: DeltaGenerator, sentence: str) -> float:
    noise = FIELDS["sigma"].default
    return float(
        place.number_input("Noise", 0.0, 1.0, noise, key="sigma", bind=BOUND, help=sentence)
    )


def _choose_block(place: DeltaGenerator, sentence: str) -> int | None:
    presets = session.bench().presets
    depth = min(presets[name].shape.depth for name in session.choices().presets)
    block = place.number_input(
        "Block of CAMs", 0, depth, depth, key="cam_block", bind=BOUND, help=sentence
    )
    return None if block == depth else int(block)


def _choose_seed(place: DeltaGenerator, sentence: str) -> int:
    return int(place.number_input("Seed", 0, 10**6, 0, key="seed", bind=BOUND, help=sentence))


WIDGETS: dict[str, Callable[[DeltaGenerator, str], Any]] = {
    "baseline": _choose_baseline,
    "steps": _choose_steps,
    "samples": _choose_samples,
    "sigma": _choose_sigma,
    "block": _choose_block,
    "seed": _choose_seed,
}


def compute_maps(
    methods: Sequence[str], options: dict[str, Any], questions: Sequence[dict[str, Any]]
) -> list[AttributionMap]:
    """A map a method and question, of the presets one after another; those that are there."""
    asks = {
        f"{method} {question['preset']}": session.ask(
            ATTRIBUTION, method=method, **options, **question
        )
        for method in methods
        for question in questions
    }
    return [result for result in session.run_each(asks, slot="maps").values() if result]


def show_maps(maps: Sequence[AttributionMap], look: Look) -> None:
    """A row a method with one limit where there are several presets; else maps in rows."""
    count = len(session.choices().presets)
    across = count if count > 1 else ACROSS
    for start in range(0, len(maps), across):
        row = maps[start : start + across]
        limit = figures.shared_limit(row, look.resolution) if count > 1 else None
        for place, result in zip(st.columns(across), row, strict=False):
            with place:
                show_map(result, limit, look)


def show_map(result: AttributionMap, limit: float | None, look: Look) -> None:
    """One map with its badge; the reason in its place where it is another under a false name."""
    badge, reason = figures.badge(result)
    preset = result.origin.preset
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{result.method}** · {escape(preset)}", width="content")
        st.badge(badge, color="gray" if result.valid else "orange", help=reason)
    method = METHODS[result.method]
    st.caption(
        f"{method.sentence[0].upper()}{method.sentence[1:]} "
        f"([{method.source}](https://{method.address}))."
    )
    if not result.valid:
        st.caption(f"Not shown: {reason}.")
        return
    sentence = figures.describe(result)
    figure = figures.draw(result, limit=limit, strength=look.strength, resolution=look.resolution)
    chart.draw(figure, f"{result.method}. {sentence}", f"map-{result.method}-{preset}")
    st.caption(escape(sentence))


def show_agreement(maps: Sequence[AttributionMap]) -> None:
    """How alike the maps are, where they are several, of the same pictures."""
    if len(maps) > 1 and session.of_same_pictures(maps):
        st.header("Agreement with the first map", help=glossary.COMMON_GRID)
        st.dataframe(agreement(maps), hide_index=True)


def agreement(maps: Sequence[AttributionMap]) -> list[dict[str, Any]]:
    """Each map against the first, on 16×16 cells over what all presets see of the picture."""
    return [
        {
            "map": f"{result.method} · {result.origin.preset}",
            "Spearman": alike.spearman,
            "SSIM": alike.ssim,
            "overlap of 26 cells": alike.overlap,
        }
        for result, alike in zip(maps, agree_with_first(maps), strict=True)
    ]


def choose_scores(methods: Sequence[str]) -> bool:
    """Whether the maps are scored: it takes hundreds of predictions a method."""
    label = "Score these maps"
    if methods and st.toggle(label, key=SCORES, bind=BOUND, help=glossary.SCORES):
        return True
    st.caption(
        "Curves and scores of these maps stand here once you ask for them: it takes "
        "hundreds of predictions a method."
    )
    return False


def compute_scores(
    methods: Sequence[str], options: dict[str, Any], question: dict[str, Any]
) -> list[Faithfulness]:
    """The chosen measures of each method's map; those that are there."""
    measures = st.multiselect(
        "Measures",
        MEASURES,
        DEFAULT_MEASURES,
        key="measures",
        bind=BOUND,
        help=glossary.SLOW_MEASURES,
    )
    shared = options | question | {"measures": tuple(measures)}
    asks = {method: session.ask(FAITHFULNESS, method=method, **shared) for method in methods}
    results = session.run_each(asks, slot="scores", together=True)
    return [result for result in results.values() if result]


def show_scores(scores: Sequence[Faithfulness]) -> None:
    """Curves beside their controls, the table, and the randomisation test where it was made."""
    if not scores:
        return
    if controls := faithfulness.describe_controls(scores[0]):
        alt = f"Deletion and insertion. {controls}"
        chart.draw(faithfulness.compare(scores), alt, "curves")
        st.caption(f"Areas of the controls: {controls}.")
    st.dataframe(faithfulness.table(scores), hide_index=True)
    if any(result.randomisation is not None for result in scores):
        figure = faithfulness.draw_randomisation(scores)
        chart.draw(figure, glossary.RANDOMISATION, "randomisation")
        st.caption(glossary.RANDOMISATION)
