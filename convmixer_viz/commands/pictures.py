"""The pictures that a command is given: read once, in order, shared out under torchrun."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from convmixer_viz.commands import console
from convmixer_viz.engine import distributed
from convmixer_viz.errors import PictureError
from convmixer_viz.pictures import decode
from convmixer_viz.pictures.decode import Picture


def read(names: Sequence[str]) -> list[Picture]:
    """The pictures of these paths, folders and gallery names. What a folder holds and can't be
    read is named on standard error and left out; what is named outright must be readable."""
    texts = decode.expand(names)
    readable, left_out = [], []
    for text, image in zip(texts, _found(texts), strict=True):
        if isinstance(image, Picture):
            readable.append(image)
        elif text in names:
            raise image
        else:
            left_out.append(image)
    if left_out and not readable:
        raise PictureError(f"No picture of {', '.join(names)} can be read: {left_out[0]}")
    if distributed.process()[0] == 0:
        for error in left_out:
            print(f"left out: {error}", file=sys.stderr)
    return readable


def _found(texts: Sequence[str]) -> list[Picture | PictureError]:
    number, many = distributed.process()
    mine = texts[number::many]
    progress, found = console.Progress(), []
    for image in decode.load_all(mine, decode.HELD if many == 1 else 0):
        found.append(image)
        progress.tell(f"reading pictures: {len(found)} of {len(mine)}")
    progress.clear()
    return found if many == 1 else distributed.gathered(found)
