"""The fetching process with one more preset, so small that a test can serve it."""

import sys
from dataclasses import replace

from convmixer_viz.presets.table import PRESETS, Published, Shape
from convmixer_viz.weights import download

TINY_PUBLISHED = replace(
    PRESETS["cifar10-256-8"],
    name="tiny-published",
    shape=Shape(dim=48, depth=3, kernel_size=5, patch_size=2),
    published=Published(1.0, 2.0, 0.1, "someone/tiny", 1, "tiny.pth.tar", "tiny-01234567.pth"),
)

if __name__ == "__main__":
    PRESETS["tiny-published"] = TINY_PUBLISHED
    download.CHUNK = 1000
    download.main(*sys.argv[1:])
