"""The learning curve of a preset that this project trained: loss and accuracy, train and test."""

from __future__ import annotations

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from convmixer_viz.figures import color_scales, style
from convmixer_viz.presets.log import TrainingLog

HEIGHT = 360  # px
SPLITS = {"train": "training pictures, augmented", "test": "test pictures"}


def draw(log: TrainingLog, *, height: int = HEIGHT) -> go.Figure:
    """Two panels over the epochs: cross-entropy, and accuracy in percent."""
    fig = make_subplots(1, 2, horizontal_spacing=0.1)
    epochs = [row.epoch for row in log.epochs]
    for part, (split, name) in enumerate(SPLITS.items()):
        for column, (quantity, scale) in enumerate((("loss", 1), ("accuracy", 100)), 1):
            trace = go.Scatter(
                x=epochs,
                y=log.curve(f"{split}_{quantity}") * scale,
                mode="lines+markers",
                marker={"size": 5},
                line={
                    "color": color_scales.CATEGORICAL[part],
                    "dash": "dot" if part == 0 else "solid",
                },
                name=name,
                legendgroup=split,
                showlegend=column == 1,
            )
            fig.add_trace(trace, 1, column)
    fig.update_xaxes(title="epoch")
    fig.update_yaxes(title="loss (cross-entropy)", row=1, col=1)
    fig.update_yaxes(title="accuracy (%)", row=1, col=2)
    return style.figure(fig, height=height)


def describe(log: TrainingLog) -> str:
    """Where the curve ended, and how long training took."""
    last = log.epochs[-1]
    return (
        f"After {last.epoch} epochs and {log.seconds / 3600:.1f} hours: "
        f"{100 * last.test_accuracy:.2f} % of the test pictures, {100 * last.train_accuracy:.2f} % "
        "of the training pictures under augmentation. The last epoch is reported, not the best."
    )
