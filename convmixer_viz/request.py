"""A person's words → a request that fits a preset; what doesn't fit is refused before any work."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_type_hints

from convmixer_viz.contract import Analysis, as_type, check_seed
from convmixer_viz.errors import ChoiceError
from convmixer_viz.pictures import edits as picture_edits
from convmixer_viz.pictures.decode import Picture, load
from convmixer_viz.pictures.folders import Drawn
from convmixer_viz.presets import classes, table
from convmixer_viz.presets.table import Preset
from convmixer_viz.questions import edits
from convmixer_viz.questions.edits import Edit, LowRank, Transplant

if TYPE_CHECKING:
    from convmixer_viz.engine.models import ModelKey

R = TypeVar("R")
LARGEST_SIDE = 2048  # pixels; a grid of 1024² tokens at patch 2 is beyond any machine here


@dataclass(frozen=True, slots=True)
class Request(Generic[R]):
    """All that decides a result; equal requests share one computation and one cache entry."""

    analysis: Analysis[R]
    key: ModelKey
    images: Sequence[Picture]  # a tuple, or drawn from a data set
    options: Any
    on_disk: bool = field(default=True, compare=False, repr=False)  # may its result be kept there?

    @property
    def preset(self) -> Preset:
        return self.key.preset

    @property
    def digest(self) -> str:
        """A short name of this request; pictures count by content and name, not by array."""
        return hashlib.sha256(repr(self).encode()).hexdigest()

    @property
    def image_names(self) -> tuple[str, ...]:
        """The pictures as a provenance names them: each one's sha256, or the part of a data set."""
        if isinstance(self.images, Drawn):
            return (self.images.identity,)
        return tuple(image.sha256 for image in self.images)

    @property
    def picture_edits(self) -> tuple[tuple[str, ...], ...]:
        """Each picture's edits, as they are written; none where no picture is edited."""
        each = [tuple(map(str, image.edits)) for image in self._carriers]
        return tuple(each) if any(each) else ()

    @property
    def picture_sources(self) -> tuple[str, ...]:
        """sha256 of each picture that is pasted."""
        return tuple(each.sha256 for image in self._carriers for each in image.sources)

    @property
    def _carriers(self) -> Sequence[Picture | Drawn]:
        """Who carries the edits: each picture, or the data set for all of its own."""
        return (self.images,) if isinstance(self.images, Drawn) else self.images

    @property
    def side(self) -> int:
        """Side in pixels at which pictures are prepared."""
        return _side(self.analysis, self.options, self.preset)


def read_options(analysis: Analysis[Any], choices: dict[str, Any]) -> Any:
    """The analysis's Options from names and values."""
    hints = get_type_hints(analysis.options, include_extras=True)
    for name in choices:
        if name not in hints:
            raise ChoiceError(
                f"{analysis.name} has no option {name!r}; it has {', '.join(hints) or 'none'}."
            )
    typed = {name: as_type(value, hints[name], name) for name, value in choices.items()}
    options = analysis.options(**typed)
    check_seed(getattr(options, "seed", 0))
    return options


def fit(analysis: Analysis[Any], options: Any, preset: Preset, class_names: tuple[str, ...]) -> Any:
    """Options checked against a preset: classes become indices; blocks, channel, token and side
    must exist. What decides nothing here has its default, so that it doesn't part
    two requests."""
    own = {field.name: field.default for field in fields(options)}
    changes: dict[str, Any] = {name: own[name] for name in getattr(options, "unread", ())}
    for name in sorted(own.keys() & {"target", "against"}):
        text = getattr(options, name)
        if text is not None:
            changes[name] = str(classes.find(class_names, text))
    fitted = replace(options, **changes)
    if "resolution" in own and fitted.resolution is not None:
        _check_side(fitted.resolution, preset)
    _check_blocks(fitted, preset)
    _check_channel(fitted, preset)
    if getattr(fitted, "token", None) is not None:
        _check_token(fitted.token, _side(analysis, fitted, preset), preset)
    return fitted


def fit_edits(
    written: Sequence[str | Edit], preset: Preset, presets: Mapping[str, Preset]
) -> tuple[Edit, ...]:
    """Edits checked against a preset: blocks, channels, ranks and other presets must exist."""
    return tuple(_fit_edit(edit, preset, presets) for edit in edits.parse_all(written))


def _fit_edit(edit: Edit, preset: Preset, presets: Mapping[str, Preset]) -> Edit:
    shape, size = preset.shape, preset.shape.kernel_size
    if edit.blocks and edit.blocks[-1] > shape.depth:
        raise ChoiceError(
            f"{preset.name} has no block {edit.blocks[-1]}: choose 1 to {shape.depth}."
        )
    if edit.kernels not in edits.SETS and edit.channels[-1] >= shape.dim:
        raise ChoiceError(
            f"{preset.name} has no channel {edit.channels[-1]}: choose 0 to {shape.dim - 1}."
        )
    if isinstance(edit, LowRank) and edit.rank > size:
        raise ChoiceError(f"A {size}×{size} kernel has rank {size} at most, not {edit.rank}.")
    if isinstance(edit, Transplant):
        _check_donor(table.find(edit.from_, presets), preset)
    whole = len(edit.blocks) == shape.depth
    return replace(edit, blocks=()) if whole else edit


def _check_donor(donor: Preset, preset: Preset) -> None:
    if donor.shape.dim != preset.shape.dim:
        raise ChoiceError(
            f"{donor.name} has {donor.shape.dim} channels, {preset.name} {preset.shape.dim}: "
            "transplant from a preset of equal dim."
        )
    if (donor.shape.kernel_size - preset.shape.kernel_size) % 2:
        raise ChoiceError(
            f"{donor.name} has kernels of {donor.shape.kernel_size}, {preset.name} of "
            f"{preset.shape.kernel_size}: their centres don't meet; choose another preset."
        )


def fit_pictures(
    analysis: Analysis[Any], chosen: Sequence[Picture], preset: Preset
) -> Sequence[Picture]:
    """The pictures that the analysis takes; where none is chosen, the preset's opening one."""
    if analysis.images == "none":
        return ()
    if analysis.images == "one" and len(chosen) > 1:
        raise ChoiceError(f"{analysis.name} takes one picture, not {len(chosen)}.")
    if isinstance(chosen, Drawn):
        return chosen
    return tuple(chosen) or (load(f"gallery:{preset.opening}"),)


def check_picture_edits(request: Request[Any]) -> None:
    """Refuse edits of pictures that the preset can't have at the request's resolution."""
    for made in dict.fromkeys(image.edits for image in request._carriers):
        picture_edits.check(made, request.preset, request.side)


def _side(analysis: Analysis[Any], options: Any, preset: Preset) -> int:
    own = preset.field_side if analysis.wide else preset.transform.size
    return getattr(options, "resolution", None) or own


def _check_blocks(options: Any, preset: Preset) -> None:
    depth, first = preset.shape.depth, getattr(options, "FIRST_BLOCK", 0)
    one = getattr(options, "block", None)
    for block in (*getattr(options, "blocks", ()), *(() if one is None else (one,))):
        if block == 0 < first:
            raise ChoiceError(
                "Block 0 is the stem and has no depthwise kernels: choose blocks from 1, "
                "or the patch embedding."
            )
        if not first <= block <= depth:
            stem = "" if first else ", or 0 for the stem"
            raise ChoiceError(f"{preset.name} has no block {block}: choose 1 to {depth}{stem}.")


def _check_channel(options: Any, preset: Preset) -> None:
    channel, last = getattr(options, "channel", 0), preset.shape.dim - 1
    if not 0 <= channel <= last:
        raise ChoiceError(f"{preset.name} has no channel {channel}: choose 0 to {last}.")


def _check_token(token: tuple[int, int], side: int, preset: Preset) -> None:
    (row, column), last = token, preset.shape.grid(side) - 1
    if not (0 <= row <= last and 0 <= column <= last):
        raise ChoiceError(
            f"There is no token {row},{column} at {side}×{side} pixels: rows end at {last}, "
            f"columns at {last}."
        )


def _check_side(side: int, preset: Preset) -> None:
    smallest = preset.shape.patch_size
    if not smallest <= side <= LARGEST_SIDE:
        raise ChoiceError(
            f"{preset.name} takes {smallest} to {LARGEST_SIDE} pixels a side, not {side}."
        )
