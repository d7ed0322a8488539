"""Every wrapping, prefix and dtype gives the same model; our own files keep all that is known."""

from __future__ import annotations

import argparse
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from convmixer_viz.errors import ChoiceError, WeightsError
from convmixer_viz.presets import table
from convmixer_viz.presets.table import PRESETS
from convmixer_viz.weights import checkpoint
from tests.conftest import TINY, calibrated
from tests.dialects import DIALECTS
from tests.unit.weights.conftest import MODULE, STATE, changed, same, torch_file

NAMES = tuple("abcdefghij")


def test_calibrated_weights_tell_two_pictures_apart(noise: Tensor) -> None:
    logits = MODULE(noise[:2])
    assert (logits[0] - logits[1]).abs().max() > 1e-2 * logits.abs().max()


WRAPPINGS: dict[str, Callable[[dict[str, Tensor]], dict[str, Any]]] = {
    "state_dict": lambda s: {"epoch": 3, "arch": "convmixer", "state_dict": s},
    "model": lambda s: {"model": s, "optimizer": {"state": {0: torch.ones(3)}}},
    "model_state": lambda s: {"model_state": s},
    "model.state_dict": lambda s: {"model": {"state_dict": s, "step": 1}},
    "ordered": lambda s: OrderedDict(state_dict=OrderedDict(s)),
    "timm's training": lambda s: {"state_dict": s, "args": argparse.Namespace(lr=0.1)},
    "parameters": lambda s: {n: nn.Parameter(t) if t.ndim else t for n, t in s.items()},
    "module.": lambda s: {f"module.{n}": t for n, t in s.items()},
    "_orig_mod.": lambda s: {f"_orig_mod.{n}": t for n, t in s.items()},
    "averaged": lambda s: {f"module.{n}": t for n, t in s.items()} | {"n_averaged": torch.ones(())},
    "old": lambda s: {n: t for n, t in s.items() if not n.endswith("num_batches_tracked")},
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_wrappings_and_prefixes(tmp_path: Path, dialect: str, wrapping: str) -> None:
    state = {n: t for n, t in STATE.items() if not n.endswith("num_batches_tracked")}
    content = WRAPPINGS[wrapping](DIALECTS[dialect](STATE))
    weights = checkpoint.read(torch_file(tmp_path, content))
    assert all(torch.equal(weights.state[name], tensor) for name, tensor in state.items())


def test_averaged_weights_come_first_and_this_is_said(tmp_path: Path) -> None:
    plain = {name: tensor + 1 for name, tensor in STATE.items()}
    both = checkpoint.read(torch_file(tmp_path, {"state_dict": plain, "state_dict_ema": STATE}))
    assert same(both) and "averaged weights, which stand beside state_dict" in both.assumed[0]
    prefixed = {f"model.{n}": t for n, t in plain.items()}
    prefixed |= {f"ema_model.{n}": t for n, t in STATE.items()}
    mixed = checkpoint.read(torch_file(tmp_path, prefixed))
    assert same(mixed) and "beside model." in mixed.assumed[0]


def test_two_models_without_an_average_are_refused(tmp_path: Path) -> None:
    both = {f"{p}.{n}": t for p in ("student", "teacher") for n, t in STATE.items()}
    with pytest.raises(WeightsError, match="several models"):
        checkpoint.read(torch_file(tmp_path, both))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floats_become_float32(tmp_path: Path, dtype: torch.dtype) -> None:
    state = {n: t.to(dtype) if t.is_floating_point() else t for n, t in STATE.items()}
    weights = checkpoint.read(torch_file(tmp_path, state))
    assert all(t.dtype in (torch.float32, torch.int64) for t in weights.state.values())
    assert torch.equal(weights.state["head.weight"], state["head.weight"].float())


def test_our_file_round_trips_with_all_that_tensors_do_not_tell(tmp_path: Path) -> None:
    shape = replace(TINY.shape, activation="relu", residual=False)
    preset = replace(TINY, shape=shape)
    path = tmp_path / "ours.safetensors"
    checkpoint.save(path, STATE, preset, NAMES, dtype=torch.float32)
    weights = checkpoint.read(path)
    assert same(weights) and weights.dialect == "ours" and weights.assumed == ()
    assert (weights.shape, weights.class_names, weights.preset) == (shape, NAMES, "tiny")
    assert weights.transform == TINY.transform
    with pytest.raises(WeightsError, match="says that it is 12/3, kernel 5, patch 2, ReLU, no res"):
        checkpoint.read(path, activation="gelu")


def test_half_precision_is_for_matrices_only(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "a.safetensors", STATE, TINY, None)
    stored = safetensors.torch.load_file(tmp_path / "a.safetensors")
    assert stored["head.weight"].dtype == torch.float16
    assert torch.equal(stored["stem.2.running_var"], STATE["stem.2.running_var"])
    weights = checkpoint.read(tmp_path / "a.safetensors")
    assert torch.equal(weights.state["head.weight"], STATE["head.weight"].half().float())


def test_saving_is_atomic_and_refuses_what_is_not_finite(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"before")
    broken = STATE | {"head.weight": STATE["head.weight"] * 1e9}  # infinite in float16
    with pytest.raises(WeightsError, match=r"head\.weight isn't finite"):
        checkpoint.save(path, broken, TINY, None)
    assert path.read_bytes() == b"before" and len(list(tmp_path.iterdir())) == 1
    with pytest.raises(WeightsError, match="can't be written"):
        checkpoint.save(path / "inside.safetensors", STATE, TINY, None)


def test_the_loaded_state_needs_no_file(tmp_path: Path) -> None:
    path = torch_file(tmp_path, STATE)
    weights = checkpoint.read(path)
    path.write_bytes(b"\0" * path.stat().st_size)
    assert same(weights)


def test_module_computes_what_the_state_says(noise: Tensor) -> None:
    built = checkpoint.read(MODULE).module()
    assert torch.equal(built(noise), MODULE(noise))
    assert not built.training and not any(p.requires_grad for p in built.parameters())


def test_no_state_dict_is_said() -> None:
    for content in ([1, 2], {"model": {"model": {"model": {"model": {"model": STATE}}}}}):
        with pytest.raises(WeightsError, match="holds no state dict"):
            checkpoint.read(content)  # type: ignore[arg-type]


def test_activation_is_likely_said_or_read_off_the_module() -> None:
    assert checkpoint.read(STATE).shape.activation == "gelu"
    assert checkpoint.read(STATE, activation="relu").shape.activation == "relu"
    shape = replace(TINY.shape, activation="relu")
    relu = checkpoint.read(calibrated(replace(TINY, shape=shape)))
    assert relu.shape.activation == "relu" and len(relu.assumed) == 1


def test_read_as_asks_for_the_presets_own_shape() -> None:
    assert checkpoint.read_as(STATE, TINY).shape == TINY.shape
    with pytest.raises(WeightsError, match="don't fit cifar10-256-8: they are 12/3, kernel 5"):
        checkpoint.read_as(STATE, PRESETS["cifar10-256-8"])
    with pytest.raises(WeightsError, match="and 12/3, kernel 5, patch 2, GELU, 11 classes"):
        checkpoint.read_as(STATE, replace(TINY, class_count=11))


def test_make_preset_makes_one_of_its_own(tmp_path: Path) -> None:
    preset, weights = checkpoint.make_preset("mine", STATE, PRESETS)
    assert (preset.name, preset.shape, preset.class_count) == ("mine", TINY.shape, 10)
    assert preset.transform == table.CIFAR10 and preset.field_side == 128
    assert "preprocessing of cifar10-256-8" in weights.assumed[-1] and weights.class_names is None
    chosen, weights = checkpoint.make_preset(
        "mine",
        STATE,
        PRESETS,
        activation="relu",
        residual=False,
        preprocess="imagenet-768-32",
        classes=NAMES,
    )
    assert chosen.shape == replace(TINY.shape, activation="relu", residual=False)
    assert chosen.transform == table.IMAGENET and weights.assumed == ()
    assert weights.class_names == NAMES
    with pytest.raises(ChoiceError, match="no preset 'none'"):
        checkpoint.make_preset("mine", STATE, PRESETS, preprocess="none")


def test_patches_larger_than_the_pictures_are_refused() -> None:
    shape = replace(TINY.shape, patch_size=64)
    state = calibrated(replace(TINY, shape=shape), side=128).state_dict()
    with pytest.raises(WeightsError, match="Patches of 64 pixels don't fit pictures of 32"):
        checkpoint.make_preset("mine", state, PRESETS, preprocess="cifar10-256-8")
    assert checkpoint.make_preset("mine", state, PRESETS)[0].transform.size == 224


def test_make_preset_like_another_takes_its_classes_and_checks_its_shape() -> None:
    known = PRESETS | {"tiny": TINY}
    preset, weights = checkpoint.make_preset("other", STATE, known, like="tiny")
    assert preset.shape == TINY.shape and preset.name == "other" and preset.published is None
    assert weights.class_names is not None and weights.class_names[3] == "cat"
    with pytest.raises(WeightsError, match="don't fit"):
        checkpoint.make_preset("other", STATE, known, like="cifar10-256-8")


def test_tensors_in_memory_have_a_sha256_of_their_own() -> None:
    one, two = checkpoint.read(STATE), checkpoint.read(changed(head__bias=STATE["head.bias"] + 1))
    assert one.sha256 == checkpoint.read(dict(STATE)).sha256 != two.sha256
