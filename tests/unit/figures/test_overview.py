"""The first screen's figures: the strip out of real results, facts out of known numbers."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from convmixer_viz.analyses import activations, evidence as evidences
from convmixer_viz.analyses.kernels import atlas as kernels_atlas
from convmixer_viz.analyses.receptive_field import fields
from convmixer_viz.figures import overview, style
from tests.unit.analyses.questions import picture


@pytest.fixture
def results(tiny):
    def last(module, images, **choices):
        return list(module.compute(tiny, images, module.Options(**choices)))[-1].partial

    return {
        "atlas": last(kernels_atlas, []),
        "field": last(fields, [picture(side=24)]),
        "evidence": last(evidences, [picture()], target="3"),
        "activations": last(activations, [picture()]),
    }


def test_the_strip_shows_each_result_in_its_row(results):
    sheet = overview.filmstrip(3, **results)
    assert [sum(map(bool, band.texts)) for band in sheet.bands] == [3, 4, 4, 5]
    says = sheet.bands[3]
    assert says.captions[:4] == results["evidence"].probe_names
    assert says.captions[4] == says.captions[3] and says.shares[4] == says.shares[3]


def test_the_strip_shows_the_kernels_nearest_to_the_centres(results):
    atlas = results["atlas"]
    looks = overview.filmstrip(3, atlas=atlas).bands[0]
    chosen = atlas.weights[0][atlas.representatives[0]]
    every = np.stack([w[r] for w, r in zip(atlas.weights, atlas.representatives, strict=True)])
    limit = np.quantile(np.abs(every), 0.995)
    pixels = np.asarray(Image.open(BytesIO(looks.png)).convert("RGB"))
    shown = pixels[:5, looks.tile[0] : looks.tile[0] + 5]
    assert (shown == style.diverging_rgb(chosen[0], limit)).all()


def test_evidence_reddens_the_token_that_speaks_for_the_target(results):
    evidence = results["evidence"]
    per_class = np.zeros_like(evidence.per_class)
    per_class[3, 0, 0], per_class[3, 7, 7] = 2.0, -2.0
    known = replace(evidence, per_class=per_class)
    pixels = np.asarray(Image.open(BytesIO(overview.evidence_png(known)))).astype(int)
    assert pixels[0, 0, 0] > pixels[0, 0, 2] and pixels[-1, -1, 0] < pixels[-1, -1, 2]
    assert "±2 of the logit" in overview.evidence_caption(known)


def test_the_evidence_fact_sums_to_the_logit(results):
    per_class = np.zeros_like(results["evidence"].per_class)
    per_class[3, 0, :3] = 3.0, -1.0, 0.5
    known = replace(
        results["evidence"], per_class=per_class, bias=0.25, logit=2.75, target_name="cat"
    )
    (fact,) = overview.sentences(evidence=known)
    assert fact == (
        "Tokens for cat add +3.50, tokens against −1.00, the bias +0.25: together the logit, "
        "2.75. Half of the evidence lies on 1 of 64 tokens."
    )


def test_the_field_fact_names_first_and_last_block(results):
    known = replace(results["field"], sigma=np.array([0.0, 1.25, 2.0, 3.5]))
    (fact,) = overview.sentences(field=known)
    assert "from 1.2 px in block 1 to 3.5 px in block 3, on a picture of 24 px" in fact


def test_the_kernel_fact_leaves_dead_kernels_out(results):
    atlas = results["atlas"]
    sizes, dead = np.ones_like(atlas.effective_size_50), np.zeros_like(atlas.dead)
    sizes[1], sizes[2, 0], dead[2, 0] = 4.0, 1000.0, True
    (fact,) = overview.sentences(atlas=replace(atlas, effective_size_50=sizes, dead=dead))
    assert "those of block 2" in fact and "4.00 tokens a side of 5" in fact


def test_facts_are_as_many_as_results(results):
    del results["activations"]
    assert len(overview.sentences(**results)) == 3
    assert overview.sentences() == ()
