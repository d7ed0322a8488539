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

from convmixer_viz import catalog, checkpoints, images, report, runtime, weights
from convmixer_viz.caches import BytesCache
from convmixer_viz.contract import Analysis, Provenance, Result, Step
from convmixer_viz.errors import ChoiceError
from convmixer_viz.images import DecodedImage
from convmixer_viz.model import ConvMixer, random_twin
from convmixer_viz.preprocessing import prepare
from convmixer_viz.presets import DEFAULT, Preset
from convmixer_viz.turns import Line

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from convmixer_viz.analyses.prediction import Prediction
    from convmixer_viz.checkpoints import Checkpoint

Picture = str | Path | bytes | DecodedImage


@dataclass(frozen=True, slots=True)
class Request:
    """All that decides a result; equal requests share one computation and one cache entry."""

    analysis: str
    preset: Preset
    weights_sha256: str  # empty for an untrained twin
    untrained_seed: int | None
    images: tuple[DecodedImage, ...]
    options: Any
    device: str
    mode: runtime.Mode

    @property
    def digest(self) -> str:
        """A short name of this request; equal requests share it."""
        return hashlib.sha256(repr(self).encode()).hexdigest()


class Workbench:
    """Runs any analysis on any preset; shared by threads, one per process is enough."""

    def __init__(
        self, device: str = "auto", *, model_bytes: int = 2 * 2**30, result_bytes: int = 2**30
    ) -> None:
        self.device = runtime.choose(device)
        self._models: BytesCache[runtime.LoadedModel] = BytesCache(model_bytes, lambda m: m.nbytes)
        self._results: BytesCache[Result] = BytesCache(result_bytes, lambda r: r.nbytes)
        self._added: dict[str, tuple[Preset, Checkpoint]] = {}
        self._lines: dict[str, Line] = {}
        self._lock = threading.Lock()

    # what there is

    @property
    def presets(self) -> dict[str, Preset]:
        """All presets by name: the table, the user's own files, and those added in memory."""
        return weights.known() | {name: preset for name, (preset, _) in self._added.items()}

    def class_names(self, preset: str) -> tuple[str, ...]:
        """The classes that a preset knows, by index."""
        if preset in self._added:
            return self._names(*self._added[preset])
        return weights.class_names(catalog.preset(preset, self.presets))

    @property
    def catalog(self) -> dict[str, Analysis]:
        """All analyses by name."""
        return catalog.CATALOG

    @property
    def devices(self) -> tuple[str, ...]:
        """What a person may choose, the best first."""
        return runtime.devices()

    @property
    def active(self) -> int:
        """Jobs waiting or running."""
        return sum(line.active for line in self._lines.values())

    @property
    def memory(self) -> int:
        """Bytes held by cached models and results."""
        return self._models.nbytes + self._results.nbytes

    def add(self, name: str, source: Any, **said: Any) -> Preset:
        """Name a model: a module, a state dict or a file. `said`: activation, residual,
        preprocess (a preset whose transform it shares), classes (their names), like (a preset
        whose shape it must fit)."""
        preset, checkpoint = checkpoints.adopt(name, source, self.presets, **said)
        self._added[name] = (preset, checkpoint)
        return preset

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
        row, chosen = catalog.find(analysis), catalog.preset(preset, self.presets)
        fitted = catalog.fit(catalog.options(row, options), chosen, self.class_names(chosen.name))
        return Request(
            analysis,
            chosen,
            self._sha256(chosen) if random is None else "",
            random,
            catalog.pictures(row, [_decoded(picture) for picture in pictures], chosen),
            fitted,
            runtime.choose(device) if device else self.device,
            mode,
        )

    def run(self, analysis: str, pictures: Sequence[Picture] = (), **choices: Any) -> Any:
        """The whole result; `choices` as in request()."""
        return self.finish(self.request(analysis, pictures, **choices))

    def steps(
        self, analysis: str, pictures: Sequence[Picture] = (), **choices: Any
    ) -> Iterator[Step[Any]]:
        """The same, step by step; steps may be skipped, never the last."""
        return self.follow(self.request(analysis, pictures, **choices))

    def predict(self, picture: Picture, preset: str = DEFAULT, **choices: Any) -> Prediction:
        """What one picture shows, according to a preset."""
        return cast("Prediction", self.run("prediction", [picture], preset=preset, **choices))

    def finish(self, request: Request) -> Any:
        """Follow a request to its result."""
        with closing(self.follow(request)) as steps:
            for step in steps:
                last = step
        return last.partial

    def result(self, request: Request) -> Any | None:
        """The result where it is at hand, none where it would have to be computed."""
        return self._results.get(request.digest)

    def result_of(self, digest: str) -> Any | None:
        """The result of the request with that digest, where it is still at hand."""
        return self._results.get(digest)

    def standing(self, request: Request) -> Step[Any] | None:
        """How far suspended or running work is, none where nothing was begun."""
        return self._line(request.device).standing(request.digest)

    def follow(self, request: Request, patience: float | None = None) -> Iterator[Step[Any]]:
        """Steps of a request; with patience (seconds) the latest comes again while nothing new
        does. Close the iterator to stop: work that nobody follows is suspended."""
        known = self.result(request)
        if known is not None:
            yield Step(1, 1, known)
            return
        line, start = self._line(request.device), partial(self._compute, request)
        with closing(line.follow(request.digest, request.analysis, start, patience)) as steps:
            yield from steps

    def close(self) -> None:
        """End the devices' threads, each after the step that it is in."""
        for line in self._lines.values():
            line.close()

    # with results

    def draw(self, result: Result, **how: Any) -> go.Figure:
        """The result's main picture."""
        return catalog.of(result).draw(result, **how)

    def save(self, result: Result, folder: str | Path) -> list[Path]:
        """Write <command>.npz, .json and .html, whole or not at all."""
        return report.save(result, Path(folder))

    def load(self, folder: str | Path) -> Any:
        """Read back what save() wrote."""
        return report.load(Path(folder))

    # inside

    def _names(self, preset: Preset, checkpoint: Checkpoint) -> tuple[str, ...]:
        return checkpoint.class_names or tuple(map(str, range(preset.class_count)))

    def _sha256(self, preset: Preset) -> str:
        if preset.name in self._added:
            return self._added[preset.name][1].sha256
        return weights.source(preset).sha256

    def _line(self, device: str) -> Line:
        with self._lock:
            if device not in self._lines:
                self._lines[device] = Line(runtime.settle_thread, runtime.chunk)
            return self._lines[device]

    def _compute(self, request: Request) -> Iterator[Step[Any]]:
        """Runs in the device's thread: load, prepare, compute; the whole result is kept."""
        analysis = catalog.find(request.analysis)
        side = catalog.side(analysis, request.options, request.preset)
        model = self._model(request, side)
        prepared = [prepare(image, request.preset.transform, side) for image in request.images]
        began, spent = time.perf_counter(), 0.0
        for step in analysis.compute(model, prepared, request.options):
            spent += time.perf_counter() - began
            result = step.partial
            if result is not None:
                result = replace(result, provenance=_provenance(request, model, spent))
            if step.done == step.total:
                self._results.put(request.digest, result)
            yield replace(step, partial=result)
            began = time.perf_counter()

    def _model(self, request: Request, side: int) -> runtime.LoadedModel:
        calibrated = None if request.untrained_seed is None else side
        key = replace(request, analysis="", images=(), options=calibrated)
        model = self._models.get(key)
        if model is None:
            model = self._untrained(request, side) if calibrated else self._trained(request)
            self._models.put(key, model)
        return model

    def _trained(self, request: Request) -> runtime.LoadedModel:
        preset = request.preset
        if preset.name in self._added:
            state = self._added[preset.name][1].state
        else:
            state = checkpoints.read(weights.path(preset)).state
        module = ConvMixer(preset.shape, preset.class_count)
        module.load_state_dict(state)
        return self._loaded(request, module)

    def _untrained(self, request: Request, side: int) -> runtime.LoadedModel:
        module = ConvMixer(request.preset.shape, request.preset.class_count)
        seed = cast(int, request.untrained_seed)
        return replace(self._loaded(request, random_twin(module, seed, side)), untrained_seed=seed)

    def _loaded(self, request: Request, module: ConvMixer) -> runtime.LoadedModel:
        return runtime.load(
            request.preset,
            module,
            class_names=self.class_names(request.preset.name),
            sha256=request.weights_sha256,
            device=request.device,
            mode=request.mode,
        )


def _decoded(picture: Picture) -> DecodedImage:
    return picture if isinstance(picture, DecodedImage) else images.load(picture)


def _provenance(request: Request, model: runtime.LoadedModel, seconds: float) -> Provenance:
    return Provenance(
        analysis=request.analysis,
        preset=request.preset.name,
        weights_sha256=request.weights_sha256,
        untrained_seed=request.untrained_seed,
        images=tuple(image.sha256 for image in request.images),
        options=asdict(request.options),
        device=request.device,
        mode=request.mode,
        dtype=str(model.dtype).removeprefix("torch."),
        memory_format=str(model.memory_format).removeprefix("torch."),
        threads=torch.get_num_threads(),
        versions=runtime.versions(),
        seconds=seconds,
        halved_to=tuple(model.halved),
    )
