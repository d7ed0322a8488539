"""Attribution by gradients with respect to the pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convmixer_viz.analyses.attribution.question import Plan, Question, baselines, one_chunk
from convmixer_viz.questions.attribution import DEFAULT_GRADIENTS, DEFAULT_STEPS


def gradient(question: Question, pixels: Tensor) -> Tensor:
    """∂score/∂pixels, (n, 3, h, w) → (n, 3, h, w) float64."""

    def slope(part: Tensor) -> Tensor:
        part = part.detach().requires_grad_()
        score = question.target.score(question.model.module(part))
        return torch.autograd.grad(score.sum(), part)[0]

    return question.model.call(slope, pixels).double()


def saliency(question: Question) -> Plan:
    """The gradient."""
    return one_chunk(lambda: gradient(question, question.pixels)[0])


def input_x_gradient(question: Question) -> Plan:
    """Normalised pixels times gradient: a first-order step from the mean colour."""
    return one_chunk(lambda: (gradient(question, question.pixels) * question.pixels)[0])


def integrated_gradients(question: Question) -> Plan:
    """(x − x′)·∫ gradient along the straight line from x′, the mean over the baselines x′."""
    x, blanks = question.pixels[0].double(), baselines(question).double()
    nodes, weights = quadrature(
        question.options.steps or DEFAULT_STEPS[question.model.preset.shape.activation]
    )
    steps = len(nodes)

    def draw(i: int) -> tuple[Tensor, Tensor]:
        way = x - blanks[i // steps]
        point = blanks[i // steps] + nodes[i % steps] * way
        return point, way * (weights[i % steps] / len(blanks))

    return _sum_of_gradients(question, steps * len(blanks), draw)


def smoothgrad(question: Question) -> Plan:
    """The mean gradient of noisy copies, σ a share of the picture's range (Smilkov et al. 2017)."""
    x, count = question.pixels[0].double(), question.options.samples or DEFAULT_GRADIENTS
    noise = _noise(question, question.generator())
    share = torch.full_like(x, 1 / count)
    return _sum_of_gradients(question, count, lambda i: (x + noise(), share))


def gradient_shap(question: Question) -> Plan:
    """Mean of (x + noise − x′)·gradient at random points on the way (Lundberg and Lee 2017)."""
    x, blanks = question.pixels[0].double(), baselines(question).double()
    count, generator = question.options.samples or DEFAULT_GRADIENTS, question.generator()
    noise = _noise(question, generator)

    def draw(i: int) -> tuple[Tensor, Tensor]:
        blank = blanks[int(torch.randint(len(blanks), (), generator=generator))]
        alpha = float(torch.rand((), generator=generator, dtype=torch.float64))
        way = x + noise() - blank
        return blank + alpha * way, way / count

    return _sum_of_gradients(question, count, draw)


def quadrature(steps: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nodes in (0, 1) and weights of Gauss and Legendre's rule: exact for polynomials to the
    degree 2·steps − 1."""
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    return (1 + nodes) / 2, weights / 2


def _noise(question: Question, generator: torch.Generator) -> Callable[[], Tensor]:
    x = question.pixels[0].double()
    sigma = question.options.sigma * float(x.max() - x.min())
    return lambda: sigma * torch.randn(x.shape, generator=generator, dtype=x.dtype).to(x.device)


def _sum_of_gradients(
    question: Question, count: int, draw: Callable[[int], tuple[Tensor, Tensor]]
) -> Plan:
    """Σ factor·gradient(point) over `count` draws of (point, factor), called in order."""
    batch_size = question.model.batch_size(question.side)
    starts = range(0, count, batch_size)

    def maps() -> Iterator[Tensor]:
        total = torch.zeros_like(question.pixels[0], dtype=torch.float64)
        for start in starts:
            stop = min(start + batch_size, count)
            draws = [draw(i) for i in range(start, stop)]
            points = question.model.place(torch.stack([point for point, _ in draws]))
            for slope, (_, factor) in zip(gradient(question, points), draws, strict=True):
                total = total + slope * factor
            yield total * (count / stop)

    return Plan(len(starts), maps())
