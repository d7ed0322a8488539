"""Pictures of kernels: their colours, order and words, and how large they get."""

from base64 import b64decode
from contextlib import closing
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from convmixer_viz import Workbench
from convmixer_viz.analyses.kernels import atlas as analysis, patch_embedding
from convmixer_viz.figures import style
from convmixer_viz.figures.kernels import appendix, atlas as kernels_atlas, compared
from tests.conftest import TINY, calibrated, loaded


@pytest.fixture(scope="module")
def atlas():
    *_, last = analysis.compute(loaded(), (), analysis.Options())
    return last.partial


def pixels(png):
    return np.asarray(Image.open(BytesIO(png)).convert("RGBA")).astype(int)


def test_a_sprite_of_1536_kernels_of_9x9_is_small_and_its_gutters_clear():
    made = np.random.default_rng(0).normal(size=(1536, 9, 9)).astype(np.float32)
    png = kernels_atlas.tiles_png(made, None)
    assert len(png) <= 150_000  # in base64 and with its words: 200 kB and a little
    shown = pixels(png)
    assert shown.shape == (24 * 10 - 1, 64 * 10 - 1, 4)
    assert (shown[9::10, :, 3] == 0).all()
    assert (shown[:, 9::10, 3] == 0).all()


def test_colours_are_symmetric_about_zero():
    made = np.zeros((2, 3, 3), np.float32)
    made[0, 0, 0], made[0, 2, 2], made[1, 1, 1] = 1, -1, 0.5
    own, shared = (
        pixels(kernels_atlas.tiles_png(made, None)),
        pixels(kernels_atlas.tiles_png(made, 1.0)),
    )
    red, white, blue = own[0, 0, :3], own[1, 1, :3], own[2, 2, :3]
    assert red[0] > red[2] + 50
    assert blue[2] > blue[0] + 50
    assert (white > 240).all()
    assert (own[1, 5, :3] == red).all()  # the second kernel, on its own scale
    assert (shared[1, 5, :3] != red).any()


def test_order_by_a_statistic_by_class_and_by_cluster(atlas):
    order = kernels_atlas.sorted_channels(atlas, 2, "parity")
    assert (np.diff(atlas.parity[1][order]) <= 0).all()
    assert sorted(order) == list(range(12))
    half = kernels_atlas.sorted_channels(atlas, 2, "parity", within=(50, 100))
    assert set(half) == set(np.flatnonzero(atlas.parity[1] >= np.median(atlas.parity)))
    assert kernels_atlas.sorted_channels(atlas, 2, "channel", within=(50, 100)).tolist() == list(
        range(12)
    )
    classed = atlas.code[1][kernels_atlas.sorted_channels(atlas, 2, "class")]
    assert (np.diff(classed) >= 0).all()
    assert (
        np.diff(atlas.cluster[1][kernels_atlas.sorted_channels(atlas, 2, "cluster")]) >= 0
    ).all()
    assert kernels_atlas.sorted_channels(atlas, 2, "channel").tolist() == list(range(12))


def test_only_one_class_is_kept(atlas):
    counts = kernels_atlas.class_counts(atlas, 1)
    assert sum(counts.values()) == 12
    for name, count in counts.items():
        kept = kernels_atlas.sorted_channels(atlas, 1, "channel", name)
        assert [atlas.class_names[code] for code in atlas.code[0][kept]] == [name] * count


def test_forms_scale_the_kernels(atlas):
    unit = kernels_atlas.block_kernels(atlas, 3, "unit norm")
    assert np.allclose((unit**2).sum((1, 2)), 1, rtol=1e-5)
    scaled = kernels_atlas.block_kernels(atlas, 3, "scaled by batch norm")
    assert np.allclose(scaled, atlas.weights[2] * atlas.norm_scale[2][:, None, None])
    assert np.array_equal(kernels_atlas.block_kernels(atlas, 3), atlas.weights[2])


def test_limits_are_the_kernels_the_blocks_or_all(atlas):
    assert kernels_atlas.color_limit(atlas, 1, "per kernel") is None
    assert kernels_atlas.color_limit(atlas, 2, "per block") == np.abs(atlas.weights[1]).max()
    assert kernels_atlas.color_limit(atlas, 2, "over all blocks") == np.abs(atlas.weights).max()


def test_a_grid_tells_number_and_statistics_and_picks_the_channel(atlas):
    sheet = kernels_atlas.grid(
        atlas, 2, kernels_atlas.sorted_channels(atlas, 2, "energy"), limit=None, form="raw"
    )
    first = int(np.argmax(atlas.energy[1]))
    assert sheet.values[0] == (first,)
    words = sheet.bands[0].texts[0]
    assert words.startswith(f"{first}: ")
    assert f"R² {atlas.r2[1, first]:.2f}" in words
    assert f"parity {atlas.parity[1, first]:.2f}" in words
    assert len(sheet.values) == 12


def test_an_empty_grid_says_so(atlas):
    sheet = kernels_atlas.grid(
        atlas,
        2,
        kernels_atlas.sorted_channels(atlas, 2, "channel", "delta"),
        limit=None,
        form="raw",
    )
    assert sheet.values == ()
    assert sheet.bands[0].empty


def test_the_figure_shows_every_block(atlas):
    figure = kernels_atlas.draw(atlas)
    assert list(figure.layout.xaxis.ticktext) == [1, 2, 3]
    assert np.nanmax(figure.data[0].z) <= 1
    assert np.nanmax(kernels_atlas.draw(atlas, limits="over all blocks").data[0].z) <= 1


def test_comparing_aligns_relative_depth(atlas):
    *_, last = analysis.compute(loaded(), (), analysis.Options(blocks=(1, 2)))
    figure = compared.draw([atlas, last.partial], "spread")
    assert figure.data[0].x[-1] == figure.data[2].x[-1] == 1
    assert figure.data[0].y[1] == pytest.approx(np.median(atlas.spread[1]))


def test_a_table_row_has_a_picture_and_the_numbers(atlas):
    rows = kernels_atlas.table(atlas, 3)
    assert len(rows) == 12
    head, picture = rows[4]["kernel"].split(",")
    assert head == "data:image/png;base64"
    kernel = atlas.weights[2, 4]
    expected = style.diverging_rgb(kernel / np.abs(kernel).max(), 1)
    assert np.array_equal(pixels(b64decode(picture))[3::7, 3::7, :3], expected)
    assert rows[4]["spread"] == pytest.approx(float(atlas.spread[2, 4]))


def test_a_saved_atlas_has_its_sheets_beside_it(tmp_path):
    with closing(Workbench("cpu")) as bench:
        bench.add("tiny", calibrated(TINY).state_dict(), activation="gelu", residual=True,
                  preprocess="cifar10-256-8")  # fmt: skip
        result = bench.run("kernels", preset="tiny", blocks=(2,))
        bench.save(result, tmp_path)
        assert (tmp_path / "kernels-block-2.png").read_bytes() == kernels_atlas.block_png(result, 2)
        assert np.array_equal(bench.load(tmp_path).weights, result.weights)


def test_a_sheet_and_an_appendix_are_pictures(atlas):
    (step,) = patch_embedding.compute(loaded(), (), patch_embedding.Options())
    page = pixels(appendix.page_png(step.partial, atlas))
    assert page.shape[1] == 3 * 504 + 24
    assert len(set(map(bytes, page[::7, ::7].astype(np.uint8).reshape(-1, 4)))) > 50
    assert set(kernels_atlas.files(atlas)) == {f"kernels-block-{block}.png" for block in (1, 2, 3)}
    assert pixels(kernels_atlas.block_png(atlas, 1)).shape[1] <= 1400
