"""Decode a picture (path, bytes, gallery name or standard input) into RGB as a person sees it."""

from __future__ import annotations

import difflib
import hashlib
import io
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from convmixer_viz.errors import PictureError
from convmixer_viz.pictures.gallery import GALLERY, photograph
from convmixer_viz.questions.picture_edits import PictureEdit, in_words

MAX_BYTES = 64 * 2**20  # of the file
MAX_PIXELS = 64_000_000  # width × height; checked before anything is decoded
DECODED_BYTES = 256 * 2**20  # of the pictures of one request that stay in memory as pixels
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF")
SUFFIXES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".webp",
    ".gif",
    ".bmp",
    ".tif",
    ".tiff",
    ".ppm",
    ".pgm",
    ".pnm",
    ".jp2",
    ".avif",
)
HEIC_MARKS = (b"ftypheic", b"ftypheix", b"ftyphevc", b"ftypheim", b"ftypheis", b"ftypmif1")
FIRST_BYTES = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"GIF8", b"BM", b"II*\0", b"MM\0*")
READABLE_FORMATS = "PNG, JPEG, WebP, GIF, BMP, TIFF, PPM, JPEG 2000 or AVIF"


class Elsewhere(Protocol):
    """Pixels that another process decodes, each time they are needed."""

    @property
    def file(self) -> bytes: ...
    @property
    def preview(self) -> NDArray[np.uint8]: ...  # (h, w, 3), small
    def view(self, cut: Any, edits: Sequence[PictureEdit]) -> NDArray[np.uint8]:
        """(side, side, 3): the picture with the edits of the original, resized and cut."""
        ...


@dataclass(frozen=True, slots=True)
class Picture:
    """An RGB picture; equal to another when width, height, every pixel and the edits are equal.
    The edits are made when it is prepared: all else here is of the original."""

    name: str = field(compare=False)
    sha256: str  # of width, height and pixels
    width: int
    height: int
    content: NDArray[np.uint8] | Path | Elsewhere = field(compare=False, repr=False)
    notes: tuple[str, ...] = field(default=(), compare=False)  # what decoding had to decide
    edits: tuple[PictureEdit, ...] = ()  # in their order
    sources: tuple[Picture, ...] = ()  # what its edits paste, in their order

    @property
    def title(self) -> str:
        """Its name, and its edits in words."""
        return f"{self.name}, {in_words(self.edits)}" if self.edits else self.name

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """(h, w, 3), read-only; decoded at each call where the picture was left in its file. Not
        of a stranger's picture: what is seen of that comes from elsewhere."""
        content = self.content
        if isinstance(content, np.ndarray):
            return content
        assert isinstance(content, Path), f"{self.name} is decoded elsewhere"
        again = decode(content)
        if again.sha256 != self.sha256:
            raise PictureError(f"{content} has changed since it was first read: start again.")
        return again.pixels


PictureSource = str | Path | bytes | Picture


def load(picture: PictureSource) -> Picture:
    """The picture of a path, of `gallery:NAME`, of `-` (standard input), or of a file's bytes."""
    if isinstance(picture, Picture):
        return picture
    if picture == "-":
        return decode(sys.stdin.buffer.read(MAX_BYTES + 1), "standard input")
    if isinstance(picture, str) and picture.startswith("gallery:"):
        return _gallery(picture.removeprefix("gallery:"))
    return decode(picture)


def named(name: str) -> Picture:
    """The picture of a name of the gallery, or of a path."""
    return _gallery(name) if name in GALLERY else decode(Path(name))


def load_all(pictures: Iterable[PictureSource], max_bytes: int) -> Iterator[Picture | PictureError]:
    """One after another, each picture or what is wrong with it. Those after the first `max_bytes`
    of pixels are left in their files: memory stays bounded, whatever their number."""
    for picture in pictures:
        try:
            image = load(picture)
        except PictureError as error:
            yield error
            continue
        max_bytes -= 3 * image.width * image.height
        file = _file(picture)
        yield replace(image, content=file) if file and max_bytes < 0 else image


def expand(texts: Iterable[str]) -> list[str]:
    """The same names with each folder replaced by the pictures inside it, sorted."""
    return [source for text in texts for source in _expand(text)]


def decode(source: str | Path | bytes, name: str | None = None) -> Picture:
    """An image file, by path or as its bytes, as upright RGB; a PictureError says what is wrong."""
    if not isinstance(source, bytes):
        path = Path(source)
        return decode(_read(path), name or path.name)
    name = name or "picture"
    _check_bytes(source, name)
    image = _open(source, name)
    if image.width * image.height > MAX_PIXELS:
        raise PictureError(_too_many_pixels(name, f"{image.width}×{image.height}"))
    rgb, notes = _rgb(image, name)
    return from_pixels(np.asarray(rgb), name, notes)


def from_pixels(pixels: NDArray[np.uint8], name: str, notes: tuple[str, ...] = ()) -> Picture:
    """A picture from its pixels, (h, w, 3) of 0 … 255."""
    frozen = np.array(pixels, np.uint8, order="C")
    frozen.flags.writeable = False
    digest = hashlib.sha256(np.array(frozen.shape[1::-1], "<u4").tobytes())  # width, height
    digest.update(frozen.data)
    height, width = frozen.shape[:2]
    return Picture(name, digest.hexdigest(), width, height, frozen, notes)


def small(pixels: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    """(h, w, 3), at most so wide."""
    image = Image.fromarray(pixels)
    image.thumbnail((width, image.height))
    return np.asarray(image)


def preview(image: Picture, width: int) -> NDArray[np.uint8]:
    """A picture as people see it beside a choice, (h, w, 3), at most so wide."""
    if isinstance(image.content, np.ndarray | Path):
        return small(image.pixels, width)
    return image.content.preview


def _gallery(name: str) -> Picture:
    if name not in GALLERY:
        near = difflib.get_close_matches(name, GALLERY, 1)
        hint = f"did you mean gallery:{near[0]}?" if near else f"choose {', '.join(GALLERY)}."
        raise PictureError(f"The gallery has no picture {name!r}: {hint}")
    source = GALLERY[name][1]
    if isinstance(source, str):
        return decode(photograph(source), name)
    return from_pixels(source(), name)


def _file(picture: PictureSource) -> Path | None:
    """Where a picture can be read again, if anywhere."""
    if isinstance(picture, str) and picture != "-" and not picture.startswith("gallery:"):
        return Path(picture)
    return picture if isinstance(picture, Path) else None


def _expand(text: str) -> list[str]:
    folder = _file(text)
    if folder is None or not folder.is_dir():
        return [text]
    inside = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)
    if not inside:
        raise PictureError(f"The folder {text} holds no pictures ({READABLE_FORMATS}).")
    return [str(path) for path in inside]


def _read(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise PictureError(f"{path} is a folder: name a picture inside it.")
        if not path.exists():
            raise PictureError(
                f"There is no file {path}: check the path, or try gallery:cat, which needs none."
            )
        if not path.is_file():  # a device or a pipe might never end
            raise PictureError(f"{path} is not a regular file: save the picture first.")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise PictureError(f"{path} can't be read ({error}): check its permissions.") from error


def _check_bytes(data: bytes, name: str) -> None:
    if not data:
        raise PictureError(f"{name} is empty: it holds no bytes at all; save or copy it again.")
    if len(data) > MAX_BYTES:
        limit = MAX_BYTES // 2**20
        raise PictureError(f"{name} is larger than {limit} MiB: save it smaller first.")
    if name.lower().endswith((".heic", ".heif")) or data[4:12] in HEIC_MARKS:
        raise PictureError(f"{name} is HEIC, which isn't served: save it as JPEG or PNG first.")


def _open(data: bytes, name: str) -> Image.Image:
    try:  # the literal list of formats keeps out those that run other programs, as EPS does
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError(_too_many_pixels(name, "too many")) from error
    except Exception as error:  # a decoder may raise anything over foreign bytes
        if data.startswith(FIRST_BYTES):
            raise PictureError(_damaged(name)) from error
        raise PictureError(
            f"{name} is not an image that can be read: use {READABLE_FORMATS}."
        ) from error


def _rgb(image: Image.Image, name: str) -> tuple[Image.Image, tuple[str, ...]]:
    notes: list[str] = []
    try:
        frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
        image.seek(0)
        image.load()
        image = _upright(image, notes)
        if frames > 1:
            notes.append(f"first frame of {frames}")
        return _flatten(image, notes), tuple(notes)
    except MemoryError as error:
        raise PictureError(f"{name} takes more memory than there is: scale it first.") from error
    except Exception as error:  # a decoder may raise anything over foreign bytes
        raise PictureError(_damaged(name)) from error


def _upright(image: Image.Image, notes: list[str]) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # damaged EXIF beside sound pixels
        notes.append("its EXIF can't be read: shown as stored")
        return image


def _flatten(image: Image.Image, notes: list[str]) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        return _eight_bits(image, notes).convert("RGB")
    if image.has_transparency_data:
        return _on_white(image.convert("RGBA"), notes)
    if image.mode == "CMYK":
        notes.append("CMYK shown without its colour profile")
    return image.convert("RGB")


def _on_white(image: Image.Image, notes: list[str]) -> Image.Image:
    if image.getchannel("A").getextrema() != (255, 255):
        notes.append("transparent parts shown on white")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def _eight_bits(image: Image.Image, notes: list[str]) -> Image.Image:
    """Grey of 16 bits by its full range; wider integers and floats by their own range."""
    values = np.asarray(image).astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("NaN or infinite pixels")
    low, high = 0.0, 65535.0
    if image.mode == "F" or values.min() < 0 or values.max() > 65535:
        low, high = float(values.min()), float(values.max())
        notes.append(f"values {low:g} … {high:g} scaled to 0 … 255")
    else:
        notes.append("16 bits scaled to 8")
    levels = (values - low) * (255 / max(high - low, 1e-300))
    return Image.fromarray(np.rint(levels).astype(np.uint8))


def _too_many_pixels(name: str, size: str) -> str:
    return f"{name} has {size} pixels: {MAX_PIXELS // 10**6} million are the limit, so scale it."


def _damaged(name: str) -> str:
    return f"{name} is cut off or damaged: copy or save it again."
