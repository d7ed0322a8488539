"""Adding an analysis is one row: everything else follows by itself."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import plotly.graph_objects as go
import pytest

from convmixer_viz import catalog, cli, request
from convmixer_viz.contract import Analysis, Result, Step
from convmixer_viz.errors import ChoiceError
from convmixer_viz.presets import table
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.workbench import Workbench


@dataclass(frozen=True, slots=True)
class Options:
    scale: Annotated[float, "what brightness is multiplied by"] = 2.0
    side: Annotated[Literal["left", "right"], "which half to look at"] = "left"
    loud: Annotated[bool, "whether to double it once more"] = False
    target: Annotated[str | None, "class to name; none is the first"] = None
    blocks: Annotated[tuple[int, ...], "which blocks to name"] = ()


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Brightness(Result):
    value: float
    target: str | None
    halves: np.ndarray[Any, Any]


def compute(model: Any, images: Any, options: Options) -> Iterator[Step[Brightness]]:
    width = images[0].view.shape[1] // 2
    halves = np.array([images[0].view[:, :width].mean(), images[0].view[:, width:].mean()])
    value = halves[int(options.side == "right")] * options.scale * (1 + options.loud)
    yield Step(1, 2)
    yield Step(2, 2, Brightness(value=float(value), target=options.target, halves=halves))


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Analysis[Brightness]:
    row = Analysis("brightness", Options, Brightness, "one", "how bright a half is")
    analysis = types.ModuleType("convmixer_viz.analyses.brightness")
    analysis.__dict__.update(compute=compute, estimate=lambda work: 2**20)
    figure = types.ModuleType("convmixer_viz.figures.brightness")
    figure.__dict__.update(draw=lambda result: go.Figure(go.Bar(y=result.halves)))
    monkeypatch.setitem(sys.modules, analysis.__name__, analysis)
    monkeypatch.setitem(sys.modules, figure.__name__, figure)
    monkeypatch.setitem(catalog.ANALYSES, row.name, row)
    return row


def test_it_gets_a_subcommand_with_its_flags_and_their_help(
    fake: Analysis[Brightness], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cli.main(["brightness", "--help"])
    help_text = " ".join(capsys.readouterr().out.split())
    for flag in (
        "--scale N what brightness is multiplied by (default: 2.0)",
        "--side {left,right}",
        "--loud, --no-loud",
        "--blocks N",
    ):
        assert flag in help_text


def test_it_runs_exports_and_is_cached(
    fake: Analysis[Brightness], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--random", "0", "--scale", "3", "--side", "right", "--loud", "--target", "dog"]
    code = cli.main(["brightness", "gallery:dot", *flags, "--json", "--out", str(tmp_path)])
    assert code == 0
    (printed,) = json.loads(capsys.readouterr().out)
    assert printed["preset"] == "cifar10-256-8"
    assert {path.suffix for path in tmp_path.iterdir()} == {".npz", ".json", ".csv", ".html"}
    bench = Workbench("cpu")
    loaded = bench.load(tmp_path)
    assert isinstance(loaded, Brightness)
    choices: dict[str, Any] = {
        "random": 0,
        "scale": 3.0,
        "side": "right",
        "loud": True,
        "target": "5",
    }
    result = bench.run(fake, ["gallery:dot"], **choices)
    assert loaded.value == result.value == pytest.approx(result.halves[1] * 6)
    assert bench.run("brightness", ["gallery:dot"], **choices) is result
    assert [step.done for step in bench.steps("brightness", ["gallery:cat"], random=0)][-1] == 2
    bench.close()


def test_unknown_names_are_refused(fake: Analysis[Brightness]) -> None:
    with pytest.raises(ChoiceError, match="brightness has no option 'colour'; it has scale, side"):
        request.read_options(fake, {"colour": 1})
    with pytest.raises(ChoiceError, match="There is no analysis 'brigthness'"):
        catalog.find("brigthness")
    with pytest.raises(ChoiceError, match="did you mean cifar10-256-8"):
        table.find("cifar-256-8", PRESETS)


def test_a_one_picture_analysis_refuses_two(fake: Analysis[Brightness]) -> None:
    bench = Workbench("cpu")
    with pytest.raises(ChoiceError, match="takes one picture, not 2"):
        bench.request("brightness", ["gallery:cat", "gallery:dot"], random=0)


@pytest.mark.parametrize("side", [0, 1, -5, 10**6])
def test_sides_that_make_no_sense_are_refused(side: int) -> None:
    bench = Workbench("cpu")
    with pytest.raises(ChoiceError, match="pixels a side"):
        bench.request("prediction", random=0, resolution=side)
