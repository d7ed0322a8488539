"""Labelled pictures for training and evaluation: a folder a class, or torchvision's CIFAR-10."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from convmixer_viz.errors import DataError, PictureError
from convmixer_viz.pictures import decode as pictures_decode
from convmixer_viz.pictures.prepare import prepare
from convmixer_viz.presets.table import Transform

Split = Literal["train", "test"]
_FOLDERS: dict[Split, tuple[str, ...]] = {"train": ("train",), "test": ("test", "val")}
_BATCHES = "cifar-10-batches-py"  # torchvision's CIFAR10
_HELD_OUT = 10  # of a folder without splits, every tenth picture of a class is for testing


Source = Path | Tensor  # a file, or the decoded pixels (3, h, w) uint8 of CIFAR-10's own batches


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """Which pictures there are, the class of each, and the classes' names."""

    sources: Sequence[Source]
    labels: Sequence[int]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def share(self, number: int, of: int) -> Listing:
        """Every `of`-th picture, from the one of this number on."""
        return Listing(self.sources[number::of], self.labels[number::of], self.classes)


@dataclass(frozen=True, slots=True, eq=False)
class LabelledPictures:
    """Decoded pictures in memory, and the files that could not be read."""

    pixels: Tensor  # (n, 3, h, w) uint8
    labels: Tensor  # (n,) int64
    classes: tuple[str, ...]
    unreadable: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)


def find(data_dir: Path, split: Split) -> Listing:
    """The pictures of a split: `train/`, `test/` or `val/` inside, or the folder itself, of which
    every tenth picture of a class is then the test set."""
    if not data_dir.is_dir():
        raise DataError(f"There is no folder {data_dir}: give a folder of pictures.")
    if (data_dir / _BATCHES).is_dir():
        return _cifar10(data_dir, split)
    for name in _FOLDERS[split]:
        if (data_dir / name).is_dir():
            return _listing(data_dir / name)
    if _has_splits(data_dir):
        names = " or ".join(f"{name}/" for name in _FOLDERS[split])
        raise DataError(f"{data_dir} has no {names}: add it, or give one folder a class.")
    return _held_out(_listing(data_dir), split)


def labelled(data_dir: Path) -> Listing:
    """What `evaluate` measures: the test split where there are splits, else the whole folder."""
    if data_dir.is_dir() and not _has_splits(data_dir):
        return _listing(data_dir)
    return find(data_dir, "test")


def _has_splits(data_dir: Path) -> bool:
    names = (_BATCHES, *_FOLDERS["train"], *_FOLDERS["test"])
    return any((data_dir / name).is_dir() for name in names)


def _listing(folder: Path) -> Listing:
    classes = sorted(path.name for path in folder.iterdir() if path.is_dir())
    labelled_files = [
        (path, label)
        for label, name in enumerate(classes)
        for path in sorted((folder / name).rglob("*"))
        if path.suffix.lower() in pictures_decode.SUFFIXES
    ]
    if not labelled_files:
        raise DataError(f"{folder} holds no pictures: it needs one folder a class, with pictures.")
    files, labels = zip(*labelled_files, strict=True)
    if empty := [name for label, name in enumerate(classes) if label not in set(labels)]:
        raise DataError(f"{folder} has no picture in {', '.join(empty)}: fill or remove it.")
    return Listing(files, labels, tuple(classes))


def _held_out(listing: Listing, split: Split) -> Listing:
    seen, chosen = [0] * len(listing.classes), []
    for place, label in enumerate(listing.labels):
        if (seen[label] % _HELD_OUT == 0) == (split == "test"):
            chosen.append(place)
        seen[label] += 1
    sources = [listing.sources[place] for place in chosen]
    return Listing(sources, [listing.labels[place] for place in chosen], listing.classes)


def _cifar10(data_dir: Path, split: Split) -> Listing:
    from torchvision.datasets import CIFAR10

    try:
        stored = CIFAR10(data_dir, train=split == "train")
    except (RuntimeError, OSError, EOFError) as error:
        raise DataError(f"{data_dir / _BATCHES} is not whole: fetch it anew.") from error
    pixels = torch.from_numpy(stored.data).permute(0, 3, 1, 2)
    return Listing(list(pixels), stored.targets, tuple(stored.classes))


def decode(source: Source, transform: Transform) -> Tensor:
    """One picture as the preset sees it, uint8 (3, size, size)."""
    if isinstance(source, Tensor):
        return source
    view = prepare(pictures_decode.decode(source), transform).view
    return torch.from_numpy(view.copy()).permute(2, 0, 1)


def _try(source: Source, transform: Transform) -> Tensor | str:
    """The picture, or why it can't be read."""
    try:
        return decode(source, transform)
    except PictureError as error:
        return f"{source.parent.name}/{error}" if isinstance(source, Path) else str(error)


def batches(listing: Listing, transform: Transform, rows: int) -> Iterator[LabelledPictures]:
    """Decode a listing, `rows` pictures at a time; what can't be read is left out and named."""
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(listing), rows):
            part = slice(start, start + rows)
            decoded = list(pool.map(lambda one: _try(one, transform), listing.sources[part]))
            yield _pictures(decoded, listing.labels[part], listing.classes, transform.size)


def _pictures(
    decoded: list[Tensor | str], labels: Sequence[int], classes: tuple[str, ...], size: int
) -> LabelledPictures:
    good = [(p, n) for p, n in zip(decoded, labels, strict=True) if not isinstance(p, str)]
    none = torch.empty(0, 3, size, size, dtype=torch.uint8)
    return LabelledPictures(
        torch.stack([p for p, _ in good]) if good else none,
        torch.tensor([n for _, n in good], dtype=torch.int64),
        classes,
        tuple(reason for reason in decoded if isinstance(reason, str)),
    )


def load(data_dir: Path, split: Split, transform: Transform) -> LabelledPictures:
    """Decode a whole split into memory."""
    listing = find(data_dir, split)
    parts = list(batches(listing, transform, 1024))
    if not any(map(len, parts)):
        raise DataError(f"No picture in {data_dir} can be read: give whole PNG or JPEG files.")
    return LabelledPictures(
        torch.cat([part.pixels for part in parts]),
        torch.cat([part.labels for part in parts]),
        listing.classes,
        tuple(name for part in parts for name in part.unreadable),
    )
