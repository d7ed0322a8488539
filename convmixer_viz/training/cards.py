"""Model cards and the table of the zoo, both out of the logs, so that no number drifts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from convmixer_viz.presets.log import Measured, TrainingLog, read
from convmixer_viz.presets.table import PRESETS, Preset
from convmixer_viz.training.recipes import SCHEDULES

DATA = {
    "cifar10": "CIFAR-10: 60,000 pictures of 32×32 pixels, ten classes; no formal licence, cite "
    "Alex Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.",
    "imagenette": "Imagenette (fast.ai): ten classes of ImageNet, each picture squashed to 224×224 "
    "pixels; ImageNet's terms hold (non-commercial research and education).",
}
LIMITS = {
    "cifar10": "It knows ten classes and pictures of 32×32 pixels; anything else is forced into "
    "them. It was not tested on other data, on shifts of the data or for fairness.",
    "imagenette": "It knows ten classes and small training data (9,469 pictures); anything else is "
    "forced into them. It was not tested on other data, on shifts of the data or for fairness.",
}


def card(log: TrainingLog) -> str:
    """The model card of a shipped preset, markdown."""
    preset, measured = PRESETS[log.preset], log.measured
    if measured is None:
        raise ValueError(f"{log.preset} is not measured yet")
    sections = (
        f"# {preset.name}\n\n{_what(preset)}",
        f"## Accuracy\n\n{_accuracy(log, measured)}",
        f"## How it was made\n\n{_making(log)}",
        f"## Data\n\n{DATA[preset.class_set]}",
        f"## Limits\n\n{LIMITS[preset.class_set]} {_seeds(preset)}",
        f"## Terms\n\n{preset.licence}.",
    )
    return "\n\n".join(sections) + "\n"


def _what(preset: Preset) -> str:
    shape = preset.shape
    residual = "" if shape.residual else ", no residual around the depthwise step"
    return (
        f"A ConvMixer (arXiv 2201.09792): {preset.summary}. Dimension {shape.dim}, depth "
        f"{shape.depth}, kernel {shape.kernel_size}×{shape.kernel_size}, patch {shape.patch_size}, "
        f"{shape.activation.upper().replace('RELU', 'ReLU')}{residual}; "
        f"{preset.parameters:,} parameters; input {preset.transform.size}×{preset.transform.size}."
    )


def _accuracy(log: TrainingLog, measured: Measured) -> str:
    top1, top5 = measured.right / measured.pictures, measured.right_5 / measured.pictures
    return (
        f"**{top1:.2%}** of the {measured.pictures:,} test pictures ({measured.right:,} right), "
        f"top-5 {top5:.2%}, expected calibration error (15 bins) {measured.calibration_error:.4f}: "
        f"measured by `convmixer-viz evaluate --preset {log.preset} --data DIR` from this very "
        f"file (sha256 {measured.weights_sha256[:16]}…) on {measured.device}, float32. It is the "
        f"last of {len(log.epochs)} epochs, not the best on the test set."
    )


def _making(log: TrainingLog) -> str:
    lines = [log.note] if log.note else []
    if log.command:
        lines.append(f"    {log.command}")
    lines.append(_circumstances(log))
    lines.append(f"Recipe: {_recipe(log.recipe)}. The whole curve is in `{log.preset}.json`.")
    if log.unreadable:
        lines.append(f"Left out, unreadable: {', '.join(log.unreadable)}.")
    return "\n\n".join(lines)


def _circumstances(log: TrainingLog) -> str:
    versions = "".join(f"; {name} {number}" for name, number in log.versions.items())
    pictures = f"{log.pictures['train']:,} training and {log.pictures['test']:,} test pictures"
    return (
        f"{log.seconds / 3600:.1f} hours on {log.machine} ({log.precision}; other work may have "
        f"shared the machine); {pictures}{versions}."
    )


def _recipe(recipe: dict[str, Any]) -> str:
    """The optimizers, the schedule and the options that are on; the seed always."""
    options = {name: value for name, value in recipe.items() if name not in ("preset", "schedule")}
    used = {name: value for name, value in options.items() if name == "seed" or _on(value)}
    options_text = (f"{name.replace('_', ' ')} {value}" for name, value in used.items())
    muon = "Muon for the pointwise matrices, AdamW for the rest"
    optimizers = muon if recipe.get("muon") else "AdamW"
    schedule = SCHEDULES[recipe.get("schedule", "linear")]  # older logs don't say
    return f"{optimizers}, {schedule}, " + ", ".join(options_text)


def _on(value: Any) -> bool:
    return any(value) if isinstance(value, list | tuple) else bool(value)


def _seeds(preset: Preset) -> str:
    text = "One seed is one seed: another gives other kernels and differs by some tenths of a point"
    if not preset.name.startswith("cifar10-128-8"):
        return f"{text}."
    return (
        f"{text}, so small differences between the ablations mean little. They share the recipe, "
        "its seed and the order of the data; compare those of the same number of epochs."
    )


def table(pretrained: Path) -> str:
    """The table of what ships in pretrained/README.md, markdown, in the order of the presets."""
    logs = [read(path) for name in PRESETS if (path := pretrained / f"{name}.json").exists()]
    rows = [_row(log, log.measured) for log in logs if log.measured is not None]
    head = (
        "| preset | what | parameters | test accuracy | epochs | data |\n|---|---|---|---|---|---|"
    )
    return "\n".join([head, *rows])


def _row(log: TrainingLog, measured: Measured) -> str:
    preset = PRESETS[log.preset]
    accuracy = f"{measured.right / measured.pictures:.2%}"
    data = {"cifar10": "CIFAR-10", "imagenette": "Imagenette"}[preset.class_set]
    cells = (f"`{preset.name}`", preset.summary, f"{preset.parameters:,}", accuracy)
    return f"| {' | '.join(cells)} | {len(log.epochs)} | {data} |"
