"""The presets of one workbench, their class names, and a cache of loaded models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convmixer_viz.contract import check_seed
from convmixer_viz.engine import hardware, memory, runtime
from convmixer_viz.engine.cache import BytesCache
from convmixer_viz.errors import ChoiceError, DeviceError
from convmixer_viz.model import edits
from convmixer_viz.model.convmixer import ConvMixer, random_twin
from convmixer_viz.pictures.folders import Drawn
from convmixer_viz.pictures.prepare import PreparedPictures
from convmixer_viz.presets import classes, table
from convmixer_viz.presets.table import Preset
from convmixer_viz.questions.edits import Edit, Recalibrate, Transplant
from convmixer_viz.weights import history, locate
from convmixer_viz.weights.checkpoint import Checkpoint, make_preset, read_as

MEASURED_AT_ONCE = 32  # pictures of a call whose statistics are taken
HELD_STATES = 2.5  # of all these pictures: what enters a branch, its output, and a call's
FLOAT = 4  # bytes


@dataclass(frozen=True, slots=True)
class ModelKey:
    """All that decides a loaded model's bits, and what its classes are called."""

    preset: Preset
    class_names: tuple[str, ...]
    weights_sha256: str  # empty for an untrained twin
    untrained_seed: int | None
    device: str
    mode: runtime.Mode
    edits: tuple[Edit, ...] = ()
    edit_sources: tuple[str, ...] = ()  # sha256 of what edits take from elsewhere


@dataclass(frozen=True, slots=True)
class _Sources:
    """What edits of one preset take from elsewhere."""

    models: Models
    preset: Preset
    notes: list[str] = field(default_factory=list)

    def weights(self, preset: str) -> ConvMixer:
        return self.models.module(table.find(preset, self.models.presets))

    def history(self) -> dict[int, NDArray[np.floating]]:
        tensors = history.read(self.preset)
        return dict(zip(tensors["epochs"].tolist(), tensors["depthwise"], strict=True))

    def pictures(self, data: str, count: int, seed: int) -> Iterator[Tensor]:
        side, free = self.preset.transform.size, hardware.free_memory("cpu")
        state = self.preset.shape.dim * self.preset.shape.grid(side) ** 2 * FLOAT
        most = int(memory.SHARE * free / (HELD_STATES * state))
        if count > most:
            raise DeviceError(
                f"To recalibrate {self.preset.name} with {count} pictures needs about "
                f"{HELD_STATES * state * count / 2**30:.1f} GiB, {free / 2**30:.1f} are free: "
                f"choose pictures={max(2, most)} or fewer."
            )
        prepared = PreparedPictures(
            self.models.drawn(data, count, seed), self.preset.transform, side
        )
        for first in range(0, count, MEASURED_AT_ONCE):
            some = prepared[first : first + MEASURED_AT_ONCE]
            yield torch.stack([torch.from_numpy(picture.array) for picture in some])

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)


class Models:
    """The table of presets, the user's own files and the models added in memory."""

    def __init__(self, limit: int, drawn: Callable[[str, int, int], Drawn]) -> None:
        """`drawn`: pictures of a data set by name, number and seed."""
        self.drawn = drawn
        self._loaded: BytesCache[runtime.LoadedModel] = BytesCache(limit, lambda m: m.nbytes)
        self._added: dict[str, tuple[Preset, Checkpoint]] = {}

    @property
    def presets(self) -> dict[str, Preset]:
        """All presets by name."""
        return locate.all_presets() | {name: preset for name, (preset, _) in self._added.items()}

    @property
    def nbytes(self) -> int:
        """Bytes of loaded models."""
        return self._loaded.nbytes

    def modules(self) -> list[ConvMixer]:
        """Those of the loaded models that are kept."""
        return [model.module for model in self._loaded.values()]

    def add(self, name: str, source: Any, **options: Any) -> tuple[Preset, tuple[str, ...]]:
        """Make a preset of a module, a state dict or a file, and name it. The sentences say what
        the file left open, so that it was assumed."""
        if name in locate.all_presets():
            raise ChoiceError(f"There is already a preset {name}: choose another name.")
        preset, checkpoint = make_preset(name, source, self.presets, **options)
        self._added[name] = (preset, checkpoint)
        return preset, checkpoint.assumed

    def has_weights(self, name: str) -> bool:
        """Whether the weights of a preset are here."""
        return name in self._added or locate.find_file(table.find(name, self.presets)) is not None

    def class_names(self, name: str) -> tuple[str, ...]:
        """The classes that a preset knows, by index."""
        if name not in self._added:
            return locate.class_names(table.find(name, self.presets))
        preset, checkpoint = self._added[name]
        return checkpoint.class_names or tuple(map(str, range(preset.class_count)))

    def class_labels(self, name: str) -> tuple[str, ...]:
        """The same for people: with the index beside names that differ by case alone."""
        names = self.class_names(name)
        return tuple(classes.label(names, index) for index in range(len(names)))

    def key(
        self,
        preset: Preset,
        random: int | None,
        device: str,
        mode: runtime.Mode,
        made: tuple[Edit, ...] = (),
    ) -> ModelKey:
        """The key of a model: it names the sha256 of the weights, or the seed of random ones, and
        the edits that are made."""
        if mode not in get_args(runtime.Mode):
            raise ChoiceError(f"There is no mode {mode!r}: choose exact or fast.")
        if random is not None:
            check_seed(random)
        sha256 = "" if random is not None else self._sha256(preset)
        names = self.class_names(preset.name)
        sources = tuple(source for edit in made for source in self._sources(edit))
        return ModelKey(preset, names, sha256, random, device, mode, made, sources)

    def load(self, key: ModelKey, side: int) -> runtime.LoadedModel:
        """The loaded model, kept from before where it can be, with a list of its own for what this
        request halves; an untrained one is calibrated at `side` pixels."""
        cache_key = self._cache_key(key, side)
        model = self._loaded.get(cache_key)
        if model is None:
            model = self._load(key, side)
            self._loaded.put(cache_key, model)
        return replace(model, halved=[], edited=partial(self._edited, key, side))

    def is_loaded(self, key: ModelKey, side: int) -> bool:
        """Whether load() would return at once."""
        return self._loaded.get(self._cache_key(key, side)) is not None

    def _cache_key(self, key: ModelKey, side: int) -> tuple[ModelKey, int | None]:
        return key, None if key.untrained_seed is None else side

    def _edited(self, key: ModelKey, side: int, made: tuple[Edit, ...]) -> runtime.LoadedModel:
        """The model of a key with other edits."""
        other = self.key(key.preset, key.untrained_seed, key.device, key.mode, made)
        return self.load(other, side)

    def _sources(self, edit: Edit) -> Iterator[str]:
        """What an edit takes from elsewhere, by its contents."""
        if isinstance(edit, Transplant):
            yield self._sha256(table.find(edit.from_, self.presets))
        elif isinstance(edit, Recalibrate):
            yield self.drawn(edit.data, edit.pictures, edit.seed).identity

    def _sha256(self, preset: Preset) -> str:
        if preset.name in self._added:
            return self._added[preset.name][1].sha256
        locate.require_file(preset)  # says how to get them where they aren't here
        return locate.location(preset).sha256

    def module(self, preset: Preset) -> ConvMixer:
        """A preset's trained weights in a module of their own, on the CPU."""
        if preset.name in self._added:
            state = self._added[preset.name][1].state
        else:
            state = read_as(locate.require_file(preset), preset).state
        module = ConvMixer(preset.shape, preset.class_count)
        module.load_state_dict(state)
        return module

    def _load(self, key: ModelKey, side: int) -> runtime.LoadedModel:
        preset, seed = key.preset, key.untrained_seed
        if seed is None:
            module = self.module(preset)
        else:
            module = random_twin(ConvMixer(preset.shape, preset.class_count), seed, side)
        sources = _Sources(self, preset)
        if key.edits:
            module = edits.apply(module, key.edits, sources)
            preset = replace(preset, shape=module.shape)
        model = runtime.load(
            preset,
            module,
            class_names=key.class_names,
            sha256=key.weights_sha256,
            device=key.device,
            mode=key.mode,
        )
        notes = tuple(sources.notes)
        return replace(model, untrained_seed=seed, edits=key.edits, edit_notes=notes)
