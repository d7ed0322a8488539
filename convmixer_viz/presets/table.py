"""The table of presets: shape, preprocessing, classes, accuracy, and where the weights are from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from convmixer_viz.errors import ChoiceError

Activation = Literal["gelu", "relu"]
Residual = bool | tuple[bool, ...]  # in all blocks or none, or block by block
ACTIVATION_NAMES: dict[Activation, str] = {"gelu": "GELU", "relu": "ReLU"}
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CIFAR10_MEAN, CIFAR10_STD = (0.4914, 0.4822, 0.4465), (0.2471, 0.2435, 0.2616)


@dataclass(frozen=True, slots=True)
class Shape:
    """All that fixes the architecture but for the number of classes."""

    dim: int
    depth: int
    kernel_size: int
    patch_size: int
    activation: Activation = "gelu"
    residual: Residual = True

    def __post_init__(self) -> None:
        """A tuple says what True or False can't."""
        if isinstance(self.residual, tuple) and len(set(self.residual)) == 1:
            object.__setattr__(self, "residual", self.residual[0])

    @property
    def residuals(self) -> tuple[bool, ...]:
        """Whether each block adds its input to what its depthwise step gives."""
        residual = self.residual
        return residual if isinstance(residual, tuple) else (residual,) * self.depth

    @property
    def without_residual(self) -> str:
        """Where there is none, in words; empty where each block has one."""
        bare = [str(block) for block, skips in enumerate(self.residuals, 1) if not skips]
        if len(bare) == self.depth:
            return "no residual"
        return f"no residual in blocks {', '.join(bare)}" if bare else ""

    def parameters(self, classes: int) -> int:
        """Number of trainable values."""
        d, norm = self.dim, 2 * self.dim
        stem = d * (3 * self.patch_size**2 + 1) + norm
        block = d * (self.kernel_size**2 + 1) + norm + d * (d + 1) + norm
        return stem + self.depth * block + classes * (d + 1)

    def grid(self, side: int) -> int:
        """Tokens along one side of a picture of `side` pixels."""
        return side // self.patch_size

    def multiply_adds(self, side: int, classes: int) -> dict[str, int]:
        """Multiply-adds of every convolution and the head, by part, for one square picture."""
        tokens, d = self.grid(side) ** 2, self.dim
        return {
            "stem": tokens * d * 3 * self.patch_size**2,
            "depthwise": self.depth * tokens * d * self.kernel_size**2,
            "pointwise": self.depth * tokens * d * d,
            "head": d * classes,
        }

    def theoretical_field(self, block: int) -> int:
        """Side in pixels of what can reach one token of a block's output (block 0: the stem)."""
        return self.patch_size * (1 + block * (self.kernel_size - 1))


@dataclass(frozen=True, slots=True)
class Transform:
    """How a picture becomes the model's input; resizing is bicubic and antialiased."""

    size: int
    fit: Literal["crop", "squash"]  # shorter side to size / share and centre crop, or squashed
    share: float = 1.0
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD


@dataclass(frozen=True, slots=True)
class Published:
    """What others publish about a preset; `giga_macs` leaves the depthwise convolutions out,
    because the counter that was used did not know convolutions with padding="same"."""

    top1: float
    top5: float
    giga_macs: float
    hub: str  # repository on the Hugging Face hub
    megabytes: int
    authors_file: str
    openmmlab_file: str


@dataclass(frozen=True, slots=True)
class Preset:
    """One row of the table."""

    name: str
    shape: Shape
    transform: Transform
    class_set: str  # names the list of classes: "imagenet", "cifar10", "imagenette" or a file's own
    class_count: int
    opening: str  # the gallery picture that it opens with
    licence: str
    summary: str
    field_side: int  # resolution for receptive fields, wide enough that they don't saturate
    published: Published | None = None

    @property
    def parameters(self) -> int:
        return self.shape.parameters(self.class_count)


IMAGENET = Transform(224, "crop", share=0.96)
CIFAR10 = Transform(32, "crop", mean=CIFAR10_MEAN, std=CIFAR10_STD)
IMAGENETTE = Transform(224, "squash")
MIT_AUTHORS = "MIT (the authors' repository)"
CIFAR10_TERMS = "MIT (weights); data: CIFAR-10, no formal licence, Krizhevsky 2009"
IMAGENETTE_TERMS = "MIT (weights); data: Imagenette, ImageNet's terms"


def _imagenet(name: str, shape: Shape, published: Published) -> Preset:
    summary = f"ConvMixer-{shape.dim}/{shape.depth} of the paper, trained on ImageNet-1k"
    return Preset(
        name,
        shape,
        IMAGENET,
        class_set="imagenet",
        class_count=1000,
        opening="cat",
        licence=MIT_AUTHORS,
        summary=summary,
        field_side=448,
        published=published,
    )


def _cifar10(name: str, shape: Shape, summary: str) -> Preset:
    return Preset(
        name,
        shape,
        CIFAR10,
        class_set="cifar10",
        class_count=10,
        opening="cat",
        licence=CIFAR10_TERMS,
        summary=summary,
        field_side=128,
    )


def _imagenette(name: str, shape: Shape, summary: str) -> Preset:
    return Preset(
        name,
        shape,
        IMAGENETTE,
        class_set="imagenette",
        class_count=10,
        opening="cat",
        licence=IMAGENETTE_TERMS,
        summary=summary,
        field_side=448,
    )


AS_K5 = ", otherwise as cifar10-128-8-k5"
_TABLE = (
    _cifar10("cifar10-256-8", Shape(256, 8, 5, 2), "the paper's small CIFAR-10 model"),
    _cifar10("cifar10-128-8-k3", Shape(128, 8, 3, 2), "kernel size 3" + AS_K5),
    _cifar10("cifar10-128-8-k5", Shape(128, 8, 5, 2), "the ablations' common point"),
    _cifar10("cifar10-128-8-k9", Shape(128, 8, 9, 2), "kernel size 9" + AS_K5),
    _imagenette(
        "imagenette-256-8", Shape(256, 8, 9, 14), "the geometry of 1024/20 on ten ImageNet classes"
    ),
    _cifar10("cifar10-128-8-k5-relu", Shape(128, 8, 5, 2, "relu"), "ReLU" + AS_K5),
    _cifar10("cifar10-128-8-k5-p4", Shape(128, 8, 5, 4), "patch size 4" + AS_K5),
    _cifar10(
        "cifar10-128-8-k5-plain",
        Shape(128, 8, 5, 2, residual=False),
        "no residual around the depthwise step" + AS_K5,
    ),
    _imagenette(
        "imagenette-256-8-p7", Shape(256, 8, 7, 7, "relu"), "the geometry of 768/32, ReLU as there"
    ),
    _imagenet(
        "imagenet-768-32",
        Shape(768, 32, 7, 7, "relu"),
        Published(
            80.16, 95.08, 19.55, "timm/convmixer_768_32.in1k", 85,
            "convmixer_768_32_ks7_p7_relu.pth.tar",
            "convmixer-768-32_3rdparty_10xb64_in1k_20220323-bca1f7b8.pth",
        ),
    ),
    _imagenet(
        "imagenet-1024-20",
        Shape(1024, 20, 9, 14),
        Published(
            76.94, 93.36, 5.55, "timm/convmixer_1024_20_ks9_p14.in1k", 98,
            "convmixer_1024_20_ks9_p14.pth.tar",
            "convmixer-1024-20_3rdparty_10xb64_in1k_20220323-48f8aeba.pth",
        ),
    ),
    _imagenet(
        "imagenet-1536-20",
        Shape(1536, 20, 9, 7),
        Published(
            81.37, 95.61, 48.68, "timm/convmixer_1536_20.in1k", 207,
            "convmixer_1536_20_ks9_p7.pth.tar",
            "convmixer-1536_20_3rdparty_10xb64_in1k_20220323-ea5786f3.pth",
        ),
    ),
)  # fmt: skip

PRESETS: dict[str, Preset] = {preset.name: preset for preset in _TABLE}
DEFAULT = "cifar10-256-8"
SIDE_BY_SIDE = ("cifar10-128-8-k3", "cifar10-128-8-k5", "cifar10-128-8-k9")  # compared by default
MOST_SIDE_BY_SIDE = 4


def find(name: str, presets: Mapping[str, Preset]) -> Preset:
    """The preset of that name, with a near miss suggested."""
    if name not in presets:
        near = get_close_matches(name, presets, 1)
        hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(presets)}."
        raise ChoiceError(f"There is no preset {name!r}: {hint}")
    return presets[name]
