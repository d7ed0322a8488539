"""ConvMixer beside other published models: accuracy against parameters, cost, throughput."""

from __future__ import annotations

import math
from typing import NamedTuple

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from convmixer_viz.figures import color_scales, style
from convmixer_viz.presets.table import PRESETS, Preset

HEIGHT = 460  # px


class PublishedModel(NamedTuple):
    """Another architecture's numbers on ImageNet-1k as timm publishes them: 224 px; RTX 4090, AMP,
    NCHW, batch 1024."""

    name: str
    family: str
    top1: float  # %
    parameters: float  # millions
    giga_macs: float
    throughput: int  # pictures a second


MODELS = (
    PublishedModel("ResNet-50", "ResNet", 76.16, 25.6, 4.11, 4218),
    PublishedModel("ResNet-152", "ResNet", 78.33, 60.2, 11.56, 1942),
    PublishedModel("DeiT-S/16", "transformer", 79.86, 22.1, 4.61, 7688),
    PublishedModel("DeiT-B/16", "transformer", 81.98, 86.6, 17.58, 2848),
    PublishedModel("ViT-B/16", "transformer", 79.15, 86.6, 17.58, 2787),
    PublishedModel("ResMLP-12", "MLP", 76.66, 15.4, 3.01, 6651),
    PublishedModel("ResMLP-24", "MLP", 79.38, 30.0, 5.96, 3400),
    PublishedModel("Mixer-B/16", "MLP", 76.62, 59.9, 12.62, 2608),
)
CONVMIXER_THROUGHPUT = {"imagenet-768-32": 588, "imagenet-1024-20": 1942, "imagenet-1536-20": 305}
FAMILIES = {"ResNet": "square", "transformer": "diamond", "MLP": "triangle-up"}
AXES = (  # title, ticks, limits
    ("parameters (millions)", (20, 50, 100), 11, 130),
    ("multiply-adds (10⁹)", (2, 5, 10, 20, 50), 1.9, 90),
    ("pictures a second", (500, 1000, 2000, 5000), 200, 12_000),
)
SOURCE = (
    "Throughput, accuracy and the rivals' numbers as timm publishes them: 224 px, RTX 4090, mixed "
    "precision, batch 1024. ResNets with torchvision's first weights; MLP-Mixer saw ImageNet-21k "
    "first. A hollow circle is ConvMixer's published cost, which leaves the depthwise convolutions "
    "out; the filled one counts them."
)


def draw(*, height: int = HEIGHT) -> go.Figure:
    """Three panels that share the accuracy axis."""
    fig = make_subplots(1, 3, shared_yaxes=True, horizontal_spacing=0.03)
    for number, family in enumerate(FAMILIES, 1):
        _add_family(fig, family, color_scales.CATEGORICAL[number])
    _add_convmixers(fig, tuple(PRESETS[name] for name in CONVMIXER_THROUGHPUT))
    for column, (title, ticks, low, high) in enumerate(AXES, 1):
        limits = [math.log10(low), math.log10(high)]
        fig.update_xaxes(title=title, type="log", tickvals=ticks, range=limits, row=1, col=column)
    fig.update_yaxes(range=[75.4, 82.6])
    fig.update_yaxes(title="top-1 on ImageNet-1k (%)", row=1, col=1)
    return style.figure(fig, height=height)


def true_giga_macs(preset: Preset) -> float:
    """Multiply-adds at the preset's own size, depthwise convolutions included, in 10⁹."""
    adds = preset.shape.multiply_adds(preset.transform.size, preset.class_count)
    return sum(adds.values()) / 1e9


def _add_family(fig: go.Figure, family: str, color: str) -> None:
    rows = [model for model in MODELS if model.family == family]
    axes = ("parameters", "giga_macs", "throughput")
    for column, axis in enumerate(axes, 1):
        trace = go.Scatter(
            x=[getattr(row, axis) for row in rows],
            y=[row.top1 for row in rows],
            text=[row.name for row in rows],
            mode="markers+text",
            textposition="bottom center",
            textfont={"size": 11},
            marker={"symbol": FAMILIES[family], "size": 11, "color": color},
            name=family,
            legendgroup=family,
            showlegend=column == 1,
            hovertemplate="%{text}: %{y:.2f} %, %{x:,}<extra></extra>",
        )
        fig.add_trace(trace, 1, column)


def _add_convmixers(fig: go.Figure, presets: tuple[Preset, ...]) -> None:
    names = [f"{preset.shape.dim}/{preset.shape.depth}" for preset in presets]
    top1 = [preset.published.top1 for preset in presets if preset.published]
    places = (
        [preset.parameters / 1e6 for preset in presets],
        [true_giga_macs(preset) for preset in presets],
        [CONVMIXER_THROUGHPUT[preset.name] for preset in presets],
    )
    color = color_scales.CATEGORICAL[0]
    for column, xs in enumerate(places, 1):
        trace = go.Scatter(
            x=xs,
            y=top1,
            text=names,
            mode="markers+text",
            textposition="top center",
            cliponaxis=False,
            marker={"size": 13, "color": color},
            name="ConvMixer",
            legendgroup="ConvMixer",
            showlegend=column == 1,
            hovertemplate="ConvMixer-%{text}: %{y:.2f} %, %{x:,.2f}<extra></extra>",
        )
        fig.add_trace(trace, 1, column)
    published = go.Scatter(
        x=[preset.published.giga_macs for preset in presets if preset.published],
        y=top1,
        text=names,
        mode="markers",
        marker={"size": 13, "symbol": "circle-open", "color": color, "line": {"width": 2}},
        name="ConvMixer, cost as published",
        hovertemplate="ConvMixer-%{text}: %{x:.2f} published, without depthwise<extra></extra>",
    )
    fig.add_trace(published, 1, 2)
