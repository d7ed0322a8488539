"""What a table of presets says of each: numbers, accuracy, and where the weights are."""

from __future__ import annotations

from typing import Any

from convmixer_viz.presets import log as training_log
from convmixer_viz.presets.table import Preset
from convmixer_viz.weights import locate


def preset_facts(preset: Preset) -> dict[str, Any]:
    """One row of a table of presets: plain values; accuracies in percent, multiply-adds whole."""
    location, published = locate.location(preset), preset.published
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
        "weights": location.kind,
        "bytes": location.bytes or (published.megabytes * 10**6 if published else 0),
        "path": str(location.path) if location.path else None,
        "sha256": location.sha256,
        "origin": location.origin,
        "licence": preset.licence,
    }


def accuracy(preset: Preset) -> tuple[float | None, str]:
    """Top-1 in percent, none where nobody measured it; and where it comes from, in words."""
    if preset.published:
        return preset.published.top1, "published, ImageNet-1k"
    file = locate.companion_file(preset, ".json")
    log = training_log.read(file) if file else None
    if log is None or log.measured is None:
        return None, "not measured"
    measured, epochs = log.measured, len(log.epochs)
    share = 100 * measured.right / measured.pictures
    return share, f"measured on {measured.pictures:,} test pictures after {epochs} epochs"
