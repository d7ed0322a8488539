"""Which presets there are, what they know, and their loaded models."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast, get_args

from convmixer_viz import catalog, checkpoints, classes, runtime, weights
from convmixer_viz.caches import BytesCache
from convmixer_viz.errors import ChoiceError
from convmixer_viz.model import ConvMixer, random_twin
from convmixer_viz.presets import Preset

if TYPE_CHECKING:
    from convmixer_viz.checkpoints import Checkpoint


@dataclass(frozen=True, slots=True)
class Which:
    """All that decides a loaded model's bits, and what its classes are called."""

    preset: Preset
    class_names: tuple[str, ...]
    weights_sha256: str  # empty for an untrained twin
    untrained_seed: int | None
    device: str
    mode: runtime.Mode


class Shelf:
    """The table of presets, the user's own files and the models added in memory."""

    def __init__(self, limit: int) -> None:
        self._models: BytesCache[runtime.LoadedModel] = BytesCache(limit, lambda m: m.nbytes)
        self._added: dict[str, tuple[Preset, Checkpoint]] = {}

    @property
    def presets(self) -> dict[str, Preset]:
        """All presets by name."""
        return weights.known() | {name: preset for name, (preset, _) in self._added.items()}

    @property
    def nbytes(self) -> int:
        """Bytes of loaded models."""
        return self._models.nbytes

    def add(self, name: str, source: Any, **said: Any) -> tuple[Preset, tuple[str, ...]]:
        """Name a model; also says in words what its file left open and was assumed."""
        if name in weights.known():
            raise ChoiceError(f"There is already a preset {name}: choose another name.")
        preset, checkpoint = checkpoints.adopt(name, source, self.presets, **said)
        self._added[name] = (preset, checkpoint)
        return preset, checkpoint.assumed

    def class_names(self, name: str) -> tuple[str, ...]:
        """The classes that a preset knows, by index."""
        if name not in self._added:
            return weights.class_names(catalog.preset(name, self.presets))
        preset, checkpoint = self._added[name]
        return checkpoint.class_names or tuple(map(str, range(preset.class_count)))

    def class_labels(self, name: str) -> tuple[str, ...]:
        """The same for people: with the index beside names that differ by case alone."""
        names = self.class_names(name)
        return tuple(classes.label(names, index) for index in range(len(names)))

    def which(self, preset: Preset, random: int | None, device: str, mode: runtime.Mode) -> Which:
        """Name a model by its content: the sha256 of its weights, or a seed."""
        if mode not in get_args(runtime.Mode):
            raise ChoiceError(f"There is no mode {mode!r}: choose exact or fast.")
        if random is not None:
            catalog.check_seed(random)
        sha256 = "" if random is not None else self._sha256(preset)
        return Which(preset, self.class_names(preset.name), sha256, random, device, mode)

    def model(self, which: Which, side: int) -> runtime.LoadedModel:
        """Load a model, or take it from the shelf; an untrained one is calibrated at `side`."""
        key = (which, side if which.untrained_seed is not None else None)
        model = self._models.get(key)
        if model is None:
            model = (
                self._trained(which) if which.untrained_seed is None else self._twin(which, side)
            )
            self._models.put(key, model)
        return model

    def _sha256(self, preset: Preset) -> str:
        if preset.name in self._added:
            return self._added[preset.name][1].sha256
        weights.path(preset)  # says how to get them where they aren't here
        return weights.source(preset).sha256

    def _trained(self, which: Which) -> runtime.LoadedModel:
        preset = which.preset
        if preset.name in self._added:
            state = self._added[preset.name][1].state
        else:
            state = checkpoints.read_as(weights.path(preset), preset).state
        module = ConvMixer(preset.shape, preset.class_count)
        module.load_state_dict(state)
        return self._loaded(which, module)

    def _twin(self, which: Which, side: int) -> runtime.LoadedModel:
        seed = cast(int, which.untrained_seed)
        module = ConvMixer(which.preset.shape, which.preset.class_count)
        return replace(self._loaded(which, random_twin(module, seed, side)), untrained_seed=seed)

    def _loaded(self, which: Which, module: ConvMixer) -> runtime.LoadedModel:
        return runtime.load(
            which.preset,
            module,
            class_names=which.class_names,
            sha256=which.weights_sha256,
            device=which.device,
            mode=which.mode,
        )
