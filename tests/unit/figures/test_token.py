"""The sentences say the numbers, the tiles hold what is multiplied."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from convmixer_viz.catalog import TOKEN
from convmixer_viz.figures import token as figures
from convmixer_viz.questions.token import TokenSteps
from tests.conftest import loaded
from tests.unit.analyses.questions import picture
from tests.unit.figures.results import compute


@pytest.fixture(scope="module")
def steps() -> TokenSteps:
    return compute(TOKEN, loaded(), [picture()], block=2, channel=5, token=(1, 2))


def test_every_value_stands_in_its_sentence(steps: TokenSteps) -> None:
    number = figures.number
    assert number(steps.stem[3]) in figures.describe_patch(steps)
    assert number(steps.spatial[1]) in figures.describe_kernel(steps)
    assert number(steps.spatial[2]) in figures.describe_activation(steps)
    assert number(steps.spatial[3]) in figures.describe_norm(steps)
    assert number(steps.mixed) in figures.describe_residual(steps)
    assert number(steps.pointwise[3]) in figures.describe_pointwise(steps)
    assert number(steps.evidence) in figures.describe_evidence(steps)
    bare = replace(steps, residual=None)
    assert "adds no input" in figures.describe_residual(bare)


def test_tiles_have_a_place_a_number(steps: TokenSteps) -> None:
    for product, width, height in (
        (figures.kernel_product(steps), 5, 5),
        (figures.patch_product(steps), 3 * 2 + 2, 2),
    ):
        sizes = {Image.open(BytesIO(tile.png)).size for tile in product.tiles}
        scale = figures.TILE // height
        assert sizes == {(scale * width, scale * height)}
        assert product.tiles[2].caption.startswith("product, full colour ±")


def test_tables_multiply(steps: TokenSteps) -> None:
    rows = figures.pointwise_table(steps)
    assert [row["channel"] for row in rows] == steps.inputs.tolist()
    assert rows[0]["product"] == pytest.approx(rows[0]["weight"] * rows[0]["value"])
    total = sum(row["product / 64"] for row in figures.evidence_table(steps))
    assert total + steps.head_rest == pytest.approx(steps.evidence)


def test_the_picker_has_a_cell_a_token(steps: TokenSteps) -> None:
    sheet = figures.picker(steps)
    assert sheet.values[:2] == ((0, 0), (0, 1)) and len(sheet.values) == 64
    assert len(figures.draw(steps).data[0].x) == len(steps.rows()) == 9
    assert np.asarray(Image.open(BytesIO(figures.still(steps).png))).shape == steps.view.shape
