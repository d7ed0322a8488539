"""Maps by token and by pixel, shared limits, badges."""

import numpy as np
import pytest

from convmixer_viz.analyses.attribution.maps import compute
from convmixer_viz.figures.attribution import maps as figures
from convmixer_viz.questions.attribution import Options
from tests.unit.analyses.questions import picture


@pytest.fixture
def found(tiny):
    def run(method, **choices):
        options = Options(method=method, target="3", steps=8, **choices)
        *_, last = compute(tiny, [picture()], options)
        return last.partial

    return run


def test_pixels_sum_to_tokens(found):
    result = found("integrated-gradients")
    pixels = figures.values(result, "pixels")
    np.testing.assert_allclose(
        pixels.reshape(8, 2, 8, 2).sum((1, 3)), figures.values(result), atol=1e-5
    )
    heat, _ = figures.draw(result, resolution="pixels").data
    np.testing.assert_array_equal(heat.z, pixels)


def test_an_unsigned_map_shows_sizes(found):
    result = found("saliency")
    assert (figures.values(result, "pixels") >= 0).all()
    assert figures.draw(result).data[0].zmin == 0
    assert "sign means nothing" in figures.describe(result)


def test_a_method_without_pixels_stays_at_tokens(found):
    result = found("occlusion")
    np.testing.assert_array_equal(figures.values(result, "pixels"), result.tokens)
    assert figures.unit(result, "pixels") == "logit a token"


def test_the_colour_bar_names_the_unit(found):
    bar = figures.draw(found("integrated-gradients"), resolution="pixels").layout.coloraxis.colorbar
    assert bar.title.text == "logit a pixel"
    assert figures.unit(found("saliency")) == "|slope| a token, logit per normalised unit"
    assert figures.unit(found("rise", samples=8)) == "mean probability"


def test_shared_limits(found):
    results = [found("hirescam", block=b) for b in (1, 2)]
    limit = figures.shared_limit(results)
    assert limit == max(np.abs(r.tokens).max() for r in results)
    assert {figures.draw(r, limit=limit).data[0].zmax for r in results} == {limit}


def test_badges(found):
    assert figures.badge(found("occlusion"))[0] == "valid"
    assert figures.badge(found("grad-cam"))[0] == "is the exact evidence"
    assert figures.badge(found("guided-backprop"))[0] == "is the plain gradient"


def test_the_reading_tells_the_promise(found):
    assert "promised" in figures.describe(found("integrated-gradients"))
    assert "promised" not in figures.describe(found("occlusion"))
