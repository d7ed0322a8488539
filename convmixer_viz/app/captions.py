"""What a result is and where it comes from, in a line of words."""

from __future__ import annotations

from convmixer_viz.contract import Provenance, Result


def origin(result: Result) -> Provenance:
    """The provenance, which every result of a workbench has."""
    assert result.provenance is not None, "results of pages come from the workbench"
    return result.provenance


def title(result: Result) -> str:
    """Which analysis of which model."""
    source = origin(result)
    twin = "" if source.untrained_seed is None else f" untrained (seed {source.untrained_seed})"
    return f"{source.analysis}, {source.preset}{twin}"


def describe(result: Result) -> str:
    """The same, on which device, and the seconds that it took."""
    source = origin(result)
    return f"{title(result)}, {source.device} {source.dtype}, {source.seconds:.2g} s"
