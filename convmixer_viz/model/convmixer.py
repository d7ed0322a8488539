"""ConvMixer ("Patches Are All You Need?", arXiv 2201.09792) as a module that can be walked."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from convmixer_viz.presets.table import Shape

ACTIVATIONS: dict[str, type[nn.Module]] = {"gelu": nn.GELU, "relu": nn.ReLU}


class Spatial(nn.Module):
    """The depthwise step: BN(act(depthwise(x))), plus x unless the preset has no residual."""

    def __init__(self, fn: nn.Sequential, residual: bool) -> None:
        super().__init__()
        self.fn = fn
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.fn(x)
        return y + x if self.residual else y


class Block(nn.Sequential):
    """Depthwise step, then BN(act(pointwise(x))). The children's names are timm's."""

    def __init__(self, shape: Shape, residual: bool) -> None:
        act = ACTIVATIONS[shape.activation]
        dim, k = shape.dim, shape.kernel_size
        depthwise = nn.Conv2d(dim, dim, k, groups=dim, padding="same")
        super().__init__(
            Spatial(nn.Sequential(depthwise, act(), nn.BatchNorm2d(dim)), residual),
            nn.Conv2d(dim, dim, 1),
            act(),
            nn.BatchNorm2d(dim),
        )

    @property
    def spatial(self) -> Spatial:
        return cast(Spatial, self[0])

    @property
    def depthwise(self) -> nn.Conv2d:
        return cast(nn.Conv2d, self.spatial.fn[0])

    @property
    def depthwise_norm(self) -> nn.BatchNorm2d:
        return cast(nn.BatchNorm2d, self.spatial.fn[2])

    @property
    def pointwise(self) -> nn.Conv2d:
        return cast(nn.Conv2d, self[1])

    @property
    def pointwise_norm(self) -> nn.BatchNorm2d:
        return cast(nn.BatchNorm2d, self[3])


class ConvMixer(nn.Module):
    """Patch embedding, `depth` blocks on one grid, mean over the grid, one linear layer."""

    def __init__(self, shape: Shape, classes: int) -> None:
        super().__init__()
        dim, p = shape.dim, shape.patch_size
        self.shape = shape
        self.stem = nn.Sequential(
            nn.Conv2d(3, dim, p, stride=p), ACTIVATIONS[shape.activation](), nn.BatchNorm2d(dim)
        )
        self.blocks = nn.Sequential(*(Block(shape, residual) for residual in shape.residuals))
        self.head = nn.Linear(dim, classes)

    @property
    def patch_embedding(self) -> nn.Conv2d:
        return cast(nn.Conv2d, self.stem[0])

    def walk(self) -> Iterator[Block]:
        """The blocks in order."""
        return (cast(Block, block) for block in self.blocks)

    def embed(self, x: Tensor) -> Tensor:
        """(n, 3, h, w) → (n, dim, H, W). On a CPU picture by picture: a batch changes its bits."""
        if self.training or x.is_cuda or len(x) == 1:
            return self.stem(x)  # type: ignore[no-any-return]
        return torch.cat([self.stem(one) for one in torch.split(x, 1)])

    def states(self, x: Tensor) -> Iterator[Tensor]:
        """The stem's output, then each block's: depth + 1 tensors (n, dim, H, W)."""
        x = self.embed(x)
        yield x
        for block in self.walk():
            x = block(x)
            yield x

    def classify(self, tokens: Tensor) -> Tensor:
        """Head after pooling, (n, dim, H, W) → (n, classes). On a CPU a multiply and a sum: the
        bits of a matrix product depend on the batch size."""
        if self.training:  # the gradient of mean would leave the tokens' memory layout
            return self.head(F.avg_pool2d(tokens, tokens.shape[-2:]).flatten(1))  # type: ignore[no-any-return]
        pooled = tokens.mean((2, 3))
        if tokens.is_cuda:
            return self.head(pooled)  # type: ignore[no-any-return]
        products = [(features * self.head.weight).sum(1) for features in pooled]
        return torch.stack(products) + self.head.bias

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(self.blocks(self.embed(x)))

    def twin(self) -> ConvMixer:
        """New modules over the same tensors, on which hooks change nothing for others."""
        shared = {id(t): t for t in (*self.parameters(), *self.buffers())}
        return copy.deepcopy(self, shared)

    def freeze(self) -> ConvMixer:
        """Eval mode and no gradients for parameters, as for every loaded model."""
        return self.eval().requires_grad_(False)


def initialise(model: nn.Module, seed: int, norms: Literal["default", "drawn"] = "default") -> None:
    """Draw all weights anew from one seed as torch draws them; batch norm reset, or drawn too
    (γ of both signs, β), which parity tests need to see every channel."""
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            bound = 1 / math.sqrt(module.weight[0].numel())
            for tensor in module.parameters():
                _fill(
                    tensor, torch.empty(tensor.shape).uniform_(-bound, bound, generator=generator)
                )
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
            if norms == "drawn":
                gain = torch.randn(module.num_features, generator=generator)
                _fill(module.weight, gain.sign() * (0.5 + gain.abs() / 2))
                _fill(module.bias, 0.3 * torch.randn(module.num_features, generator=generator))


def calibrate(model: ConvMixer, seed: int, side: int) -> None:
    """Set batch-norm statistics from one pass over 8 pictures of N(0, 1), side × side: without it
    an untrained ConvMixer answers every picture alike."""
    weight = model.head.weight
    noise = torch.randn(8, 3, side, side, generator=torch.Generator().manual_seed(seed))
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    modes = [(m, m.training) for m in model.modules()]
    _measure(model, norms, noise.to(weight.device, weight.dtype))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    for module, mode in modes:
        module.training = mode


@torch.no_grad()
def _measure(model: ConvMixer, norms: list[nn.BatchNorm2d], noise: Tensor) -> None:
    for norm in norms:
        norm.momentum = 1.0
    model.train()
    model(noise)


@torch.no_grad()
def _fill(target: Tensor, values: Tensor) -> None:
    target.copy_(values)


def random_twin(model: ConvMixer, seed: int, side: int) -> ConvMixer:
    """The same architecture, untrained and calibrated: the baseline of every 'learned' claim."""
    twin = ConvMixer(model.shape, model.head.out_features)
    initialise(twin, seed)
    calibrate(twin, seed, side)
    return twin.freeze()
