"""What every analysis agrees on: Options in, Steps of Results out, and where a result came from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

R = TypeVar("R", bound="Result")


@dataclass(frozen=True, slots=True)
class Provenance:
    """Everything that decides a result's numbers, and what it took to compute them."""

    preset: str
    weights_sha256: str
    untrained_seed: int | None  # the random twin's seed, none for the trained weights
    images: tuple[str, ...]  # sha256 of width, height and pixels
    options: dict[str, Any]
    device: str
    mode: Literal["exact", "fast"]
    dtype: str
    memory_format: str
    threads: int
    versions: dict[str, str]
    seconds: float


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

    @property
    def nbytes(self) -> int:
        """Bytes held by the arrays."""
        values = (getattr(self, field.name) for field in fields(self))
        return sum(value.nbytes for value in values if isinstance(value, np.ndarray))


@dataclass(frozen=True, slots=True)
class Step(Generic[R]):
    """One chunk of work done: `done` of `total`, and the result so far where there is one."""

    done: int
    total: int
    partial: R | None = None


class Options(Protocol):
    """Any frozen dataclass of scalars, Literals, tuples; each field Annotated with a sentence."""

    __dataclass_fields__: Any


@dataclass(frozen=True, slots=True)
class Analysis:
    """A row of the catalog; its modules are found by name and imported on use."""

    name: str  # the command's name: "receptive-field"
    result: str  # the result's class in the analysis module: "ReceptiveField"
    images: Literal["none", "one", "many"]
    summary: str
    wide: bool = False  # default resolution: the preset's field resolution instead of its own size

    @property
    def stem(self) -> str:
        return self.name.replace("-", "_")

    @property
    def module(self) -> Any:
        return import_module(f"convmixer_viz.analyses.{self.stem}")

    @property
    def options(self) -> type[Any]:
        return self.module.Options  # type: ignore[no-any-return]

    @property
    def compute(self) -> Callable[..., Iterator[Step[Any]]]:
        return self.module.compute  # type: ignore[no-any-return]

    @property
    def result_type(self) -> type[Result]:
        return getattr(self.module, self.result)  # type: ignore[no-any-return]

    @property
    def draw(self) -> Callable[[Any], Any]:
        return import_module(f"convmixer_viz.figures.{self.stem}").draw  # type: ignore[no-any-return]
