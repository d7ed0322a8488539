"""What each edit does to a picture: known answers, and the original left as it was."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from convmixer_viz.analyses.attribution.question import blur
from convmixer_viz.errors import ChoiceError, PictureError
from convmixer_viz.pictures.decode import Picture, from_pixels, load
from convmixer_viz.pictures.edits import check, edit_original, edited, edited_all
from convmixer_viz.pictures.prepare import PreparedPicture, PreparedPictures, prepare
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.questions.picture_edits import PICTURE_EDITS, parse_all
from tests.conftest import TINY, calibrated

SIDE, PATCH = TINY.transform.size, TINY.shape.patch_size
GRID = SIDE // PATCH
CAT, COFFEE = load("gallery:cat"), load("gallery:coffee")
NOTHING = (
    "contrast:factor=1",
    "brightness:factor=1",
    "grey:share=0",
    "noise:sd=0",
    "turn:degrees=0",
    "shift",
    "blur:sigma=0",
)


def prepared(*edits: str, of: Picture = CAT, side: int | None = None) -> PreparedPicture:
    return prepare(edited(of, edits), TINY.transform, side, PATCH)


def originals(*edits: str, of: Picture = CAT) -> NDArray[np.uint8]:
    return edit_original(of.pixels, parse_all(edits))


@pytest.mark.parametrize("edit", NOTHING)
def test_an_edit_by_nothing_changes_no_bit(edit: str) -> None:
    before, after = prepared(), prepared(edit)
    assert before.array.tobytes() == after.array.tobytes()
    assert np.array_equal(before.view, after.view)
    assert np.array_equal(originals(edit), CAT.pixels)


@pytest.mark.parametrize("name", PICTURE_EDITS)
def test_an_edit_is_in_the_name_and_the_picture_is_another(name: str) -> None:
    text = {"shift": "shift:x=2", "paste": "paste:from=coffee"}.get(name, name)
    digest, picture = CAT.sha256, edited(CAT, [text])
    assert picture != CAT and repr(picture) != repr(CAT) and picture.title == f"cat, {text}"
    assert (picture.sha256, picture.pixels.tobytes()) == (digest, CAT.pixels.tobytes())
    before, after = prepared(), prepared(text)
    assert after.array.tobytes() != before.array.tobytes() and after.name == f"cat, {text}"
    assert np.array_equal(after.array, prepared(text).array) and after.array.flags.c_contiguous


def test_levels_are_multiplied_about_black_or_the_mean_grey() -> None:
    levels = from_pixels(np.repeat(np.array([[[40], [60], [200]]], np.uint8), 3, 2), "three")
    assert originals("brightness:factor=1.5", of=levels)[0, :, 0].tolist() == [60, 90, 255]
    assert originals("contrast:factor=0.5", of=levels)[0, :, 0].tolist() == [70, 80, 150]
    assert originals("contrast:factor=0", of=levels)[0, :, 0].tolist() == [100, 100, 100]
    grey = originals("grey")
    assert np.array_equal(grey[..., 0], np.asarray(Image.fromarray(CAT.pixels).convert("L")))
    assert np.array_equal(grey[..., 0], grey[..., 2])


def test_noise_has_its_deviation_and_its_seed() -> None:
    flat = from_pixels(np.full((300, 400, 3), 128, np.uint8), "flat")
    one, again, other = (
        originals(f"noise:sd=10:seed={seed}", of=flat).astype(float) for seed in (0, 0, 1)
    )
    assert np.array_equal(one, again) and not np.array_equal(one, other)
    assert one.std() == pytest.approx(10, rel=0.02) and one.mean() == pytest.approx(128, abs=0.1)
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.01


def test_two_mirrors_and_a_half_turn_are_known() -> None:
    assert np.array_equal(originals("mirror", "mirror"), CAT.pixels)
    assert np.array_equal(originals("mirror:axis=y"), CAT.pixels[::-1])
    half = originals("turn:degrees=180")
    assert np.array_equal(half, originals("mirror", "mirror:axis=y"))
    quarter = originals(
        "turn:degrees=90", of=(square := from_pixels(CAT.pixels[:90, :90], "square"))
    )
    assert np.array_equal(quarter, np.rot90(square.pixels))  # against the clock


def test_a_turn_leaves_no_empty_corner() -> None:
    white = from_pixels(np.full((40, 70, 3), 255, np.uint8), "white")
    for degrees in (-135, 7, 45, 89.5):
        turned = originals(f"turn:degrees={degrees}", of=white)
        assert turned.shape == (40, 70, 3) and turned.min() == 255


def test_a_jpeg_is_pillows() -> None:
    file = io.BytesIO()
    Image.fromarray(CAT.pixels).save(file, "JPEG", quality=30)
    assert np.array_equal(originals("jpeg:quality=30"), np.asarray(Image.open(file)))


def test_what_cannot_be_saved_or_turned_is_a_sentence() -> None:
    line = from_pixels(np.zeros((1, 65_600, 3), np.uint8), "line")
    with pytest.raises(PictureError, match="too many for a JPEG: scale it first"):
        originals("jpeg", of=line)
    with pytest.raises(PictureError, match="too long and narrow, or too many, to be turned"):
        originals("turn:degrees=45", of=line)


def test_a_shift_moves_pixels_and_mirrors_what_enters() -> None:
    before, after = prepared().array, prepared("shift:x=3:y=-2").array
    assert np.array_equal(after[:, :-2, 3:], before[:, 2:, :-3])
    assert np.array_equal(after[:, :-2, 2], before[:, 2:, 1])  # 0 is the mirror
    assert np.array_equal(after[:, -1, 3:], before[:, -3, :-3])
    far = prepared(f"shift:x={2 * (SIDE - 1)}").array
    assert np.array_equal(far, before)  # there and back


def test_a_patch_is_so_many_pixels() -> None:
    patches, pixels = prepared("shift:x=2:unit=patch"), prepared(f"shift:x={2 * PATCH}")
    assert np.array_equal(patches.array, pixels.array)


def test_a_shift_by_a_patch_moves_the_tokens_by_one_exactly() -> None:
    """On a periodic picture: its period, two patches, divides the model's side."""
    tile = np.random.default_rng(0).integers(0, 256, (2 * PATCH, 2 * PATCH, 3), np.uint8)
    periodic = from_pixels(np.tile(tile, (GRID // 2, GRID // 2, 1)), "periodic")
    stem = calibrated(TINY).embed
    with torch.no_grad():
        before, after = (
            stem(torch.from_numpy(prepared(*edits, of=periodic).array)[None])[0]
            for edits in ((), ("shift:x=1:unit=patch",))
        )
    assert torch.equal(after[:, :, 1:], before[:, :, :-1])
    assert not torch.equal(after, before)


def test_a_blur_is_that_of_the_baselines() -> None:
    before = torch.from_numpy(prepared().array)[None]
    truth = blur(before.double(), 1.3)[0].numpy()
    assert np.abs(prepared("blur:sigma=1.3").array - truth).max() < 1e-6


@pytest.mark.parametrize("fill", ["mean", "blur", "black"])
def test_without_all_tokens_the_baseline_is_left(fill: str) -> None:
    before = torch.from_numpy(prepared().array)[None]
    mean, std = (torch.tensor(t).view(3, 1, 1) for t in (TINY.transform.mean, TINY.transform.std))
    baselines = {
        "mean": torch.zeros_like(before[0]),
        "blur": blur(before, SIDE / 16)[0],
        "black": (-mean / std).expand(before[0].shape),
    }
    after = prepared(f"remove:fill={fill}")
    assert np.abs(after.array - baselines[fill].numpy()).max() <= (1e-6 if fill == "blur" else 0)
    if fill == "black":
        assert after.view.max() == 0


def test_a_removed_token_is_a_patch_and_no_more() -> None:
    before, after = prepared().array, prepared("remove:tokens=9").array
    row, column = divmod(9, GRID)
    inside = np.zeros((SIDE, SIDE), bool)
    inside[row * PATCH : (row + 1) * PATCH, column * PATCH : (column + 1) * PATCH] = True
    assert (after[:, inside] == 0).all() and np.array_equal(after[:, ~inside], before[:, ~inside])


def test_a_region_pasted_onto_itself_changes_nothing() -> None:
    before = prepared()
    for paste in ("paste:from=cat:tokens=9-11+17", "paste:from=cat:tokens=9-11+17:at=9"):
        after = prepared(paste)
        assert before.array.tobytes() == after.array.tobytes()


def test_a_region_comes_where_it_is_put() -> None:
    before, donor = prepared().array, prepared(of=COFFEE).array
    after = prepared("paste:from=coffee:tokens=0-1+8-9:at=22").array  # rows 2 and 3, columns 6, 7
    region = np.s_[:, 2 * PATCH : 4 * PATCH, 6 * PATCH : 8 * PATCH]
    assert np.array_equal(after[region], donor[:, : 2 * PATCH, : 2 * PATCH])
    after[region] = before[region]
    assert np.array_equal(after, before)


def test_a_pasted_picture_is_that_of_the_gallery_not_its_edited_self() -> None:
    whole = edited(CAT, ["paste:from=coffee", "noise"])
    assert whole.sources == (COFFEE,) and [str(edit) for edit in whole.edits] == [
        "noise",
        "paste:from=coffee",
    ]
    again = edited(whole, ["grey"], lambda name: pytest.fail(name))
    assert again.sources == (COFFEE,)
    ghost = edited(CAT, ["paste:from=x"], lambda name: edited(COFFEE, ["grey"]))
    assert ghost.sources == (COFFEE,)


def test_at_another_resolution_the_same_part_changes() -> None:
    small, large = prepared("remove:tokens=9"), prepared("remove:tokens=9", side=3 * SIDE)
    gone = (small.array == 0).all(0)
    assert np.array_equal((large.array == 0).all(0), gone.repeat(3, 0).repeat(3, 1))
    moved, before = prepared("shift:x=1", side=3 * SIDE).array, prepared(side=3 * SIDE).array
    assert np.array_equal(moved[:, :, 3:], before[:, :, :-3])


@pytest.mark.parametrize(
    ("edit", "side", "sentence"),
    [
        ("remove:tokens=64", None, "tiny has no token 64: choose 0 to 63."),
        ("remove:tokens=3:grid=16", None, "names tokens of a 16×16 grid, and tiny has 8×8"),
        ("paste:from=cat:tokens=0-1:at=7", None, "1×2 tokens doesn't fit at token 7 of 8×8"),
        ("paste:from=cat:tokens=0:at=64", None, "tiny has no token 64"),
        ("shift:x=1", 24, "choose a resolution that is a multiple of 16, not 24."),
        ("blur", 24, ""),
        ("noise", 24, ""),
        ("remove:tokens=63:grid=8", 32, ""),
    ],
)
def test_what_a_preset_has_not_is_refused(edit: str, side: int | None, sentence: str) -> None:
    if not sentence:
        return check(edited(CAT, [edit]).edits, TINY, side)
    with pytest.raises(ChoiceError) as raised:
        check(edited(CAT, [edit]).edits, TINY, side)
    assert sentence in str(raised.value)
    return None


def test_a_source_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(PictureError, match=r"There is no file nowhere\.png"):
        edited(CAT, ["paste:from=nowhere.png"])


def test_all_pictures_are_edited_and_a_source_is_read_once() -> None:
    reads: list[str] = []

    def source(name: str) -> Picture:
        reads.append(name)
        return COFFEE

    both = edited_all([CAT, COFFEE], ["paste:from=x:tokens=0"], source)
    assert [picture.title for picture in both] == [
        f"{name}, paste:from=x:tokens=0" for name in ("cat", "coffee")
    ]
    assert reads == ["x"]
    pictures = PreparedPictures(both, TINY.transform, SIDE, PATCH)
    assert pictures[1].array.tobytes() == prepared(of=COFFEE).array.tobytes()


def test_every_shipped_presets_view_is_found_again_from_its_array() -> None:
    """The view of an edited picture is read off its array: none of the levels may move."""
    levels = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    picture = from_pixels(levels, "all levels")
    for preset in PRESETS.values():
        transform = replace(preset.transform, size=16, share=1.0)
        before, after = (
            prepare(p, transform, 16, 2) for p in (picture, edited(picture, ["shift"]))
        )
        assert np.array_equal(before.view, after.view)
