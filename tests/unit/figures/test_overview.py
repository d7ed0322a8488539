"""The first screen's figures: the strip out of real results, sentences out of known numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from convmixer_viz.figures import color_scales, evidence as figures, overview
from convmixer_viz.questions.activations import Activations
from convmixer_viz.questions.evidence import Evidence
from convmixer_viz.questions.kernels import KernelAtlas
from convmixer_viz.questions.receptive_field import ReceptiveField
from tests.unit.figures.images import pixels


def with_map(evidence: Evidence, values: dict[tuple[int, int], float]) -> Evidence:
    """Evidence that is zero but at these tokens, (row, column) → logit."""
    per_class = np.zeros_like(evidence.per_class)
    for (row, column), value in values.items():
        per_class[evidence.target, row, column] = value
    return replace(evidence, per_class=per_class)


def test_the_strip_shows_each_result_in_its_row(
    atlas: KernelAtlas, field: ReceptiveField, activations: Activations, evidence: Evidence
) -> None:
    sheet = overview.filmstrip(
        3, atlas=atlas, field=field, activations=activations, evidence=evidence
    )
    assert [sum(map(bool, band.texts)) for band in sheet.bands] == [3, 4, 4, 5]
    classes = sheet.bands[3]
    assert classes.captions[:4] == evidence.probe_names
    assert classes.captions[4] == classes.captions[3] and classes.shares[4] == classes.shares[3]


def test_the_strip_shows_the_kernels_nearest_to_the_centres(atlas: KernelAtlas) -> None:
    band = overview.filmstrip(3, atlas=atlas).bands[0]
    pairs = zip(atlas.weights, atlas.representatives, strict=True)
    kernels = np.stack([weights[channels] for weights, channels in pairs])
    limit = float(np.quantile(np.abs(kernels), 0.995))
    left = band.tile[0]  # the stem's empty place comes first
    shown = pixels(band.png)[:5, left : left + 5, :3]
    assert (shown == color_scales.diverging_rgb(kernels[0, 0], limit)).all()


def test_evidence_reddens_the_token_that_speaks_for_the_target(evidence: Evidence) -> None:
    known = with_map(evidence, {(0, 0): 2.0, (7, 7): -2.0})
    shown = pixels(figures.still(known).png)
    assert shown[0, 0, 0] > shown[0, 0, 2] and shown[-1, -1, 0] < shown[-1, -1, 2]
    assert "±2 of the logit" in figures.still(known).caption


def test_the_sentence_of_the_evidence_sums_to_the_logit(evidence: Evidence) -> None:
    known = with_map(evidence, {(0, 0): 3.0, (0, 1): -1.0, (0, 2): 0.5})
    known = replace(known, bias=0.25, logit=2.75, target_name="cat")
    (sentence,) = overview.sentences(evidence=known)
    assert sentence == (
        "Tokens for cat add +3.50, tokens against −1.00, the bias +0.25: together the logit, "
        "2.75. Half of the evidence lies on 1 of 64 tokens."
    )


def test_the_sentence_of_the_field_names_first_and_last_block(field: ReceptiveField) -> None:
    known = replace(field, sigma=np.array([0.0, 1.25, 2.0, 3.5]))
    (sentence,) = overview.sentences(field=known)
    assert "from 1.2 px in block 1 to 3.5 px in block 3, on a picture of 24 px" in sentence


def test_the_sentence_of_the_kernels_leaves_dead_ones_out(atlas: KernelAtlas) -> None:
    sizes, dead = np.ones_like(atlas.effective_size_50), np.zeros_like(atlas.dead)
    sizes[1], sizes[2, 0], dead[2, 0] = 4.0, 1000.0, True
    (sentence,) = overview.sentences(atlas=replace(atlas, effective_size_50=sizes, dead=dead))
    assert "those of block 2" in sentence and "4.00 tokens a side of 5" in sentence


def test_sentences_are_as_many_as_results(
    atlas: KernelAtlas, field: ReceptiveField, evidence: Evidence
) -> None:
    assert len(overview.sentences(atlas=atlas, field=field, evidence=evidence)) == 3
    assert overview.sentences() == ()
