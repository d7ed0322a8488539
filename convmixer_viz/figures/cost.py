"""What presets cost: a table of counts and times, and the time of every call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from convmixer_viz.figures import style
from convmixer_viz.questions.cost import Cost


def draw(result: Cost) -> go.Figure:
    """Every call's time in ms, and their median."""
    count = len(result.call_seconds)
    calls = go.Scatter(
        x=list(range(1, count + 1)),
        y=1e3 * result.call_seconds,
        mode="markers",
        name="a call",
        hovertemplate="call %{x}: %{y:.1f} ms<extra></extra>",
    )
    figure = style.figure(go.Figure(calls), height=260)
    figure.add_hline(
        1e3 * result.median_seconds,
        line={"color": style.INK, "dash": "dot"},
        annotation_text="median",
    )
    figure.update_xaxes(title=f"call of {result.batch} pictures", dtick=1)
    return figure.update_yaxes(title="ms", rangemode="tozero")


def table(results: Sequence[Cost]) -> list[dict[str, Any]]:
    """A row a preset: counts, and the median call with its range."""
    return [
        {
            "preset": style.preset_name(result),
            "parameters": result.parameters,
            "multiply-adds (M)": round(result.multiply_adds / 1e6, 1),
            "of them depthwise": f"{result.depthwise:.1%}",
            "ms a call": round(1e3 * result.median_seconds, 1),
            "fastest to slowest": f"{1e3 * result.call_seconds.min():.1f} to "
            f"{1e3 * result.call_seconds.max():.1f}",
            "pictures a second": round(result.batch / result.median_seconds, 1),
            "memory (MB)": round(result.peak_bytes / 1e6, 1),
        }
        for result in results
    ]


def describe(results: Sequence[Cost]) -> str:
    """How the times were measured, and what the memory counts."""
    first = results[0]
    origin = first.provenance
    where = f" on {origin.device} ({_machine(origin)})" if origin else ""
    batches = "/".join(str(batch) for batch in dict.fromkeys(each.batch for each in results))
    return (
        f"Measured here{where}: the median of {len(first.call_seconds)} calls after two that warm "
        f"up, {batches} picture{'' if batches == '1' else 's'} a call. Other work on this machine "
        "makes it slower. Memory: the weights and the tensors that a call holds at once."
    )


def _machine(origin: Any) -> str:
    threads = f"{origin.threads} thread{'s' * (origin.threads > 1)}"
    kind = origin.versions.get("processor", "") if origin.device == "cpu" else ""
    return ", ".join(part for part in (kind, threads, origin.dtype) if part)
