"""The pictures that a command is given: read once, in order, shared out under torchrun."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from convmixer_viz import images, processes
from convmixer_viz.commands import console
from convmixer_viz.errors import PictureError
from convmixer_viz.images import DecodedImage


def read(names: Sequence[str]) -> list[DecodedImage]:
    """The pictures of these paths, folders and gallery names. What a folder holds and can't be
    read is named on standard error and left out; what is named outright must be readable."""
    texts = images.expand(names)
    readable, left_out = [], []
    for text, image in zip(texts, _found(texts), strict=True):
        if isinstance(image, DecodedImage):
            readable.append(image)
        elif text in names:
            raise image
        else:
            left_out.append(image)
    if left_out and not readable:
        raise PictureError(f"No picture of {', '.join(names)} can be read: {left_out[0]}")
    if processes.process()[0] == 0:
        for error in left_out:
            print(f"left out: {error}", file=sys.stderr)
    return readable


def _found(texts: Sequence[str]) -> list[DecodedImage | PictureError]:
    number, many = processes.process()
    mine = texts[number::many]
    progress, found = console.Progress(), []
    for image in images.load_all(mine, images.HELD if many == 1 else 0):
        found.append(image)
        progress.tell(f"reading pictures: {len(found)} of {len(mine)}")
    progress.clear()
    return found if many == 1 else processes.gathered(found)
