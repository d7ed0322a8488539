"""Each augmentation does what it says, a draw a picture, out of one seed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from convmixer_viz.pictures import decode
from convmixer_viz.pictures.prepare import prepare
from convmixer_viz.presets.table import CIFAR10, PRESETS
from convmixer_viz.training.augment import alternating, augment, normalise, shrink
from convmixer_viz.training.recipes import Recipe

PLAIN = Recipe(preset="cifar10-256-8", epochs=1, flip=False)
PICTURES = torch.randint(
    0, 256, (64, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
)
LABELS = torch.arange(64) % 10


def run(seed: int = 0, **options: Any) -> tuple[Tensor, Tensor]:
    return augment(PICTURES, LABELS, replace(PLAIN, **options), classes=10, seed=seed)


def test_nothing_on_changes_nothing() -> None:
    pictures, targets = run()
    assert torch.equal(pictures, PICTURES)
    assert torch.equal(targets, F.one_hot(LABELS, 10).float())


def test_one_seed_one_draw_and_global_generator_untouched() -> None:
    options: dict[str, Any] = {
        "shift": 2,
        "flip": True,
        "jitter": 0.2,
        "erase": 0.5,
        "hole": 3,
        "mixup": 0.4,
    }
    state = torch.get_rng_state()
    first, again, other = run(3, **options), run(3, **options), run(4, **options)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])


def test_shift_takes_a_window_of_the_reflected_picture() -> None:
    shifted, _ = run(shift=2)
    padded = F.pad(PICTURES.float(), (2, 2, 2, 2), mode="reflect")
    windows = [padded[:, :, i : i + 8, j : j + 8] for i in range(5) for j in range(5)]
    which = torch.stack([(window == shifted).flatten(1).all(1) for window in windows])
    assert which.any(0).all()
    assert which.any(1).sum() > 12  # of 25 windows, over 64 pictures


def test_flip_mirrors_about_half() -> None:
    flipped, _ = run(flip=True)
    mirrored = (flipped == PICTURES.flip(3)).flatten(1).all(1)
    same = (flipped == PICTURES).flatten(1).all(1)
    assert (mirrored ^ same).all()
    assert 16 < mirrored.sum() < 48


def test_alternating_flips_mirror_the_named_pictures_and_draw_nothing() -> None:
    chosen = alternating(64, seed=0, epoch=1)
    flipped, _ = augment(
        PICTURES, LABELS, replace(PLAIN, flip=True), classes=10, seed=0, mirrored=chosen
    )
    assert torch.equal(flipped[chosen], PICTURES[chosen].flip(3))
    assert torch.equal(flipped[~chosen], PICTURES[~chosen])


def test_alternating_takes_every_picture_in_every_other_epoch() -> None:
    first, second, third = (alternating(400, seed=3, epoch=epoch) for epoch in (1, 2, 3))
    assert torch.equal(first, ~second) and torch.equal(first, third)
    assert 150 < first.sum() < 250
    assert not torch.equal(first, alternating(400, seed=4, epoch=1))


def test_shrunk_pictures_are_means() -> None:
    blocks = torch.tensor([[10, 20], [30, 60]], dtype=torch.uint8).repeat(2, 3, 4, 4)
    halves = shrink(blocks, 4)
    assert halves.shape == (2, 3, 4, 4)
    torch.testing.assert_close(halves.mean(), torch.tensor(30.0), atol=0.5, rtol=0)
    flat = torch.full((1, 3, 8, 8), 77, dtype=torch.uint8)
    torch.testing.assert_close(shrink(flat, 5), torch.full((1, 3, 5, 5), 77.0))


def test_jitter_scales_brightness_and_contrast_a_picture() -> None:
    half = torch.full_like(PICTURES, 100)
    jittered, _ = augment(half, LABELS, replace(PLAIN, jitter=0.2), classes=10, seed=0)
    means = jittered.mean((1, 2, 3))
    spread = (jittered - means[:, None, None, None]).abs().max()
    assert spread < 1e-4  # no contrast to change
    assert 80 <= means.min() < 90 < 110 < means.max() <= 120


def test_holes_are_square_and_cut_at_the_chance() -> None:
    white = torch.full((400, 3, 16, 16), 255, dtype=torch.uint8)
    labels = torch.zeros(400, dtype=torch.long)
    recipe = replace(PLAIN, erase=0.5, hole=5)
    holes = (augment(white, labels, recipe, classes=10, seed=0)[0] == 128).all(1)
    sizes = holes.flatten(1).sum(1)
    assert sizes.max() == 25
    assert 120 < (sizes > 0).sum() < 240  # half of them, less those that fell outside


def test_mixing_mixes_labels_as_it_mixes_pictures() -> None:
    for option in ("mixup", "cutmix"):
        choice: dict[str, Any] = {option: 1.0}
        pictures, targets = run(**choice)
        torch.testing.assert_close(targets.sum(1), torch.ones(64))
        share = targets.gather(1, LABELS[:, None])[:, 0].min()
        partner = PICTURES.roll(1, 0).float()
        if option == "mixup":
            expected = share * PICTURES + (1 - share) * partner
            torch.testing.assert_close(pictures, expected, atol=1e-2, rtol=1e-4)
        else:
            kept = (pictures == PICTURES).all(1).float().mean((1, 2))
            assert (kept - share).abs().max() < 0.05


def test_torchvisions_transforms_run_a_call_a_picture() -> None:
    same = PICTURES[:1].expand(64, -1, -1, -1)
    options: tuple[dict[str, Any], ...] = ({"zoom": 0.3}, {"rand_augment": (2, 12)})
    for option in options:
        drawn, _ = augment(same, LABELS, replace(PLAIN, **option), classes=10, seed=0)
        assert drawn.shape == PICTURES.shape and drawn.dtype == torch.uint8
        assert len({picture.numpy().tobytes() for picture in drawn}) > 8


def test_normalise_equals_preprocessing_to_the_last_bit() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    truth = prepare(decode.from_pixels(pixels, "noise"), CIFAR10).array
    ours = normalise(
        torch.from_numpy(pixels).permute(2, 0, 1)[None], PRESETS["cifar10-256-8"].transform
    )
    assert np.array_equal(ours[0].numpy(), truth)
