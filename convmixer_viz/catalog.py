"""The table of analyses: add one by adding a row."""

from __future__ import annotations

from typing import Any

from convmixer_viz.contract import Analysis, Result
from convmixer_viz.errors import ChoiceError
from convmixer_viz.questions import (
    activations,
    attribution,
    cost,
    effect,
    evidence,
    faithfulness,
    firing,
    formation,
    importance,
    kernel,
    kernels,
    patch_embedding,
    prediction,
    receptive_field,
    representation,
    structure,
    survey,
    token,
)

PREDICTION = Analysis(
    "prediction",
    prediction.Options,
    prediction.Prediction,
    "many",
    "what the model says, and how sure it is",
)
EVIDENCE = Analysis(
    "evidence",
    evidence.Options,
    evidence.Evidence,
    "one",
    "each token's exact share of a class's score",
)
ATTRIBUTION = Analysis(
    "attribution",
    attribution.Options,
    attribution.AttributionMap,
    "one",
    "which patches carried the decision",
    "attribution.maps",
)
FAITHFULNESS = Analysis(
    "faithfulness",
    faithfulness.Options,
    faithfulness.Faithfulness,
    "one",
    "can an attribution map be trusted",
    "attribution.faithfulness",
)
ACTIVATIONS = Analysis(
    "activations",
    activations.Options,
    activations.Activations,
    "one",
    "what the blocks hold of a picture",
)
KERNELS = Analysis(
    "kernels",
    kernels.Options,
    kernels.KernelAtlas,
    "none",
    "every depthwise kernel and its statistics",
    "kernels.atlas",
)
KERNEL = Analysis(
    "kernel",
    kernel.Options,
    kernel.Kernel,
    "one",
    "one kernel: numbers, spectrum, response",
    "kernels.kernel",
)
FIRING = Analysis(
    "firing",
    firing.Options,
    firing.Firing,
    "many",
    "where in pictures a kernel fires most",
    "kernels.firing",
)
PATCH_EMBEDDING = Analysis(
    "patch-embedding",
    patch_embedding.Options,
    patch_embedding.PatchEmbedding,
    "none",
    "the filters that make tokens",
    "kernels.patch_embedding",
)
STRUCTURE = Analysis(
    "structure",
    structure.Options,
    structure.Structure,
    "none",
    "what kernels have in common, by depth",
    "kernels.structure",
)
FORMATION = Analysis(
    "formation",
    formation.Options,
    formation.Formation,
    "none",
    "how the kernels formed in training",
    "kernels.formation",
)
IMPORTANCE = Analysis(
    "importance",
    importance.Options,
    importance.Importance,
    "many",
    "which kernels matter: each switched off alone",
)
RECEPTIVE_FIELD = Analysis(
    "receptive-field",
    receptive_field.Options,
    receptive_field.ReceptiveField,
    "many",
    "how far each block sees",
    "receptive_field.fields",
    wide=True,
    shared=True,
)
REPRESENTATION = Analysis(
    "representation",
    representation.Options,
    representation.Representation,
    "many",
    "how alike blocks hold pictures",
)
TOKEN = Analysis(
    "token",
    token.Options,
    token.TokenSteps,
    "one",
    "one token's way through a block, number by number",
)
EFFECT = Analysis(
    "effect",
    effect.Options,
    effect.Effect,
    "many",
    "what edits of the model change, beside random and shuffled kernels",
)
SURVEY = Analysis(
    "survey",
    survey.Options,
    survey.Survey,
    "many",
    "a whole data set: what the model says, and which pictures move what",
    shared=True,
    mapped=True,
)
COST = Analysis(
    "cost",
    cost.Options,
    cost.Cost,
    "one",
    "what a preset costs on this machine",
    measured=True,
)

ANALYSES: dict[str, Analysis[Any]] = {
    analysis.name: analysis
    for analysis in (
        PREDICTION,
        EVIDENCE,
        ATTRIBUTION,
        FAITHFULNESS,
        ACTIVATIONS,
        KERNELS,
        KERNEL,
        FIRING,
        PATCH_EMBEDDING,
        STRUCTURE,
        FORMATION,
        IMPORTANCE,
        RECEPTIVE_FIELD,
        REPRESENTATION,
        TOKEN,
        EFFECT,
        SURVEY,
        COST,
    )
}


def find(name: str) -> Analysis[Any]:
    """The row of that name."""
    if name not in ANALYSES:
        raise ChoiceError(f"There is no analysis {name!r}: choose one of {', '.join(ANALYSES)}.")
    return ANALYSES[name]


def row_of(result: Result) -> Analysis[Any]:
    """The row that made a result."""
    return find(result.origin.analysis)
