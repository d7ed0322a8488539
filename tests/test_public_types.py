"""What an editor knows: by a constant of the catalog a result has its type, by name it is a Result.

mypy checks the `assert_type`s, strictly; run, they are the public calls."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, assert_type

import plotly.graph_objects as go
import pytest

from convmixer_viz import (
    ANALYSES,
    ATTRIBUTION,
    EVIDENCE,
    KERNELS,
    PREDICTION,
    RECEPTIVE_FIELD,
    AttributionMap,
    Evidence,
    Explanation,
    KernelAtlas,
    Prediction,
    ReceptiveField,
    Result,
    Step,
    Workbench,
)

if TYPE_CHECKING:
    from convmixer_viz.request import Request

PRESET = "cifar10-128-8-k3"
CAT = "gallery:cat"


@pytest.fixture(scope="module")
def bench() -> Iterator[Workbench]:
    bench = Workbench(device="cpu")
    yield bench
    bench.close()


def test_a_constant_gives_its_results_type(bench: Workbench) -> None:
    evidence = bench.run(EVIDENCE, [CAT], preset=PRESET)
    assert_type(evidence, Evidence)
    assert_type(bench.run(KERNELS, preset=PRESET), KernelAtlas)
    assert_type(bench.predict(CAT, PRESET), Prediction)
    assert isinstance(evidence, EVIDENCE.result_type)


def test_a_name_gives_a_result(bench: Workbench) -> None:
    assert_type(bench.run("evidence", [CAT], preset=PRESET), Result)
    assert bench.run("evidence", [CAT], preset=PRESET) is bench.run(EVIDENCE, [CAT], preset=PRESET)


def test_steps_requests_and_files_keep_the_type(bench: Workbench, tmp_path: Path) -> None:
    steps = bench.steps(ATTRIBUTION, [CAT], preset=PRESET, method="saliency")
    assert_type(steps, Generator[Step[AttributionMap], None, None])
    *_, last = steps
    assert_type(last.partial, AttributionMap | None)
    request = bench.request(RECEPTIVE_FIELD, [CAT], preset=PRESET, resolution=32)
    if TYPE_CHECKING:
        assert_type(request, Request[ReceptiveField])
    assert_type(bench.finish(request), ReceptiveField)
    prediction = bench.run(PREDICTION, [CAT], preset=PRESET)
    bench.save(prediction, tmp_path)
    assert_type(bench.load(tmp_path, PREDICTION), Prediction)
    assert_type(bench.load(tmp_path), Result)


def test_an_explanation_holds_three_results(bench: Workbench) -> None:
    explanation = bench.explain(CAT, PRESET, target="cat", against="dog")
    assert_type(explanation, Explanation)
    assert_type(explanation.field, ReceptiveField)
    assert explanation.evidence.target_name == "cat rather than dog"
    assert explanation.prediction is bench.predict(CAT, PRESET)
    assert isinstance(bench.draw(explanation.evidence), go.Figure)


def test_every_analysis_has_its_constant_and_its_type_at_the_package() -> None:
    import convmixer_viz

    for name, row in ANALYSES.items():
        assert getattr(convmixer_viz, name.upper().replace("-", "_")) is row
        assert getattr(convmixer_viz, row.result_type.__name__) is row.result_type
