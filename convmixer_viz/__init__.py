"""ConvMixer Viz: see what is inside a ConvMixer."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convmixer_viz.workbench import Workbench as Workbench

__version__ = "0.1.0"
_LAZY = {"Workbench": "convmixer_viz.workbench"}  # importing the package never waits for torch


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
