"""Augments and normalises a batch: uint8 pictures and labels → pictures and probabilities.

Shift, flip, jitter and holes are drawn a picture and done a batch at a time: torchvision's
transforms give a whole batch the same draw, and one call a picture costs as much as the training
step at 32 px. What torchvision does by batch or what is worth a call a picture is torchvision's.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms import v2

from convmixer_viz.presets.table import Transform
from convmixer_viz.training.recipes import Recipe


def normalise(pixels: Tensor, transform: Transform) -> Tensor:
    """uint8 (n, 3, h, w) → float32, channels last, mean and deviation of the preset removed."""
    mean = torch.tensor(transform.mean, device=pixels.device).view(3, 1, 1)
    deviation = torch.tensor(transform.std, device=pixels.device).view(3, 1, 1)
    scaled = (pixels.float() / 255 - mean) / deviation
    return scaled.contiguous(memory_format=torch.channels_last)


def augment(
    pixels: Tensor,
    labels: Tensor,
    recipe: Recipe,
    *,
    classes: int,
    seed: int,
    mirrored: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """uint8 (n, 3, h, w) and (n,) → uint8-ranged pictures and (n, classes) probabilities; all
    draws follow from `seed`, the global generators stay as they were. Where flips alternate,
    `mirrored` (n,) says which pictures are flipped."""
    devices = [pixels.device] if pixels.is_cuda else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        moved = _flip(_shift(_whole(pixels, recipe), recipe.shift), recipe.flip, mirrored)
        coloured = _erase(_jitter(moved, recipe.jitter), recipe.erase, recipe.hole)
        return _mix(coloured, labels, recipe, classes)


def _whole(pixels: Tensor, recipe: Recipe) -> Tensor:
    """torchvision's transforms that need a call a picture."""
    steps: list[v2.Transform] = []
    if recipe.zoom:
        steps.append(v2.RandomResizedCrop(pixels.shape[-2:], (recipe.zoom, 1.0)))
    if recipe.rand_augment[0]:
        steps.append(v2.RandAugment(*recipe.rand_augment))
    if not steps:
        return pixels
    transform = v2.Compose(steps)
    return torch.stack([transform(picture) for picture in pixels])


def _draw(pixels: Tensor) -> Tensor:
    """One number in [0, 1) a picture, shaped to multiply pictures."""
    return torch.rand(len(pixels), 1, 1, 1, device=pixels.device)


def _shift(pixels: Tensor, reach: int) -> Tensor:
    if not reach:
        return pixels
    n, channels, h, w = pixels.shape
    padded = F.pad(pixels.float(), (reach,) * 4, mode="reflect")
    offsets = torch.randint(0, 2 * reach + 1, (2, n, 1), device=pixels.device)
    rows = (offsets[0] + torch.arange(h, device=pixels.device))[:, None, :, None]
    columns = (offsets[1] + torch.arange(w, device=pixels.device))[:, None, None, :]
    picture = torch.arange(n, device=pixels.device)[:, None, None, None]
    channel = torch.arange(channels, device=pixels.device)[None, :, None, None]
    return padded[picture, channel, rows, columns]


def _flip(pixels: Tensor, on: bool, mirrored: Tensor | None) -> Tensor:
    if not on:
        return pixels
    chosen = _draw(pixels) < 0.5 if mirrored is None else mirrored.view(-1, 1, 1, 1)
    return torch.where(chosen, pixels.flip(3), pixels)


def alternating(count: int, *, seed: int, epoch: int) -> Tensor:
    """Which of all pictures are flipped in an epoch, (count,): by chance in one, and from then on
    the others and these in turn."""
    generator = torch.Generator().manual_seed(seed)
    return (torch.randint(0, 2, (count,), generator=generator) + epoch) % 2 == 1


def shrink(pixels: Tensor, side: int) -> Tensor:
    """Pictures of fewer pixels, float32 in the same range: a mean over what a pixel stands for."""
    return F.interpolate(pixels.float(), (side, side), mode="bilinear", antialias=True)


def _jitter(pixels: Tensor, reach: float) -> Tensor:
    if not reach:
        return pixels
    brightness, contrast = (1 + reach * (2 * _draw(pixels) - 1) for _ in range(2))
    bright = pixels.float() * brightness
    mean = bright.mean((1, 2, 3), keepdim=True)
    return ((bright - mean) * contrast + mean).clamp(0, 255)


def _erase(pixels: Tensor, chance: float, side: int) -> Tensor:
    """Cut a square hole of grey 128, wherever its corner falls, so that it may leave the edge."""
    if not chance:
        return pixels
    h, w = pixels.shape[-2:]
    top, left = (_draw(pixels) * (size + side) - side for size in (h, w))
    rows = torch.arange(h, device=pixels.device)[:, None]
    columns = torch.arange(w, device=pixels.device)
    inside = (rows >= top) & (rows < top + side) & (columns >= left) & (columns < left + side)
    return torch.where(inside & (_draw(pixels) < chance), 128.0, pixels.float())


def _mix(pixels: Tensor, labels: Tensor, recipe: Recipe, classes: int) -> tuple[Tensor, Tensor]:
    choices: list[v2.Transform] = []
    if recipe.mixup:
        choices.append(v2.MixUp(alpha=recipe.mixup, num_classes=classes))
    if recipe.cutmix:
        choices.append(v2.CutMix(alpha=recipe.cutmix, num_classes=classes))
    if not choices:
        return pixels, F.one_hot(labels, classes).float()
    pictures, targets = v2.RandomChoice(choices)(pixels.float(), labels)
    return pictures, targets
