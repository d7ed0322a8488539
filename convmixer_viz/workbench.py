"""The workbench, the door of Python, command line and pages: owns models, results and queues."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast, overload

import torch

from convmixer_viz import catalog
from convmixer_viz.contract import Analysis, Provenance, Result, Step, Steps, option_fields
from convmixer_viz.engine import hardware, memory, runtime, time_model
from convmixer_viz.engine.array_folders import ArrayFolders
from convmixer_viz.engine.cache import BytesCache
from convmixer_viz.engine.finished_parts import FinishedParts
from convmixer_viz.engine.holdings import held_bytes
from convmixer_viz.engine.models import ModelKey, Models
from convmixer_viz.engine.queue import (
    CLOSED,
    STOPPING,
    SUSPENDED_BYTES,
    DeviceQueue,
    Suspended,
)
from convmixer_viz.engine.store import Store, code_fingerprint
from convmixer_viz.engine.time_model import Kind, TimeModel
from convmixer_viz.errors import DeviceError, PictureError
from convmixer_viz.export import files
from convmixer_viz.pictures import decode, folders
from convmixer_viz.pictures.decode import Picture, PictureSource
from convmixer_viz.pictures.edits import edited_all
from convmixer_viz.pictures.folders import Drawn
from convmixer_viz.pictures.prepare import PreparedPictures
from convmixer_viz.presets import table
from convmixer_viz.presets.table import DEFAULT, Preset
from convmixer_viz.questions.edits import Edit, in_words
from convmixer_viz.questions.evidence import Evidence
from convmixer_viz.questions.picture_edits import PictureEdit
from convmixer_viz.questions.prediction import Prediction
from convmixer_viz.questions.receptive_field import ReceptiveField
from convmixer_viz.request import (
    Request,
    check_picture_edits,
    fit,
    fit_edits,
    fit_pictures,
    read_options,
)
from convmixer_viz.weights import checkpoint, user_folder

if TYPE_CHECKING:
    import plotly.graph_objects as go

R = TypeVar("R")


class Explanation(NamedTuple):
    """What a preset makes of one picture."""

    prediction: Prediction  # what it says, and how sure it is
    evidence: Evidence  # which patches carried that
    field: ReceptiveField  # how far each block sees

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows: the three, one below the other."""
        parts = [result._repr_mimebundle_() for result in self]
        return {kind: "\n".join(part[kind] for part in parts) for kind in parts[0]}


class Workbench:
    """Runs any analysis on any preset; shared by threads, one per process is enough.

    Of the process it changes torch's flags while a step runs, and for a GPU it sets
    CUBLAS_WORKSPACE_CONFIG where nobody has. What command line and app do beyond that makes large
    pictures faster in a script, too: engine.allocator.keep(), for the life of the process."""

    def __init__(
        self,
        device: str = "auto",
        *,
        model_bytes: int = 2 * 2**30,
        result_bytes: int = 2**30,
        suspended_bytes: int = SUSPENDED_BYTES,
        store_bytes: int = 0,
        data: Mapping[str, str | Path] | None = None,
    ) -> None:
        """`data`: folders of pictures by name, beside those that were fetched. `store_bytes`: of
        results that are kept on disk, too, in the user's cache folder; command line and app keep
        2 GiB there."""
        self.device = runtime.choose(device)
        self.threads = torch.get_num_threads()  # of every device's thread: bits depend on it
        self._data = user_folder.fetched_data()
        for name, folder in (data or {}).items():
            self._data |= folders.parts(name, Path(folder))
        self.store = Store(user_folder.results(), store_bytes)
        self.folders = ArrayFolders(user_folder.large_results(), store_bytes)
        self.models = Models(model_bytes, self.pictures)
        self.times = TimeModel()
        self._results: BytesCache[Result] = BytesCache(result_bytes, lambda r: r.nbytes)
        self._suspended_bytes = suspended_bytes
        self._queues: dict[str, DeviceQueue] = {}
        self._lock = threading.Lock()
        self._closed = ""  # the sentence for who asks nevertheless

    # what it has

    @property
    def presets(self) -> dict[str, Preset]:
        """All presets by name: the table, the user's own files, and those added in memory."""
        return self.models.presets

    @property
    def catalog(self) -> dict[str, Analysis[Any]]:
        """All analyses by name."""
        return catalog.ANALYSES

    @property
    def data(self) -> dict[str, Path]:
        """The folders of all data sets by name; train/ and test/ are one each."""
        return dict(self._data)

    def pictures(self, data: str, size: int | None = None, seed: int = 0) -> Drawn:
        """All pictures of a data set, or `size` of them drawn by a seed: they stream."""
        *_, last = folders.read(data, folders.find(data, self._data), user_folder.indices())
        assert last.partial is not None
        return Drawn(last.partial, size, seed)

    @property
    def devices(self) -> tuple[str, ...]:
        """What a person may choose, the workbench's own first."""
        return tuple(dict.fromkeys((self.device, *hardware.devices())))

    @property
    def active(self) -> int:
        """Jobs waiting or running."""
        return sum(queue.active for queue in self._queues.values())

    @property
    def memory(self) -> int:
        """Bytes held by cached models, results and suspended jobs."""
        return self.models.nbytes + self._results.nbytes + self.suspended.nbytes

    @property
    def result_nbytes(self) -> int:
        """Bytes of the results in memory."""
        return self._results.nbytes

    @property
    def suspended(self) -> Suspended:
        """Jobs that nobody follows, on all devices: asking again resumes them."""
        parts = [queue.suspended for queue in list(self._queues.values())]
        return Suspended(*(sum(numbers) for numbers in zip((0, 0, 0), *parts, strict=True)))

    def add(self, name: str, source: Any, **options: Any) -> tuple[Preset, tuple[str, ...]]:
        """Name a model: a module, a state dict or a file. `options`: activation, residual,
        preprocess (a preset whose transform it shares), classes (their names), like (a preset
        whose shape it must fit). Returns the preset, and in words what had to be assumed."""
        return self.models.add(name, source, **options)

    def model(
        self,
        preset: str = DEFAULT,
        *,
        mode: runtime.Mode = "exact",
        edits: Sequence[str | Edit] = (),
    ) -> runtime.LoadedModel:
        """A loaded model, for loops of one's own such as evaluation."""
        row = table.find(preset, self.presets)
        made = fit_edits(edits, row, self.presets)
        key = self.models.key(row, None, self.device, mode, made)
        return self.models.load(key, row.transform.size)

    def save_model(
        self, file: str | Path, preset: str = DEFAULT, *, edits: Sequence[str | Edit] = ()
    ) -> Path:
        """Write a preset's weights, edited, as a file of float32 that `add` takes and that gives
        the edited model's numbers bit for bit; its record says what it was made of."""
        path, row = Path(file), table.find(preset, self.presets)
        made = fit_edits(edits, row, self.presets)
        key = self.models.key(row, None, "cpu", "exact", made)
        model, name = self.models.load(key, row.transform.size), path.stem
        words = " ".join(in_words(made))
        origin = f"{preset} (weights {key.weights_sha256[:12]}) edited: {words}" if made else ""
        state = model.module.state_dict()
        own = replace(model.preset, name=name)
        checkpoint.save(
            path, state, own, model.class_names, dtype=checkpoint.FLOAT32, made_of=origin
        )
        return path

    # asking for work

    @overload
    def request(
        self, analysis: Analysis[R], pictures: Sequence[PictureSource] = ..., **choices: Any
    ) -> Request[R]: ...
    @overload
    def request(
        self, analysis: str, pictures: Sequence[PictureSource] = ..., **choices: Any
    ) -> Request[Result]: ...
    def request(
        self,
        analysis: Analysis[Any] | str,
        pictures: Sequence[PictureSource] = (),
        *,
        preset: str = DEFAULT,
        random: int | None = None,
        device: str | None = None,
        mode: runtime.Mode = "exact",
        edits: Sequence[str | Edit] = (),
        picture_edits: Sequence[str | PictureEdit] = (),
        on_disk: bool = True,
        **options: Any,
    ) -> Request[Any]:
        """Check and complete what a person asks for; what is wrong raises before any work. An
        analysis is a row of the catalog, which tells the result's type, or its name. `edits`: of
        the model, as in ["template:blocks=3-8", "off:blocks=2"]. `picture_edits`: of each picture,
        as in ["shift:x=3", "blur:sigma=1"]. `on_disk`: whether its result may be kept there."""
        row = catalog.find(analysis) if isinstance(analysis, str) else analysis
        model = table.find(preset, self.presets)
        chosen = read_options(row, options)
        device = runtime.choose(device) if device else self.device
        chosen_pictures = pictures if isinstance(pictures, Drawn) else list(_decode(pictures))
        request = Request(
            row,
            self.models.key(model, random, device, mode, fit_edits(edits, model, self.presets)),
            edited_all(fit_pictures(row, chosen_pictures, model), picture_edits),
            fit(row, chosen, model, self.models.class_names(preset)),
            on_disk and not row.measured,
        )
        check_picture_edits(request)
        return request

    @overload
    def run(
        self, analysis: Analysis[R], pictures: Sequence[PictureSource] = ..., **choices: Any
    ) -> R: ...
    @overload
    def run(
        self, analysis: str, pictures: Sequence[PictureSource] = ..., **choices: Any
    ) -> Result: ...
    def run(
        self, analysis: Analysis[Any] | str, pictures: Sequence[PictureSource] = (), **choices: Any
    ) -> Any:
        """The whole result; `choices` as in request()."""
        return self.finish(self.request(cast(str, analysis), pictures, **choices))

    @overload
    def steps(
        self, analysis: Analysis[R], pictures: Sequence[PictureSource] = ..., **choices: Any
    ) -> Steps[R]: ...
    @overload
    def steps(
        self, analysis: str, pictures: Sequence[PictureSource] = ..., **choices: Any
    ) -> Steps[Result]: ...
    def steps(
        self, analysis: Analysis[Any] | str, pictures: Sequence[PictureSource] = (), **choices: Any
    ) -> Steps[Any]:
        """The same, step by step; steps may be skipped, never the last."""
        return self.follow(self.request(cast(str, analysis), pictures, **choices))

    def predict(self, picture: PictureSource, preset: str = DEFAULT, **choices: Any) -> Prediction:
        """What one picture shows, according to a preset."""
        return self.run(catalog.PREDICTION, [picture], preset=preset, **choices)

    def explain(
        self,
        picture: PictureSource,
        preset: str = DEFAULT,
        *,
        target: str | None = None,
        against: str | None = None,
        **choices: Any,
    ) -> Explanation:
        """Prediction, evidence and receptive field of one picture at once; `target` and `against`
        are classes (none: what the preset predicts), `choices` as in request()."""
        choices["preset"] = preset
        return Explanation(
            self.run(catalog.PREDICTION, [picture], **choices),
            self.run(catalog.EVIDENCE, [picture], target=target, against=against, **choices),
            self.run(catalog.RECEPTIVE_FIELD, [picture], **choices),
        )

    def finish(self, request: Request[R]) -> R:
        """Follow a request to its result."""
        with closing(self.follow(request)) as steps:
            *_, last = steps
        return cast(R, last.partial)

    def result(self, request: Request[R]) -> R | None:
        """The result where it is at hand, none where it would have to be computed."""
        kept = self._results.get(request.digest)
        if kept is None and request.on_disk:
            kept = self._from_disk(request)
            if kept is not None:
                self._results.put(request.digest, kept)
        return cast("R | None", kept)

    def result_of(self, digest: str) -> Result | None:
        """The result of the request with that digest, where it is still at hand."""
        return self._results.get(digest)

    def estimate(self, request: Request[Any]) -> float | None:
        """Seconds that a request takes by itself, by what this machine has shown so far; none where
        nothing of its kind was computed yet, 0 where its result is in memory."""
        if self._results.get(request.digest) is not None:
            return 0.0
        work = self.times.estimate(_kind(request), _cost(request))
        if work is None or self.models.is_loaded(request.key, request.side):
            return work
        load = self.times.estimate(_loading(request), _parameters(request))
        return None if load is None else load + work

    def size_on_disk(self, request: Request[Any]) -> int:
        """Bytes that the result will take there, where it is one of those that take many."""
        if not self._maps(request):
            return 0
        preset, options = request.preset, request.options
        sizes = (request.side, len(request.images), 1, 4)
        work = memory.Workload(preset.shape, preset.class_count, *sizes, options)
        return request.analysis.kept_bytes(work)

    def standing(self, request: Request[R]) -> Step[R] | None:
        """How far suspended or running work is, none where nothing was begun."""
        return self._queue(request.key.device).latest_step(request.digest)

    def follow(
        self, request: Request[R], patience: float | None = None, *, person: Hashable = None
    ) -> Steps[R]:
        """Steps of a request. With `patience` the latest step is repeated after so many seconds
        without a new one. Close the iterator to stop: work that nobody follows is suspended.
        `person`: whoever asks; each gets the device in turn."""
        if self._closed:
            raise DeviceError(self._closed)
        stored = self.result(request)
        if stored is not None:
            yield Step(1, 1, stored)
            return
        queue, start = self._queue(request.key.device), partial(self._compute, request)
        steps = queue.follow(
            request.digest,
            request.analysis.name,
            start,
            patience,
            person=person,
            expected=self.estimate(request),
        )
        with closing(steps):
            yield from steps

    def forget_results(self) -> None:
        """Empty the cache of results."""
        self._results.clear()

    def probe(self, patience: float = 10.0) -> float | None:
        """Run a small model: the seconds that it took, none where other work kept the device for
        longer than `patience`; a DeviceError where nothing has moved meanwhile."""
        queue, began = self._queue(self.device), time.monotonic()
        key = self.request("prediction", preset=DEFAULT).key
        steps = queue.follow(
            ("probe", began), "probe", partial(self._run_once, key), 0.25, person="probe"
        )
        with closing(steps):
            for step in steps:
                if step.done or time.monotonic() - began > patience:
                    break
        if not step.done and queue.last_turn < began:
            raise DeviceError(f"{self.device} has answered nothing for {patience:.0f} s.")
        return time.monotonic() - began if step.done else None

    def _run_once(self, key: ModelKey) -> Iterator[Step[None]]:
        model = self.models.load(key, key.preset.transform.size)
        side = key.preset.transform.size
        model.logits(model.place(torch.zeros(1, 3, side, side)))
        yield Step(1, 1)

    def finish_by(self, deadline: float) -> None:
        """Take no more work, and go on with what there is until a time of the monotonic clock;
        close() then waits for it. A signal's handler may call it."""
        self._closed = STOPPING
        for queue in list(self._queues.values()):
            queue.finish_by(deadline)

    def close(self) -> None:
        """End the devices' threads, each after the step that it is in; no more work is taken."""
        self._closed = self._closed or CLOSED
        for queue in list(self._queues.values()):
            queue.close()
        self.store.close()

    # with results

    def draw(self, result: Result, **how: Any) -> go.Figure:
        """The result's main picture."""
        return catalog.row_of(result).draw(result, **how)

    def save(self, result: Result, folder: str | Path) -> list[Path]:
        """Write <command>.npz, .json, .csv and .html, whole or not at all."""
        return files.save(result, Path(folder))

    @overload
    def load(self, folder: str | Path, analysis: Analysis[R]) -> R: ...
    @overload
    def load(self, folder: str | Path, analysis: str | None = None) -> Result: ...
    def load(self, folder: str | Path, analysis: Analysis[Any] | str | None = None) -> Any:
        """Read back what save() wrote; a folder with several results needs the analysis."""
        name = analysis.name if isinstance(analysis, Analysis) else analysis
        return files.load(Path(folder), name)

    def answers(self, result: Result, request: Request[Any]) -> bool:
        """Whether a result, read back from a file, is that of a request."""
        provenance, key = result.provenance, request.key
        return provenance is not None and (
            provenance.analysis,
            provenance.preset,
            provenance.weights_sha256,
            provenance.untrained_seed,
            provenance.images,
            provenance.options,
            provenance.mode,
            provenance.edits,
            provenance.edit_sources,
            provenance.picture_edits,
            provenance.picture_sources,
        ) == (
            request.analysis.name,
            request.preset.name,
            key.weights_sha256,
            key.untrained_seed,
            request.image_names,
            asdict(request.options),
            key.mode,
            in_words(key.edits),
            key.edit_sources,
            request.picture_edits,
            request.picture_sources,
        )

    # inside

    def _queue(self, device: str) -> DeviceQueue:
        with self._lock:
            if device not in self._queues:
                self._queues[device] = DeviceQueue(
                    partial(torch.set_num_threads, self.threads),
                    partial(runtime.chunk, device=device),
                    lambda steps: held_bytes(steps, (self, *self.models.modules())),
                    self._suspended_bytes,
                )
            return self._queues[device]

    def _store_key(self, request: Request[Any]) -> str:
        """A name for the request and all else that decides its result's bits."""
        versions = hardware.deciding_versions(request.key.device)
        decides = (versions, self.threads, code_fingerprint())
        return hashlib.sha256(f"{request.digest} {decides}".encode()).hexdigest()

    def _compute(self, request: Request[R]) -> Steps[R]:
        """Runs in the device's thread: load, prepare, compute; the whole result is kept."""
        model = self._load(request)
        pictures = PreparedPictures(
            request.images,
            request.preset.transform,
            request.side,
            request.preset.shape.patch_size,
        )
        model = replace(model, finished=self._finished_parts(request))
        model = self._fit(request, model, len(pictures))
        provenance, began, seconds = _provenance(request, model), time.perf_counter(), 0.0
        for step in request.analysis.compute(model, pictures, request.options):
            seconds += time.perf_counter() - began
            result: Any = step.partial
            if result is not None:
                so_far = replace(provenance, seconds=seconds, halved_to=tuple(model.halved))
                result = replace(result, provenance=so_far)
            if step.done == step.total:
                if not model.finished.used:
                    self.times.observe(_kind(request), _cost(request), seconds)
                result = self._to_disk(request, result) if request.on_disk else result
                self._results.put(request.digest, result)
            yield replace(step, partial=result)
            began = time.perf_counter()

    def _load(self, request: Request[Any]) -> runtime.LoadedModel:
        known, began = self.models.is_loaded(request.key, request.side), time.perf_counter()
        model = self.models.load(request.key, request.side)
        if not known:
            seconds = time.perf_counter() - began
            self.times.observe(_loading(request), _parameters(request), seconds)
        return model

    def _maps(self, request: Request[Any]) -> bool:
        """Whether its result is kept as a folder of arrays."""
        return request.analysis.mapped and request.on_disk and self.folders.limit > 0

    def _finished_parts(self, request: Request[Any]) -> FinishedParts:
        key = self._store_key(request)
        if self._maps(request):
            return self.folders.begin(key)
        return FinishedParts(self.store if request.on_disk else None, key)

    def _from_disk(self, request: Request[Any]) -> Result | None:
        """A result that is kept there."""
        key = self._store_key(request)
        if request.analysis.mapped:
            found = self.folders.get(key) if self._maps(request) else None
            return files.rebuilt(*found) if found else None
        content = self.store.get(key)
        return None if content is None else files.unpacked(content)

    def _to_disk(self, request: Request[Any], result: Result) -> Result:
        """Keep a whole result there; one of a folder of arrays is the one that lies there."""
        key = self._store_key(request)
        if self._maps(request):
            self.folders.finish(key, files.arrays(result), files.record_text(result))
            return self._from_disk(request) or result
        if not request.analysis.mapped:
            self.store.put(key, request.analysis.name, files.packed(result))
        return result

    def _fit(
        self, request: Request[Any], model: runtime.LoadedModel, pictures: int
    ) -> runtime.LoadedModel:
        """The model with calls that fit the memory; suspended jobs give way first."""
        work = memory.workload(model, request.side, pictures, request.options)
        try:
            return memory.fit(request.analysis, model, work)
        except DeviceError:
            if not self._queue(request.key.device).give_up_suspended():
                raise
        return memory.fit(request.analysis, model, work)


def _decode(pictures: Sequence[PictureSource]) -> Iterator[Picture]:
    for image in decode.load_all(pictures, decode.DECODED_BYTES):
        if isinstance(image, PictureError):
            raise image
        yield image


def _kind(request: Request[Any]) -> Kind:
    """The work of a request: what differs within a kind is in its cost, or changes little."""
    values = (getattr(request.options, name) for name in sorted(_choices(request)))
    choices = (request.key.device, request.key.mode, *map(str, values))
    return Kind(request.analysis.name, choices, request.preset.name)


def _choices(request: Request[Any]) -> Iterator[str]:
    """The options that are words, such as a method; but for classes, which cost nothing."""
    for option in option_fields(request.analysis.options):
        if option.kind is str and option.name not in ("target", "against"):
            yield option.name


def _cost(request: Request[Any]) -> float:
    shape, side = request.preset.shape, request.side
    passes = getattr(request.options, "passes", lambda shape, side: 1)(shape, side)
    return time_model.cost(request.preset, side, len(request.images), passes)


def _loading(request: Request[Any]) -> Kind:
    """Reading weights and making the edits of a request's model."""
    key = request.key
    random = "" if key.untrained_seed is None else "random"
    made = (type(edit).__name__ for edit in key.edits)
    return Kind("loading", (key.device, key.mode, random, *made), request.preset.name)


def _parameters(request: Request[Any]) -> float:
    return request.preset.shape.parameters(request.preset.class_count)


def _provenance(request: Request[Any], model: runtime.LoadedModel) -> Provenance:
    return Provenance(
        analysis=request.analysis.name,
        preset=request.preset.name,
        weights_sha256=model.weights_sha256,
        untrained_seed=model.untrained_seed,
        images=request.image_names,
        options=asdict(request.options),
        device=model.device,
        mode=model.mode,
        dtype=str(model.dtype).removeprefix("torch."),
        memory_format=str(model.memory_format).removeprefix("torch."),
        threads=torch.get_num_threads(),
        versions=hardware.deciding_versions(model.device),
        seconds=0.0,
        edits=in_words(model.edits),
        edit_sources=request.key.edit_sources,
        edit_notes=model.edit_notes,
        picture_edits=request.picture_edits,
        picture_sources=request.picture_sources,
    )
