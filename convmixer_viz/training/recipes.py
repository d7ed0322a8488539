"""The recipes: everything that decides a training run but the data and the machine."""

from __future__ import annotations

from dataclasses import dataclass, replace

from convmixer_viz.errors import ChoiceError


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One row of the table. A zero switches an option off; sides and shifts are in pixels."""

    preset: str
    epochs: int
    batch: int = 128
    seed: int = 0
    learning_rate: float = 0.02  # the peak of one cycle, linear up and down
    warm_share: float = 0.3  # of all steps, until the peak
    weight_decay: float = 0.005  # AdamW's, decoupled
    clip: float = 1.0  # largest norm of the whole gradient
    label_smoothing: float = 0.0
    shift: int = 0  # random crop after reflecting the border by so much
    zoom: float = 0.0  # random resized crop: the smallest share of the area
    flip: bool = True
    jitter: float = 0.0  # brightness and contrast times 1 ± this
    rand_augment: tuple[int, int] = (0, 0)  # operations, magnitude of 31
    mixup: float = 0.0  # α of the mixing weight's Beta distribution
    cutmix: float = 0.0  # likewise; where both are on, each batch takes one of them
    erase: float = 0.0  # chance that a square hole is cut
    hole: int = 0  # its side
    average: float = 0.0  # decay a step of the exponential moving average of the weights


_CIFAR10 = Recipe(preset="cifar10-256-8", epochs=24, shift=4, jitter=0.2, label_smoothing=0.05)
_CIFAR10 = replace(_CIFAR10, erase=0.5, hole=9)
_ABLATION = replace(_CIFAR10, preset="cifar10-128-8-k5", epochs=12, erase=0.0, hole=0)
_IMAGENETTE = Recipe(
    preset="imagenette-256-8", epochs=40, batch=64, learning_rate=0.01, weight_decay=0.02,
    label_smoothing=0.1, zoom=0.35, jitter=0.3,
)  # fmt: skip

_TABLE = (
    _CIFAR10,
    replace(_ABLATION, preset="cifar10-128-8-k3"),
    _ABLATION,
    replace(_ABLATION, preset="cifar10-128-8-k9"),
    _IMAGENETTE,
    replace(_ABLATION, preset="cifar10-128-8-k5-relu"),
    replace(_ABLATION, preset="cifar10-128-8-k5-p4"),
    replace(_ABLATION, preset="cifar10-128-8-k5-plain"),
    replace(_IMAGENETTE, preset="imagenette-256-8-p7"),
)

_LONG = (  # what a GPU does in minutes; nothing that ships was made with these
    replace(
        _CIFAR10, epochs=100, batch=512, learning_rate=0.05, rand_augment=(2, 12), average=0.999
    ),
    replace(_IMAGENETTE, epochs=200, mixup=0.2, cutmix=1.0, erase=0.25, hole=64, average=0.999),
)

RECIPES: dict[str, Recipe] = {
    **{recipe.preset: recipe for recipe in _TABLE},
    **{f"{recipe.preset}-long": recipe for recipe in _LONG},
}


def find(name: str) -> Recipe:
    """The recipe of that name; an unknown one is refused with the list of those there are."""
    if name not in RECIPES:
        raise ChoiceError(f"There is no recipe {name!r}: choose one of {', '.join(RECIPES)}.")
    return RECIPES[name]


def command(recipe: Recipe) -> str:
    """The command that repeats a run; only another number of epochs needs a word."""
    alike = (name for name, row in RECIPES.items() if replace(row, epochs=recipe.epochs) == recipe)
    name = next(alike)
    epochs = "" if recipe == RECIPES[name] else f" --epochs {recipe.epochs}"
    return f"convmixer-viz train {name} --data DIR --out DIR{epochs}"
