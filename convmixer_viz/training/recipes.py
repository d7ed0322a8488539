"""The recipes: everything that decides a training run but the data and the machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

from convmixer_viz.errors import ChoiceError

SCHEDULES = {  # of the learning rate, after its linear way up
    "linear": "one cycle",
    "cosine": "one cycle with a cosine down",
    "trapezoid": "a trapezoid",
}


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
    average: float = 0.0  # decay a step of the exponential moving average of the weights; where it
    # is on, the average is what the history keeps, what is measured and what ships
    muon: float = 0.0  # peak rate of the pointwise matrices under Muon; AdamW keeps the rest
    schedule: str = "linear"  # one of SCHEDULES, for all rates alike
    alternate: bool = False  # flips every picture in every other epoch instead of by chance
    small: int = 0  # side of the pictures in the early epochs
    small_share: float = 0.0  # of all epochs: how many are early

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise ChoiceError(f"{self.epochs} epochs are none: choose 1 or more.")
        if self.schedule not in SCHEDULES:
            names = ", ".join(SCHEDULES)
            raise ChoiceError(f"There is no schedule {self.schedule!r}: choose one of {names}.")
        if self.small_share and self.small < 1:
            raise ChoiceError(f"Early pictures of side {self.small} are none: choose 1 or more.")


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


def changes(words: Iterable[str]) -> dict[str, Any]:
    """Fields of a recipe and their values out of words like `muon=0.1`."""
    return dict(_change(word) for word in words)


def _change(word: str) -> tuple[str, Any]:
    name, _, text = word.partition("=")
    defaults = {field.name: field.default for field in fields(Recipe) if field.name != "preset"}
    if name not in defaults:
        raise ChoiceError(f"A recipe has no {name!r}: change one of {', '.join(defaults)}.")
    try:
        return name, _read(text, int if name == "epochs" else type(defaults[name]))
    except (KeyError, ValueError) as error:
        raise ChoiceError(f"{word!r} has no value that a recipe's {name} can take.") from error


def _read(text: str, kind: type) -> Any:
    if kind is bool:
        return {"yes": True, "no": False}[text]
    if kind is tuple:
        first, second = map(int, text.split(","))
        return first, second
    return kind(text)


def command(recipe: Recipe) -> str:
    """The command that repeats a run: its preset's nearest recipe and what differs from it."""
    names = [name for name, row in RECIPES.items() if row.preset == recipe.preset]
    differences = {name: _differences(recipe, RECIPES[name]) for name in names}
    name = min(names, key=lambda name: len(differences[name]))
    different = differences[name]
    epochs = f" --epochs {different.pop('epochs')}" if "epochs" in different else ""
    words = "".join(f" {field}={_word(value)}" for field, value in different.items())
    return f"convmixer-viz train {name} --data DIR --out DIR{epochs}{words and ' --with' + words}"


def _differences(recipe: Recipe, other: Recipe) -> dict[str, Any]:
    values = ((field.name, getattr(recipe, field.name)) for field in fields(Recipe))
    return {name: value for name, value in values if value != getattr(other, name)}


def _word(value: Any) -> str:
    """A value as `changes` reads it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
