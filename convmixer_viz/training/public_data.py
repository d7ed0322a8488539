"""Fetches public data sets into the user's cache, as folders of pictures, one a class."""

from __future__ import annotations

import http.client
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from torchvision.datasets import CIFAR10
from torchvision.datasets.utils import check_integrity, extract_archive

from convmixer_viz.errors import DataError
from convmixer_viz.weights import user_folder

CHUNK = 2**18  # bytes
TIMEOUT = 30  # seconds without an answer
EVERY = 500  # pictures between two reports
Report = Callable[[str, int, int], None]  # what is done, how much of it, of how much


@dataclass(frozen=True, slots=True)
class PublicData:
    """Where a data set's archive is, with its published checksum."""

    url: str
    md5: str
    megabytes: int
    unpack: Callable[[Path, Path, Report], None]  # from an archive, into an empty folder


def fetch(name: str, report: Report) -> Path:
    """The folder of a data set, fetched where it isn't there. A download that broke off is
    continued; an archive that is not the published one is thrown away."""
    if name not in PUBLIC:
        raise DataError(f"There is no public data set {name!r}: fetch {' or '.join(PUBLIC)}.")
    source, folder = PUBLIC[name], user_folder.data_sets() / name
    if folder.is_dir():
        return folder
    archive = user_folder.data_sets() / ".archives" / source.url.rpartition("/")[2]
    try:
        archive.parent.mkdir(parents=True, exist_ok=True)
        if not check_integrity(archive, source.md5):
            _download(source, archive, report)
        with tempfile.TemporaryDirectory(dir=archive.parent) as scratch:
            pictures = Path(scratch) / name
            pictures.mkdir()
            source.unpack(archive, pictures, report)
            pictures.replace(folder)
        archive.unlink()
    except (OSError, http.client.HTTPException) as error:
        raise DataError(f"{name} could not be fetched ({_why(error)}): try again.") from error
    return folder


def _why(error: BaseException) -> str:
    cause = getattr(error, "reason", error)  # urllib wraps the system's error
    return getattr(cause, "strerror", None) or str(cause) or type(cause).__name__


def _download(source: PublicData, archive: Path, report: Report) -> None:
    """Fetch what is missing; it has the archive's name only after its checksum was right."""
    part = archive.with_name(f"{archive.name}.part")
    try:
        _append(source, part, report)
    except urllib.error.HTTPError as error:
        if error.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE:  # it is all there
            raise
    if not check_integrity(part, source.md5):
        part.unlink(missing_ok=True)
        raise OSError("what came is not the published archive, and was thrown away")
    part.replace(archive)


def _append(source: PublicData, part: Path, report: Report) -> None:
    done = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(source.url, headers={"Range": f"bytes={done}-"})
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        if answer.status != http.client.PARTIAL_CONTENT:
            done = 0  # the server sends all of it again
        total = done + int(answer.headers.get("Content-Length") or 0)
        with part.open("ab" if done else "wb") as file:
            while chunk := answer.read(CHUNK):
                done += file.write(chunk)
                report("bytes", done, max(done, total))
    if done < total:
        raise OSError(f"the connection broke off at {done} of {total} bytes")


def _unpack_cifar10(archive: Path, folder: Path, report: Report) -> None:
    """torchvision's batches as PNG files: train/ and test/, a folder a class."""
    shutil.copy(archive, folder)
    extract_archive(folder / archive.name, remove_finished=True)
    batches = {part: CIFAR10(folder, train=part == "train") for part in ("train", "test")}
    total, done = sum(len(batch.data) for batch in batches.values()), 0
    for part, batch in batches.items():
        for name in batch.classes:
            (folder / part / name).mkdir(parents=True)
        for number, (pixels, label) in enumerate(zip(batch.data, batch.targets, strict=True)):
            place = folder / part / batch.classes[label] / f"{number:05d}.png"
            Image.fromarray(pixels).save(place)
            done += 1
            if done % EVERY == 0:
                report("pictures", done, total)
    shutil.rmtree(folder / CIFAR10.base_folder)


def _unpack_imagenette(archive: Path, folder: Path, report: Report) -> None:
    """train/ and val/, a folder a synset."""
    report("archive", 0, 1)
    extract_archive(archive, folder)
    (inside,) = (path for path in folder.iterdir() if path.is_dir())
    for part in ("train", "val"):
        (inside / part).replace(folder / part)
    shutil.rmtree(inside)
    report("archive", 1, 1)


PUBLIC = {
    "cifar10": PublicData(CIFAR10.url, CIFAR10.tgz_md5, 170, _unpack_cifar10),
    "imagenette": PublicData(  # shorter side 320, as torchvision's Imagenette(size="320px")
        "https://s3.amazonaws.com/fast-ai-imageclas/imagenette2-320.tgz",
        "3df6f0d01a2c9592104656642f5e78a3",
        326,
        _unpack_imagenette,
    ),
}
