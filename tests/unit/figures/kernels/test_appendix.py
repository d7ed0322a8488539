"""The page of kernels for a paper's appendix."""

from __future__ import annotations

import numpy as np

from convmixer_viz import catalog
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.figures.kernels import appendix
from convmixer_viz.questions.kernels import KernelAtlas
from tests.unit.figures.images import pixels
from tests.unit.figures.results import compute


def test_the_page_has_three_panels_a_row(model: LoadedModel, atlas: KernelAtlas) -> None:
    embedding = compute(catalog.PATCH_EMBEDDING, model)
    page = pixels(appendix.page_png(embedding, atlas))
    assert page.shape[1] == 3 * 504 + 24
    colors = {bytes(pixel) for pixel in page[::7, ::7].astype(np.uint8).reshape(-1, 4)}
    assert len(colors) > 50
