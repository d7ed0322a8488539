"""Edits of a picture, their words: of the original, before a preset prepares it, or of the view
that the preset's model gets.

An edit is written NAME[:KEY=VALUE…], as in shift:x=3; what it does is in pictures/edits.py. Pixels,
patches and tokens are those of the preset at its own size: at another resolution the same part of
the picture changes, so many times larger.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

from convmixer_viz.contract import LARGEST_SEED
from convmixer_viz.errors import ChoiceError
from convmixer_viz.questions.edits import LARGEST, MOST, Seed, read, write

LIMITS: dict[str, tuple[float, float]] = {  # of the keys that are numbers
    "share": (0, 1),
    "factor": (0, 4),
    "sd": (0, 128),
    "quality": (1, 100),
    "degrees": (-180, 180),
    "x": (-2048, 2048),
    "y": (-2048, 2048),
    "sigma": (0, 64),
    "grid": (0, 2048),
    "at": (0, LARGEST),
    "seed": (0, LARGEST_SEED),
}
Fill = Literal["mean", "blur", "black"]
Tokens = Annotated[tuple[int, ...], "tokens, numbered from 0 row by row; none is all"]
Grid = Annotated[int, "tokens a side of the grid that they are numbered on; 0 is the preset's"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureEdit:
    """What all have in common: numbers within limits, and one spelling."""

    SENTENCE: ClassVar[str] = ""
    SWEPT: ClassVar[tuple[str, tuple[float, ...]]] = ("", ())  # its amount, and what a sweep tries
    NOTHING: ClassVar[tuple[tuple[str, float], ...]] = ()  # keys and values that change nothing

    def __post_init__(self) -> None:
        for name, (lowest, highest) in LIMITS.items():
            value = getattr(self, name, None)
            if value is not None and not lowest <= value <= highest:
                raise ChoiceError(
                    f"{self.name} takes {name} from {lowest} to {highest}, not {value}."
                )
        if hasattr(self, "tokens"):
            object.__setattr__(self, "tokens", tuple(sorted(set(self.tokens))))

    @property
    def name(self) -> str:
        return next(name for name, kind in PICTURE_EDITS.items() if kind is type(self))

    def with_amount(self, value: float) -> PictureEdit:
        """The same by another amount."""
        changes: dict[str, Any] = {self.SWEPT[0]: value}
        return replace(self, **changes)

    @property
    def changes_nothing(self) -> bool:
        """Whether its picture is the one before, bit for bit, whatever that is."""
        as_nothing = [getattr(self, key) == value for key, value in self.NOTHING]
        return bool(as_nothing) and all(as_nothing)

    def __str__(self) -> str:
        return write(self, self.name)


class OriginalEdit(PictureEdit):
    """Of the picture before it is prepared: the same for all presets."""

    __slots__ = ()


class PreparedEdit(PictureEdit):
    """Of what a preset's model gets, in its pixels, patches or tokens."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grey(OriginalEdit):
    SENTENCE = "colours drawn to the grey of the same luminance"
    SWEPT = ("share", (0.0, 0.25, 0.5, 0.75, 1.0))
    NOTHING = (("share", 0),)
    share: Annotated[float, "0 is as it was, 1 is grey"] = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Brightness(OriginalEdit):
    SENTENCE = "every level times a number, cut at white"
    SWEPT = ("factor", (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0))
    NOTHING = (("factor", 1),)
    factor: Annotated[float, "the number; 1 is as it was"] = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast(OriginalEdit):
    SENTENCE = "every level's distance from the picture's mean grey times a number"
    SWEPT = ("factor", (0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0))
    NOTHING = (("factor", 1),)
    factor: Annotated[float, "the number; 1 is as it was"] = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise(OriginalEdit):
    SENTENCE = "Gaussian noise added to every level of every pixel, cut at black and white"
    SWEPT = ("sd", (0.0, 4.0, 8.0, 16.0, 24.0, 32.0, 48.0, 64.0, 96.0, 128.0))
    NOTHING = (("sd", 0),)
    sd: Annotated[float, "its standard deviation in levels of 0 to 255"] = 16.0
    seed: Seed = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Jpeg(OriginalEdit):
    SENTENCE = "saved as a JPEG and read again"
    SWEPT = ("quality", (1, 2, 5, 10, 20, 30, 50, 70, 90, 100))
    quality: Annotated[int, "the JPEG's quality, 1 to 100"] = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn(OriginalEdit):
    SENTENCE = "turned about its centre, against the clock; what enters at the corners is mirrored"
    SWEPT = ("degrees", (-180.0, -135, -90, -45, -30, -15, -5, 0, 5, 15, 30, 45, 90, 135, 180))
    NOTHING = (("degrees", 0),)
    degrees: Annotated[float, "by how much"] = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror(OriginalEdit):
    SENTENCE = "mirrored"
    axis: Annotated[Literal["x", "y"], "x: left and right, y: above and below"] = "x"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift(PreparedEdit):
    SENTENCE = (
        "moved by whole pixels or patches of the preset; what enters at the border is mirrored"
    )
    SWEPT = ("x", tuple(range(-8, 9)))
    NOTHING = (("x", 0), ("y", 0))
    x: Annotated[int, "to the right"] = 0
    y: Annotated[int, "down"] = 0
    unit: Annotated[Literal["pixel", "patch"], "an input pixel of the model, or a patch"] = "pixel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blur(PreparedEdit):
    SENTENCE = "smoothed by a Gaussian; the border is mirrored"
    SWEPT = ("sigma", (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0))
    NOTHING = (("sigma", 0),)
    sigma: Annotated[float, "its σ in pixels of the preset; 0 is as it was"] = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove(PreparedEdit):
    SENTENCE = "tokens taken away: their patches are filled as attribution's baselines do"
    tokens: Tokens = ()
    fill: Annotated[Fill, "the training pictures' mean colour, the picture blurred, or black"] = (
        "mean"
    )
    grid: Grid = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Paste(PreparedEdit):
    SENTENCE = "tokens of another picture, as the preset prepares it, laid over this one's"
    from_: Annotated[str, "the other picture: a name of the gallery, or a path"] = ""
    tokens: Tokens = ()
    at: Annotated[int | None, "token where their upper left corner comes; none: its own"] = None
    grid: Grid = 0

    def __post_init__(self) -> None:
        PictureEdit.__post_init__(self)
        if not self.from_:
            raise ChoiceError("paste needs from=PICTURE: a name of the gallery, or a path.")


PICTURE_EDITS: dict[str, type[PictureEdit]] = {
    "grey": Grey,
    "brightness": Brightness,
    "contrast": Contrast,
    "noise": Noise,
    "jpeg": Jpeg,
    "turn": Turn,
    "mirror": Mirror,
    "shift": Shift,
    "blur": Blur,
    "remove": Remove,
    "paste": Paste,
}


def parse(text: str) -> PictureEdit:
    """The edit of a picture that a text writes."""
    return read(text, PICTURE_EDITS, "edit of a picture")


def parse_all(edits: Iterable[str | PictureEdit]) -> tuple[PictureEdit, ...]:
    """Edits in the order in which they are made: those of the original before those of the view."""
    parsed = tuple(parse(edit) if isinstance(edit, str) else edit for edit in edits)
    if len(parsed) > MOST:
        raise ChoiceError(f"{len(parsed)} edits of a picture are too many: {MOST} at most.")
    return tuple(sorted(parsed, key=lambda edit: isinstance(edit, PreparedEdit)))


def in_words(edits: Sequence[PictureEdit]) -> str:
    """As they are written, one behind the other."""
    return " ".join(map(str, edits))
