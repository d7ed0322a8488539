"""The table of analyses, and how a person's options are fitted to a preset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from difflib import get_close_matches
from typing import Any

from convmixer_viz import classes, images
from convmixer_viz.contract import Analysis, Result, option_fields
from convmixer_viz.errors import ChoiceError
from convmixer_viz.images import DecodedImage
from convmixer_viz.presets import Preset

_TABLE = (
    Analysis("prediction", "Prediction", "many", "what the model says, and how sure it is"),
    Analysis("evidence", "Evidence", "one", "each token's exact share of a class's score"),
    Analysis("attribution", "AttributionMap", "one", "which patches carried the decision"),
    Analysis("faithfulness", "Faithfulness", "one", "can an attribution map be trusted"),
    Analysis("activations", "Activations", "one", "what the blocks hold of a picture"),
    Analysis("kernels", "KernelAtlas", "none", "every depthwise kernel and its statistics"),
    Analysis("kernel", "Kernel", "one", "one kernel: numbers, spectrum, response"),
    Analysis("firing", "Firing", "many", "where in pictures a kernel fires most"),
    Analysis("patch-embedding", "PatchEmbedding", "none", "the filters that make tokens"),
    Analysis("structure", "Structure", "none", "what kernels have in common, by depth"),
    Analysis("formation", "Formation", "none", "how the kernels formed in training"),
    Analysis("receptive-field", "ReceptiveField", "many", "how far each block sees",
             wide=True, shared=True),
    Analysis("representation", "Representation", "many", "how alike blocks hold pictures"),
    Analysis("cost", "Cost", "one", "what a preset costs on this machine"),
)  # fmt: skip

CATALOG: dict[str, Analysis] = {analysis.name: analysis for analysis in _TABLE}


def find(name: str) -> Analysis:
    """The row of that name."""
    if name not in CATALOG:
        raise ChoiceError(f"There is no analysis {name!r}: choose one of {', '.join(CATALOG)}.")
    return CATALOG[name]


def preset(name: str, known: Mapping[str, Preset]) -> Preset:
    """The preset of that name, with a near miss suggested."""
    if name not in known:
        near = get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(known)}."
        raise ChoiceError(f"There is no preset {name!r}: {hint}")
    return known[name]


def of(result: Result) -> Analysis:
    """The row that made a result."""
    if result.provenance is None:
        raise ChoiceError("This result has no provenance: take it from a Workbench.")
    return find(result.provenance.analysis)


def options(analysis: Analysis, choices: dict[str, Any]) -> Any:
    """The analysis's Options from names and values."""
    known = [field.name for field in option_fields(analysis.options)]
    for name in choices:
        if name not in known:
            raise ChoiceError(
                f"{analysis.name} has no option {name!r}; it has {', '.join(known) or 'none'}."
            )
    made = analysis.options(**choices)
    check_seed(getattr(made, "seed", 0))
    return made


def check_seed(seed: int) -> None:
    """Refuse seeds that some generator doesn't take."""
    if not 0 <= seed <= LARGEST_SEED:
        raise ChoiceError(f"{seed} is no seed: choose 0 to {LARGEST_SEED}.")


def fit(options: Any, preset: Preset, class_names: tuple[str, ...]) -> Any:
    """Options checked against a preset: classes become indices, blocks and side must exist."""
    names = {field.name for field in fields(options)}
    changes: dict[str, str] = {}
    for name in sorted(names & {"target", "against"}):
        text = getattr(options, name)
        if text is not None:
            changes[name] = str(classes.find(class_names, text))
    if "blocks" in names:
        _check_blocks(options.blocks, preset)
    if "block" in names and options.block is not None:
        _check_blocks((options.block,), preset)
    if "resolution" in names and options.resolution is not None:
        _check_side(options.resolution, preset)
    return replace(options, **changes)


def pictures(
    analysis: Analysis, chosen: Sequence[DecodedImage], preset: Preset
) -> tuple[DecodedImage, ...]:
    """The pictures that the analysis takes; where none is chosen, the preset's opening one."""
    if analysis.images == "none":
        return ()
    if analysis.images == "one" and len(chosen) > 1:
        raise ChoiceError(f"{analysis.name} takes one picture, not {len(chosen)}.")
    return tuple(chosen) or (images.load(f"gallery:{preset.opening}"),)


def side(analysis: Analysis, options: Any, preset: Preset) -> int:
    """Side in pixels at which pictures are prepared."""
    default = preset.field_side if analysis.wide else preset.transform.size
    return getattr(options, "resolution", None) or default


def _check_blocks(blocks: tuple[int, ...], preset: Preset) -> None:
    depth = preset.shape.depth
    for block in blocks:
        if not 0 <= block <= depth:
            raise ChoiceError(
                f"{preset.name} has no block {block}: choose 1 to {depth}, or 0 for the stem."
            )


def _check_side(side: int, preset: Preset) -> None:
    smallest = preset.shape.patch_size
    if not smallest <= side <= LARGEST_SIDE:
        raise ChoiceError(
            f"{preset.name} takes {smallest} to {LARGEST_SIDE} pixels a side, not {side}."
        )


LARGEST_SEED = 2**53 - 1  # exact in any reader's JSON; a thousandfold still fits torch's 64 bits
LARGEST_SIDE = 2048  # pixels; a grid of 1024² tokens at patch 2 is beyond any machine here
