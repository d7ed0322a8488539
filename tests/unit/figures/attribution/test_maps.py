"""Maps by token and by pixel, shared limits, badges."""

from __future__ import annotations

from typing import Any

import numpy as np

from convmixer_viz import catalog
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.figures.attribution import maps as figures
from convmixer_viz.questions.attribution import AttributionMap
from tests.unit.analyses.questions import picture
from tests.unit.figures.results import compute


def attribute(model: LoadedModel, method: str, **choices: Any) -> AttributionMap:
    """The map of class 3 by a method, in 8 steps."""
    options = {"method": method, "target": "3", "steps": 8, **choices}
    return compute(catalog.ATTRIBUTION, model, [picture()], **options)


def test_pixels_sum_to_tokens(model: LoadedModel) -> None:
    result = attribute(model, "integrated-gradients")
    pixels = figures.values(result, "pixels")
    np.testing.assert_allclose(
        pixels.reshape(8, 2, 8, 2).sum((1, 3)), figures.values(result), atol=1e-5
    )
    heat, _ = figures.draw(result, resolution="pixels").data
    np.testing.assert_array_equal(heat.z, pixels)


def test_an_unsigned_map_shows_sizes(model: LoadedModel) -> None:
    result = attribute(model, "saliency")
    assert (figures.values(result, "pixels") >= 0).all()
    assert figures.draw(result).data[0].zmin == 0
    assert "sign means nothing" in figures.describe(result)


def test_a_method_without_pixels_stays_at_tokens(model: LoadedModel) -> None:
    result = attribute(model, "occlusion")
    np.testing.assert_array_equal(figures.values(result, "pixels"), result.tokens)
    assert figures.unit(result, "pixels") == "logit a token"


def test_the_colour_bar_names_the_unit(model: LoadedModel) -> None:
    figure = figures.draw(attribute(model, "integrated-gradients"), resolution="pixels")
    assert figure.layout.coloraxis.colorbar.title.text == "logit a pixel"
    unit = figures.unit(attribute(model, "saliency"))
    assert unit == "|slope| a token, logit per normalised unit"
    assert figures.unit(attribute(model, "rise", samples=8)) == "mean probability"


def test_shared_limits(model: LoadedModel) -> None:
    results = [attribute(model, "hirescam", block=block) for block in (1, 2)]
    limit = figures.shared_limit(results)
    assert limit == max(np.abs(result.tokens).max() for result in results)
    assert {figures.draw(result, limit=limit).data[0].zmax for result in results} == {limit}


def test_badges(model: LoadedModel) -> None:
    assert figures.badge(attribute(model, "occlusion")) == (
        "no simpler map known",
        figures.NOT_TESTED,
    )
    assert (
        figures.badge(attribute(model, "hirescam", block=1))[0] == "differs from the exact evidence"
    )
    assert figures.badge(attribute(model, "grad-cam"))[0] == "is the exact evidence"
    assert figures.badge(attribute(model, "guided-backprop"))[0] == "is the plain gradient"


def test_the_sentence_says_what_the_method_promises(model: LoadedModel) -> None:
    assert "promised" in figures.describe(attribute(model, "integrated-gradients"))
    assert "promised" not in figures.describe(attribute(model, "occlusion"))
