"""The attribution page over the shipped weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

from convmixer_viz.app.components import attribution
from convmixer_viz.catalog import ATTRIBUTION, EVIDENCE
from convmixer_viz.errors import ChoiceError
from convmixer_viz.questions.attribution import METHODS, AttributionMap
from convmixer_viz.workbench import Workbench
from tests.app.conftest import Visit
from tests.app.elements import array, figures, texts, traces
from tests.app.test_pictures import png, upload

CAMS = ["hirescam", "layer-cam"]  # quick ones


def cells(app: AppTest, number: int) -> NDArray[np.float32]:
    """The numbers of one heat map."""
    return array(traces(app, number)[0]["z"])


def test_the_page_shows_what_python_computes(visit: Visit) -> None:
    app = visit("attribution", methods=CAMS, target="dog", against="cat")
    assert not app.exception
    bench = Workbench("cpu")
    question = {"target": "dog", "against": "cat"}
    evidence = bench.run(EVIDENCE, ["gallery:cat"], **question)
    np.testing.assert_array_equal(cells(app, 0), evidence.exact)
    for number, method in enumerate(CAMS, 2):
        result = bench.run(ATTRIBUTION, ["gallery:cat"], method=method, **question)
        np.testing.assert_array_equal(cells(app, number), result.tokens)
    assert f"logit of dog rather than cat {evidence.logit:.4f}" in texts(app)
    assert "is the exact evidence" in texts(app)
    bench.close()


def test_a_method_that_is_not_what_it_says_shows_its_reason_instead(visit: Visit) -> None:
    app = visit("attribution", methods=["guided-backprop"])
    assert not app.exception
    assert "Not shown: here it is the plain gradient" in texts(app)
    assert len(app.get("plotly_chart")) == 2  # the evidence and its probe


def test_scores_come_on_demand(visit: Visit) -> None:
    app = visit("attribution", methods=["hirescam"], scores="true")
    assert not app.exception
    (table,) = (frame.value for frame in app.dataframe)
    assert table["method"].tolist() == ["hirescam"]
    assert 0 < table["deletion"][0] < 1
    assert "Areas of the controls: deletion: random" in texts(app)


def test_presets_side_by_side_share_their_limits(visit: Visit) -> None:
    presets = ["cifar10-256-8", "cifar10-128-8-k5"]
    app = visit("attribution", preset=presets, methods=["hirescam"])
    assert not app.exception
    plots = [figure["data"][0] for figure in figures(app)]
    exact, maps = plots[:2], plots[4:]
    for pair in (exact, maps):
        assert len({heat["zmax"] for heat in pair}) == 1
    assert len(maps) == 2


def test_a_preset_that_lacks_the_class_says_so(visit: Visit) -> None:
    presets = ["cifar10-256-8", "imagenette-256-8"]
    app = visit("attribution", preset=presets, target="frog", methods=["hirescam"])
    assert not app.exception
    assert "imagenette-256-8 does not know frog" in texts(app)


def test_no_methods_say_what_would_stand_there(visit: Visit) -> None:
    app = visit("attribution", methods=CAMS)
    app.multiselect(key="methods").set_value([]).run()
    assert not app.exception
    assert "maps of the methods that you choose stand here" in texts(app)
    assert not app.dataframe


def test_agreement_of_several_maps(visit: Visit) -> None:
    app = visit("attribution", methods=CAMS)
    (table,) = (frame.value for frame in app.dataframe)
    assert table["Spearman"][0] > 1 - 1e-9 and table["Spearman"][1] < 0.99


def test_pixels_have_more_cells_than_tokens(visit: Visit) -> None:
    app = visit("attribution", methods=["saliency"], cells="pixels")
    assert not app.exception
    assert cells(app, 2).shape == (32, 32)


def test_a_picture_of_another_shape_leaves_no_mixed_agreement(visit: Visit) -> None:
    app = upload(visit("attribution", methods=CAMS), png("long.png", (6000, 300)))
    assert not app.exception
    assert len(app.dataframe) == 1


def test_what_a_page_refuses_has_its_reason_and_missing_work_is_done(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(maps: Sequence[AttributionMap]) -> None:
        raise ChoiceError("These maps can't be compared.")

    monkeypatch.setattr(attribution, "agreement", refuse)
    app = visit("attribution", methods=CAMS)
    assert not app.exception
    assert [error.value for error in app.error] == ["These maps can't be compared."]
    app.selectbox(key="picture").set_value("moon").run()
    assert "of the choices before" not in texts(app)


def test_the_page_offers_only_what_the_methods_read(visit: Visit) -> None:
    app = visit("attribution", methods=["hirescam"])
    keys = {each.key for each in [*app.number_input, *app.selectbox, *app.slider]}
    assert "cam_block" in keys and not keys & {"steps", "samples", "sigma", "seed", "baseline"}
    app = visit("attribution", methods=["rise"], samples="20")
    keys = {each.key for each in [*app.number_input, *app.selectbox]}
    assert {"samples", "baseline", "seed"} <= keys and not keys & {"steps", "sigma", "cam_block"}
    assert METHODS["rise"].sentence[1:] in texts(app)
    assert METHODS["rise"].address in texts(app)
