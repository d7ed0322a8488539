"""A weights file that somebody brings, and what is noted of it once it is verified."""

from __future__ import annotations

from dataclasses import dataclass

from convmixer_viz.presets.table import Activation, Residual

WEIGHTS = "weights.safetensors"  # verified, in a private folder until they are kept


@dataclass(frozen=True, slots=True)
class Candidate:
    """A weights file that somebody brought, and what they say of it."""

    file: str
    name: str  # of the preset that it becomes
    replaces: str | None = None  # a preset of the table whose weights it is
    preprocess: str | None = None
    class_file: str | None = None
    activation: Activation | None = None
    residual: Residual | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """What is noted of verified weights, which lie beside it as WEIGHTS."""

    record: str
    class_count: int
    origin_sha256: str
    assumed: tuple[str, ...]
