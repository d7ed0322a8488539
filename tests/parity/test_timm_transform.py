"""The tensor equals that of timm's transform to the last bit: both resize with Pillow."""

from __future__ import annotations

import numpy as np
import pytest
import timm
from PIL import Image
from timm.data.transforms_factory import create_transform

from convmixer_viz.pictures import decode
from convmixer_viz.pictures.prepare import prepare
from convmixer_viz.presets.table import CIFAR10, IMAGENET, IMAGENETTE, Transform

SIZES = [(451, 300), (300, 451), (233, 233), (225, 640), (101, 99), (57, 23), (512, 512), (1, 9)]


@pytest.mark.parametrize("side", [224, 225, 97])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("transform", [IMAGENET, CIFAR10, IMAGENETTE], ids=lambda t: t.fit)
def test_equals_timm_to_the_last_bit(
    transform: Transform, size: tuple[int, int], side: int
) -> None:
    cat = Image.fromarray(decode.load("gallery:cat").pixels).crop(
        (20, 3, 20 + size[0], 3 + size[1])
    )
    peer = create_transform(
        input_size=(3, side, side),
        interpolation="bicubic",
        crop_pct=transform.share,
        crop_mode="squash" if transform.fit == "squash" else "center",
        mean=transform.mean,
        std=transform.std,
    )
    prepared = prepare(decode.from_pixels(np.asarray(cat), "cat"), transform, side)
    assert np.array_equal(prepared.array, peer(cat).numpy())


def test_published_presets_use_the_transform_that_timm_records() -> None:
    for name in ("convmixer_768_32", "convmixer_1024_20_ks9_p14", "convmixer_1536_20"):
        config = timm.get_pretrained_cfg(name)
        assert config is not None
        assert config.input_size == (3, IMAGENET.size, IMAGENET.size)
        assert (config.crop_pct, config.crop_mode) == (IMAGENET.share, "center")
        assert config.interpolation == "bicubic"
        assert (config.mean, config.std) == (IMAGENET.mean, IMAGENET.std)
