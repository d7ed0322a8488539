"""Pictures of kernels: their colours, order and texts, and how large they get."""

from __future__ import annotations

from base64 import b64decode
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from convmixer_viz import Workbench
from convmixer_viz.figures import color_scales
from convmixer_viz.figures.kernels import atlas as figures
from convmixer_viz.questions.kernels import KernelAtlas
from tests.conftest import TINY, calibrated
from tests.unit.figures.images import pixels


def test_a_png_of_1536_kernels_of_9x9_is_small_and_its_gutters_clear() -> None:
    kernels = np.random.default_rng(0).normal(size=(1536, 9, 9)).astype(np.float32)
    png = figures.tiles_png(kernels, None)
    assert len(png) <= 150_000  # in base64 and with its texts: 200 kB and a little
    shown = pixels(png)
    assert shown.shape == (24 * 10 - 1, 64 * 10 - 1, 4)
    assert (shown[9::10, :, 3] == 0).all()
    assert (shown[:, 9::10, 3] == 0).all()


def test_colours_are_symmetric_about_zero() -> None:
    kernels = np.zeros((2, 3, 3), np.float32)
    kernels[0, 0, 0], kernels[0, 2, 2], kernels[1, 1, 1] = 1, -1, 0.5
    own, shared = (pixels(figures.tiles_png(kernels, limit)) for limit in (None, 1.0))
    red, white, blue = own[0, 0, :3], own[1, 1, :3], own[2, 2, :3]
    assert red[0] > red[2] + 50
    assert blue[2] > blue[0] + 50
    assert (white > 240).all()
    assert (own[1, 5, :3] == red).all()  # the second kernel, on its own scale
    assert (shared[1, 5, :3] != red).any()


def test_order_by_a_statistic_by_class_and_by_cluster(atlas: KernelAtlas) -> None:
    by_parity = figures.sorted_channels(atlas, 2, "parity")
    assert (np.diff(atlas.parity[1][by_parity]) <= 0).all()
    assert sorted(by_parity) == list(range(12))
    half = figures.sorted_channels(atlas, 2, "parity", within=(50, 100))
    assert set(half) == set(np.flatnonzero(atlas.parity[1] >= np.median(atlas.parity)))
    every = list(range(12))
    assert figures.sorted_channels(atlas, 2, "channel", within=(50, 100)).tolist() == every
    codes = atlas.code[1][figures.sorted_channels(atlas, 2, "class")]
    assert (np.diff(codes) >= 0).all()
    clusters = atlas.cluster[1][figures.sorted_channels(atlas, 2, "cluster")]
    assert (np.diff(clusters) >= 0).all()
    assert figures.sorted_channels(atlas, 2, "channel").tolist() == every


def test_only_one_class_is_kept(atlas: KernelAtlas) -> None:
    counts = figures.class_counts(atlas, 1)
    assert sum(counts.values()) == 12
    for name, count in counts.items():
        kept = figures.sorted_channels(atlas, 1, "channel", name)
        assert [atlas.class_names[code] for code in atlas.code[0][kept]] == [name] * count


def test_forms_scale_the_kernels(atlas: KernelAtlas) -> None:
    unit = figures.block_kernels(atlas, 3, "unit norm")
    assert np.allclose((unit**2).sum((1, 2)), 1, rtol=1e-5)
    scaled = figures.block_kernels(atlas, 3, "scaled by batch norm")
    assert np.allclose(scaled, atlas.weights[2] * atlas.norm_scale[2][:, None, None])
    assert np.array_equal(figures.block_kernels(atlas, 3), atlas.weights[2])


def test_limits_are_the_kernels_the_blocks_or_all(atlas: KernelAtlas) -> None:
    assert figures.color_limit(atlas, 1, "per kernel") is None
    assert figures.color_limit(atlas, 2, "per block") == np.abs(atlas.weights[1]).max()
    assert figures.color_limit(atlas, 2, "over all blocks") == np.abs(atlas.weights).max()


def test_a_grid_says_number_and_statistics_and_picks_the_channel(atlas: KernelAtlas) -> None:
    channels = figures.sorted_channels(atlas, 2, "energy")
    sheet = figures.grid(atlas, 2, channels, limit=None, form="raw")
    first = int(np.argmax(atlas.energy[1]))
    assert sheet.values[0] == (first,)
    text = sheet.bands[0].texts[0]
    assert text.startswith(f"{first}: ")
    assert f"R² {atlas.r2[1, first]:.2f}" in text
    assert f"parity {atlas.parity[1, first]:.2f}" in text
    assert len(sheet.values) == 12


def test_an_empty_grid_says_so(atlas: KernelAtlas) -> None:
    channels = figures.sorted_channels(atlas, 2, "channel", "delta")
    sheet = figures.grid(atlas, 2, channels, limit=None, form="raw")
    assert sheet.values == ()
    assert sheet.bands[0].empty


def test_the_strip_has_a_column_a_block(atlas: KernelAtlas) -> None:
    sheet = figures.strip(atlas)
    assert sheet.values == ((1,), (2,), (3,)) and sheet.heads == ("1", "2", "3")
    (band,) = sheet.bands
    assert pixels(band.png).shape[:2] == (band.tile[1], 3 * band.tile[0])


def test_the_figure_shows_every_block(atlas: KernelAtlas) -> None:
    figure = figures.draw(atlas)
    assert list(figure.layout.xaxis.ticktext) == [1, 2, 3]
    assert np.nanmax(figure.data[0].z) <= 1
    assert np.nanmax(figures.draw(atlas, limits="over all blocks").data[0].z) <= 1


def test_a_table_row_has_a_picture_and_the_numbers(atlas: KernelAtlas) -> None:
    rows = figures.table(atlas, 3)
    assert len(rows) == 12
    head, image = rows[4]["kernel"].split(",")
    assert head == "data:image/png;base64"
    kernel = atlas.weights[2, 4]
    expected = color_scales.diverging_rgb(kernel / np.abs(kernel).max(), 1)
    assert np.array_equal(pixels(b64decode(image))[3::7, 3::7, :3], expected)
    assert rows[4]["spread"] == pytest.approx(float(atlas.spread[2, 4]))


def test_a_saved_atlas_has_its_blocks_beside_it(tmp_path: Path) -> None:
    state = calibrated(TINY).state_dict()
    with closing(Workbench("cpu")) as bench:
        bench.add("tiny", state, activation="gelu", residual=True, preprocess="cifar10-256-8")
        result = bench.run("kernels", preset="tiny", blocks=(2,))
        assert isinstance(result, KernelAtlas)
        bench.save(result, tmp_path)
        assert (tmp_path / "kernels-block-2.png").read_bytes() == figures.block_png(result, 2)
        again = bench.load(tmp_path)
        assert isinstance(again, KernelAtlas) and np.array_equal(again.weights, result.weights)


def test_a_block_is_one_picture_for_a_folder(atlas: KernelAtlas) -> None:
    assert set(figures.files(atlas)) == {f"kernels-block-{block}.png" for block in (1, 2, 3)}
    assert pixels(figures.block_png(atlas, 1)).shape[1] <= 1400
