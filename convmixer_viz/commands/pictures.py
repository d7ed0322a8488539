"""Reads a command's pictures, once and in order; under torchrun each process decodes a share."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from convmixer_viz.commands import console
from convmixer_viz.engine import distributed
from convmixer_viz.errors import PictureError
from convmixer_viz.pictures import decode
from convmixer_viz.pictures.decode import Picture
from convmixer_viz.questions.picture_edits import PictureEdit, parse_all


def add_edits(command: argparse.ArgumentParser) -> None:
    """The flag --picture-edit."""
    sentence = "change each picture: NAME[:KEY=VALUE…], once for each edit, in their order"
    command.add_argument(
        "--picture-edit",
        action="append",
        default=[],
        dest="picture_edits",
        metavar="EDIT",
        help=sentence,
    )


def edits(arguments: argparse.Namespace) -> tuple[PictureEdit, ...]:
    """What --picture-edit says, where a command has it."""
    return parse_all(getattr(arguments, "picture_edits", ()))


def read(names: Sequence[str]) -> list[Picture]:
    """The pictures of these paths, folders and gallery names. A file that is named must be
    readable; one inside a folder that isn't is left out, and reported on standard error."""
    texts = decode.expand(names)
    readable, left_out = [], []
    for text, image in zip(texts, _decode(texts), strict=True):
        if isinstance(image, Picture):
            readable.append(image)
        elif text in names:
            raise image
        else:
            left_out.append(image)
    if left_out and not readable:
        raise PictureError(f"No picture of {', '.join(names)} can be read: {left_out[0]}")
    if distributed.process().rank == 0:
        for error in left_out:
            console.tell(f"left out: {error}")
    return readable


def _decode(texts: Sequence[str]) -> list[Picture | PictureError]:
    process = distributed.process()
    share, alone = texts[process.rank :: process.size], process.size == 1
    progress, decoded = console.ProgressLine(), []
    for image in decode.load_all(share, decode.DECODED_BYTES if alone else 0):
        decoded.append(image)
        progress.show(f"reading pictures: {len(decoded)} of {len(share)}")
    progress.clear()
    return decoded if alone else distributed.gathered(decoded)
