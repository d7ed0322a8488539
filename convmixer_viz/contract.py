"""What every analysis agrees on: Options in, Steps of Results out, and where a result came from."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, fields
from importlib import import_module
from numbers import Integral, Real
from types import UnionType
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import numpy as np

from convmixer_viz.errors import ChoiceError

R = TypeVar("R")
LARGEST_SEED = 2**53 - 1  # exact in any reader's JSON; a thousandfold still fits torch's 64 bits


@dataclass(frozen=True, slots=True)
class Provenance:
    """Everything that decides a result's numbers, and what it took to compute them."""

    analysis: str
    preset: str
    weights_sha256: str
    untrained_seed: int | None  # the random twin's seed, none for the trained weights
    images: tuple[str, ...]  # sha256 of width, height and pixels each; or a data set's part
    options: dict[str, Any]
    device: str
    mode: Literal["exact", "fast"]
    dtype: str
    memory_format: str
    threads: int
    versions: dict[str, str]
    seconds: float
    halved_to: tuple[int, ...] = ()  # fast mode's smaller batch sizes, where memory ran out
    edits: tuple[str, ...] = ()  # of the model, as they are written, in their order
    edit_sources: tuple[str, ...] = ()  # sha256 of what they took from elsewhere
    edit_notes: tuple[str, ...] = ()  # what a person is to know of them, a sentence each
    picture_edits: tuple[tuple[str, ...], ...] = ()  # of each picture; none where none is edited
    picture_sources: tuple[str, ...] = ()  # sha256 of the pictures that they paste

    @property
    def title(self) -> str:
        """Which analysis of which model."""
        twin = "" if self.untrained_seed is None else f" untrained (seed {self.untrained_seed})"
        edited = f" edited ({' '.join(self.edits)})" if self.edits else ""
        pictures = "; ".join(dict.fromkeys(" ".join(each) for each in self.picture_edits if each))
        of_edited = f" of the picture edited ({pictures})" if pictures else ""
        return f"{self.analysis}, {self.preset}{twin}{edited}{of_edited}"

    def describe(self) -> str:
        """The same, on which device, and the seconds that it took; what is to be known of edits."""
        notes = "".join(f". {note}" for note in self.edit_notes)
        return f"{self.title}, {self.device} {self.dtype}, {self.seconds:.2g} s{notes}"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Result:
    """Base of all results: read-only CPU arrays and plain values; the workbench adds provenance."""

    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                frozen = np.ascontiguousarray(value) if value.ndim else value.copy()
                frozen.flags.writeable = False
                object.__setattr__(self, field.name, frozen)

    def rows(self) -> list[dict[str, Any]]:
        """A table for people: a row a block where there is a depth axis, else one row."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "provenance"}
        blocks = values.pop("blocks", None)
        if blocks is None:
            return [{name: value for name, value in values.items() if not _is_array(value)}]
        columns = {
            name: value
            for name, value in values.items()
            if isinstance(value, np.ndarray) and value.shape == (len(blocks),)
        }
        return [
            {"block": int(block)} | {name: column[i] for name, column in columns.items()}
            for i, block in enumerate(blocks)
        ]

    def objects(self) -> list[dict[str, Any]]:
        """What --json prints of this result: an object a picture."""
        provenance = self.provenance
        return [{"preset": provenance and provenance.preset, "rows": self.rows()}]

    @property
    def origin(self) -> Provenance:
        """The provenance, which every result of a workbench has."""
        if self.provenance is None:
            raise ChoiceError("This result has no provenance: take it from a Workbench.")
        return self.provenance

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows; found by name, since export/ loads this module."""
        return resolve("export.notebook.by_mime_type")(self)  # type: ignore[no-any-return]

    @property
    def nbytes(self) -> int:
        """Bytes held by the arrays."""
        values = (getattr(self, field.name) for field in fields(self))
        return sum(value.nbytes for value in values if isinstance(value, np.ndarray))


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray)


@dataclass(frozen=True, slots=True)
class Step(Generic[R]):
    """One chunk of work done: `done` of `total`, and the result so far where there is one."""

    done: int
    total: int
    partial: R | None = None
    seconds_left: float | None = None  # the workbench's estimate, others' turns included
    ahead: int = 0  # other jobs that share the device
    place: int = 0  # of others' turns before the next one of this work

    def describe(self) -> str:
        """12 of 40, 3 min 05 s left."""
        left = f", {clock(self.seconds_left)} left" if self.seconds_left else ""
        return f"{self.done} of {self.total}{left}"


def columns(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The names in the rows of a table, in the order of their first appearance."""
    return list(dict.fromkeys(name for row in rows for name in row))


def as_text(value: Any) -> str:
    """A value as tables print it: numbers to four digits."""
    value = plain(value) if isinstance(value, np.generic) else value
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def check_seed(seed: int) -> None:
    """Refuse seeds that some generator doesn't take."""
    if not 0 <= seed <= LARGEST_SEED:
        raise ChoiceError(f"{seed} is no seed: choose 0 to {LARGEST_SEED}.")


def plain(value: np.generic | np.ndarray[Any, Any]) -> Any:
    """numpy's scalars and arrays as JSON knows them."""
    return value.tolist()


def clock(seconds: float) -> str:
    """A duration in words: 42 s, 3 min 05 s, 2 h 10 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


Steps = Generator[Step[R], None, None]


@dataclass(frozen=True, slots=True)
class OptionField:
    """One option as the command line and the pages need it."""

    name: str
    sentence: str
    default: Any
    kind: type  # int, float, str or bool
    many: bool
    choices: tuple[str, ...] | None


def option_fields(options: type[Any]) -> tuple[OptionField, ...]:
    """Read the fields of an Options class: a frozen dataclass of scalars, Literals and tuples,
    each Annotated with its sentence, and with the names to choose from where a table has them."""
    hints = get_type_hints(options, include_extras=True)
    return tuple(_option_field(field, hints[field.name]) for field in fields(options))


def as_type(value: Any, hint: Any, name: str) -> Any:
    """A plain value as a type hint says, any sequence as a tuple; a ChoiceError where the value is
    of another type. `name` is what the person calls it."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return as_type(value, parts[0], name)
    if origin in (Union, UnionType):  # X | None
        return None if value is None else as_type(value, parts[0], name)
    if origin is tuple and isinstance(value, list | tuple | range | np.ndarray):
        kinds = (parts[0],) * len(value) if parts[-1] is ... else parts
        if len(kinds) == len(value):
            return tuple(as_type(one, kind, name) for one, kind in zip(value, kinds, strict=True))
    elif origin is dict and isinstance(value, dict):
        return {as_type(k, parts[0], name): as_type(v, parts[1], name) for k, v in value.items()}
    elif _is_one(value, hint):
        return hint(value) if hint in (int, float) else value
    raise ChoiceError(f"{name} is {value!r:.60}: it must be {_kind_in_words(hint)}.")


def _is_one(value: Any, hint: Any) -> bool:
    """Whether a value is of a type without parts."""
    if hint is Any:
        return True
    if get_origin(hint) is Literal:
        return isinstance(value, str) and value in get_args(hint)
    if hint is int:
        whole = isinstance(value, Integral) and not isinstance(value, bool)
        return whole and -(2**63) <= value < 2**63
    if hint is float:
        return isinstance(value, Real) and not isinstance(value, bool) and _has_float(value)
    return isinstance(value, get_origin(hint) or hint)


def _has_float(value: Any) -> bool:
    return isinstance(value, float | np.floating) or bool(abs(value) < 2**1023)


def _kind_in_words(hint: Any) -> str:
    words = {int: "whole number", float: "number", str: "text"}
    if get_origin(hint) is Literal:
        return f"one of {', '.join(get_args(hint))}"
    if get_origin(hint) is tuple:
        kind, *more = get_args(hint)
        count = "a list of" if ... in more else 1 + len(more)
        return f"{count} {words.get(kind, 'value')}s"
    return f"a {words[hint]}" if hint in words else "true or false" if hint is bool else "an object"


def _option_field(field: Any, hint: Any) -> OptionField:
    hint, sentence, *table = get_args(hint)
    if type(None) in get_args(hint):
        (hint,) = (arg for arg in get_args(hint) if arg is not type(None))
    many = get_origin(hint) is tuple
    hint = get_args(hint)[0] if many else hint
    choices = get_args(hint) if get_origin(hint) is Literal else tuple(table) or None
    return OptionField(field.name, sentence, field.default, str if choices else hint, many, choices)


@dataclass(frozen=True, slots=True, repr=False)
class Analysis(Generic[R]):
    """A row of the catalog; only what computes and what draws is looked up, on use."""

    name: str  # the command's name: "receptive-field"
    options: type[Any]
    result_type: type[R]
    images: Literal["none", "one", "many"]
    summary: str
    place: str = ""  # below analyses/ and figures/, where it isn't the name: "kernels.atlas"
    wide: bool = False  # default resolution: the preset's field resolution instead of its own size
    measured: bool = False  # seconds of this machine: never kept on disk
    shared: bool = False  # joined processes share its pictures out, and add up their results
    mapped: bool = False  # its result is kept on disk as a folder of arrays, read where they lie

    def __repr__(self) -> str:
        return f"<analysis {self.name}>"

    @property
    def module(self) -> str:
        """Where below analyses/, and below figures/, it is."""
        return self.place or self.name.replace("-", "_")

    @property
    def compute(self) -> Callable[..., Iterator[Step[R]]]:
        return resolve(f"analyses.{self.module}.compute")  # type: ignore[no-any-return]

    @property
    def estimate(self) -> Callable[[Any], int]:
        """Workload → the bytes that compute takes at most beside the loaded model."""
        return resolve(f"analyses.{self.module}.estimate")  # type: ignore[no-any-return]

    @property
    def kept_bytes(self) -> Callable[[Any], int]:
        """Workload → the bytes that a mapped result takes on disk."""
        return resolve(f"analyses.{self.module}.kept_bytes")  # type: ignore[no-any-return]

    @property
    def draw(self) -> Callable[..., Any]:
        """Result → plotly figure."""
        return resolve(f"figures.{self.module}.draw")  # type: ignore[no-any-return]

    @property
    def still(self) -> Callable[[R], tuple[bytes, str] | None]:
        """The result's main picture as a PNG with its caption, where its figures have one."""
        figures = import_module(f"convmixer_viz.figures.{self.module}")
        return getattr(figures, "still", lambda result: None)

    @property
    def extra_files(self) -> Callable[[R], dict[str, bytes]]:
        """PNGs by file name that lie beside a saved result, where its figures make any."""
        figures = import_module(f"convmixer_viz.figures.{self.module}")
        return getattr(figures, "files", lambda result: {})


def resolve(place: str) -> Any:
    """What stands at a place below the package, "analyses.evidence.compute", loaded on use."""
    module, _, name = place.rpartition(".")
    return getattr(import_module(f"convmixer_viz.{module}"), name)
