"""The compare page over two shipped presets."""

from __future__ import annotations

import numpy as np
import pytest

from convmixer_viz import agreement
from convmixer_viz.catalog import EVIDENCE
from convmixer_viz.comparison.numbers import on_common_grid
from convmixer_viz.comparison.rows import ROWS
from convmixer_viz.pictures.gallery import GALLERY
from convmixer_viz.workbench import Workbench
from tests.app.conftest import Visit
from tests.app.elements import array, tables, texts, traces

PAIR = ["cifar10-256-8", "cifar10-128-8-k3"]


def test_a_column_a_preset_on_one_scale_with_the_difference_below(visit: Visit) -> None:
    app = visit("compare", preset=PAIR, rows=["evidence"])
    assert not app.exception
    bench = Workbench("cpu")
    results = [bench.run(EVIDENCE, ["gallery:cat"], preset=name) for name in PAIR]
    bench.close()
    alts = [chart.proto.alt for chart in app.get("plotly_chart")]
    for name, result, alt in zip(PAIR, results, alts, strict=False):
        assert alt.startswith(f"Evidence: preset {name}, explains {result.target_name}")
    assert alts[2] == f"Evidence: {PAIR[1]} minus {PAIR[0]}"
    first, second, difference = (traces(app, index)[0] for index in range(3))
    assert first["zmax"] == second["zmax"]
    grids = on_common_grid(results)
    assert np.array_equal(array(difference["z"]), grids[1] - grids[0])
    assert sum("test pictures after" in each.value for each in app.caption) == len(PAIR)
    _, numbers = tables(app)
    assert numbers[1]["rank"] == pytest.approx(agreement.spearman(grids[0], grids[1]))


def test_several_pictures_give_agreement_disagreements_and_cka(visit: Visit) -> None:
    rows = ["prediction", "representation"]
    app = visit("compare", preset=PAIR, rows=rows, on="gallery and uploads")
    assert not app.exception
    _, answers, alike = tables(app)
    same, count = map(int, str(answers[1]["same first class"]).split(" of "))
    assert 0 <= same <= count == len(GALLERY)
    cka = array(traces(app, 2)[0]["z"])
    assert np.diag(cka) == pytest.approx(1)
    assert alike[1]["CKA of last blocks"] == pytest.approx(array(traces(app, 3)[0]["z"])[-1, -1])
    assert "differ most on" in texts(app) and "Last blocks: CKA" in texts(app)


def test_more_pictures_replace_the_one_at_once(visit: Visit) -> None:
    app = visit("compare", preset=PAIR, rows=["prediction"])
    app.selectbox(key="on").set_value("gallery and uploads").run()
    assert not app.exception
    _, numbers = tables(app)
    assert str(numbers[1]["same first class"]).endswith(f" of {len(GALLERY)}")


def test_costs_are_medians_of_warm_calls_measured_here(visit: Visit) -> None:
    app = visit("compare", preset=PAIR, rows=["cost"])
    assert not app.exception
    _, costs = tables(app)
    assert [row["preset"] for row in costs] == PAIR
    assert costs[1]["parameters"] < costs[0]["parameters"]
    for row in costs:
        fastest, slowest = (float(part) for part in row["fastest to slowest"].split(" to "))
        assert 0 < fastest <= row["ms a call"] <= slowest
    assert "Measured here on cpu" in texts(app) and "the median of 7 calls after two" in texts(app)


def test_columns_move_and_one_picture_leaves_cka_a_sentence(visit: Visit) -> None:
    app = visit("compare", preset=PAIR, rows=["prediction", "representation"])
    assert "Needs 4 pictures or more" in texts(app)
    app.button(key="move-1").click().run()
    assert not app.exception
    assert app.multiselect(key="preset").value == PAIR[::-1]
    assert [row["preset"] for row in tables(app)[1]] == PAIR[::-1]


def test_a_preset_without_weights_leaves_the_rest_standing(visit: Visit) -> None:
    app = visit("compare", preset=[PAIR[0], "imagenet-1024-20"], rows=["prediction"])
    assert not app.exception
    assert any("imagenet-1024-20" in each.value for each in (*app.error, *app.info))
    assert [line["preset"] for line in tables(app)[1]] == PAIR[:1]


def test_all_rows_of_the_opening_presets(visit: Visit) -> None:
    app = visit("compare")
    assert not app.exception
    assert app.multiselect(key="rows").value == [row.name for row in ROWS]
    assert any("cifar10-128-8-k9" in each.value for each in app.markdown)


def test_fields_stand_on_one_scale_in_pixels(visit: Visit) -> None:
    app = visit("compare", preset=PAIR, rows=["receptive-field"], block="6")
    assert not app.exception
    growth, fields = traces(app, 0), traces(app, 1)
    assert {trace["name"] for trace in growth} >= {f"{name} measured" for name in PAIR}
    assert [array(trace["z"]).shape for trace in fields] == [(128, 128)] * 2
    _, numbers = tables(app)
    for row in numbers:
        (curve,) = (array(t["y"]) for t in growth if t["name"] == f"{row['preset']} measured")
        assert [row["σ of block 1 (px)"], row["σ of the last block (px)"]] == [curve[1], curve[-1]]
