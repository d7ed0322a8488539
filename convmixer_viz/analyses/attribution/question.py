"""The question that every attribution method answers: one picture, one model, one target."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from convmixer_viz.analyses.target import Target
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.questions.attribution import Options

NOISES = 8  # pictures of noise that the "noise" baseline is the mean over


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A model, a prepared picture, and the class whose score is to be explained."""

    model: LoadedModel
    pixels: Tensor  # (1, 3, h, w), placed
    tokens: Tensor  # (dim, H, W), the last block's output
    logits: Tensor  # (classes,) float64
    target: Target
    options: Options

    @property
    def side(self) -> int:
        return min(self.pixels.shape[-2:])

    @property
    def grid(self) -> tuple[int, int]:
        p = self.model.preset.shape.patch_size
        h, w = self.pixels.shape[-2:]
        return h // p, w // p

    def ask_again(self, model: LoadedModel, pixels: Tensor) -> Question:
        """The same question of another model or picture."""
        return Question(model, pixels, *forward(model, pixels), self.target, self.options)

    def generator(self) -> torch.Generator:
        """Random numbers from the options' seed, drawn on the CPU for every device."""
        return torch.Generator().manual_seed(self.options.seed)


def forward(model: LoadedModel, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """One picture's forward pass: the last block's output (dim, H, W), logits (classes,)."""

    def tokens_and_logits(part: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            tokens = model.module.blocks(model.module.embed(part))
            return tokens, model.module.classify(tokens).double()

    tokens, logits = model.call(tokens_and_logits, pixels)
    return tokens[0], logits[0]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A method's work: `total` chunks, and the map after each: (3, h, w) in pixels or (H, W) in
    tokens, float64."""

    total: int
    maps: Iterator[Tensor]


def one_chunk(function: Callable[[], Tensor]) -> Plan:
    """A plan of one chunk."""
    return Plan(1, (function() for _ in range(1)))


def baselines(question: Question) -> Tensor:
    """The pictures that stand for 'nothing there', (n, 3, h, w): n is NOISES for noise, else 1."""
    kind, pixels = question.options.baseline, question.pixels
    if kind == "mean":  # the training pictures' mean colour: zero after normalisation
        return torch.zeros_like(pixels)
    if kind == "blur":
        return question.model.place(blur(pixels.float(), question.side / 16))
    transform = question.model.preset.transform
    mean, std = (torch.tensor(t).view(3, 1, 1) for t in (transform.mean, transform.std))
    if kind == "black":
        return question.model.place((-mean / std).expand(pixels.shape))
    noise = torch.rand((NOISES, *pixels.shape[1:]), generator=question.generator())
    return question.model.place((noise - mean) / std)


def blur(pixels: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of (n, c, h, w), sigma in pixels; the border is reflected."""
    n, channels, h, w = pixels.shape
    reach = min(round(3 * sigma) + 1, h - 1, w - 1)
    offsets = torch.arange(-reach, reach + 1, device=pixels.device, dtype=pixels.dtype)
    weights = (-0.5 * (offsets / sigma) ** 2).exp()
    weights /= weights.sum()
    planes = pixels.reshape(n * channels, 1, h, w)
    down, across = weights[:, None], weights[None]
    for kernel, pad in ((down, (0, 0, reach, reach)), (across, (reach, reach, 0, 0))):
        padded = torch.nn.functional.pad(planes, pad, mode="reflect")
        planes = torch.nn.functional.conv2d(padded, kernel[None, None])
    return planes.reshape(n, channels, h, w)


def patch_sums(pixels: Tensor, patch_size: int) -> Tensor:
    """Sums over colours and each token's patch, (3, h, w) → (H, W)."""
    p = patch_size
    rows, columns = pixels.shape[1] // p, pixels.shape[2] // p
    seen = pixels[:, : rows * p, : columns * p]
    return seen.reshape(3, rows, p, columns, p).sum((0, 2, 4))
