"""The presets of one workbench, their class names, and a cache of loaded models."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast, get_args

from convmixer_viz.contract import check_seed
from convmixer_viz.engine import runtime
from convmixer_viz.engine.cache import BytesCache
from convmixer_viz.errors import ChoiceError
from convmixer_viz.model.convmixer import ConvMixer, random_twin
from convmixer_viz.presets import classes, table
from convmixer_viz.presets.table import Preset
from convmixer_viz.weights import locate
from convmixer_viz.weights.checkpoint import Checkpoint, make_preset, read_as


@dataclass(frozen=True, slots=True)
class ModelKey:
    """All that decides a loaded model's bits, and what its classes are called."""

    preset: Preset
    class_names: tuple[str, ...]
    weights_sha256: str  # empty for an untrained twin
    untrained_seed: int | None
    device: str
    mode: runtime.Mode


class Models:
    """The table of presets, the user's own files and the models added in memory."""

    def __init__(self, limit: int) -> None:
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

    def key(self, preset: Preset, random: int | None, device: str, mode: runtime.Mode) -> ModelKey:
        """The key of a model: it names the sha256 of the weights, or the seed of random ones."""
        if mode not in get_args(runtime.Mode):
            raise ChoiceError(f"There is no mode {mode!r}: choose exact or fast.")
        if random is not None:
            check_seed(random)
        sha256 = "" if random is not None else self._sha256(preset)
        return ModelKey(preset, self.class_names(preset.name), sha256, random, device, mode)

    def load(self, key: ModelKey, side: int) -> runtime.LoadedModel:
        """The loaded model, kept from before where it can be, with a list of its own for what this
        request halves; an untrained one is calibrated at `side` pixels."""
        untrained = key.untrained_seed is not None
        cache_key = (key, side if untrained else None)
        model = self._loaded.get(cache_key)
        if model is None:
            model = self._twin(key, side) if untrained else self._trained(key)
            self._loaded.put(cache_key, model)
        return replace(model, halved=[])

    def _sha256(self, preset: Preset) -> str:
        if preset.name in self._added:
            return self._added[preset.name][1].sha256
        locate.require_file(preset)  # says how to get them where they aren't here
        return locate.location(preset).sha256

    def _trained(self, key: ModelKey) -> runtime.LoadedModel:
        preset = key.preset
        if preset.name in self._added:
            state = self._added[preset.name][1].state
        else:
            state = read_as(locate.require_file(preset), preset).state
        module = ConvMixer(preset.shape, preset.class_count)
        module.load_state_dict(state)
        return _load(key, module)

    def _twin(self, key: ModelKey, side: int) -> runtime.LoadedModel:
        seed = cast(int, key.untrained_seed)
        module = ConvMixer(key.preset.shape, key.preset.class_count)
        return replace(_load(key, random_twin(module, seed, side)), untrained_seed=seed)


def _load(key: ModelKey, module: ConvMixer) -> runtime.LoadedModel:
    return runtime.load(
        key.preset,
        module,
        class_names=key.class_names,
        sha256=key.weights_sha256,
        device=key.device,
        mode=key.mode,
    )
