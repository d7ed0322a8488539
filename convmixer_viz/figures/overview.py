"""The overview's filmstrip, picture of evidence and sentences, made out of results."""

from __future__ import annotations

import numpy as np

from convmixer_viz.figures import strip
from convmixer_viz.figures.kernels import atlas as kernels_atlas
from convmixer_viz.figures.sheet import Sheet
from convmixer_viz.questions.activations import Activations
from convmixer_viz.questions.evidence import Evidence
from convmixer_viz.questions.kernels import KernelAtlas
from convmixer_viz.questions.receptive_field import ReceptiveField


def filmstrip(
    depth: int,
    *,
    atlas: KernelAtlas | None = None,
    field: ReceptiveField | None = None,
    activations: Activations | None = None,
    evidence: Evidence | None = None,
) -> Sheet:
    """The strip of a model with `depth` blocks; a result still missing leaves its row empty."""
    return strip.draw(
        depth,
        kernels=_kernels(atlas) if atlas else None,
        fields=(field.view, field.pixels, field.sigma) if field else None,
        components=_components(activations) if activations else None,
        probes=_probes(evidence) if evidence else None,
        target=evidence.target_name if evidence else "",
    )


def _kernels(atlas: KernelAtlas) -> strip.Floats:
    """The channels nearest to each block's cluster centres, (blocks, clusters, k, k)."""
    return np.take_along_axis(atlas.weights, atlas.representatives[:, :, None, None], axis=1)


def _components(activations: Activations) -> tuple[strip.Floats, strip.Floats]:
    return activations.components, activations.explained.sum(1)


def _probes(evidence: Evidence) -> list[tuple[str, float]]:
    """The stem, the blocks, and the head: what it says of the last block is the prediction."""
    probes = list(zip(evidence.probe_names, evidence.probe_probability.tolist(), strict=True))
    return [*probes, probes[-1]]


def strip_caption(evidence: Evidence | None) -> str:
    """What the strip's rows show, in one sentence each."""
    bar = f"the probability of {evidence.target_name}" if evidence else "its probability"
    return (
        "Looks with: the kernels nearest to 16 cluster centres, red above zero, blue below. "
        "Sees: the picture where the block's centre token depends on it. "
        "Holds: three principal components of the tokens as red, green and blue. "
        f"Would say: the class that the head makes of the block; the bar is {bar}."
    )


def sentences(
    *,
    evidence: Evidence | None = None,
    field: ReceptiveField | None = None,
    atlas: KernelAtlas | None = None,
) -> tuple[str, ...]:
    """A sentence of measured numbers for each result that is there."""
    optional = (
        _describe_evidence(evidence) if evidence else None,
        _describe_field(field) if field else None,
        kernels_atlas.describe_sizes(atlas) if atlas else None,
    )
    return tuple(sentence for sentence in optional if sentence)


def _describe_evidence(evidence: Evidence) -> str:
    exact = evidence.exact
    sizes = np.sort(np.abs(exact).ravel())[::-1].cumsum()
    half = 1 + int(np.searchsorted(sizes, sizes[-1] / 2))
    gains, losses = exact[exact > 0].sum(), exact[exact < 0].sum()
    return (
        f"Tokens for {evidence.target_name} add {_signed(gains)}, tokens against "
        f"{_signed(losses)}, the bias {_signed(evidence.bias)}: together the logit, "
        f"{evidence.logit:.2f}. "
        f"Half of the evidence lies on {half} of {exact.size} tokens."
    )


def _signed(value: float) -> str:
    return "0.00" if abs(value) < 0.005 else f"{value:+.2f}".replace("-", "−")


def _describe_field(field: ReceptiveField) -> str:
    first, last = (
        int(block) for block in (field.blocks[min(1, len(field.blocks) - 1)], field.blocks[-1])
    )
    near, far = (field.sigma[field.blocks.index(block)] for block in (first, last))
    return (
        f"The field's width σ grows from {near:.1f} px in block {first} to {far:.1f} px in "
        f"block {last}, on a picture of {field.view.shape[1]} px; theory would let block {last} "
        f"reach {field.theoretical[-1]:.0f} px."
    )
