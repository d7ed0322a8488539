"""What a table of presets says of each."""

from __future__ import annotations

import json
from typing import Any

from convmixer_viz.presets.table import Preset
from convmixer_viz.weights import locate


def facts(preset: Preset) -> dict[str, Any]:
    """What a table of presets says: plain values; accuracies in percent, multiply-adds whole."""
    place, published = locate.source(preset), preset.published
    top1, top1_is = accuracy(preset)
    multiply_adds = preset.shape.multiply_adds(preset.transform.size, preset.class_count)
    return {
        "preset": preset.name,
        "summary": preset.summary,
        "parameters": preset.parameters,
        "multiply_adds": sum(multiply_adds.values()),
        "published_multiply_adds": round(published.giga_macs * 1e9) if published else None,
        "top1": top1,
        "top1_is": top1_is,
        "weights": place.kind,
        "bytes": place.bytes or (published.megabytes * 10**6 if published else 0),
        "path": str(place.path) if place.path else None,
        "sha256": place.sha256,
        "origin": place.origin,
        "licence": preset.licence,
    }


def accuracy(preset: Preset) -> tuple[float | None, str]:
    """Top-1 in percent, none where nobody measured it; and where it comes from, in words."""
    if preset.published:
        return preset.published.top1, "published, ImageNet-1k"
    log = locate.beside(preset, ".json")
    told = json.loads(log.read_text("utf-8")) if log else {}
    measured, epochs = told.get("measured"), len(told.get("epochs", ()))
    if measured is None:
        return None, "not measured"
    pictures = measured["pictures"]
    share = 100 * measured["right"] / pictures
    return share, f"measured on {pictures:,} test pictures after {epochs} epochs"
