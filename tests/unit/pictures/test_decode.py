"""Every kind of picture becomes upright RGB, and every bad one its own clear sentence."""

from __future__ import annotations

import io
import os
import struct
import sys
import zlib
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from PIL import Image, ImageOps

from convmixer_viz.errors import PictureError
from convmixer_viz.pictures import decode

RNG = np.random.default_rng(0)
PHOTO = RNG.integers(0, 256, (6, 8, 3), np.uint8)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_claiming(width: int, height: int) -> bytes:
    """A PNG whose header claims a size that its data doesn't have."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 100)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def test_rgb_keeps_every_pixel_and_is_read_only() -> None:
    picture = decode.decode(encoded(Image.fromarray(PHOTO)), "photo.png")
    assert np.array_equal(picture.pixels, PHOTO)
    assert (picture.name, picture.width, picture.height, picture.notes) == ("photo.png", 8, 6, ())
    with pytest.raises(ValueError, match="read-only"):
        picture.pixels[0, 0, 0] = 1


def test_equality_is_by_pixels_and_shape_not_by_name_or_file() -> None:
    one = decode.decode(encoded(Image.fromarray(PHOTO)), "one.png")
    two = decode.decode(encoded(Image.fromarray(PHOTO), "BMP"), "two.bmp")
    assert one == two and hash(one) == hash(two) and len({one, two}) == 1
    reshaped = decode.from_pixels(PHOTO.reshape(8, 6, 3), "turned")
    assert reshaped != one
    changed = PHOTO.copy()
    changed[5, 7, 2] ^= 1
    assert decode.from_pixels(changed, "one.png") != one


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    turns = [
        lambda a: a,
        lambda a: a[:, ::-1],
        lambda a: a[::-1, ::-1],
        lambda a: a[::-1],
        lambda a: a.transpose(1, 0, 2),
        lambda a: np.rot90(a, -1),
        lambda a: np.rot90(a[:, ::-1], 1),
        lambda a: np.rot90(a, 1),
    ]
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = decode.decode(encoded(Image.fromarray(PHOTO), exif=exif))
    expected = turns[orientation - 1](PHOTO)
    if orientation == 7:  # transverse: turned by 180° and transposed
        expected = PHOTO[::-1, ::-1].transpose(1, 0, 2)
    assert np.array_equal(picture.pixels, expected)


def test_palette_keeps_its_colours() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((1, 0), 1)
    picture = decode.decode(encoded(image))
    assert picture.pixels.tolist() == [[[10, 20, 30], [200, 100, 50]]]


def test_alpha_goes_on_white_and_says_so() -> None:
    image = Image.new("RGBA", (3, 1), (200, 0, 0, 255))
    image.putpixel((1, 0), (200, 0, 0, 0))
    image.putpixel((2, 0), (0, 0, 0, 51))
    picture = decode.decode(encoded(image))
    assert picture.pixels.tolist() == [[[200, 0, 0], [255, 255, 255], [204, 204, 204]]]
    assert picture.notes == ("transparent parts shown on white",)
    opaque = decode.decode(encoded(Image.new("RGBA", (2, 2), (1, 2, 3, 255))))
    assert opaque.notes == () and opaque.pixels[0, 0].tolist() == [1, 2, 3]


def test_transparent_palette_entry_and_colour_key_go_on_white() -> None:
    palette = Image.new("P", (1, 1))
    palette.putpalette([10, 20, 30])
    assert decode.decode(encoded(palette, transparency=0)).pixels.tolist() == [[[255] * 3]]
    keyed = encoded(Image.new("RGB", (1, 1), (9, 9, 9)), transparency=(9, 9, 9))
    assert decode.decode(keyed).pixels.tolist() == [[[255] * 3]]


def test_cmyk_becomes_rgb() -> None:
    cyan = encoded(Image.new("CMYK", (8, 8), (255, 0, 0, 0)), "TIFF")
    picture = decode.decode(cyan)
    assert picture.pixels[4, 4].tolist() == [0, 255, 255]
    assert picture.notes == ("CMYK shown without its colour profile",)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_keep_their_whole_range(kind: str) -> None:
    values = np.array([[0, 128, 257 * 100, 257 * 100 + 129, 65535]], np.uint16)
    picture = decode.decode(encoded(Image.fromarray(values), kind))
    assert picture.pixels[0, :, 0].tolist() == [0, 0, 100, 101, 255]
    assert picture.notes == ("16 bits scaled to 8",)


def test_floats_use_their_own_range_and_nan_is_refused() -> None:
    values = np.array([[-1.0, 0.0, 3.0]], np.float32)
    picture = decode.decode(encoded(Image.fromarray(values), "TIFF"))
    assert picture.pixels[0, :, 0].tolist() == [0, 64, 255]
    assert picture.notes == ("values -1 … 3 scaled to 0 … 255",)
    values[0, 1] = np.nan
    with pytest.raises(PictureError, match="damaged"):
        decode.decode(encoded(Image.fromarray(values), "TIFF"))


@pytest.mark.parametrize("mode", ["1", "L", "LA"])
def test_grey_has_three_equal_channels(mode: str) -> None:
    picture = decode.decode(encoded(Image.fromarray(PHOTO).convert(mode)))
    assert picture.pixels.shape == (6, 8, 3)
    assert (picture.pixels == picture.pixels[:, :, :1]).all() and len(set(picture.pixels.flat)) > 1


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_animation_gives_its_first_frame(kind: str) -> None:
    frames = [Image.new("RGB", (16, 16), (level, level, level)) for level in (250, 100, 0)]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    picture = decode.decode(data)
    assert picture.pixels[0, 0].tolist() == [250] * 3
    assert picture.notes == ("first frame of 3",)


def test_damaged_exif_is_noted_and_the_picture_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(image: Image.Image) -> NoReturn:
        raise SyntaxError("not a TIFF file")

    monkeypatch.setattr(ImageOps, "exif_transpose", fail)
    picture = decode.decode(encoded(Image.fromarray(PHOTO)))
    assert np.array_equal(picture.pixels, PHOTO)
    assert picture.notes == ("its EXIF can't be read: shown as stored",)


@pytest.mark.parametrize(
    ("data", "name", "sentence"),
    [
        (b"", "a.png", "a.png is empty"),
        (b"hello, world", "a.png", "a.png is not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "a.eps", "not an image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.svg", "not an image"),
        (encoded(Image.fromarray(PHOTO)), "a.HEIC", "a.HEIC is HEIC"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a.jpg", "a.jpg is HEIC"),
        (png_claiming(8001, 8001), "a.png", "8001×8001 pixels: 64 million"),
        (png_claiming(10_000, 10_000), "a.png", "64 million"),
        (png_claiming(60_000, 60_000), "a.png", "64 million"),
    ],
)
def test_bad_bytes_have_their_own_sentence(data: bytes, name: str, sentence: str) -> None:
    with pytest.raises(PictureError, match=sentence):
        decode.decode(data, name)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"])
def test_every_truncation_is_a_picture_error(kind: str) -> None:
    whole = encoded(Image.fromarray(RNG.integers(0, 256, (32, 32, 3), np.uint8)), kind)
    for share in (0.02, 0.3, 0.6, 0.9):
        with pytest.raises(PictureError, match=r"cut off or damaged|not an image"):
            decode.decode(whole[: int(len(whole) * share)], "a")
    with pytest.raises(PictureError, match="cut off or damaged"):
        decode.decode(whole[: len(whole) // 2], "a")


def test_too_many_bytes_are_refused_before_decoding(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data = encoded(Image.fromarray(PHOTO))
    path = tmp_path / "a.png"
    path.write_bytes(data)
    monkeypatch.setattr(decode, "MAX_BYTES", len(data) - 1)
    monkeypatch.setattr(decode, "_open", lambda *_: pytest.fail("opened"))
    for source in (data, path):
        with pytest.raises(PictureError, match="larger than"):
            decode.decode(source)


def test_paths_that_are_no_pictures(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="There is no file"):
        decode.load(str(tmp_path / "none.png"))
    with pytest.raises(PictureError, match="is a folder"):
        decode.load(str(tmp_path))
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(PictureError, match="not a regular file"):
        decode.load(str(tmp_path / "pipe.png"))
    for name in ("a\0b.png", "a" * 5000):
        with pytest.raises(PictureError, match=r"can't be read|no file"):
            decode.load(name)


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    class Input:
        buffer = io.BytesIO(encoded(Image.fromarray(PHOTO)))

    monkeypatch.setattr(sys, "stdin", Input)
    picture = decode.load("-")
    assert np.array_equal(picture.pixels, PHOTO) and picture.name == "standard input"
    with pytest.raises(PictureError, match="standard input is empty"):
        decode.load("-")


def test_pictures_beyond_the_bytes_stay_in_their_files(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for number, path in enumerate(paths):
        path.write_bytes(encoded(Image.fromarray(np.roll(PHOTO, number))))
    (tmp_path / "bad.png").write_bytes(b"x")
    sources: list[decode.PictureSource] = [
        str(paths[0]),
        paths[1],
        tmp_path / "bad.png",
        str(paths[2]),
        "gallery:dot",
    ]
    loaded = list(decode.load_all(sources, max_bytes=PHOTO.nbytes))
    assert isinstance(loaded[2], PictureError) and "bad.png" in str(loaded[2])
    first, second, third, dot = (i for i in loaded if isinstance(i, decode.Picture))
    contents = [image.content for image in (first, second, third, dot)]
    in_memory = [isinstance(content, np.ndarray) for content in contents]
    assert in_memory == [True, False, False, True]
    for path, image in zip(paths, (first, second, third), strict=True):
        whole = decode.decode(path)
        assert (image, repr(image), image.notes) == (whole, repr(whole), whole.notes)
        assert np.array_equal(image.pixels, whole.pixels)
    paths[2].write_bytes(paths[1].read_bytes())
    with pytest.raises(PictureError, match=r"2\.png has changed since"):
        _ = third.pixels


def test_folders_expand_sorted_to_pictures_only(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpg", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    inside = [str(tmp_path / "a.jpg"), str(tmp_path / "b.PNG")]
    assert decode.expand(["gallery:cat", str(tmp_path), "-"]) == ["gallery:cat", *inside, "-"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(PictureError, match="holds no pictures"):
        decode.expand([str(tmp_path / "empty")])
