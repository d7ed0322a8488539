"""The kernels page over the shipped weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

from convmixer_viz.app import picture_list
from convmixer_viz.app.components import kernel_importance, kernel_tabs
from convmixer_viz.catalog import KERNELS, STRUCTURE
from convmixer_viz.figures.kernels import atlas as kernels_atlas
from convmixer_viz.pictures.decode import load
from convmixer_viz.questions.kernels import KernelAtlas
from convmixer_viz.workbench import Workbench
from tests.app.conftest import Visit
from tests.app.elements import array, figures, sheets, texts


@pytest.fixture(scope="module")
def atlas() -> Iterator[KernelAtlas]:
    bench = Workbench("cpu")
    yield bench.run(KERNELS, preset="cifar10-256-8")
    bench.close()


def grid(app: AppTest) -> dict[str, Any]:
    """What the clickable picture of all kernels was given."""
    return next(sheet for sheet in sheets(app) if sheet["layout"] == "grid")


def weights(app: AppTest) -> NDArray[np.float32]:
    """The first panel of the chosen kernel's figure."""
    traces = [figure["data"][0] for figure in figures(app)]
    return array(next(trace["z"] for trace in traces if "z" in trace)).ravel()


def test_all_kernels_of_the_block_are_what_python_computes(
    visit: Visit, atlas: KernelAtlas
) -> None:
    app = visit("kernels", block="3")
    assert not app.exception
    band = grid(app)["bands"][0]
    assert len(band["texts"]) == 256
    assert band["texts"][9] == kernels_atlas.cell_texts(atlas, 3, [9])[0]
    assert "256 of 256 kernels of 5×5, block 3" in texts(app)


def test_a_link_restores_block_kernel_order_and_scale(visit: Visit, atlas: KernelAtlas) -> None:
    app = visit("kernels", block="5", channel="42", sort="parity", scale="per block")
    assert not app.exception
    assert app.number_input(key="channel").value == 42
    assert app.selectbox(key="sort").value == "parity"
    sheet = grid(app)
    order = kernels_atlas.sorted_channels(atlas, 5, "parity")
    assert sheet["values"] == [[int(channel)] for channel in order]
    assert sheet["selected"] == [42]
    assert f"±{np.abs(atlas.weights[4]).max():.3g}" in texts(app)


def test_the_chosen_kernel_is_drawn_and_moves_with_the_number(
    visit: Visit, atlas: KernelAtlas
) -> None:
    app = visit("kernels", block="2", channel="7")
    assert weights(app) == pytest.approx(atlas.weights[1, 7].ravel())
    app.number_input(key="channel").set_value(8).run()
    assert weights(app) == pytest.approx(atlas.weights[1, 8].ravel())
    assert grid(app)["selected"] == [8]


def test_one_class_is_shown_and_an_empty_one_says_so(visit: Visit, atlas: KernelAtlas) -> None:
    app = visit("kernels", block="8", **{"class": "first derivative"})
    count = kernels_atlas.class_counts(atlas, 8)["first derivative"]
    assert len(grid(app)["values"]) == count
    assert f"{count} of 256 kernels" in texts(app)
    app.selectbox(key="class").set_value("undecidable").run()
    assert not app.exception
    assert "No kernel of block 8 is undecidable" in texts(app)


def test_a_part_of_a_statistic_is_kept(visit: Visit, atlas: KernelAtlas) -> None:
    app = visit("kernels", block="5", sort="parity", part=["90", "100"])
    assert not app.exception
    least = np.percentile(atlas.parity, 90)
    assert len(grid(app)["values"]) == (atlas.parity[4] >= least).sum() < 256
    assert f"from {least:.3g} to {atlas.parity.max():.3g}" in texts(app)


def test_the_stem_has_no_kernels_and_says_where_its_filters_are(visit: Visit) -> None:
    app = visit("kernels", block="0", view="Patch embedding")
    assert not app.exception
    assert "Block 0 is the stem" in texts(app)
    assert "256 filters of 2×2 pixels" in texts(app)


@pytest.mark.parametrize(
    ("view", "charts"), [("Structure by depth", 7), ("Covariance", 5), ("Patch embedding", 4)]
)
def test_a_tab_is_drawn_only_when_it_is_open(visit: Visit, view: str, charts: int) -> None:
    assert len(visit("kernels").get("plotly_chart")) == 3
    app = visit("kernels", view=view)
    assert not app.exception
    assert not app.error
    assert len(app.get("plotly_chart")) == charts


def test_the_table_has_a_row_a_kernel(visit: Visit, atlas: KernelAtlas) -> None:
    app = visit("kernels", block="4", view="Table")
    rows = app.dataframe[-1].value
    assert len(rows) == 256
    assert rows["spread"].to_numpy() == pytest.approx(atlas.spread[3])
    assert rows["kernel"].str.startswith("data:image/png").all()


def test_the_history_follows_the_epoch(visit: Visit) -> None:
    app = visit("kernels", view="How they formed", preset=["cifar10-128-8-k5"], block="6")
    assert not app.exception
    assert not app.error
    assert "kernels of block 6 end with a class" in texts(app)
    epochs = app.select_slider(key="epoch").options
    at_last = formed(app)
    app.select_slider(key="epoch").set_value(int(epochs[0])).run()
    assert f"at epoch {epochs[0]}" in formed(app)["label"]
    assert formed(app)["bands"][0]["png"] != at_last["bands"][0]["png"]
    app.toggle(key="play").set_value(True).run()
    assert not app.exception


def formed(app: AppTest) -> dict[str, Any]:
    return next(sheet for sheet in sheets(app) if "at epoch" in sheet["label"])


def test_presets_are_compared_on_one_scale(visit: Visit) -> None:
    names = ["cifar10-128-8-k5", "cifar10-128-8-k3"]
    app = visit("kernels", view="Compare presets", preset=names, block="8")
    assert not app.exception
    assert "same relative depth; one scale" in texts(app)
    assert "undecidable" not in texts(app)
    assert "Patch filters, largest norm first" in texts(app)


def test_three_by_three_says_that_classes_can_not_be_told_apart(visit: Visit) -> None:
    app = visit("kernels", preset=["cifar10-128-8-k3"])
    assert "their classes can't be told apart" in texts(app)
    assert "undecidable" in texts(app)


def test_a_preset_without_history_says_what_would_stand_there(visit: Visit) -> None:
    app = visit("kernels", view="How they formed", preset=["imagenet-1024-20"])
    assert not app.exception
    assert any("imagenet-1024-20" in info.value for info in app.info)


def test_what_is_still_shown_names_its_kernel_and_promises_nothing(visit: Visit) -> None:
    app = visit("kernels", preset=["imagenette-256-8"], channel="3")
    app.button(key="go-firing").click().run()
    app.number_input(key="channel").set_value(7).run()
    assert not app.exception
    assert "Kernel 3 of block 1, imagenette-256-8 fires most" in texts(app)
    assert "Kernel 7 of block 1, imagenette-256-8." in texts(app)
    assert "Still shown: firing" in texts(app) and "on its way" not in texts(app)


def test_no_other_presets_covariance_stands_in(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Workbench("cpu")
    other = bench.run(STRUCTURE, preset="cifar10-128-8-k5")
    bench.close()
    monkeypatch.setattr(kernel_tabs, "structures", lambda: [other])
    app = visit("kernels", view="Covariance", preset=["cifar10-128-8-k3", "cifar10-128-8-k5"])
    assert not app.exception
    assert "covariance of cifar10-128-8-k3's kernels stands here once" in texts(app)


def test_importance_waits_for_its_button_and_then_sorts_the_kernels(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = [load("gallery:cat")]
    monkeypatch.setattr(picture_list, "find_all", lambda names: one)
    monkeypatch.setattr(kernel_importance, "GALLERY", ["cat"])
    app = visit("kernels", view="Importance", preset=["cifar10-128-8-k9"], block="3")
    assert not app.exception
    assert "1,024 kernels, 1 picture: about as much work as 512 predictions" in texts(app)
    assert "divergence" not in app.selectbox(key="sort").options
    app.button(key="go-importance:cifar10-128-8-k9").click().run()
    assert not app.exception
    assert "Do single effects add up?" in texts(app) and "Spearman's ρ" in texts(app)
    app.run()
    app.selectbox(key="sort").set_value("divergence").run()
    order = [channel for (channel,) in grid(app)["values"]]
    assert sorted(order) == [*range(128)] != order
    app.selectbox(key="color").set_value("logit change").run()
    assert not app.exception
