"""Renew the README's figure of receptive fields: python -m tests.browser.field_figure FOLDER."""

from __future__ import annotations

import shutil
import sys
from contextlib import closing
from pathlib import Path

import plotly.graph_objects as go
from playwright.sync_api import sync_playwright

from convmixer_viz import Workbench
from convmixer_viz.catalog import RECEPTIVE_FIELD
from convmixer_viz.figures.receptive_field import fields
from convmixer_viz.pictures.gallery import GALLERY
from convmixer_viz.questions.receptive_field import ReceptiveField
from tests.browser.conftest import FLAGS

NAME = "receptive-field-growth.png"
FAMILY = "cifar10-128-8-"
KERNELS = ("k3", "k5", "k9")
PHOTOGRAPHS = [f"gallery:{name}" for name, (_, file) in GALLERY.items() if isinstance(file, str)]
# of compare_growth(); what is derived and not measured stays away
CURVES = ("measured", "untrained")
WIDTH, HEIGHT, FINE = 880, 500, 2  # px, each drawn by FINE × FINE
INK, SIZE = "#1f2328", 15  # of words, size in px
TITLE = {
    "text": "How far a token of each block sees",
    "font_size": SIZE + 5,
    "x": 0.015,
    "y": 0.96,
    "yanchor": "top",
}
LAYOUT = {
    "legend": {"orientation": "v", "x": 1.02, "y": 1, "font_size": SIZE, "tracegroupgap": 18},
    "font": {"color": INK, "size": SIZE},
    "margin": {"l": 72, "r": 24, "t": 92, "b": 60},
    "paper_bgcolor": "white",
    "plot_bgcolor": "white",
    "width": WIDTH,
    "height": HEIGHT,
}


def main(folder: Path) -> None:
    """Measure the presets and their untrained twins; write their growth with depth as PNG."""
    folder.mkdir(parents=True, exist_ok=True)
    with closing(Workbench("cpu")) as bench:
        trained, untrained = (
            [measure(bench, kernel, seed) for kernel in KERNELS] for seed in (None, 0)
        )
    shoot(draw(trained, untrained), folder / NAME)


def measure(bench: Workbench, kernel: str, seed: int | None) -> ReceptiveField:
    """The fields of one preset over the gallery's photographs; with a seed, of its twin."""
    return bench.run(RECEPTIVE_FIELD, PHOTOGRAPHS, preset=FAMILY + kernel, random=seed)


def draw(trained: list[ReceptiveField], untrained: list[ReceptiveField]) -> go.Figure:
    """σ by block on white, with all the words that it needs away from the app."""
    figure = fields.compare_growth(trained, twins=untrained)
    figure.data = [trace for trace in figure.data if trace.name.endswith(CURVES)]
    for trace in figure.data:
        kernel, curve = trace.name.removeprefix(FAMILY).split()
        state = "trained" if curve == "measured" else "untrained"
        group = {"text": state, "font_size": SIZE}
        trace.update(name=f"k = {kernel[1:]}", legendgroup=state, legendgrouptitle=group)
    (side,) = {result.pixels.shape[1] for result in trained}
    subtitle = (
        f"{FAMILY}k…, kernels of k×k tokens: mean over {trained[0].pictures} photographs at "
        f"{side} px; untrained is the same architecture at random"
    )
    figure.update_layout(
        LAYOUT,
        title=TITLE | {"subtitle": {"text": subtitle, "font_size": SIZE - 1}},
    )
    figure.update_xaxes(title={"text": "block (0 is the stem)", "font_size": SIZE})
    figure.update_yaxes(title={"text": "σ of the squared gradient, in px", "font_size": SIZE})
    return figure


def shoot(figure: go.Figure, file: Path) -> None:
    """A figure as PNG, drawn by Chromium."""
    text = figure.to_html(include_plotlyjs=True, config={"displayModeBar": False})
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(
            viewport={"width": WIDTH + 16, "height": HEIGHT + 16}, device_scale_factor=FINE
        )
        page.set_content(text)
        page.locator(".main-svg .xtick").first.wait_for()
        page.locator(".plotly-graph-div").screenshot(path=file)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
