"""Results of analyses for the tests of figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from convmixer_viz.contract import Analysis
from convmixer_viz.engine.runtime import LoadedModel
from convmixer_viz.pictures.prepare import PreparedPicture
from tests.conftest import final

R = TypeVar("R")


def compute(
    analysis: Analysis[R],
    model: LoadedModel,
    pictures: Sequence[PreparedPicture] = (),
    **options: Any,
) -> R:
    """The result of an analysis of the catalog, computed here and now."""
    return final(analysis.compute(model, pictures, analysis.options(**options)))
