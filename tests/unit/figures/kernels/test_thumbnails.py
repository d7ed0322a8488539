"""Kernels as pictures in data URLs."""

from __future__ import annotations

from base64 import b64decode

import numpy as np

from convmixer_viz.figures import color_scales
from convmixer_viz.figures.kernels import thumbnails
from tests.unit.figures.images import pixels


def test_each_kernel_is_a_png_on_its_own_scale() -> None:
    kernels = np.zeros((3, 3, 3))
    kernels[0, 1, 1], kernels[1, 1, 1] = 2.0, -0.1
    images = [pixels(b64decode(url.split(",")[1])) for url in thumbnails.data_urls(kernels)]
    red, blue = color_scales.diverging_rgb(np.array([1.0, -1.0]), 1)
    assert [image.shape for image in images] == 3 * [(36, 36, 4)]
    assert images[0][18, 18, :3].tolist() == red.tolist()
    assert images[1][18, 18, :3].tolist() == blue.tolist()
    assert len(np.unique(images[2].reshape(-1, 4), axis=0)) == 1, "a dead kernel is white"


def test_a_data_url_holds_the_bytes() -> None:
    head, body = thumbnails.data_url(b"png").split(",")
    assert head == "data:image/png;base64" and b64decode(body) == b"png"
