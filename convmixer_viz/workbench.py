"""Owner of models, results and the devices' turn-taking: run(request) → result."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch

from convmixer_viz import catalog, images, machine, report, runtime
from convmixer_viz.caches import BytesCache
from convmixer_viz.contract import Analysis, Provenance, Result, Step, Steps
from convmixer_viz.errors import PictureError
from convmixer_viz.images import DecodedImage, Picture
from convmixer_viz.preprocessing import Pictures
from convmixer_viz.presets import DEFAULT, Preset
from convmixer_viz.shelf import Shelf, Which
from convmixer_viz.turns import Line

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from convmixer_viz.analyses.prediction import Prediction


@dataclass(frozen=True, slots=True)
class Request:
    """All that decides a result; equal requests share one computation and one cache entry."""

    analysis: str
    which: Which
    images: tuple[DecodedImage, ...]
    options: Any

    @property
    def preset(self) -> Preset:
        return self.which.preset

    @property
    def digest(self) -> str:
        """A short name of this request; pictures count by content and name, not by array."""
        return hashlib.sha256(repr(self).encode()).hexdigest()


class Workbench:
    """Runs any analysis on any preset; shared by threads, one per process is enough."""

    def __init__(
        self, device: str = "auto", *, model_bytes: int = 2 * 2**30, result_bytes: int = 2**30
    ) -> None:
        self.device = runtime.choose(device)
        self.shelf = Shelf(model_bytes)
        self._results: BytesCache[Result] = BytesCache(result_bytes, lambda r: r.nbytes)
        self._lines: dict[str, Line] = {}
        self._lock = threading.Lock()

    # what there is

    @property
    def presets(self) -> dict[str, Preset]:
        """All presets by name: the table, the user's own files, and those added in memory."""
        return self.shelf.presets

    @property
    def catalog(self) -> dict[str, Analysis]:
        """All analyses by name."""
        return catalog.CATALOG

    @property
    def devices(self) -> tuple[str, ...]:
        """What a person may choose, the workbench's own first."""
        return tuple(dict.fromkeys((self.device, *machine.devices())))

    @property
    def active(self) -> int:
        """Jobs waiting or running."""
        return sum(line.active for line in self._lines.values())

    @property
    def memory(self) -> int:
        """Bytes held by cached models and results."""
        return self.shelf.nbytes + self._results.nbytes

    def add(self, name: str, source: Any, **said: Any) -> tuple[Preset, tuple[str, ...]]:
        """Name a model: a module, a state dict or a file. `said`: activation, residual,
        preprocess (a preset whose transform it shares), classes (their names), like (a preset
        whose shape it must fit). Returns the preset, and in words what had to be assumed."""
        return self.shelf.add(name, source, **said)

    def model(self, preset: str = DEFAULT, *, mode: runtime.Mode = "exact") -> runtime.LoadedModel:
        """A loaded model, for loops of one's own such as evaluation."""
        found = catalog.preset(preset, self.presets)
        which = self.shelf.which(found, None, self.device, mode)
        return self.shelf.model(which, found.transform.size)

    # asking for work

    def request(
        self,
        analysis: str,
        pictures: Sequence[Picture] = (),
        *,
        preset: str = DEFAULT,
        random: int | None = None,
        device: str | None = None,
        mode: runtime.Mode = "exact",
        **options: Any,
    ) -> Request:
        """Check and complete what a person asks for; what is wrong raises before any work."""
        row, found = catalog.find(analysis), catalog.preset(preset, self.presets)
        chosen = catalog.options(row, options)
        device = runtime.choose(device) if device else self.device
        return Request(
            analysis,
            self.shelf.which(found, random, device, mode),
            catalog.pictures(row, list(_decoded(pictures)), found),
            catalog.fit(chosen, found, self.shelf.class_names(preset)),
        )

    def run(self, analysis: str, pictures: Sequence[Picture] = (), **choices: Any) -> Any:
        """The whole result; `choices` as in request()."""
        return self.finish(self.request(analysis, pictures, **choices))

    def steps(self, analysis: str, pictures: Sequence[Picture] = (), **choices: Any) -> Steps:
        """The same, step by step; steps may be skipped, never the last."""
        return self.follow(self.request(analysis, pictures, **choices))

    def predict(self, picture: Picture, preset: str = DEFAULT, **choices: Any) -> Prediction:
        """What one picture shows, according to a preset."""
        return cast("Prediction", self.run("prediction", [picture], preset=preset, **choices))

    def finish(self, request: Request) -> Any:
        """Follow a request to its result."""
        with closing(self.follow(request)) as steps:
            *_, last = steps
        return last.partial

    def result(self, request: Request) -> Any | None:
        """The result where it is at hand, none where it would have to be computed."""
        return self._results.get(request.digest)

    def result_of(self, digest: str) -> Any | None:
        """The result of the request with that digest, where it is still at hand."""
        return self._results.get(digest)

    def standing(self, request: Request) -> Step[Any] | None:
        """How far suspended or running work is, none where nothing was begun."""
        return self._line(request.which.device).standing(request.digest)

    def follow(self, request: Request, patience: float | None = None) -> Steps:
        """Steps of a request; with patience (seconds) the latest comes again while nothing new
        does. Close the iterator to stop: work that nobody follows is suspended."""
        known = self.result(request)
        if known is not None:
            yield Step(1, 1, known)
            return
        line, start = self._line(request.which.device), partial(self._compute, request)
        with closing(line.follow(request.digest, request.analysis, start, patience)) as steps:
            yield from steps

    def forget_results(self) -> None:
        """Empty the cache of results."""
        self._results.clear()

    def close(self) -> None:
        """End the devices' threads, each after the step that it is in."""
        for line in self._lines.values():
            line.close()

    # with results

    def draw(self, result: Result, **how: Any) -> go.Figure:
        """The result's main picture."""
        return catalog.of(result).draw(result, **how)

    def save(self, result: Result, folder: str | Path) -> list[Path]:
        """Write <command>.npz, .json, .csv and .html, whole or not at all."""
        return report.save(result, Path(folder))

    def load(self, folder: str | Path, analysis: str | None = None) -> Any:
        """Read back what save() wrote; a folder with several results needs the analysis's name."""
        return report.load(Path(folder), analysis)

    def answers(self, result: Result, request: Request) -> bool:
        """Whether a result, read back from a file, is that of a request."""
        told = result.provenance
        return told is not None and (
            (told.analysis, told.preset, told.weights_sha256, told.untrained_seed, told.images)
            == (request.analysis, request.preset.name, request.which.weights_sha256,
                request.which.untrained_seed, tuple(image.sha256 for image in request.images))
            and (told.options, told.mode) == (asdict(request.options), request.which.mode)
        )  # fmt: skip

    # inside

    def _line(self, device: str) -> Line:
        with self._lock:
            if device not in self._lines:
                self._lines[device] = Line(runtime.settle_thread, runtime.chunk)
            return self._lines[device]

    def _compute(self, request: Request) -> Steps:
        """Runs in the device's thread: load, prepare, compute; the whole result is kept."""
        analysis, preset = catalog.find(request.analysis), request.preset
        side = catalog.side(analysis, request.options, preset)
        model = self.shelf.model(request.which, side)
        pictures = Pictures(request.images, preset.transform, side)
        origin, began, spent = _provenance(request, model), time.perf_counter(), 0.0
        for step in analysis.compute(model, pictures, request.options):
            spent += time.perf_counter() - began
            result = step.partial
            if result is not None:
                told = replace(origin, seconds=spent, halved_to=tuple(model.halved))
                result = replace(result, provenance=told)
            if step.done == step.total:
                self._results.put(request.digest, cast(Result, result))
            yield replace(step, partial=result)
            began = time.perf_counter()


def _decoded(pictures: Sequence[Picture]) -> Iterator[DecodedImage]:
    for image in images.load_all(pictures, images.HELD):
        if isinstance(image, PictureError):
            raise image
        yield image


def _provenance(request: Request, model: runtime.LoadedModel) -> Provenance:
    return Provenance(
        analysis=request.analysis,
        preset=request.preset.name,
        weights_sha256=model.weights_sha256,
        untrained_seed=model.untrained_seed,
        images=tuple(image.sha256 for image in request.images),
        options=asdict(request.options),
        device=model.device,
        mode=model.mode,
        dtype=str(model.dtype).removeprefix("torch."),
        memory_format=str(model.memory_format).removeprefix("torch."),
        threads=torch.get_num_threads(),
        versions=machine.deciding_versions(),
        seconds=0.0,
    )
