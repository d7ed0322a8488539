"""Scores by removal: tokens taken away in a map's order, and the model's score after each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import lazy_loader as lazy
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convmixer_viz.analyses.attribution.methods.perturbations import MaskedPicture, masked_picture
from convmixer_viz.analyses.attribution.question import Question, baselines
from convmixer_viz.questions.attribution import Baseline
from convmixer_viz.questions.faithfulness import NEVER

scipy: Any = lazy.load("scipy")


POINTS = 33  # of a deletion or insertion curve: nothing, then 32 equal steps
BASELINES: tuple[Baseline, ...] = ("mean", "blur")  # what removed tokens of the curves become
ORDERS = ("method", "random", "centre-first")  # two of them are controls
SHARES = tuple(step / 10 for step in range(1, 10))  # of the tokens that ROAD removes
ROAD_NOISE = 0.01  # standard deviation added to imputed pixels, in normalised units
DRAWS, REMOVED = 100, 0.3  # infidelity: random removals, and the share that each removes
NEIGHBOURS = {
    (dy, dx): 1 / 6 if dy * dx == 0 else 1 / 12
    for dy in (-1, 0, 1)
    for dx in (-1, 0, 1)
    if (dy, dx) != (0, 0)
}


def ranks(question: Question, tokens: Tensor) -> Tensor:
    """Rank of each token, 0 goes first, in the map's order and the controls', (orders, H, W)."""
    h, w = tokens.shape
    row, column = torch.arange(h) - (h - 1) / 2, torch.arange(w) - (w - 1) / 2
    distance = row[:, None] ** 2 + column**2
    chance = torch.rand(h, w, generator=question.generator())
    keys = torch.stack([-tokens.double(), chance.double(), distance.double()]).view(3, -1)
    return keys.argsort(dim=1, stable=True).argsort(dim=1).view(3, h, w)


def curve_chunks(question: Question, _: int) -> int:
    """Chunks of deletion or insertion, whatever the method's."""
    return len(BASELINES) * -(-len(ORDERS) * POINTS // question.model.batch_size(question.side))


def deletion(question: Question, tokens: Tensor) -> Iterator[dict[str, Any]]:
    """Probability while the highest tokens go first, and the area under it (low is good)."""
    return _curves(question, ranks(question, tokens), "deletion")


def insertion(question: Question, tokens: Tensor) -> Iterator[dict[str, Any]]:
    """Probability while the highest tokens come first, and the area under it (high is good)."""
    return _curves(question, ranks(question, tokens), "insertion")


def _curves(question: Question, order: Tensor, name: str) -> Iterator[dict[str, Any]]:
    counts = (torch.arange(POINTS) * order[0].numel() / (POINTS - 1)).round()
    chosen = order[:, None] < counts[:, None, None]  # (orders, points, H, W)
    keep = (chosen if name == "insertion" else ~chosen).flatten(0, 1)
    probabilities: list[Tensor] = []
    for kind in BASELINES:
        picture = _masked(question, kind)
        for part in torch.split(keep, picture.batch_size):
            probabilities.append(question.target.probability(picture.logits(part)).cpu())
            yield {}
    curves = torch.cat(probabilities).view(len(BASELINES), len(order), POINTS)
    areas = torch.trapezoid(curves, dx=1 / (POINTS - 1))
    yield {name: curves.float().numpy(), f"{name}_area": areas.float().numpy()}


def smallest_chunks(question: Question, _: int) -> int:
    """Chunks of the smallest sets, whatever the method's."""
    h, w = question.grid
    return 2 * len(BASELINES) * len(ORDERS) * -(-(h * w + 1) // _masks_at_once(question))


def smallest(question: Question, tokens: Tensor) -> Iterator[dict[str, Any]]:
    """How many tokens, in an order's, must go until the first class is another, and how many are
    enough to keep it: one more at a time; once that is known, the chunks left cost nothing."""
    answer, order = int(question.logits.argmax()), ranks(question, tokens)
    counts = torch.full((2, len(BASELINES), len(order)), NEVER)
    every = torch.arange(tokens.numel() + 1)
    for number, kind in enumerate(BASELINES):
        picture = _masked(question, kind)
        for way, rank in product(range(2), range(len(order))):
            for numbers in torch.split(every, _masks_at_once(question)):
                if counts[way, number, rank] == NEVER:
                    chosen = order[rank] < numbers[:, None, None]
                    first = picture.logits(chosen if way else ~chosen).argmax(1).cpu()
                    hits = numbers[(first == answer) == bool(way)]
                    counts[way, number, rank] = hits[0] if len(hits) else NEVER
                yield {}
    removed, kept = counts.numpy()
    name = question.model.class_names[answer]
    yield {"answer": name, "fewest_removed": removed, "fewest_kept": kept}


def _masks_at_once(question: Question) -> int:
    return question.model.batch_size(question.side)


def _masked(question: Question, kind: Baseline) -> MaskedPicture:
    options = replace(question.options, baseline=kind)
    return masked_picture(question, baselines(replace(question, options=options)))


def road_chunks(_: Question, __: int) -> int:
    """Chunks of road, whatever the method's."""
    return 2 * len(SHARES)


def road(question: Question, tokens: Tensor) -> Iterator[dict[str, Any]]:
    """Probability over the removed share, most and least relevant first, pixels imputed from
    their neighbours (Rong et al. 2022); the score is half the mean difference (high is good)."""
    p, (rows, columns) = question.model.preset.shape.patch_size, question.grid
    picture = question.pixels[0, :, : rows * p, : columns * p].double().cpu().numpy()
    noise = ROAD_NOISE * np.random.default_rng(question.options.seed).standard_normal(picture.shape)
    order = ranks(question, tokens)[0].numpy()
    probabilities: list[float] = []  # most relevant first, then least
    waiting: list[NDArray[np.float64]] = []
    for rank in (order, order.size - 1 - order):
        for share in SHARES:
            removed = (rank < round(share * order.size)).repeat(p, 0).repeat(p, 1)
            waiting.append(impute(picture, removed) + noise * removed)
            if len(waiting) == question.model.batch_size(question.side):
                probabilities += _probabilities(question, waiting)
                waiting = []
            yield {}
    most, least = np.split(np.array(probabilities + _probabilities(question, waiting)), 2)
    curves = np.stack([most, least]).astype(np.float32)
    yield {"road_curves": curves, "road": float((least - most).mean() / 2)}


def _probabilities(question: Question, pictures: list[NDArray[np.float64]]) -> list[float]:
    if not pictures:
        return []
    pixels = question.model.place(torch.from_numpy(np.stack(pictures)))
    probabilities: list[float] = question.target.probability(question.model.logits(pixels)).tolist()
    return probabilities


def impute(picture: NDArray[np.float64], removed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Make each removed pixel the weighted mean of its neighbours: 1/6 direct, 1/12 diagonal,
    renormalised at a border; (3, h, w), (h, w) → (3, h, w)."""
    weights = _neighbour_weights(*removed.shape)
    gone, here = np.flatnonzero(removed), np.flatnonzero(~removed)
    flat = picture.reshape(3, -1).copy()
    system = scipy.sparse.eye_array(len(gone), format="csc") - weights[gone][:, gone].tocsc()
    known = weights[gone][:, here] @ flat[:, here].T
    flat[:, gone] = scipy.sparse.linalg.splu(system).solve(known).T
    return flat.reshape(picture.shape)


def _neighbour_weights(h: int, w: int) -> Any:
    """Row-stochastic (h·w, h·w) sparse matrix of each pixel's neighbours."""
    number = np.arange(h * w).reshape(h, w)
    total = scipy.sparse.csr_array((h * w, h * w))
    for (dy, dx), weight in NEIGHBOURS.items():
        centre = number[max(0, -dy) : h - max(0, dy), max(0, -dx) : w - max(0, dx)].ravel()
        entries = (np.full(centre.size, weight), (centre, centre + dy * w + dx))
        total = total + scipy.sparse.csr_array(entries, shape=total.shape)
    return scipy.sparse.diags_array(1 / total.sum(1)) @ total


def infidelity_chunks(question: Question, _: int) -> int:
    """Chunks of infidelity, whatever the method's."""
    return -(-(DRAWS + 1) // question.model.batch_size(question.side))


def infidelity(question: Question, tokens: Tensor) -> Iterator[dict[str, Any]]:
    """E[(β·Σ of the removed tokens' φ − Δ score)²] / E[Δ score²], β by least squares, over random
    removals of 30 % of the tokens by the mean colour: 0 is perfect, 1 is no better than zero."""
    generator, size = question.generator(), tokens.numel()
    chance = torch.rand(DRAWS, size, generator=generator)
    removed = chance.argsort(1).argsort(1) < round(REMOVED * size)
    keep = torch.cat([torch.ones(1, size, dtype=torch.bool), ~removed])
    picture, scores = _masked(question, "mean"), torch.empty(0, dtype=torch.float64)
    for part in torch.split(keep.view(-1, *tokens.shape), picture.batch_size):
        scores = torch.cat([scores, picture.scores(part)])
        yield {}
    claimed = removed.double() @ tokens.double().flatten()
    yield {"infidelity": _misfit(claimed, scores[0] - scores[1:])}


def _misfit(claimed: Tensor, lost: Tensor) -> float | None:
    energy, change = float(claimed @ claimed), float(lost @ lost)
    missed = (float(claimed @ lost) / energy if energy else 0.0) * claimed - lost
    return float(missed @ missed) / change if change else None
