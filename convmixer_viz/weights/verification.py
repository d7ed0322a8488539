"""Read a weights file that somebody brought, and write what was verified, ready to be kept."""

from __future__ import annotations

from pathlib import Path

from convmixer_viz.errors import WeightsError
from convmixer_viz.presets.table import PRESETS, Preset
from convmixer_viz.weights import checkpoint, hub, locate, metadata
from convmixer_viz.weights.candidate import WEIGHTS, Candidate, Verification

MAX_MULTIPLY_ADDS = 500e9  # for one picture: ten times those of 1536/20
MAX_ACTIVATIONS = 3 * 2**30  # bytes that a gradient keeps for one picture: four times 1536/20
BYTES_A_VALUE = 24  # of one token's channel in one block: six float32 of which a gradient needs
MAX_CLASSES = 100_000  # ImageNet-21k has 21,841


def verify(candidate: Candidate, folder: Path) -> Verification:
    """Verify a file and write its weights into the folder, in our own dialect."""
    file = Path(candidate.file)
    hub.check_openmmlab_digest(file, PRESETS.get(candidate.replaces or ""))
    preset, weights = checkpoint.make_preset(
        candidate.name,
        file,
        locate.all_presets(),
        like=candidate.replaces,
        preprocess=candidate.preprocess,
        classes=None if candidate.class_file is None else Path(candidate.class_file),
        activation=candidate.activation,
        residual=candidate.residual,
    )
    check_cost(preset)
    names, made_of = weights.class_names, weights.made_of
    file, exact = folder / WEIGHTS, checkpoint.FLOAT32
    checkpoint.save(file, weights.state, preset, names, dtype=exact, made_of=made_of)
    record = metadata.dumps(preset, names, made_of)
    return Verification(record, weights.class_count, weights.sha256, weights.assumed)


def check_cost(preset: Preset) -> None:
    """Refuse what one picture of the preset's own size would take too much work or memory for."""
    shape, side = preset.shape, preset.transform.size
    work = sum(shape.multiply_adds(side, preset.class_count).values())
    memory = BYTES_A_VALUE * shape.depth * shape.grid(side) ** 2 * shape.dim
    smaller = f"a picture of {side} px: preprocess as a preset with smaller ones."
    if work > MAX_MULTIPLY_ADDS:
        limit = f"{MAX_MULTIPLY_ADDS / 1e9:.0f}"
        raise WeightsError(
            f"{preset.name} takes {work / 1e9:,.0f} · 10⁹ multiply-adds, {limit} at most, for "
            f"{smaller}"
        )
    if memory > MAX_ACTIVATIONS:
        limit = f"{MAX_ACTIVATIONS / 2**30:.0f}"
        raise WeightsError(
            f"{preset.name} takes {memory / 2**30:,.1f} GiB, {limit} at most, for {smaller}"
        )
    if preset.class_count > MAX_CLASSES:
        raise WeightsError(
            f"{preset.name} has {preset.class_count:,} classes; {MAX_CLASSES:,} are the limit."
        )
