"""Edits of a model, their words: what each changes, how it is written, and what it can be asked.

An edit is written NAME[:KEY=VALUE…], as in template:blocks=3-8; what it does is in model/edits.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from itertools import count, groupby
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from convmixer_viz.contract import LARGEST_SEED, OptionField, as_type, option_fields
from convmixer_viz.errors import ChoiceError
from convmixer_viz.questions.kernels import CLASSES, OTHER

MOST = 32  # edits of one model
LARGEST = 100_000  # of a block's or a channel's number, before a preset is known
KERNEL_CLASSES = {name.lower().replace(" ", "-"): code for code, name in enumerate(CLASSES)}
CLASSIFIED = {code for code in KERNEL_CLASSES.values() if code < OTHER}
SETS = {"all": set(KERNEL_CLASSES.values()), "classified": CLASSIFIED}
SETS |= {word: {code} for word, code in KERNEL_CLASSES.items()}

LIMITS: dict[str, tuple[float, float]] = {  # of the keys that are numbers
    "scale": (-100, 100),
    "clusters": (1, 4096),
    "rank": (1, 64),
    "bits": (2, 16),
    "sigma": (0.05, 10),
    "quarters": (1, 3),
    "pictures": (2, 4096),
    "epoch": (0, LARGEST),
    "seed": (0, LARGEST_SEED),
}
Seed = Annotated[int, "seed of what is drawn"]
E = TypeVar("E")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What all edits are asked: where they apply."""

    SENTENCE: ClassVar[str] = ""
    blocks: Annotated[tuple[int, ...], "blocks that it changes; none is all"] = ()
    kernels: Annotated[str, "all, classified, a class of the templates, or channels"] = "all"

    def __post_init__(self) -> None:
        """Check the numbers, and put places into their one order."""
        for name, (lowest, highest) in LIMITS.items():
            value = getattr(self, name, lowest)
            if not lowest <= value <= highest:
                raise ChoiceError(
                    f"{self.name} takes {name} from {lowest} to {highest}, not {value}."
                )
        if self.blocks and min(self.blocks) < 1:
            raise ChoiceError("The stem, block 0, has no depthwise kernels: choose blocks from 1.")
        object.__setattr__(self, "blocks", tuple(sorted(set(self.blocks))))
        if self.kernels not in SETS:
            object.__setattr__(self, "kernels", _ranges(self.channels))

    @property
    def name(self) -> str:
        return next(name for name, kind in EDITS.items() if kind is type(self))

    @property
    def channels(self) -> tuple[int, ...]:
        """The channels where they are named one by one."""
        if not self.kernels[:1].isdigit():
            words = ", ".join(SETS)
            raise ChoiceError(
                f"There are no kernels {self.kernels!r:.60}: choose {words}, or channels as 12+40."
            )
        return tuple(sorted(set(_numbers(self.kernels, "kernels"))))

    def __str__(self) -> str:
        return write(self, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Off(Edit):
    SENTENCE = "the depthwise branch adds nothing, or a block has no skip around it"
    part: Annotated[Literal["branch", "residual"], "what is taken away"] = "branch"

    def __post_init__(self) -> None:
        Edit.__post_init__(self)
        if self.part == "residual" and self.kernels != "all":
            raise ChoiceError("A skip goes around all channels: leave kernels out.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale(Edit):
    SENTENCE = "what the depthwise branch adds, times a number"
    scale: Annotated[float, "the number"] = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Template(Edit):
    SENTENCE = "the nearest simple kernel, in the kernel's own scale and mean"
    bank: Annotated[
        Literal["templates", "clusters", "master", "random"],
        "templates, centres of the model's own kernels, eight published filters, or random ones",
    ] = "templates"
    clusters: Annotated[int, "how many centres, or random filters"] = 16
    seed: Seed = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LowRank(Edit):
    SENTENCE = "the best matrix of a low rank"
    rank: Annotated[int, "the rank"] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean(Edit):
    SENTENCE = "its mean everywhere: a box"


@dataclass(frozen=True, slots=True, kw_only=True)
class Round(Edit):
    SENTENCE = "weights on a few levels, the same distance apart, up to the kernel's largest"
    bits: Annotated[int, "2**bits - 1 levels, zero among them"] = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Blur(Edit):
    SENTENCE = "smoothed by a Gaussian; what passes the border is lost"
    sigma: Annotated[float, "its σ in tokens"] = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharpen(Edit):
    SENTENCE = "itself, and once more what a Gaussian takes away from it"
    sigma: Annotated[float, "the Gaussian's σ in tokens"] = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror(Edit):
    SENTENCE = "mirrored"
    axis: Annotated[Literal["x", "y"], "x: left and right, y: above and below"] = "x"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotate(Edit):
    SENTENCE = "turned by quarters, against the clock"
    quarters: Annotated[int, "how many"] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Shuffle(Edit):
    SENTENCE = "dealt out anew among the block's channels"
    seed: Seed = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Random(Edit):
    SENTENCE = "a random kernel of the same mean and the same norm about it"
    seed: Seed = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Covariance(Edit):
    SENTENCE = "drawn from the Gaussian of mean zero with the covariance of the block's kernels"
    seed: Seed = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch(Edit):
    SENTENCE = "as it was after an epoch of training"
    epoch: Annotated[int, "the epoch; 0 is before training"] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Transplant(Edit):
    SENTENCE = (
        "kernel, bias and norm of another preset's block at the same relative depth; its channels "
        "mean other things, a larger kernel is cut, a smaller one has zeros around it"
    )
    from_: Annotated[str, "the preset that they are from"] = ""

    def __post_init__(self) -> None:
        Edit.__post_init__(self)
        if not self.from_:
            raise ChoiceError("transplant needs from=PRESET: a preset of the same dim.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalibrate(Edit):
    SENTENCE = (
        "batch norm's statistics anew, from pictures of a data set; of all blocks, the stem's too"
    )
    data: Annotated[str, "the data set that they are from"] = ""
    pictures: Annotated[int, "how many of it, drawn by the seed"] = 512
    seed: Seed = 0

    def __post_init__(self) -> None:
        Edit.__post_init__(self)
        if not self.data:
            raise ChoiceError("recalibrate needs data=NAME: a data set, whose labels aren't read.")
        if self.kernels != "all":
            raise ChoiceError("Statistics are a block's, not a kernel's: leave kernels out.")


EDITS: dict[str, type[Edit]] = {
    "off": Off,
    "scale": Scale,
    "template": Template,
    "low-rank": LowRank,
    "mean": Mean,
    "round": Round,
    "blur": Blur,
    "sharpen": Sharpen,
    "mirror": Mirror,
    "rotate": Rotate,
    "shuffle": Shuffle,
    "random": Random,
    "covariance": Covariance,
    "epoch": Epoch,
    "transplant": Transplant,
    "recalibrate": Recalibrate,
}


def parse(text: str) -> Edit:
    """The edit that a text writes."""
    return read(text, EDITS, "edit")


def read(text: str, kinds: Mapping[str, type[E]], noun: str) -> E:
    """What a text writes, of the kinds that there are."""
    name, *words = text.strip().split(":")
    if name not in kinds:
        near = get_close_matches(name, kinds, 1)
        hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(kinds)}."
        raise ChoiceError(f"There is no {noun} {name!r:.60}: {hint}")
    by_key = {_key(field): field for field in _fields(kinds[name])}
    choices: dict[str, Any] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if key not in by_key or not equals or not value:
            raise ChoiceError(f"{name} has no {word!r:.60}: it takes {'=…, '.join(by_key)}=….")
        field = by_key[key]
        choices[field.name] = _read(field, value, f"{name}'s {key}")
    return kinds[name](**choices)


def write(edit: Any, name: str) -> str:
    """As read() reads it; a key that has its default is left out."""
    named = ((field, getattr(edit, field.name)) for field in _fields(type(edit)))
    words = [f"{_key(f)}={_word(f, value)}" for f, value in named if value != f.default]
    return ":".join([name, *words])


def parse_all(edits: Iterable[str | Edit]) -> tuple[Edit, ...]:
    """Edits, in the order in which they are made."""
    parsed = tuple(parse(edit) if isinstance(edit, str) else edit for edit in edits)
    if len(parsed) > MOST:
        raise ChoiceError(f"{len(parsed)} edits are too many: {MOST} at most.")
    return parsed


def in_words(edits: Sequence[Edit]) -> tuple[str, ...]:
    """As they are written."""
    return tuple(map(str, edits))


def _fields(kind: type[Any]) -> tuple[OptionField, ...]:
    """An edit's own keys first."""
    common = {field.name for field in fields(Edit)}
    return tuple(sorted(option_fields(kind), key=lambda field: field.name in common))


def _key(field: OptionField) -> str:
    return field.name.rstrip("_")


def _word(field: OptionField, value: Any) -> str:
    if isinstance(value, float):
        return str(value).removesuffix(".0")
    return _ranges(value) if field.many else str(value)


def _ranges(numbers: Sequence[int]) -> str:
    """1, 3, 4, 5 → 1+3-5"""
    counter = count()
    runs = [list(run) for _, run in groupby(numbers, lambda number: number - next(counter))]
    return "+".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _read(field: OptionField, text: str, name: str) -> Any:
    if field.many:
        return () if text == "all" else _numbers(text, name)
    if field.choices:
        if text not in field.choices:
            raise ChoiceError(f"{name} is {text!r:.60}: choose {' or '.join(field.choices)}.")
        return text
    try:
        return as_type(field.kind(text), field.kind, name)
    except ValueError:
        kind = "a whole number" if field.kind is int else "a number"
        raise ChoiceError(f"{name} is {text!r:.60}: it must be {kind}.") from None


def _numbers(text: str, name: str) -> tuple[int, ...]:
    """'3', '1-4', '1+3-5' → the numbers."""
    numbers: list[int] = []
    for part in text.split("+"):
        ends = part.split("-")
        if len(ends) > 2 or not all(end.isdecimal() and len(end) < 7 for end in ends):
            raise ChoiceError(f"{name} is {text!r:.60}: write numbers as 3, 3-8 or 1+4.")
        first, last = int(ends[0]), int(ends[-1])
        if last < first or last > LARGEST:
            raise ChoiceError(f"{name} is {text!r:.60}: {part} is no range of numbers here.")
        numbers += range(first, last + 1)
    return tuple(numbers)
